//! quotakeeper looks after the usage quotas of Cisco `ThousandEyes` organizations.
//!
//! ```text
//!              ┌───────────── thousandeyes (client, retry, pace) ─────────────┐
//! schedule ─▶  snapshot ─▶ history ─▶ diff ─▶ report ─▶ mail ─▶ outbox ─▶ SMTP
//!                             ▲          ▲
//!  inbox ─▶ parse ─▶ plan ─▶ guard ─▶ apply ─▶ verify ─▶ results, undo
//! ```
//!
//! Decisions are pure functions over plain data that take `now` as an argument: `quota`, `schedule`, `diff`,
//! `change::{parse, plan, guard}`, `history::retention`, `report`, `thousandeyes::{retry, pace}`. The shell around
//! them reads the clock once, fetches, calls the core, executes and reports: `job` says what each job does,
//! `app` holds what they need.

#![allow(dead_code, unused_imports, unreachable_pub, reason = "the parts that use it follow")]

mod change;
mod clock;
mod config;
mod csv_text;
mod diff;
mod durable;
mod exit_code;
mod history;
mod lock;
mod mail;
pub mod quota;
mod report;
mod schedule;
mod simulator;
mod snapshot;
pub mod thousandeyes;
