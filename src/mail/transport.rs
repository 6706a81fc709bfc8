//! One message to one recipient: over SMTP, or, with `transport = "directory"`, by being left where it is.

use std::sync::Arc;

use anyhow::Context;
use lettre::Address;

use super::oauth2::{Age, Tokens};
use super::record::Outcome;
use super::smtp::diagnosis;
use super::smtp::login::Login;
use super::smtp::session::{Server, Session};
use super::smtp::step::{Cause, Step};
use super::smtp::{HelloName, Reply, Trust};
use crate::config::{self, Mail, Smtp, Tls};

/// Made again for each round of deliveries, so that a rotated password is read.
pub(crate) enum Transport {
    Smtp {
        server: Box<Server>,
        access: Access,
    },
    /// Delivery is the move to `sent/`.
    Directory,
}

/// How one gets into the mail server.
pub(crate) enum Access {
    /// Without a login, or by a password.
    Fixed(Login),
    /// By an access token, which ends at any time.
    Token { mailbox: String, tokens: Arc<Tokens> },
}

/// What a conversation is for.
#[derive(Clone, Copy)]
enum Purpose<'a> {
    Greet { from: &'a Address },
    Deliver { from: &'a Address, to: &'a Address, message: &'a [u8] },
}

impl Purpose<'_> {
    async fn run(self, session: &mut Session<'_>) -> Result<(), Cause> {
        match self {
            Self::Greet { from } => session.greet(from).await,
            Self::Deliver { from, to, message } => session.deliver(from, to, message).await,
        }
    }
}

impl Transport {
    /// None when mail is switched off. The tokens are those of `smtp.oauth2`, where it is set.
    pub(crate) fn new(
        mail: &Mail,
        smtp: &Smtp,
        tokens: Option<&Arc<Tokens>>,
    ) -> anyhow::Result<Option<Self>> {
        match mail.transport {
            config::Transport::Off => Ok(None),
            config::Transport::Directory => Ok(Some(Self::Directory)),
            config::Transport::Smtp => Ok(Some(Self::smtp(smtp, tokens)?)),
        }
    }

    fn smtp(smtp: &Smtp, tokens: Option<&Arc<Tokens>>) -> anyhow::Result<Self> {
        let host = smtp.host.as_deref().context("smtp.host is needed with mail.transport = \"smtp\"")?;
        // An IPv6 address may stand in brackets, as in a URL.
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).to_owned();
        let trust = match smtp.tls {
            Tls::Off => None,
            Tls::Required | Tls::Starttls => {
                Some(Trust::for_host(&host).context("TLS to smtp.host cannot be set up")?)
            }
        };
        let access = match (&smtp.username, &smtp.password, tokens) {
            (Some(mailbox), _, Some(tokens)) => {
                Access::Token { mailbox: mailbox.clone(), tokens: Arc::clone(tokens) }
            }
            (Some(username), Some(password), None) => {
                let password =
                    password.read().context("the SMTP password (smtp.password_file) cannot be read")?;
                Access::Fixed(Login::by_password(username, password))
            }
            _ => Access::Fixed(Login::none()),
        };
        let (port, tls, timeout) = (smtp.port(), smtp.tls, smtp.timeout);
        let hello = HelloName::new(smtp.hello_name.as_deref());
        let server = Box::new(Server { host, port, hello, tls, trust, timeout });
        Ok(Self::Smtp { server, access })
    }

    /// Connects, logs in and names the sender, and sends nothing.
    pub(crate) async fn greet(&self, from: Address) -> anyhow::Result<()> {
        match self {
            Self::Directory => Ok(()),
            Self::Smtp { server, access } => {
                converse(server, access, Purpose::Greet { from: &from }).await.into_result()
            }
        }
    }

    /// One whole SMTP conversation, so that this recipient's outcome is known by itself.
    pub(crate) async fn send(&self, from: &str, to: &str, message: &[u8]) -> Outcome {
        match self {
            Self::Directory => Outcome::Accepted,
            Self::Smtp { server, access } => {
                let (Ok(from), Ok(to)) = (from.parse::<Address>(), to.parse::<Address>()) else {
                    return Outcome::Refused("not an address that mail can be sent to".to_owned());
                };
                converse(server, access, Purpose::Deliver { from: &from, to: &to, message }).await
            }
        }
    }
}

/// A token that was good when it was given may have been revoked, or the two servers' clocks differ: once it is renewed.
async fn converse(server: &Server, access: &Access, purpose: Purpose<'_>) -> Outcome {
    let (mailbox, tokens) = match access {
        Access::Fixed(login) => return one_try(server, login, purpose).await.0,
        Access::Token { mailbox, tokens } => (mailbox, tokens),
    };
    loop {
        let (token, age) = match tokens.token().await {
            Ok(token) => token,
            Err(why) => return Outcome::NoServer(why),
        };
        let login = Login::by_token(mailbox, token);
        let (outcome, login_is_refused) = one_try(server, &login, purpose).await;
        if !login_is_refused {
            return outcome;
        }
        // Also one that is new: what it lacks may be granted by the next try, and only a newer one has it then.
        tokens.forget();
        if age == Age::New {
            return outcome;
        }
    }
}

/// The outcome, and whether it is that the login was refused for good.
async fn one_try(server: &Server, login: &Login, purpose: Purpose<'_>) -> (Outcome, bool) {
    let mut session = Session::new(server, login);
    // Of the whole of it: a server that falls silent anywhere would hold us for ever.
    let done = tokio::time::timeout(server.timeout, Box::pin(purpose.run(&mut session))).await;
    match done.unwrap_or(Err(Cause::Silence)) {
        Ok(()) => (Outcome::Accepted, false),
        Err(cause) => {
            let outcome = diagnosis::outcome(&session, &cause, server, login);
            let is_refusal = matches!(cause, Cause::Refused(Reply { code: 500.., .. }));
            (outcome, is_refusal && session.step == Step::Login)
        }
    }
}

#[cfg(test)]
mod tests;
