//! Explains why a conversation with a mail server failed: what it means for the message, and a sentence for the person who must fix it.

mod tls;

use std::io;

use super::login::{Login, without_addresses};
use super::session::{Server, Session};
use super::step::{Cause, Step};
use super::{Broken, Reply};
use crate::mail::record::Outcome;
use crate::text::redact;

/// What becomes of a message. Before its sender was named nothing was said of it: the fault lies with the server, the
/// way to it or the login.
pub(in crate::mail) fn outcome(
    session: &Session<'_>,
    cause: &Cause,
    server: &Server,
    login: &Login,
) -> Outcome {
    let text = sentence(session, cause, server, login);
    match cause {
        _ if session.step.is_before_any_message() => Outcome::NoServer(text),
        // The login and the greeting are this installation's: once they are right the message goes.
        Cause::Refused(Reply { code: 530 | 534 | 535 | 538, .. }) => Outcome::Later(text),
        Cause::Refused(reply) if is_about_hello(session, reply) => Outcome::Later(text),
        Cause::Refused(Reply { code: 500.., .. }) => Outcome::Refused(text),
        Cause::Refused(_) => Outcome::Later(text),
        Cause::OutOfStep(_) | Cause::NotOffered | Cause::Broken(_) | Cause::Silence => Outcome::Silent(text),
    }
}

/// What happened and how to fix it, without the addresses and logins that servers like to repeat.
fn sentence(session: &Session<'_>, cause: &Cause, server: &Server, login: &Login) -> String {
    let (step, host, port) = (session.step, &server.host, server.port);
    let text = match cause {
        Cause::Silence => silence_message(step, server),
        Cause::NotOffered if step == Step::Starttls => format!(
            "{host}:{port} offers no STARTTLS, and mail is not sent unencrypted: check smtp.port, or set smtp.tls = \"required\" for a port that speaks TLS from the first byte"
        ),
        Cause::NotOffered if login.is_by_token() => format!(
            "{host}:{port} offers no login by access token (XOAUTH2): check smtp.host, smtp.port and smtp.tls, or log in by smtp.password_file instead of smtp.oauth2"
        ),
        Cause::NotOffered => format!(
            "{host}:{port} offers no login by password (PLAIN or LOGIN): check smtp.port and smtp.tls, or leave out smtp.username"
        ),
        Cause::OutOfStep(code) => format!(
            "{host}:{port} gave the unexpected answer {code} to {}: check for a proxy or firewall between this machine and the mail server",
            step.name()
        ),
        Cause::Refused(reply) => refusal(session, reply, server, login),
        Cause::Broken(broken) => self::broken_message(step, broken, server, login),
    };
    redact::clean(&text, 500)
}

fn silence_message(step: Step, server: &Server) -> String {
    let (host, port) = (&server.host, server.port);
    let timeout = humantime::format_duration(server.timeout);
    match step {
        Step::Connection => format!(
            "no answer within smtp.timeout ({timeout}) from {host}:{port}: check smtp.host, smtp.port and smtp.tls"
        ),
        // Who speaks TLS from the first byte waits for the client to begin.
        Step::Greeting if server.trust.is_none() || server.tls == crate::config::Tls::Starttls => format!(
            "{host}:{port} says nothing within smtp.timeout ({timeout}): if the port speaks TLS from the first byte, set smtp.tls = \"required\"; else check smtp.host and smtp.port"
        ),
        Step::Handshake => format!(
            "{host}:{port} begins no TLS within smtp.timeout ({timeout}): if the port wants STARTTLS, set smtp.tls = \"starttls\"; else check smtp.host and smtp.port"
        ),
        Step::Message => format!(
            "no answer within smtp.timeout ({timeout}) to the message: whether it arrived is unknown; raise smtp.timeout if the server is slow"
        ),
        _ => format!(
            "no answer within smtp.timeout ({timeout}) to {}: see the log of {host}, or raise smtp.timeout",
            step.name()
        ),
    }
}

/// The server said no.
fn refusal(session: &Session<'_>, reply: &Reply, server: &Server, login: &Login) -> String {
    let (step, code) = (session.step, reply.code);
    let answer = redact::clean(&format!("{code} {}", without_login(&reply.text(), login)), 250);
    let (host, port, hello) = (&server.host, server.port, &session.hello);
    if step == Step::Greeting {
        return match code {
            ..500 => format!(
                "{host}:{port} takes no mail now: {answer}: quotakeeper tries again; if this continues, ask the mail server's administrator"
            ),
            _ => format!("{host}:{port} refuses this machine: {answer}: ask the mail server's administrator"),
        };
    }
    if is_about_hello(session, reply) {
        return format!(
            "{host}:{port} does not accept the greeting `EHLO {hello}`: {answer}: set smtp.hello_name to the full name that DNS has for this machine; if it is right, ask the mail server's administrator"
        );
    }
    if step == Step::Hello && code < 500 {
        return format!(
            "{host}:{port} goes no further than the greeting `EHLO {hello}`: {answer}: quotakeeper tries again; if this continues, set smtp.hello_name to the full name that DNS has for this machine, or ask the mail server's administrator"
        );
    }
    let fix = match (step, code) {
        (Step::Starttls, _) => "ask the mail server's administrator why TLS is not available",
        (Step::Login, ..500) => "the server cannot check the login now",
        (_, 530 | 534 | 535 | 538) if login.credentials.is_none() => {
            "the server requires a login; set smtp.username"
        }
        (Step::Login, _) | (_, 530 | 534 | 535 | 538) if login.is_by_token() => {
            "it refuses a new access token for the mailbox smtp.username: switch SMTP AUTH on for that mailbox, and let the application send mail as it (Microsoft 365: SMTP.SendAsApp with admin consent, and access to the mailbox); check smtp.oauth2.scope"
        }
        (Step::Login, _) | (_, 530 | 534 | 535 | 538) => "check smtp.username and the password",
        (_, ..500) => "the server asks to try again in a few minutes",
        (_, 552) => "raise the mail server's size limit",
        (Step::Sender, _) => "check mail.from",
        (Step::Message, _) if login.is_by_token() && reply.text().contains("SendAsDenied") => {
            "set mail.from to the mailbox smtp.username, or let that mailbox send as mail.from"
        }
        (Step::Recipient, _) => "check the recipient's address",
        _ => "ask the mail server's administrator",
    };
    format!("{answer}: {fix}")
}

