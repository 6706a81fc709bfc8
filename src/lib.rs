//! quotakeeper looks after the usage quotas of Cisco `ThousandEyes` organizations.
//!
//! ```text
//!              ┌───────────── thousandeyes (client, retry, pace) ─────────────┐
//! schedule ─▶  snapshot ─▶ history ─▶ diff ─▶ report ─▶ mail ─▶ outbox ─▶ SMTP
//!                             ▲          ▲
//!  inbox ─▶ parse ─▶ plan ─▶ guard ─▶ apply ─▶ verify ─▶ results, undo
//! ```
//!
//! Decisions are pure functions over plain data that take `now` as an argument: `quota` (the words of the domain),
//! `schedule`, `diff`, `routes`, `forecast`, `change::{parse, plan, guard, propose}`, `history::retention`, `report`,
//! `thousandeyes::{retry, pace}`.
//! The shell around them reads the clock once, fetches, calls the core, executes and reports.
//!
//! | what | where |
//! |---|---|
//! | What each job does, and what they all need | `jobs`, `app` |
//! | Who starts them: a person, the daemon, `once` | `cli`, `daemon`, with `schedule`, `state`, `own_files`, `lock`, `clock` |
//! | The way above | `snapshot`, `history`, `comparison`, `diff`, `alerts`, `closings`, `gather`, `report`, `mail` |
//! | The way below | `inbox`, `change` (all of a run, led by `change::process`), `answers` |
//! | How others learn that it works | `health`, `metrics`, `server` |
//! | Under both | `config`, `quota`, `routes`, `largest`, `last_cycle`, `forecast`, `thousandeyes`, `progress`, `files`, `text`, `exit_code`, `first_error` |
//! | Without an account | `simulator`, `demo`; for tests, `testbed` is a whole installation, `chaos` a thousand of them |

mod app;
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
mod history;
mod jobs;
mod mail;
mod report;
mod schedule;
mod simulator;
#[cfg(test)]
mod testing;
mod text;
pub mod thousandeyes;

pub use cli::main;
