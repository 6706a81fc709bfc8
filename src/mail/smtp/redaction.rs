//! Some mail servers repeat the login in their refusal: here it is taken out again, in every shape in which it is sent.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::SecretString;

/// What the mail server asks for.
pub(in crate::mail) struct Credentials {
    pub username: String,
    pub password: SecretString,
}

/// The texts of one login that nobody may see.
pub(in crate::mail) struct Login(Vec<String>);

impl Login {
    pub(in crate::mail) fn none() -> Self {
        Self(Vec::new())
    }

    /// The credentials for the mail client, and what must not be repeated of them.
    pub(in crate::mail) fn new(username: &str, password: &str) -> (Credentials, Self) {
        let plain = BASE64_STANDARD.encode(format!("\0{username}\0{password}")); // AUTH PLAIN
        let secrets = vec![plain, BASE64_STANDARD.encode(password), password.to_owned()];
        let (username, password) = (username.to_owned(), SecretString::from(password));
        (Credentials { username, password }, Self(secrets))
    }

    pub(in crate::mail) fn withheld_from(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "(login)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_shape_of_a_login_is_left() {
        let (_, login) = Login::new("tim", "tanstaaftanstaaf"); // the example of RFC 4616
        let said = "535 AHRpbQB0YW5zdGFhZnRhbnN0YWFm dGFuc3RhYWZ0YW5zdGFhZg== <tanstaaftanstaaf> no";
        assert_eq!(login.withheld_from(said), "535 (login) (login) <(login)> no");
        assert_eq!(Login::none().withheld_from(said), said);
    }
}
