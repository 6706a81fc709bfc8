//! The outcome of one try, and what it means if it is the last: the answer's body, or an error in words.
//!
//! Only a 4xx says for certain that a write was not done as sent. After anything else that is no success, nobody
//! knows.

use std::time::Duration;

use serde::de::IgnoredAny;

use super::body::Body;
use super::error::{Call, Error, PROXY, ServerMessage};
use super::limits::Limits;
use super::retry::{Event, LONGEST_WAIT};

/// One try's result, plain data.
#[derive(Debug)]
pub(super) struct Outcome {
    pub event: Event,
    /// Why there is no answer, or none that is whole; else empty.
    pub reason: String,
    pub limits: Limits,
    pub is_html: bool,
    /// By what the other side knows the request, if it said so.
    pub answer_id: Option<String>,
    /// As much of it as was read.
    pub body: Body,
    /// HTTP/1 gave no length and no last chunk: the answer ends where the connection does, whole or not.
    pub is_undelimited: bool,
}

impl Outcome {
    pub(super) fn answer(status: u16) -> Self {
        Self { event: Event::Status(status), ..Self::without_answer(Event::NoAnswer, String::new()) }
    }

    pub(super) fn without_answer(event: Event, reason: String) -> Self {
        Self {
            event,
            reason,
            limits: Limits::default(),
            is_html: false,
            answer_id: None,
            body: Body::default(),
            is_undelimited: false,
        }
    }

    /// The event as a reader of the answer sees it: a part is no answer, and neither is JSON without its end, even where HTTP saw
    /// nothing wrong with it (a body without a length ends wherever the connection does).
    pub(super) fn noticing_a_cut_object(self) -> Self {
        let body = self.body.bytes.trim_ascii();
        // Nobody asked for a part (206): it may be whole JSON, and lack what the rest says.
        if self.event == Event::Status(206) {
            let reason = "the answer is only partial (206)".to_owned();
            return Self { limits: self.limits, ..Self::without_answer(Event::NoAnswer, reason) };
        }
        let is_success = matches!(self.event, Event::Status(200..=299));
        let is_cut = || {
            // An object inside may end where the answer was cut.
            let ends_early =
                |body| serde_json::from_slice::<IgnoredAny>(body).is_err_and(|error| error.is_eof());
            !body.ends_with(b"}") || (self.is_undelimited && ends_early(body))
        };
        if is_success && self.reason.is_empty() && body.starts_with(b"{") && is_cut() {
            let reason = "the answer ends in the middle".to_owned();
            return Self { limits: self.limits, ..Self::without_answer(Event::NoAnswer, reason) };
        }
        self
    }

    /// The last word on a request: its answer's body, which is empty for a write.
    pub(super) fn conclude(self, call: Call, is_read: bool, token_from: &str) -> Result<Body, Error> {
        let status = match self.event {
            Event::NotConnected | Event::Unsendable => {
                return Err(Error::NotSent { call, reason: self.reason });
            }
            Event::NoAnswer => return Err(error(call, is_read, None, self.reason, None)),
            Event::Status(status) | Event::Throttled(status) => status,
        };
        let retry_after = self.limits.retry_after;
        let said = || ServerMessage::read(&self.body.bytes, self.is_html);
        Err(match status {
            // A page of something on the way, such as a login: whether it let the request through, nobody knows.
            200..=299 if !is_read => match self.page_instead().filter(|_| !self.body.bytes.is_empty()) {
                None => return Ok(Body::default()),
                Some(reason) => error(call, is_read, Some(status), reason, retry_after),
            },
            200..=299 => match self.why_unreadable() {
                None => return Ok(self.body),
                Some(reason) => Error::Unusable { call, reason },
            },
            401 => Error::Unauthorized { call, said: said(), token_from: token_from.to_owned() },
            403 => Error::Forbidden { call, said: said() },
            408 | 500..=599 => {
                let reason = format!("the server failed ({status}{})", said());
                error(call, is_read, Some(status), reason, retry_after)
            }
            400..=499 => Error::Refused { call, status, said: said() },
            _ => {
                let reason = format!(
                    "answered with {status}, which the API never does. Check that api.base_url is the API's own address"
                );
                if is_read {
                    Error::Unusable { call, reason }
                } else {
                    Error::Unknown { call, status: Some(status), reason, retry_after }
                }
            }
        })
    }

    /// What keeps a successful answer from being read.
    fn why_unreadable(&self) -> Option<String> {
        let reason = Some(&self.reason).filter(|reason| !reason.is_empty());
        reason.cloned().or_else(|| self.page_instead())
    }

    /// That a page came, which the API never sends.
    fn page_instead(&self) -> Option<String> {
        let is_page = self.is_html || self.body.bytes.trim_ascii_start().starts_with(b"<");
        is_page.then(|| format!("the answer is an HTML page, not JSON. {PROXY}"))
    }
}

fn error(
    call: Call,
    is_read: bool,
    status: Option<u16>,
    reason: String,
    retry_after: Option<Duration>,
) -> Error {
    if is_read {
        let reason = match retry_after.filter(|asked| *asked > LONGEST_WAIT) {
            Some(asked) => format!("{reason} and asks for no request within {} seconds", asked.as_secs()),
            None => format!("{}. Trying again did not help", reason.trim_end_matches('.')),
        };
        Error::Unavailable { call, status, reason }
    } else {
        Error::Unknown { call, status, reason, retry_after }
    }
}

#[cfg(test)]
mod tests;
