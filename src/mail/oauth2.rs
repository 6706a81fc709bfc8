//! Access tokens for a mail server that takes no passwords: asked for with an application's id and secret (RFC 6749, section
//! 4.4), used for all messages, and renewed before they end. They are in memory only.

mod answer;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::ACCEPT;
use reqwest::{RequestBuilder, Url};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use tracing::debug;

use self::answer::{Answer, Issued, LARGEST, TokenRefusal, Wording};
use crate::config::{CLIENT_SECRET, Config, OAuth2};
use crate::text::redact;
use crate::thousandeyes::{bad_certificate, deepest, other_client, retry_after};

/// Whether a token was good for another message before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    New,
    Kept,
}

/// The token server of `smtp.oauth2`, and the token that it gave last.
pub(crate) struct Tokens {
    settings: OAuth2,
    /// For one request.
    timeout: Duration,
    proxy: Option<Url>,
    ca_file: Option<PathBuf>,
    kept_answer: Mutex<KeptAnswer>,
}

/// What is known of the token server's last answer.
#[derive(Default)]
enum KeptAnswer {
    #[default]
    Nothing,
    Token {
        token: SecretString,
        until: Instant,
    },
    /// The server asked to be left alone, in these words.
    Wait {
        until: Instant,
        sentence: String,
    },
}

impl KeptAnswer {
    /// What an answer at this time is worth later.
    fn from_answer(answer: &Result<Issued, TokenRefusal>, now: Instant) -> Self {
        match answer {
            Ok(Issued { token, use_for }) => Self::Token { token: token.clone(), until: now + *use_for },
            Err(TokenRefusal { sentence, wait: Some(wait) }) => {
                Self::Wait { until: now + *wait, sentence: sentence.clone() }
            }
            Err(TokenRefusal { wait: None, .. }) => Self::Nothing,
        }
    }

    /// The token, or why there is none; nothing where the server has to be asked.
    fn valid_at(&self, now: Instant) -> Option<Result<SecretString, String>> {
        match self {
            Self::Token { token, until } if now < *until => Some(Ok(token.clone())),
            Self::Wait { until, sentence } if now < *until => Some(Err(sentence.clone())),
            Self::Nothing | Self::Token { .. } | Self::Wait { .. } => None,
        }
    }
}

impl Tokens {
    /// None unless `smtp.oauth2` is set.
    pub(crate) fn new(config: &Config) -> Option<Self> {
        Some(Self {
            settings: config.smtp.oauth2.clone()?,
            timeout: config.smtp.timeout,
            proxy: config.api.proxy.clone(),
            ca_file: config.api.ca_file.clone(),
            kept_answer: Mutex::default(),
        })
    }

    /// The token server, as messages name it.
    pub(crate) fn server(&self) -> String {
        let url = self.settings.token_url.as_ref();
        url.and_then(Url::host_str).unwrap_or("(smtp.oauth2.token_url is not set)").to_owned()
    }

    /// The token that is kept, else a new one. The error is a sentence that says what to do.
    pub(crate) async fn token(&self) -> Result<(SecretString, Age), String> {
        if let Some(known) = self.kept().valid_at(Instant::now()) {
            return known.map(|token| (token, Age::Kept));
        }
        let asked_at = Instant::now();
        let answer = self.ask().await;
        *self.kept() = KeptAnswer::from_answer(&answer, asked_at);
        match answer {
            Ok(Issued { token, use_for }) => {
                debug!(server = self.server(), use_for_s = use_for.as_secs(), "a new access token for mail");
                Ok((token, Age::New))
            }
            Err(TokenRefusal { sentence, .. }) => Err(sentence),
        }
    }

    /// The mail server refused the token: the next one is new.
    pub(crate) fn forget(&self) {
        *self.kept() = KeptAnswer::Nothing;
    }

    async fn ask(&self) -> Result<Issued, TokenRefusal> {
        let OAuth2 { token_url, client_id, client_secret, scope, .. } = &self.settings;
        let (Some(url), Some(id), Some(secret)) = (token_url, client_id, client_secret) else {
            return Err("smtp.oauth2 needs token_url, client_id and client_secret_file".to_owned().into());
        };
        let words =
            Wording { server: self.server(), timeout: self.timeout, secret: secret.origin(CLIENT_SECRET) };
        let secret = secret.read().map_err(|error| {
            let secret = secret.with_key("the client secret", "smtp.oauth2.client_secret_file");
            redact::clean(&format!("{secret} cannot be read: {error:#}"), 500)
        })?;
        let client = other_client(url, self.proxy.as_ref(), self.ca_file.as_deref())
            .map_err(|error| format!("no access token for mail: {error}"))?;
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", id.trim()),
            ("client_secret", secret.expose_secret()),
        ];
        form.extend(scope.as_deref().map(|scope| ("scope", scope.trim())));
        let request = client.post(url.clone()).header(ACCEPT, "application/json").form(&form);
        match tokio::time::timeout(self.timeout, receive(request)).await {
            Ok(Ok(answer)) => answer::read(&answer, &words),
            Ok(Err(error)) if error.is_connect() => {
                Err(words.unreachable(&deepest(&error), bad_certificate(&error)).into())
            }
            Ok(Err(error)) => Err(words.broken_off(&deepest(&error)).into()),
            Err(_) => Err(words.no_answer().into()),
        }
    }

    fn kept(&self) -> MutexGuard<'_, KeptAnswer> {
        self.kept_answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer, of which no more is read than can be one.
async fn receive(request: RequestBuilder) -> Result<Answer, reqwest::Error> {
    let mut response = request.send().await?;
    let (status, wait) = (response.status().as_u16(), retry_after(response.headers()));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > LARGEST {
            return Ok(Answer { status, wait, body: None });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, wait, body: Some(body) })
}

#[cfg(test)]
mod tests;
