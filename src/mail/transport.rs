//! One message to one recipient: over SMTP, or, with `transport = "directory"`, by being left where it is.

use anyhow::Context;
use lettre::Address;
use secrecy::ExposeSecret;

use super::record::Outcome;
use super::smtp::diagnosis;
use super::smtp::redaction::Login;
use super::smtp::session::{Conversation, Server};
use super::smtp::step::Cause;
use super::smtp::{HelloName, Trust};
use crate::config::{self, Mail, Smtp, Tls};

/// Made again for each round of deliveries, so that a rotated password is read.
pub(crate) enum Transport {
    Smtp {
        server: Box<Server>,
        login: Login,
    },
    /// Delivery is the move to `sent/`.
    Directory,
}

impl Transport {
    /// None when mail is switched off.
    pub(crate) fn new(mail: &Mail, smtp: &Smtp) -> anyhow::Result<Option<Self>> {
        match mail.transport {
            config::Transport::Off => Ok(None),
            config::Transport::Directory => Ok(Some(Self::Directory)),
            config::Transport::Smtp => Ok(Some(Self::smtp(smtp)?)),
        }
    }

    fn smtp(smtp: &Smtp) -> anyhow::Result<Self> {
        let host = smtp.host.as_deref().context("smtp.host is needed with mail.transport = \"smtp\"")?;
        // An IPv6 address may stand in brackets, as in a URL.
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).to_owned();
        let trust = match smtp.tls {
            Tls::Off => None,
            Tls::Required | Tls::Starttls => {
                Some(Trust::of(&host).context("TLS to smtp.host cannot be set up")?)
            }
        };
        let (credentials, login) = match (&smtp.username, &smtp.password) {
            (Some(username), Some(password)) => {
                let password =
                    password.read().context("the SMTP password (smtp.password_file) cannot be read")?;
                let (credentials, login) = Login::new(username, password.expose_secret());
                (Some(credentials), login)
            }
            _ => (None, Login::none()),
        };
        let (port, tls, timeout) = (smtp.port(), smtp.tls, smtp.timeout);
        let hello = HelloName::of(smtp.hello_name.as_deref());
        let server = Box::new(Server { host, port, hello, tls, trust, credentials, timeout });
        Ok(Self::Smtp { server, login })
    }

    /// Connects, logs in and names the sender, and sends nothing.
    pub(crate) async fn greet(&self, from: Address) -> anyhow::Result<()> {
        let Self::Smtp { server, login } = self else { return Ok(()) };
        let mut conversation = Conversation::with(server);
        let greeted = tokio::time::timeout(server.timeout, Box::pin(conversation.greet(from))).await;
        greeted
            .unwrap_or(Err(Cause::Silence))
            .map_err(|cause| anyhow::anyhow!(diagnosis::sentence(&conversation, &cause, server, login)))
    }

    /// One whole SMTP conversation, so that this recipient's outcome is known by itself.
    pub(crate) async fn send(&self, from: &str, to: &str, message: &[u8]) -> Outcome {
        let Self::Smtp { server, login } = self else { return Outcome::Accepted };
        let (Ok(from), Ok(to)) = (from.parse::<Address>(), to.parse::<Address>()) else {
            return Outcome::Refused("not an address that mail can be sent to".to_owned());
        };
        let mut conversation = Conversation::with(server);
        // Of the whole of it: a server that falls silent anywhere would hold us for ever.
        let delivered =
            tokio::time::timeout(server.timeout, Box::pin(conversation.deliver(from, to, message))).await;
        match delivered.unwrap_or(Err(Cause::Silence)) {
            Ok(()) => Outcome::Accepted,
            Err(cause) => diagnosis::outcome(&conversation, &cause, server, login),
        }
    }
}

#[cfg(test)]
mod tests;
