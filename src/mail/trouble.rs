//! What it means that a conversation with a mail server broke off: for the message, and, in a sentence, for who has to mend it.

use std::error::Error as _;
use std::io;

use lettre::transport::smtp::Error;
use rustls::CertificateError;

use super::conversation::Server;
use super::login::Login;
use super::record::Outcome;
use crate::config::Tls;
use crate::words;

/// What is being said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Connecting, TLS from the first byte, and the server's greeting.
    Greeting,
    Starttls,
    Login,
    Sender,
    Recipient,
    Data,
    /// The message up to its final dot, and what is answered to that.
    Message,
}

/// What went wrong in it.
#[derive(Debug)]
pub(super) enum Cause {
    /// A refusal, or a connection that broke.
    Told(Error),
    /// A good answer, but not to what was asked.
    OutOfStep(u16),
    /// The server knows no such thing.
    NotOffered,
    /// Nothing came within `smtp.timeout`.
    Silence,
}

impl From<Error> for Cause {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

/// What becomes of a message. Before its sender was named nothing was said of it: the fault lies with the server, the
/// way to it or the login.
pub(super) fn outcome(step: Step, cause: &Cause, server: &Server, login: &Login) -> Outcome {
    let text = sentence(step, cause, server, login);
    match (step, cause) {
        (Step::Greeting | Step::Starttls | Step::Login, _) => Outcome::NoServer(text),
        (_, Cause::Told(error)) => match code(error) {
            Some(530 | 534 | 535 | 538) => Outcome::Later(text),
            Some(500..) => Outcome::Refused(text),
            Some(_) => Outcome::Later(text),
            None => Outcome::Silent(text),
        },
        _ => Outcome::Silent(text),
    }
}

/// What happened and how it is mended, without the addresses and logins that servers like to repeat.
pub(super) fn sentence(step: Step, cause: &Cause, server: &Server, login: &Login) -> String {
    let (host, port) = (&server.host, server.port);
    let timeout = humantime::format_duration(server.timeout);
    let text = match cause {
        Cause::Silence => match step {
            Step::Greeting => {
                format!(
                    "no answer within smtp.timeout ({timeout}) from {host}:{port}: check smtp.host, smtp.port and smtp.tls"
                )
            }
            Step::Message => format!(
                "no answer within smtp.timeout ({timeout}) to the message: whether it arrived is unknown; raise smtp.timeout if the server is slow"
            ),
            _ => format!(
                "no answer within smtp.timeout ({timeout}) to {}: see what {host} waits for, or raise smtp.timeout",
                question(step)
            ),
        },
        Cause::NotOffered if step == Step::Starttls => format!(
            "{host}:{port} offers no STARTTLS, and mail is not sent in the open: check smtp.port, or set smtp.tls = \"required\" for a port that speaks TLS from the first byte"
        ),
        Cause::NotOffered => format!(
            "{host}:{port} offers no login by password (PLAIN or LOGIN): check smtp.port and smtp.tls, or leave out smtp.username"
        ),
        Cause::OutOfStep(code) => format!(
            "{host}:{port} gave the answer {code} to {}, where it does not belong: see what stands between here and the mail server",
            question(step)
        ),
        Cause::Told(error) => match code(error) {
            Some(code) => refusal(step, code, &answer(code, error, login), server),
            None => broken(step, error, server),
        },
    };
    words::clean(&text, 400)
}

fn question(step: Step) -> &'static str {
    match step {
        Step::Greeting => "the greeting",
        Step::Starttls => "STARTTLS",
        Step::Login => "the login",
        Step::Sender => "the sender",
        Step::Recipient => "the recipient",
        Step::Data => "DATA",
        Step::Message => "the message",
    }
}

/// The server said no.
fn refusal(step: Step, code: u16, answer: &str, server: &Server) -> String {
    match (step, code) {
        (Step::Greeting, _) => {
            format!("{}:{} turns this machine away: {answer}: ask who runs it", server.host, server.port)
        }
        (Step::Starttls, _) => format!("{answer}: the server cannot do TLS now; ask who runs it"),
        (Step::Login, 500.. | 454) | (_, 530 | 534 | 535 | 538) => {
            format!("{answer}: check smtp.username and the password")
        }
        (_, 552) => format!("{answer}: raise the size that the mail server takes"),
        (Step::Sender, 500..) => format!("{answer}: check mail.from"),
        (Step::Recipient, 500..) => format!("{answer}: check the recipient's address"),
        _ => answer.to_owned(),
    }
}

/// The connection broke, or there never was one.
fn broken(step: Step, error: &Error, server: &Server) -> String {
    let (host, port) = (&server.host, server.port);
    let reason = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    if let Some(tls) = tls_error(error) {
        return distrust(tls, &reason, server);
    }
    match step {
        Step::Greeting if io_error(error).is_some() && server.tls == Tls::Required => format!(
            "{host}:{port} cannot be reached over TLS ({reason}): check smtp.host, smtp.port and smtp.tls"
        ),
        Step::Greeting => {
            format!("{host}:{port} cannot be reached ({reason}): check smtp.host and smtp.port")
        }
        Step::Message => format!(
            "the connection broke while {host} had the message ({reason}): whether it arrived is unknown"
        ),
        _ => format!("the connection broke at {} ({reason}): see the log of {host}", question(step)),
    }
}

fn distrust(error: &rustls::Error, reason: &str, server: &Server) -> String {
    use CertificateError as Bad;
    let (host, port) = (&server.host, server.port);
    match error {
        rustls::Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
            format!("the certificate of {host} has expired ({reason}): the mail server needs a new one")
        }
        rustls::Error::InvalidCertificate(Bad::NotValidYet | Bad::NotValidYetContext { .. }) => {
            format!("the certificate of {host} is not valid yet ({reason}): check this machine's clock")
        }
        rustls::Error::InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => {
            format!(
                "the certificate of {host} is for another name ({reason}): set smtp.host to a name that it holds"
            )
        }
        rustls::Error::InvalidCertificate(Bad::UnknownIssuer) => format!(
            "nobody whom this machine trusts has signed the certificate of {host}: add its CA to the system's store, or see SSL_CERT_FILE in the README"
        ),
        rustls::Error::InvalidMessage(_) => format!(
            "{host}:{port} does not speak TLS from the first byte: set smtp.tls = \"starttls\", or smtp.port to a port that does"
        ),
        _ => format!("TLS with {host} failed ({reason}): ask who runs it"),
    }
}

fn code(error: &Error) -> Option<u16> {
    error.status().map(u16::from)
}

/// `550 no such user`.
fn answer(code: u16, error: &Error, login: &Login) -> String {
    let said = error.source().map(ToString::to_string).unwrap_or_default();
    let said = without_addresses(&login.withheld_from(&said));
    words::clean(&format!("{code} {said}"), 250)
}

fn without_addresses(text: &str) -> String {
    let word = |word: &str| if word.contains('@') { "(address)".to_owned() } else { word.to_owned() };
    text.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

fn io_error(error: &Error) -> Option<&io::Error> {
    error.source()?.downcast_ref()
}

fn tls_error(error: &Error) -> Option<&rustls::Error> {
    io_error(error)?.get_ref()?.downcast_ref()
}