/// Many servers look at the greeting's name only when the recipient is named; there, and where they want it again later, only
/// their words say so.
fn is_about_hello(session: &Session<'_>, reply: &Reply) -> bool {
    match session.step {
        Step::Hello => reply.code >= 500 || names_hello(reply, &session.hello),
        Step::Sender | Step::Recipient | Step::Data => names_hello(reply, &session.hello),
        _ => false,
    }
}

/// Whether a reply names the command, its argument, or what that has to be. An address in brackets is named for other reasons too.
fn names_hello(reply: &Reply, hello: &str) -> bool {
    let (text, hello) = (reply.text().to_ascii_lowercase(), hello.to_ascii_lowercase());
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let is_name = |word: &str| word.trim_end_matches('.') == hello && !hello.is_empty();
    words.any(|word| matches!(word, "helo" | "ehlo" | "fqdn"))
        || text.split(|c| !is_of_name(c)).any(is_name)
        || (text.contains("qualified") && text.contains("host"))
}

/// The connection broke, or what came over it is no answer.
fn broken_message(step: Step, broken: &Broken, server: &Server, login: &Login) -> String {
    let (host, port) = (&server.host, server.port);
    match broken {
        Broken::Io(error) => match tls::error_in(error) {
            Some(tls) => tls::sentence(step, tls, server),
            None => closed_message(step, &reason(error), server),
        },
        Broken::HungUp => closed_message(step, "the server hung up", server),
        Broken::Cut => closed_message(step, "the server hung up in the middle of its answer", server),
        Broken::Ahead(_) if step == Step::Handshake => tls::not_from_the_first_byte(server),
        Broken::Ahead(said) => format!(
            "{host}:{port} sent `{}` before it was asked ({}), so its answers cannot be trusted: check for a proxy or firewall between this machine and the mail server",
            without_login(said, login),
            step.name()
        ),
        // An alert or a handshake, as RFC 8446 has them in section 5.1.
        Broken::Malformed(_, said) if step == Step::Greeting && said.starts_with(['\u{15}', '\u{16}']) => {
            format!("{host}:{port} speaks TLS from the first byte: set smtp.tls = \"required\"")
        }
        Broken::Malformed(_, said) if step == Step::Greeting => format!(
            "{host}:{port} does not speak SMTP (it sent `{}`): check smtp.host and smtp.port",
            without_login(said, login)
        ),
        Broken::Malformed(error, said) if step == Step::Message => format!(
            "{host}:{port} answered to the message with {error} (`{}`): whether it arrived is unknown; see the mail server's log",
            without_login(said, login)
        ),
        Broken::Malformed(error, said) => format!(
            "{host}:{port} answered to {} with {error} (`{}`): check for a proxy or firewall between this machine and the mail server",
            step.name(),
            without_login(said, login)
        ),
    }
}

/// There is no connection, or it is gone.
fn closed_message(step: Step, reason: &str, server: &Server) -> String {
    let (host, port) = (&server.host, server.port);
    match step {
        Step::Connection | Step::Greeting => {
            format!("{host}:{port} cannot be reached ({reason}): check smtp.host, smtp.port and smtp.tls")
        }
        Step::Handshake => format!(
            "{host}:{port} ended the connection when TLS began ({reason}): if the port wants STARTTLS, set smtp.tls = \"starttls\"; else see the log of {host}"
        ),
        Step::HandshakeBehindStarttls => format!(
            "{host}:{port} agreed to STARTTLS and ended the connection when TLS began ({reason}): see the log of {host}; its certificate or its key may be missing"
        ),
        Step::Message => format!(
            "the connection broke while {host} had the message ({reason}): whether it arrived is unknown; see the mail server's log"
        ),
        _ => format!("the connection broke at {} ({reason}): see the log of {host}", step.name()),
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        // Which of them it is depends on what was on its way just then.
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => "the server hung up".to_owned(),
        _ => error.to_string(),
    }
}

/// What a server said, without the login and the addresses in it.
fn without_login(said: &str, login: &Login) -> String {
    redact::clean(&without_addresses(&login.withheld_from(said)), 250)
}
