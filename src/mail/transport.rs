//! One message to one recipient: over SMTP, or, with `transport = "directory"`, by being left where it is.

use std::time::Duration;

use anyhow::Context;
use lettre::address::Envelope;
use lettre::transport::smtp::client::{Tls as LettreTls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::ExposeSecret;

use super::login::Login;
use super::record::Outcome;
use crate::config::{self, Mail, Smtp, Tls};
use crate::report::words;

/// Made anew for each round of deliveries, so that a rotated password is read.
pub(crate) enum Transport {
    Smtp {
        client: Box<AsyncSmtpTransport<Tokio1Executor>>,
        timeout: Duration,
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
        let tls = || TlsParameters::new(host.to_owned()).context("smtp.host cannot be used for TLS");
        let tls = match smtp.tls {
            Tls::Required => LettreTls::Wrapper(tls()?),
            Tls::Starttls => LettreTls::Required(tls()?),
            Tls::Off => LettreTls::None,
        };
        // "Dangerous" is lettre's word for "TLS is up to the caller".
        let mut client = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(smtp.port())
            .tls(tls)
            .timeout(Some(smtp.timeout));
        let mut login = Login::none();
        if let (Some(username), Some(password)) = (&smtp.username, &smtp.password) {
            let password = password.read().context("the SMTP password cannot be read")?;
            let (credentials, withheld) = Login::new(username, password.expose_secret());
            client = client.credentials(credentials);
            login = withheld;
        }
        Ok(Self::Smtp { client: Box::new(client.build()), timeout: smtp.timeout, login })
    }

    /// Connects and logs in, and sends nothing.
    pub(crate) async fn greet(&self) -> anyhow::Result<()> {
        let Self::Smtp { client, timeout, login } = self else { return Ok(()) };
        match tokio::time::timeout(*timeout, client.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => anyhow::bail!("the server hung up after the greeting"),
            Ok(Err(error)) => anyhow::bail!(chain(&error, login)),
            Err(_) => anyhow::bail!("{}", silence(*timeout)),
        }
    }

    /// One whole SMTP conversation, so that this recipient's outcome is known by itself.
    pub(crate) async fn send(&self, from: &str, to: &str, message: &[u8]) -> Outcome {
        let Self::Smtp { client, timeout, login } = self else { return Outcome::Accepted };
        let envelope = match envelope(from, to) {
            Ok(envelope) => envelope,
            Err(error) => {
                return Outcome::Refused(format!("not an address that mail can be sent to: {error}"));
            }
        };
        // lettre's own limit covers connecting only: a server that falls silent later would hold us for ever.
        match tokio::time::timeout(*timeout, client.send_raw(&envelope, message)).await {
            Ok(Ok(_)) => Outcome::Accepted,
            Ok(Err(error)) => classify(&error, login),
            Err(_) => Outcome::Silent(silence(*timeout)),
        }
    }
}

fn silence(timeout: Duration) -> String {
    format!("no answer within smtp.timeout ({})", humantime::format_duration(timeout))
}

fn envelope(from: &str, to: &str) -> Result<Envelope, lettre::error::Error> {
    let address = |text: &str| text.parse::<Address>().map_err(|_| lettre::error::Error::MissingTo);
    Envelope::new(Some(address(from)?), vec![address(to)?])
}

fn classify(error: &lettre::transport::smtp::Error, login: &Login) -> Outcome {
    let text = chain(error, login);
    let code = error.status().map(u16::from);
    match code {
        // The login is at fault, not the recipient: it can be mended, and then the message still goes.
        Some(530 | 534 | 535 | 538 | 454) => {
            Outcome::Later(format!("{text}: check smtp.username and the password"))
        }
        Some(500..) => Outcome::Refused(text),
        Some(_) => Outcome::Later(text),
        None => Outcome::Silent(text),
    }
}

/// The error and its causes as one line, without the addresses and logins that servers like to repeat.
fn chain(error: &lettre::transport::smtp::Error, login: &Login) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        let part = error.to_string();
        if !parts.iter().any(|said| said.contains(&part)) {
            parts.push(part);
        }
        next = error.source();
    }
    words::clean(&without_addresses(&login.withheld_from(&parts.join(": "))), 300)
}

fn without_addresses(text: &str) -> String {
    let word = |word: &str| if word.contains('@') { "(address)".to_owned() } else { word.to_owned() };
    text.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[path = "transport_tests.rs"]
mod tests;
