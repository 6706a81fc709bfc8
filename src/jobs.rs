//! What quotakeeper does, job by job. Each job can be repeated at any time; each leaves whole files or none.
//!
//! ```text
//! daemon, once ─▶ serve::worker ─▶ serve::agenda   which unit of work comes next (pure)
//!                         └─▶ serve ◀─ the commands       one job from its beginning to its end, and what is remembered of it
//!                               └─▶ inbox, snapshot, the reports, prune, outbox
//!                                     └─▶ records ─▶ report_inputs ─▶ state ─▶ job
//! ```
//!
//! Each arrow runs down this drawing. `requests` (commands hand work over) is below the jobs, and `app` builds what they work
//! with.

// The jobs, one file each, and `apply`, which no schedule starts.
pub(crate) mod apply;
mod changes_report;
pub(crate) mod closing_report;
mod digest;
mod inbox;
mod outbox;
pub(crate) mod prune;
mod snapshot;
mod usage_report;

// What serves them.
pub(crate) mod activity;
mod app;
mod job;
pub(crate) mod records;
pub(crate) mod report_inputs;
pub(crate) mod requests;
mod serve;
pub(crate) mod state;

pub(crate) use self::app::{App, api};
pub(crate) use self::job::done::Trigger;
pub(crate) use self::job::{Job, Sends};
pub(crate) use self::serve::serve;
pub(crate) use self::serve::worker::Worker;

#[cfg(test)]
mod tests;
