//! What can go wrong with a request, in words that say what happened and what to do about it.
//!
//! Callers decide on the variants; people read the text. What the server said is cut, stripped of control
//! characters, and never contains the token, even if the server echoes it.

use std::fmt;
use std::time::Duration;

use super::answer_text;
use super::retry::LONGEST_WAIT;
use super::wire::Object;
use crate::text::{redact, words};

/// What a server says is cut after so many characters.
const LONGEST_TEXT: usize = 300;

/// An error names the first fields that the server complained of; all of them are in [`ServerMessage::fields`].
const FIELDS_SHOWN: usize = 3;

/// The request that an error is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path below the base URL, such as `/quotas/assign`, without its query.
    pub path: String,
}

/// One field of a request that the server rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Where it is, as the server puts it: `organizations[0].accountGroups[3].value`, say.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// What the server said in an answer that is not a success.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerMessage {
    /// Its own words; empty if it had none.
    pub summary: String,
    /// The fields that it named, if any.
    pub fields: Vec<FieldError>,
    /// An HTML page: the API does not send any, so something on the way did.
    pub html: bool,
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The client cannot be made of these settings.
    Settings(String),
    /// 401: the token is wrong or has expired. Nothing was done.
    Unauthorized {
        /// The request.
        call: Call,
        /// The server's words.
        said: ServerMessage,
        /// Where the token came from, as a person knows it.
        token_from: String,
    },
    /// 403: a permission is missing; where a page says it, whatever stands before the API refused, and may have passed it on.
    Forbidden {
        /// The request.
        call: Call,
        /// The server's words.
        said: ServerMessage,
    },
    /// The rate limit did not let the request through before the time was up. Nothing was done.
    RateLimited {
        /// The request.
        call: Call,
        /// How the server refused it last; 429 where it was not asked.
        status: u16,
        /// The time that it had.
        within: Duration,
    },
    /// A write that may be sent when its caller has looked again: it had to wait, and nothing was done.
    NotYet {
        /// The request.
        call: Call,
    },
    /// Another 4xx. Whether the good rows of a refused batch were taken is not documented: read back.
    Refused {
        /// The request.
        call: Call,
        /// The answer's status.
        status: u16,
        /// The server's words.
        said: ServerMessage,
    },
    /// The request never reached the server. Nothing was done.
    NotSent {
        /// The request.
        call: Call,
        /// What was in the way, and the fix.
        reason: String,
    },
    /// A write of which nobody knows whether it was done: read back before sending it again.
    Unknown {
        /// The request.
        call: Call,
        /// The answer's status, if there was an answer.
        status: Option<u16>,
        /// What came instead of an answer.
        reason: String,
        /// How long the server asks not to be asked again.
        retry_after: Option<Duration>,
    },
    /// A read that failed each time.
    Unavailable {
        /// The request.
        call: Call,
        /// The last answer's status, if there was an answer.
        status: Option<u16>,
        /// What came instead of a good answer, and whether it was asked for again.
        reason: String,
    },
    /// An answer to a read that is not what the API promises.
    Unusable {
        /// The request.
        call: Call,
        /// What is wrong with it, and the fix.
        reason: String,
    },
}

impl Error {
    /// The server rejected the request as it is: this is no outage, and repeating it is useless.
    /// A batch may be refused for one row of it.
    pub fn is_refusal(&self) -> bool {
        match self {
            // Whatever stands before the API and says it: smaller batches get through.
            Self::Refused { status: 413, .. } => true,
            Self::Forbidden { said, .. } | Self::Refused { said, .. } => !said.html,
            _ => false,
        }
    }

    /// Whether it is certain that nothing of a request was done. What stands before the API may refuse one of which that is not so.
    pub(crate) fn is_nothing_done(&self) -> bool {
        matches!(
            self,
            Self::Settings(_)
                | Self::Unauthorized { .. }
                | Self::RateLimited { .. }
                | Self::NotYet { .. }
                | Self::NotSent { .. }
        )
    }

    /// Whether a write may have been done anyway.
    pub fn outcome_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// What came instead of an answer to a write, and how long the server asks not to be asked again: for somebody who sees
    /// rows and not requests.
    pub(crate) fn without_answer(&self) -> Option<(&str, Duration)> {
        match self {
            Self::Unknown { reason, retry_after, .. } => {
                Some((without_full_stop(reason), retry_after.unwrap_or_default().min(LONGEST_WAIT)))
            }
            _ => None,
        }
    }

