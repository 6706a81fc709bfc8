//! What a token server's answer means: a token and how long it is used, or a sentence that says whose fault it is. Pure.

use std::time::Duration;

use rustls::CertificateError;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use crate::mail::smtp::login::without_addresses;
use crate::text::redact;

/// The largest answer that is read, in bytes. Tokens have some thousand.
pub(super) const LARGEST: usize = 64 << 10;

/// A token is renewed so long before its end, or after half of its life if that is later.
const AHEAD: Duration = Duration::from_secs(300);
/// For how long one is used whose end the server does not say.
const UNKNOWN_USE: Duration = Duration::from_secs(300);
/// However long it lasts: a revoked one should not live for a year.
const LONGEST_USE: Duration = Duration::from_secs(24 * 3600);
/// However long the server asks to be left alone.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// An answer as it came.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    /// Its `Retry-After`.
    pub wait: Option<Duration>,
    /// None: it was larger than [`LARGEST`].
    pub body: Option<Vec<u8>>,
}

/// A token, and for how long it is used.
#[derive(Debug)]
pub(super) struct Issued {
    pub token: SecretString,
    pub use_for: Duration,
}

/// Why there is none.
#[derive(Debug)]
pub(super) struct TokenRefusal {
    pub sentence: String,
    /// For so long the server is not asked again.
    pub wait: Option<Duration>,
}

impl From<String> for TokenRefusal {
    fn from(sentence: String) -> Self {
        Self { sentence, wait: None }
    }
}

/// What sentences name.
pub(super) struct Wording {
    /// The token server's host.
    pub server: String,
    pub timeout: Duration,
    /// Where the client secret comes from.
    pub secret: String,
}

/// A good answer (RFC 6749, section 5.1). Some servers write numbers as text.
#[derive(Deserialize)]
struct TokenBody {
    access_token: String,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Option<Value>,
}

/// A bad one (section 5.2).
#[derive(Deserialize)]
struct ErrorBody {
    error: String,
    #[serde(default)]
    error_description: Option<Value>,
}

pub(super) fn read(answer: &Answer, words: &Wording) -> Result<Issued, TokenRefusal> {
    let Answer { status, wait, body } = answer;
    let server = &words.server;
    let Some(body) = body else {
        let most = LARGEST >> 10;
        return Err(clean_sentence(&format!(
            "{server} answered with more than {most} KiB, which is no access token: check smtp.oauth2.token_url"
        ))
        .into());
    };
    if *status == 200 {
        return match serde_json::from_slice::<TokenBody>(body) {
            Ok(good) => good.into_issued(server).map_err(TokenRefusal::from),
            Err(_) => Err(words.not_a_token_server(*status, body).into()),
        };
    }
    let bad = serde_json::from_slice::<ErrorBody>(body).ok();
    let sentence = words.refusal(*status, body, bad.as_ref());
    let wait = wait.filter(|_| matches!(status, 429 | 503)).map(|wait| wait.min(LONGEST_WAIT));
    Err(TokenRefusal { sentence, wait })
}

impl TokenBody {
    fn into_issued(self, server: &str) -> Result<Issued, String> {
        if let Some(kind) = self.token_type.filter(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            let sentence = format!(
                "{server} gave a token of the type `{kind}`, and mail servers take `Bearer`: check smtp.oauth2.token_url"
            );
            return Err(clean_sentence(&sentence));
        }
        // What a token holds ends up in a line of SMTP.
        let is_printable = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_printable(&self.access_token) {
            let sentence = format!(
                "{server} gave an access token that is empty or holds characters that no token has: check smtp.oauth2.token_url"
            );
            return Err(clean_sentence(&sentence));
        }
        redact::register_passing(&self.access_token);
        let seconds = self.expires_in.as_ref().and_then(seconds);
        Ok(Issued { token: self.access_token.into(), use_for: use_for(seconds.map(Duration::from_secs)) })
    }
}

/// What is below zero is over; what is no number is unknown.
fn seconds(value: &Value) -> Option<u64> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    if text.starts_with('-') {
        return Some(0);
    }
    text.split('.').next().and_then(|whole| whole.parse().ok())
}

