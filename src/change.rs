//! The steps from a change file to changed quotas: `parse` → `plan` (with its guards) → `apply` → `results`, led by `lifecycle`.
//!
//! Parsing, planning and guarding are pure; `lifecycle`, `apply` and `inbox` are the shell, and `services` is all that they
//! know of the outside.

mod answer_folders;
mod answer_place;
pub(crate) mod answers;
pub(crate) mod apply;
pub(crate) mod approvals;
mod codes;
mod doubtful_usage;
pub(crate) mod explains;
#[cfg(test)]
pub(crate) mod fixtures;
pub(crate) mod inbox;
mod known_files;
pub(crate) mod lifecycle;
mod live;
pub(crate) mod live_plan;
pub(crate) mod missing_quotas;
pub(crate) mod mounts;
mod outcome;
pub(crate) mod parse;
pub(crate) mod plan;
pub(crate) mod propose;
mod resolve;
pub(crate) mod results;
pub(crate) mod retention;
pub(crate) mod run;
mod services;
mod shared_reading;
pub(crate) mod stored;
pub(crate) mod summary;

pub(crate) use self::answer_folders::Folders as AnswerFolders;
pub(crate) use self::codes::{Code, Guard, Problem, RunState};
pub(crate) use self::known_files::KnownFiles;
pub(crate) use self::outcome::{Outcome, RowResult};
pub(crate) use self::parse::Action;
pub(crate) use self::plan::{GuardHit, NoChange, Plan, PlanOrganization, PlanRow, Verdict};
pub(crate) use self::services::Services;
pub(crate) use self::shared_reading::SharedReading;
pub(crate) use self::summary::RunSummary;