    /// The status of the answer that decided, if there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Unauthorized { .. } => Some(401),
            Self::Forbidden { .. } => Some(403),
            Self::RateLimited { status, .. } | Self::Refused { status, .. } => Some(*status),
            Self::Unknown { status, .. } | Self::Unavailable { status, .. } => *status,
            Self::Settings(_) | Self::NotYet { .. } | Self::NotSent { .. } | Self::Unusable { .. } => None,
        }
    }

    /// The words for somebody who sees rows and not requests: without the request's name.
    pub fn message_for_row(&self) -> String {
        match self {
            Self::Refused { status, said, .. } => {
                format!("ThousandEyes refused it ({status}{said}). {}", fix_for_status(*status, said))
            }
            Self::Forbidden { call, said } => {
                format!("ThousandEyes did not allow it (403{said}). {}", permission(&call.path))
            }
            other => other.to_string(),
        }
    }

    /// What is in the way, in the few words that a subject has room for.
    pub(crate) fn in_short(&self) -> &'static str {
        match self {
            Self::Settings(_) => "the settings of the API cannot be used",
            Self::Unauthorized { .. } => "the token is not accepted",
            Self::Forbidden { said, .. } if !said.html => "the token lacks a permission",
            Self::RateLimited { .. } => "the rate limit leaves no room",
            Self::NotYet { .. } | Self::NotSent { .. } => "nothing can be sent to ThousandEyes",
            Self::Unknown { status: Some(_), .. } | Self::Unavailable { status: Some(_), .. } => {
                "ThousandEyes answers with an error"
            }
            Self::Unknown { .. } | Self::Unavailable { .. } => "ThousandEyes does not answer",
            Self::Refused { .. } => "ThousandEyes refuses the request",
            Self::Forbidden { .. } | Self::Unusable { .. } => "something other than ThousandEyes answered",
        }
    }

    /// The fix, where there is one that a check cannot find better.
    pub(crate) fn to_do(&self) -> Option<String> {
        match self {
            Self::Unauthorized { token_from, .. } => {
                Some(format!("create a new token in your ThousandEyes profile, and put it in {token_from}"))
            }
            Self::Forbidden { call, said } if !said.html => {
                Some(permission(&call.path).trim_end_matches('.').to_owned())
            }
            _ => None,
        }
    }

    /// The same, where it stands for an answer that was not asked for again.
    pub(super) fn not_asked_again(mut self, within: Duration) -> Self {
        if let Self::Unavailable { reason, .. } | Self::NotSent { reason, .. } = &mut self {
            let seconds = within.as_secs();
            *reason = format!(
                "{}; after that failure it is not asked again within {seconds} seconds",
                without_full_stop(reason)
            );
        }
        self
    }

    /// The fields that the server rejected.
    pub fn fields(&self) -> &[FieldError] {
        match self {
            Self::Unauthorized { said, .. } | Self::Forbidden { said, .. } | Self::Refused { said, .. } => {
                &said.fields
            }
            _ => &[],
        }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings(problem) => f.write_str(problem),
            Self::Unauthorized { call, said, token_from } => write!(
                f,
                "{call}: the token was not accepted (401{said}). It is wrong or has expired: create a new one in \
                 your ThousandEyes profile and put it in {token_from}."
            ),
            Self::Forbidden { call, said } => {
                let need = if said.html { PROXY } else { permission(&call.path) };
                write!(f, "{call}: not allowed (403{said}). {need}")
            }
            Self::RateLimited { call, status, within } => write!(
                f,
                "{call}: the organization's rate limit ({status}{}) left no room within {} seconds. All clients of the \
                 organization share it: try again later, or slow the others down.",
                if *status == 403 { " with Retry-After" } else { "" },
                within.as_secs()
            ),
            Self::Refused { call, status, said } => {
                write!(f, "{call}: refused ({status}{said}). {}", fix_for_status(*status, said))
            }
            Self::NotYet { call } => write!(f, "{call}: not sent yet: it had to wait."),
            Self::NotSent { call, reason } => write!(f, "{call}: not sent: {}.", without_full_stop(reason)),
            Self::Unknown { call, reason, .. } => write!(
                f,
                "{call}: {}. Whether it was done is unknown: compare with the live quotas before sending it again.",
                without_full_stop(reason)
            ),
            Self::Unavailable { call, reason, .. } => {
                write!(f, "{call}: {}: try later.", without_full_stop(reason))
            }
            Self::Unusable { call, reason } => write!(f, "{call}: {}.", without_full_stop(reason)),
        }
    }
}

