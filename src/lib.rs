//! quotakeeper looks after the usage quotas of Cisco `ThousandEyes` organizations.
//!
//! ```text
//!              ┌────────── thousandeyes (client, retry, rate limit) ──────────┐
//! schedule ─▶  collect ─▶ history ─▶ diff ─▶ report ─▶ mail ─▶ outbox ─▶ SMTP
//!                            ▲         ▲
//!  inbox ─▶ parse ─▶ plan ─▶ guard ─▶ apply ─▶ verify ─▶ results, undo
//! ```
//!
//! Decisions are pure functions over plain data that take `now` as an argument. The shell around them reads the clock once,
//! fetches, calls them, executes and reports.
//!
//! | room | what it does | begins at |
//! |---|---|---|
//! | `cli`, `daemon` | who starts jobs: a person, `once`, the daemon; and how others learn that it works | `cli`, `daemon` |
//! | `jobs` | one file for each job; and what they all work with, built once | `jobs`, `jobs::app` |
//! | `mail`, `page`, `report` | plain views for people, and the mails and pages made of them | `report`, `mail::mailer`, `page` |
//! | `change` | a change file's way from the inbox to its answers | `change::lifecycle` |
//! | `collect`, `history` | what the API says becomes a snapshot, and a file | `collect`, `history` |
//! | `thousandeyes`, `config`, `schedule`, `domain`, `files`, `text` | what all stand on | |
//! | `simulator`, `demo`, `testing`, `inner_loops` | without an account | |

mod change;
mod cli;
mod clock;
mod collect;
mod config;
mod daemon;
mod demo;
pub mod domain;
mod exit_code;
mod files;
mod first_error;
mod history;
#[doc(hidden)]
pub mod inner_loops;
mod jobs;
mod mail;
mod page;
mod parallel;
mod report;
mod schedule;
mod simulator;
#[cfg(test)]
mod testing;
mod text;
pub mod thousandeyes;

pub use cli::main;
