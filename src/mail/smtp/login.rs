//! A login as it is sent. Some mail servers repeat it in their refusal: there it is taken out again, in every shape that it has.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};

/// What the mail server asks for.
pub(in crate::mail) struct Credentials {
    /// With a token, the mailbox.
    pub username: String,
    pub proof: Proof,
}

/// What shows that the name is ours.
pub(in crate::mail) enum Proof {
    Password(SecretString),
    /// An access token (OAuth 2.0).
    Token(SecretString),
}

/// One login, or none, and the texts of it that nobody may see.
pub(in crate::mail) struct Login {
    pub credentials: Option<Credentials>,
    withheld: Vec<String>,
}

impl Login {
    pub(in crate::mail) fn none() -> Self {
        Self { credentials: None, withheld: Vec::new() }
    }

    pub(in crate::mail) fn by_password(username: &str, password: SecretString) -> Self {
        let text = password.expose_secret();
        let withheld = vec![plain_response(username, text), encoded(text), text.to_owned()];
        let credentials = Credentials { username: username.to_owned(), proof: Proof::Password(password) };
        Self { credentials: Some(credentials), withheld }
    }

    pub(in crate::mail) fn by_token(mailbox: &str, token: SecretString) -> Self {
        let text = token.expose_secret();
        let withheld = vec![token_response(mailbox, text), encoded(text), text.to_owned()];
        let credentials = Credentials { username: mailbox.to_owned(), proof: Proof::Token(token) };
        Self { credentials: Some(credentials), withheld }
    }

    pub(super) fn is_by_token(&self) -> bool {
        matches!(self.credentials, Some(Credentials { proof: Proof::Token(_), .. }))
    }

    pub(in crate::mail) fn withheld_from(&self, text: &str) -> String {
        self.withheld.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "(login)"))
    }
}

/// What a server said, on one line without the addresses in it.
pub(in crate::mail) fn without_addresses(said: &str) -> String {
    let word = |word: &str| if word.contains('@') { "(address)".to_owned() } else { word.to_owned() };
    said.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

pub(super) fn encoded(text: &str) -> String {
    BASE64_STANDARD.encode(text)
}

/// The response of PLAIN (RFC 4616).
pub(super) fn plain_response(username: &str, password: &str) -> String {
    encoded(&format!("\0{username}\0{password}"))
}

/// The response of XOAUTH2, as Google and Microsoft describe it.
pub(super) fn token_response(mailbox: &str, token: &str) -> String {
    encoded(&format!("user={mailbox}\x01auth=Bearer {token}\x01\x01"))
}

#[cfg(test)]
mod tests;
