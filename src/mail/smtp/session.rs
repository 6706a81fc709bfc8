//! One SMTP conversation, step by step: when it breaks it is known what was said, and that decides what becomes of the message.
//!
//! A message counts as taken only when the server has answered its final dot with a whole reply of 250 or its kin.

use std::time::Duration;

use lettre::Address;
use secrecy::ExposeSecret;

use super::login::{Credentials, Login, Proof, encoded, plain_response, token_response};
use super::step::{Cause, Step};
use super::{Broken, Extensions, HelloName, Mechanism, Reply, Trust, Wire};
use crate::config::Tls;

/// Nobody waits for it: it only lets the server close its side in good order.
const GOODBYE: Duration = Duration::from_secs(2);

/// With its line end. What makes a command longer follows on a line of its own (RFC 4954, section 4).
const LONGEST_COMMAND: usize = 512;

/// Where mail goes, and how this machine greets.
pub(in crate::mail) struct Server {
    pub host: String,
    pub port: u16,
    pub hello: HelloName,
    pub tls: Tls,
    pub trust: Option<Trust>,
    pub timeout: Duration,
}

/// With one server, about one message to one recipient.
pub(in crate::mail) struct Session<'a> {
    server: &'a Server,
    login: &'a Login,
    /// What is being said.
    pub step: Step,
    /// How this machine has greeted; empty before.
    pub hello: String,
}

impl<'a> Session<'a> {
    pub(in crate::mail) fn new(server: &'a Server, login: &'a Login) -> Self {
        Self { server, login, step: Step::Connection, hello: String::new() }
    }

    /// Logs in, asks whether mail from there would be taken, and leaves again.
    pub(in crate::mail) async fn greet(&mut self, from: &Address) -> Result<(), Cause> {
        let mut wire = self.begin().await?;
        let asked = self.command(&mut wire, Step::Sender, &format!("MAIL FROM:<{from}>"), &[250]).await;
        quit(wire);
        asked.map(|_| ())
    }

    /// Until the server has taken responsibility, or will not.
    pub(in crate::mail) async fn deliver(
        &mut self,
        from: &Address,
        to: &Address,
        message: &[u8],
    ) -> Result<(), Cause> {
        let mut wire = self.begin().await?;
        let taken = self.hand_over(&mut wire, from, to, message).await;
        quit(wire);
        taken
    }

    async fn begin(&mut self) -> Result<Wire, Cause> {
        let server = self.server;
        let trust = |tls| server.trust.as_ref().filter(|_| server.tls == tls);
        let connected = Wire::connect(&server.host, server.port, server.timeout).await;
        let mut wire = connected.map_err(Broken::Io)?;
        self.hello = server.hello.text(&wire);
        if let Some(trust) = trust(Tls::Required) {
            self.step = Step::Handshake;
            wire = wire.secure(trust).await?;
        }
        self.step = Step::Greeting;
        expect(&[220], wire.reply().await?)?;
        let mut extensions = self.say_hello(&mut wire).await?;
        if let Some(trust) = trust(Tls::Starttls) {
            self.step = Step::Starttls;
            if !extensions.starttls {
                return Err(Cause::NotOffered);
            }
            self.command(&mut wire, Step::Starttls, "STARTTLS", &[220]).await?;
            self.step = Step::HandshakeBehindStarttls;
            wire = wire.secure(trust).await?;
            // What was said in the open is forgotten (RFC 3207, section 4.2).
            extensions = self.say_hello(&mut wire).await?;
        }
        if let Some(credentials) = &self.login.credentials {
            self.step = Step::Login;
            self.log_in(&mut wire, &extensions, credentials).await?;
        }
        Ok(wire)
    }

