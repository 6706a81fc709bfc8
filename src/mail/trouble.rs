//! What it means that a conversation with a mail server broke off: for the message, and, in a sentence, for who has to mend it.

use std::error::Error as _;
use std::io;

use lettre::transport::smtp::Error;
use rustls::CertificateError;

use super::conversation::Server;
use super::login::Login;
use super::record::Outcome;
use crate::text::words;

/// How lettre says that the connection was closed where an answer was to come.
const HUNG_UP: &str = "incomplete response";

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
                "no answer within smtp.timeout ({timeout}) to {}: see the log of {host}, or raise smtp.timeout",
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
    let mend = match (step, code) {
        (Step::Greeting, _) => {
            return format!(
                "{}:{} turns this machine away: {answer}: ask who runs it",
                server.host, server.port
            );
        }
        (Step::Starttls, _) => "ask who runs the mail server why there is no TLS with it",
        (Step::Login, ..500) => "the server cannot check the login now",
        (_, 530 | 534 | 535 | 538) if server.credentials.is_none() => {
            "the server wants a login; check smtp.username, which is not set"
        }
        (Step::Login, _) | (_, 530 | 534 | 535 | 538) => "check smtp.username and the password",
        (_, ..500) => "the server wants it again in some minutes",
        (_, 552) => "raise the size that the mail server takes",
        (Step::Sender, _) => "check mail.from",
        (Step::Recipient, _) => "check the recipient's address",
        _ => "ask who runs the mail server",
    };
    format!("{answer}: {mend}")
}

/// The connection broke, or there never was one.
fn broken(step: Step, error: &Error, server: &Server) -> String {
    let (host, port) = (&server.host, server.port);
    if let Some(tls) = causes(error).find_map(tls_error) {
        return distrust(tls, server);
    }
    let reason = match causes(error).last().map(ToString::to_string) {
        Some(reason) if reason != HUNG_UP => reason,
        _ => "the server hung up".to_owned(),
    };
    match step {
        Step::Greeting => {
            format!("{host}:{port} cannot be reached ({reason}): check smtp.host, smtp.port and smtp.tls")
        }
        Step::Message => format!(
            "the connection broke while {host} had the message ({reason}): whether it arrived is unknown; see the mail server's log"
        ),
        _ => format!("the connection broke at {} ({reason}): see the log of {host}", question(step)),
    }
}

fn distrust(error: &rustls::Error, server: &Server) -> String {
    use CertificateError as Bad;
    let (host, port) = (&server.host, server.port);
    match error {
        rustls::Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
            format!("the certificate of {host} has expired ({error}): the mail server needs a new one")
        }
        rustls::Error::InvalidCertificate(Bad::NotValidYet | Bad::NotValidYetContext { .. }) => {
            format!("the certificate of {host} is not valid yet ({error}): check this machine's clock")
        }
        rustls::Error::InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => {
            format!(
                "the certificate of {host} is for another name ({error}): set smtp.host to a name that it holds"
            )
        }
        rustls::Error::InvalidCertificate(Bad::UnknownIssuer) => format!(
            "nobody whom this machine trusts has signed the certificate of {host}: add its CA to the system's store, or see SSL_CERT_FILE in the README"
        ),
        rustls::Error::InvalidMessage(_) => format!(
            "{host}:{port} does not speak TLS from the first byte: set smtp.tls = \"starttls\", or smtp.port to a port that does"
        ),
        _ => format!("TLS with {host} failed ({error}): ask who runs it"),
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

/// From the first that the error wraps to the last.
fn causes(error: &Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}

fn tls_error<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    cause.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()
}
