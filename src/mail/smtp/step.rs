//! The steps of a conversation with a mail server, and how one of them fails.

use super::{Broken, Reply};

/// What is being said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mail) enum Step {
    /// Finding the server and connecting to it.
    Connection,
    /// TLS from the first byte.
    Handshake,
    /// The server's greeting.
    Greeting,
    /// Ours.
    Hello,
    Starttls,
    /// TLS, after the server agreed to STARTTLS.
    HandshakeBehindStarttls,
    Login,
    Sender,
    Recipient,
    Data,
    /// The message up to its final dot, and what is answered to that.
    Message,
}

impl Step {
    /// Before its sender is named nothing was said of a message.
    pub(super) fn is_before_any_message(self) -> bool {
        match self {
            Self::Connection
            | Self::Handshake
            | Self::Greeting
            | Self::Hello
            | Self::Starttls
            | Self::HandshakeBehindStarttls
            | Self::Login => true,
            Self::Sender | Self::Recipient | Self::Data | Self::Message => false,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Connection | Self::Greeting => "the connection",
            Self::Handshake | Self::HandshakeBehindStarttls => "the TLS handshake",
            Self::Hello => "the greeting",
            Self::Starttls => "STARTTLS",
            Self::Login => "the login",
            Self::Sender => "the sender",
            Self::Recipient => "the recipient",
            Self::Data => "DATA",
            Self::Message => "the message",
        }
    }
}

/// What went wrong in it.
#[derive(Debug)]
pub(in crate::mail) enum Cause {
    /// The server said no.
    Refused(Reply),
    /// A good answer, but not to what was asked.
    OutOfStep(u16),
    /// The server knows no such thing.
    NotOffered,
    /// There is no answer that could be believed.
    Broken(Broken),
    /// Nothing came within `smtp.timeout`.
    Silence,
}

impl From<Broken> for Cause {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}
