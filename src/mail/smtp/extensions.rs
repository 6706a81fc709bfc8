//! The extensions that a server offers in its reply to EHLO.

use super::Reply;

/// A way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mail) enum Mechanism {
    Plain,
    Login,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::mail) struct Extensions {
    pub starttls: bool,
    /// The best login by password that both sides know.
    pub login: Option<Mechanism>,
    /// A login by access token.
    pub xoauth2: bool,
}

impl Extensions {
    /// The first line is the server's name.
    pub(in crate::mail) fn from_reply(reply: &Reply) -> Self {
        let mut extensions = Self::default();
        for line in reply.lines.iter().skip(1) {
            // Some old servers write `AUTH=PLAIN`.
            let line = line.to_ascii_uppercase().replace('=', " ");
            let mut words = line.split_whitespace();
            match words.next() {
                Some("STARTTLS") => extensions.starttls = true,
                Some("AUTH") => {
                    for word in words {
                        match word {
                            "PLAIN" => extensions.login = Some(Mechanism::Plain),
                            "XOAUTH2" => extensions.xoauth2 = true,
                            "LOGIN" => extensions.login = extensions.login.or(Some(Mechanism::Login)),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        extensions
    }
}

#[cfg(test)]
mod tests;
