//! What quotakeeper does, job by job. Each job can be repeated at any time; each leaves whole files or none.
//!
//! ```text
//! daemon, once ─▶ worker ─▶ agenda   which unit of work comes next (pure)
//!                       └─▶ serve ◀─ the commands       one job from its beginning to its end, and what is remembered of it
//!                             └─▶ inbox, snapshot, reports, prune, outbox
//! ```

pub(crate) mod activity;
mod agenda;
pub(crate) mod alerts;
mod app;
pub(crate) mod apply;
pub(crate) mod basis;
mod catch_panic;
pub(crate) mod closings;
pub(crate) mod comparison;
mod done;
mod due;
mod inbox;
mod job;
mod liveness;
pub(crate) mod notices;
mod outbox;
mod own_api;
pub(crate) mod own_files;
mod page_inputs;
mod people;
mod proposed;
pub(crate) mod prune;
pub(crate) mod report_inputs;
mod reports;
pub(crate) mod requests;
mod retry;
mod serve;
mod slots;
mod snapshot;
pub(crate) mod state;
pub(crate) mod waiting;
mod worker;

pub(crate) use self::app::{App, api};
pub(crate) use self::done::Trigger;
pub(crate) use self::job::Job;
pub(crate) use self::serve::{log_failure, serve};
pub(crate) use self::worker::Worker;

#[cfg(test)]
mod tests;
