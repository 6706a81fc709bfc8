//! `[smtp]`: the mail server, and how one logs in: not at all, by password, or by access token.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::loopback::is_loopback;
use super::types::duration;
use crate::config::types::Secret;

/// Encryption on the way to the mail server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tls {
    /// TLS from the first byte (port 465).
    Required,
    /// STARTTLS, or no mail (port 587).
    #[default]
    Starttls,
    /// None (port 25): for a relay on this machine.
    Off,
}

/// `[smtp]`: the mail server.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Smtp {
    pub host: Option<String>,
    /// 465, 587 or 25, by `tls`, unless set.
    pub port: Option<u16>,
    pub tls: Tls,
    pub username: Option<String>,
    pub password_file: Option<PathBuf>,
    /// From `QUOTAKEEPER__SMTP__PASSWORD`, `password_file`, systemd's `smtp_password`, or the file of that name beside the
    /// configuration.
    #[serde(skip)]
    pub password: Option<Secret>,
    /// A login by access token, which takes the place of the password.
    pub oauth2: Option<OAuth2>,
    /// How this machine greets; its full name, else its address, unless set.
    pub hello_name: Option<String>,
    /// For one whole delivery.
    #[serde(deserialize_with = "duration")]
    pub timeout: Duration,
}

impl Default for Smtp {
    fn default() -> Self {
        Self {
            host: None,
            port: None,
            tls: Tls::default(),
            username: None,
            password_file: None,
            password: None,
            oauth2: None,
            hello_name: None,
            timeout: Duration::from_secs(60),
        }
    }
}

impl Smtp {
    pub(crate) fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            Tls::Required => 465,
            Tls::Starttls => 587,
            Tls::Off => 25,
        })
    }

    /// What the types of `oauth2` alone cannot say: each problem as the key and a sentence.
    pub(super) fn oauth2_problems(&self) -> Vec<(String, String)> {
        let Some(oauth2) = &self.oauth2 else { return Vec::new() };
        let is_empty = |text: &Option<String>| text.as_ref().is_none_or(|text| text.trim().is_empty());
        let has_control = |name: &String| name.chars().any(char::is_control);
        let password = match &self.password {
            Some(Secret::Value(_)) => "QUOTAKEEPER__SMTP__PASSWORD",
            _ => "smtp.password_file",
        };
        let checks = [
            (
                self.password.is_some(),
                "",
                format!("takes the place of the password: remove {password}, or remove smtp.oauth2"),
            ),
            (
                is_empty(&self.username),
                "",
                "needs smtp.username: the mailbox that mail is sent from, such as quotakeeper@example.com"
                    .to_owned(),
            ),
            (
                self.username.as_ref().is_some_and(has_control),
                "",
                "needs a smtp.username without control characters".to_owned(),
            ),
            (
                oauth2.token_url.is_none(),
                ".token_url",
                "is needed: the URL of the token server, which begins with https://".to_owned(),
            ),
            (is_empty(&oauth2.client_id), ".client_id", "is needed: the application's id".to_owned()),
            (
                oauth2.client_secret.is_none(),
                ".client_secret_file",
                "is needed: a file with the application's secret on its first line".to_owned(),
            ),
            (
                oauth2.scope.as_ref().is_some_and(|scope| scope.trim().is_empty()),
                ".scope",
                "is empty: remove it, or write what the provider requires".to_owned(),
            ),
        ];
        let found = checks.into_iter().filter(|(is_bad, ..)| *is_bad);
        found.map(|(_, key, problem)| (format!("smtp.oauth2{key}"), problem)).collect()
    }
}

/// `smtp.oauth2`: a token server gives access tokens for the id and secret of an application (RFC 6749, section 4.4).
///
/// Each key may be missing while the configuration is read, so that all problems are found at once; a valid configuration has
/// all but the scope.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OAuth2 {
    /// Over https, or on this machine.
    #[serde(deserialize_with = "token_url")]
    pub token_url: Option<Url>,
    pub client_id: Option<String>,
    pub client_secret_file: Option<PathBuf>,
    /// From `QUOTAKEEPER__SMTP__OAUTH2__CLIENT_SECRET`, `client_secret_file`, systemd's `smtp_client_secret`, or the file of
    /// that name beside the configuration.
    #[serde(skip)]
    pub client_secret: Option<Secret>,
    /// What the token is for; the token server decides unless it is set.
    pub scope: Option<String>,
}

fn token_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_plain =
        |url: &Url| url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    // The text is not repeated: somebody may have written a secret into it.
    let url = Url::parse(text.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some() && is_plain(url))
        .ok_or_else(|| D::Error::custom("is not a URL such as https://login.example.com/oauth2/token"))?;
    if url.scheme() == "http" && !url.host_str().is_some_and(is_loopback) {
        return Err(D::Error::custom(
            "is not https: the client secret would be sent unencrypted. Only a loopback address may use http",
        ));
    }
    Ok(Some(url))
}