/// For how long a token is used that lasts so long.
fn use_for(lasts: Option<Duration>) -> Duration {
    match lasts {
        Some(lasts) => lasts.saturating_sub(AHEAD.min(lasts / 2)).min(LONGEST_USE),
        None => UNKNOWN_USE,
    }
}

impl Wording {
    /// Nothing, or no end, came in time.
    pub(super) fn no_answer(&self) -> String {
        let timeout = humantime::format_duration(self.timeout);
        clean_sentence(&format!(
            "no access token within smtp.timeout ({timeout}) from the token server {}: quotakeeper asks again; if this continues, check smtp.oauth2.token_url and api.proxy",
            self.server
        ))
    }

    /// An answer began, or was to come, and broke.
    pub(super) fn broken_off(&self, cause: &str) -> String {
        clean_sentence(&format!(
            "the token server {} gave no whole answer ({cause}): quotakeeper asks again; if this continues, check smtp.oauth2.token_url and api.proxy",
            self.server
        ))
    }

    /// There was no connection.
    pub(super) fn unreachable(&self, cause: &str, bad: Option<&CertificateError>) -> String {
        let fix = match bad {
            None => "quotakeeper asks again; if this continues, check smtp.oauth2.token_url and api.proxy",
            Some(CertificateError::UnknownIssuer) => {
                "if your own proxy or CA signed its certificate, set api.ca_file to the certificate of that CA"
            }
            Some(_) => {
                "check smtp.oauth2.token_url and this machine's clock, or ask the operator of the token server"
            }
        };
        clean_sentence(&format!("the token server {} cannot be reached ({cause}): {fix}", self.server))
    }

    fn not_a_token_server(&self, status: u16, body: &[u8]) -> String {
        let is_page = body.trim_ascii_start().starts_with(b"<");
        let what = if is_page { "with a web page" } else { "without an access token" };
        clean_sentence(&format!("{} answered {status} {what}: check smtp.oauth2.token_url", self.server))
    }

    fn refusal(&self, status: u16, body: &[u8], bad: Option<&ErrorBody>) -> String {
        let server = &self.server;
        let answer = match bad {
            Some(ErrorBody { error, error_description: Some(Value::String(description)) }) => {
                redact::clean(&without_addresses(&format!("{error}: {description}")), 160)
            }
            Some(ErrorBody { error, .. }) => redact::clean(&without_addresses(error), 160),
            None => String::new(),
        };
        let answer = format!("{status} {answer}");
        let answer = answer.trim();
        let fix = match (status, bad.map(|bad| bad.error.as_str())) {
            (429, _) => "it received too many requests; quotakeeper asks again later".to_owned(),
            (408 | 500.., _) | (_, Some("temporarily_unavailable" | "server_error")) => {
                "the token server is at fault; quotakeeper asks again".to_owned()
            }
            (300..400, _) => "a redirect is not followed: check smtp.oauth2.token_url".to_owned(),
            (_, Some("invalid_client")) => format!(
                "smtp.oauth2.client_id or the client secret is wrong, or the secret has expired: put a valid one into {}",
                self.secret
            ),
            (_, Some("unauthorized_client")) => {
                "check smtp.oauth2.client_id and the tenant in smtp.oauth2.token_url, and that the application may use the client credentials grant".to_owned()
            }
            (_, Some("unsupported_grant_type")) => {
                "it does not offer the client credentials grant: check smtp.oauth2.token_url".to_owned()
            }
            (_, Some("invalid_scope")) => "check smtp.oauth2.scope".to_owned(),
            (_, Some(_)) => {
                "check smtp.oauth2.token_url, client_id and scope, or ask the operator of the token server".to_owned()
            }
            (_, None) => return self.not_a_token_server(status, body),
        };
        clean_sentence(&format!("the token server {server} gives no access token ({answer}): {fix}"))
    }
}

/// On one line, without a secret.
fn clean_sentence(sentence: &str) -> String {
    redact::clean(sentence, 600)
}

#[cfg(test)]
mod tests;