/// Reasons come with a full stop and without.
fn without_full_stop(reason: &str) -> &str {
    reason.trim_end_matches('.')
}

/// What to say where HTML came.
pub(super) const PROXY: &str =
    "A proxy or a login page probably answered instead of the API: check api.base_url and api.proxy.";

fn permission(path: &str) -> &'static str {
    if path.starts_with("/usage") {
        "The token's user needs the permission `View organization usage` (older: `View Billing`) in that organization."
    } else if path.starts_with("/quotas") {
        "The token's user needs the permission `Edit organization and account group quotas` in each organization named."
    } else {
        "The token's user needs a role that may see these account groups."
    }
}

fn fix_for_status(status: u16, said: &ServerMessage) -> &'static str {
    match status {
        413 => "The request is too large: send fewer rows at once.",
        _ if said.html => PROXY,
        404 => "Check the ids, and that api.base_url is the API's address.",
        _ if said.fields.is_empty() => "Check the ids and values that were sent.",
        _ => "Fix the values that it names.",
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// Made to follow a status: `: its words [field: message]`, or nothing.
impl fmt::Display for ServerMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.summary.trim_end_matches('.').to_owned();
        if self.html {
            "an HTML page".clone_into(&mut text);
        }
        if !self.fields.is_empty() {
            let named: Vec<String> = self.fields.iter().take(FIELDS_SHOWN).map(ToString::to_string).collect();
            let more = self.fields.len().saturating_sub(FIELDS_SHOWN);
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            text = format!("{text} [{}{more}]", named.join("; "));
        }
        if text.is_empty() { Ok(()) } else { write!(f, ": {}", truncated(&text)) }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.field.as_str(), self.message.as_str()) {
            ("", message) => f.write_str(message),
            (field, "") => f.write_str(field),
            (field, message) => write!(f, "{field}: {}", message.trim_end_matches('.')),
        }
    }
}

impl ServerMessage {
    /// Reads `application/problem+json`, the 401's own shape, plain text, or that it is HTML.
    pub(super) fn read(body: &[u8], is_html: bool) -> Self {
        if is_html || body.trim_ascii_start().starts_with(b"<") {
            return Self { html: true, ..Self::default() };
        }
        // A start of it is enough to see what it is; the rest may be megabytes.
        let text = answer_text::repaired(body.to_vec());
        let Ok(problem) = Object::of_answer(&text) else {
            let start: String = text.chars().take(2 * LONGEST_TEXT).collect();
            return Self { summary: clean(&start), ..Self::default() };
        };
        let own = |problem: &Object<'_>, name: &str| {
            let text = problem.text(name).ok().flatten();
            text.map(|text| clean(&text)).unwrap_or_default()
        };
        let mut words: Vec<String> = Vec::new();
        for name in ["title", "detail", "error", "error_description"] {
            let text = own(&problem, name);
            if !text.is_empty() && !words.contains(&text) {
                words.push(text.trim_end_matches('.').to_owned());
            }
        }
        let mut fields = Vec::new();
        let _no_list = problem.each("errors", |error| {
            let Ok(error) = Object::from_value("an error", error) else { return };
            let message = own(&error, "message");
            let message = if message.is_empty() { own(&error, "code") } else { message };
            let error = FieldError { field: own(&error, "field"), message };
            fields.extend(Some(error).filter(|error| !(error.field.is_empty() && error.message.is_empty())));
        });
        Self { summary: truncated(&words.join(": ")), fields, html: false }
    }
}

/// The server's text as people may see it: no secret, one line, not too long.
pub(super) fn clean(text: &str) -> String {
    redact::clean(text, LONGEST_TEXT)
}

fn truncated(text: &str) -> String {
    words::clean(text, LONGEST_TEXT)
}

#[cfg(test)]
mod tests;