    /// A server that does not know EHLO is greeted with HELO (RFC 5321, section 3.2), which announces no extension.
    async fn say_hello(&mut self, wire: &mut Wire) -> Result<Extensions, Cause> {
        let (ehlo, helo) = (format!("EHLO {}", self.hello), format!("HELO {}", self.hello));
        match self.command(wire, Step::Hello, &ehlo, &[250]).await {
            Ok(reply) => Ok(Extensions::from_reply(&reply)),
            Err(Cause::Refused(Reply { code: 500 | 502, .. })) => {
                self.command(wire, Step::Hello, &helo, &[250]).await.map(|_| Extensions::default())
            }
            Err(cause) => Err(cause),
        }
    }

    async fn log_in(
        &mut self,
        wire: &mut Wire,
        extensions: &Extensions,
        credentials: &Credentials,
    ) -> Result<(), Cause> {
        let username = &credentials.username;
        match (&credentials.proof, extensions.login) {
            (Proof::Token(token), _) if extensions.xoauth2 => {
                self.log_in_by_token(wire, &token_response(username, token.expose_secret())).await?;
            }
            (Proof::Password(password), Some(Mechanism::Plain)) => {
                let response = plain_response(username, password.expose_secret());
                self.command(wire, Step::Login, &format!("AUTH PLAIN {response}"), &[235]).await?;
            }
            (Proof::Password(password), Some(Mechanism::Login)) => {
                self.command(wire, Step::Login, "AUTH LOGIN", &[334]).await?;
                self.command(wire, Step::Login, &encoded(username), &[334]).await?;
                self.command(wire, Step::Login, &encoded(password.expose_secret()), &[235]).await?;
            }
            (Proof::Token(_), _) | (Proof::Password(_), None) => return Err(Cause::NotOffered),
        }
        Ok(())
    }

    /// A refusal may come in two parts: a challenge, whose content only clients with other ways to log in need, and after an
    /// empty answer to it the refusal itself.
    async fn log_in_by_token(&mut self, wire: &mut Wire, response: &str) -> Result<(), Cause> {
        let whole = format!("AUTH XOAUTH2 {response}");
        let answer = if whole.len() + "\r\n".len() <= LONGEST_COMMAND {
            self.command(wire, Step::Login, &whole, &[235, 334]).await?
        } else {
            self.command(wire, Step::Login, "AUTH XOAUTH2", &[334]).await?;
            self.command(wire, Step::Login, response, &[235, 334]).await?
        };
        if answer.code == 334 {
            self.command(wire, Step::Login, "", &[]).await?;
        }
        Ok(())
    }

    async fn hand_over(
        &mut self,
        wire: &mut Wire,
        from: &Address,
        to: &Address,
        message: &[u8],
    ) -> Result<(), Cause> {
        self.command(wire, Step::Sender, &format!("MAIL FROM:<{from}>"), &[250]).await?;
        self.command(wire, Step::Recipient, &format!("RCPT TO:<{to}>"), &[250, 251, 252]).await?;
        self.command(wire, Step::Data, "DATA", &[354]).await?;
        self.step = Step::Message;
        // By its first digit a client understands a reply (RFC 5321, section 4.2.1); 2xx of other questions are none.
        expect(&[250, 251, 252, 253, 254, 255], wire.message(message).await?).map(|_| ())
    }

    async fn command(
        &mut self,
        wire: &mut Wire,
        step: Step,
        line: &str,
        codes: &[u16],
    ) -> Result<Reply, Cause> {
        self.step = step;
        expect(codes, wire.command(line).await?)
    }
}

/// An answer with one of these codes; there are none where only a refusal belongs. One that belongs to another question shows
/// that the two sides are out of step: "taken" could mean something else.
fn expect(codes: &[u16], reply: Reply) -> Result<Reply, Cause> {
    if codes.contains(&reply.code) {
        Ok(reply)
    } else if reply.is_refusal() {
        Err(Cause::Refused(reply))
    } else {
        Err(Cause::OutOfStep(reply.code))
    }
}

fn quit(mut wire: Wire) {
    tokio::spawn(async move {
        let _ = tokio::time::timeout(GOODBYE, wire.command("QUIT")).await;
    });
}
