//! The `ThousandEyes` API: all nine operations on quotas, usage and account groups, typed.
//!
//! ```text
//! lazy        the one client of a process, made at its first use
//! client      the operations: what is sent, and what an answer becomes
//!   transport   one request until it is done or given up; the only part that sends and waits
//!     http        the HTTP client and TLS      ca_file, proxy   pure: the certificates of a file, the environment's proxy
//!     rate_budget     pure: how long before the next request
//!     retry           pure: what may be sent again, and when
//!     limits          pure: what the headers say, in the server's own time
//!     attempt         pure: what the last try means
//!     recent          pure: what just failed is not asked again at once
//!     request_counts  pure: how many requests were sent, for the metrics
//!   answer_text     pure: the body of an answer as text
//!   wire        the JSON, private    model   the same as the rest of the program wants it
//! clock       pure: whether this machine's clock is to be believed
//! error       what went wrong, and what a person does about it
//! ```
//!
//! A write whose outcome is unknown ([`Error::outcome_unknown`]) is never sent again here: read the quotas first.

mod answer_text;
mod attempt;
mod body;
mod ca_file;
mod client;
mod clock;
mod error;
mod http;
mod lazy;
mod limits;
mod model;
pub(crate) mod progress;
mod proxy;
mod rate_budget;
mod recent_failures;
mod request_counts;
mod retry;
mod settings;
mod transport;
mod wire;

pub use self::client::{Client, Period};
pub(crate) use self::clock::is_clock_confirmed;
pub use self::error::{Call, Error, FieldError, ServerMessage};
pub(crate) use self::http::{bad_certificate, deepest, other_client, start_of};
pub(crate) use self::lazy::LazyClient;
pub(crate) use self::limits::retry_after;
pub use self::model::{
    AccountGroup, AgentUnits, OrganizationQuotas, OrganizationUsage, TestUnits, TestUsage, Unreadable,
    UnreadableTarget,
};
pub(crate) use self::rate_budget::Allowance;
pub use self::rate_budget::Budget;
pub(crate) use self::retry::LONGEST_REQUEST;
pub use self::settings::Settings;
pub use crate::config::Secret;

/// How many organizations the body of `GET /quotas` names; none where it is no such body.
pub(crate) fn count_organizations(body: Vec<u8>) -> Option<usize> {
    let text = answer_text::AnswerText::new(body, 0);
    model::quotas(text, &mut model::SoFar::default()).ok().map(|page| page.0.len())
}
