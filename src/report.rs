//! Reports as plain data: snapshots, diffs and runs in, view models out.
//!
//! Pure functions. A view model holds raw numbers and finished sentences; `mail::render` and the templates only
//! lay them out, so that text, HTML and any later format say the same.

mod alerts;
mod any_report;
mod changes;
pub(crate) mod closing;
mod examples;
mod failure;
mod notice;
mod owners;
mod ranking;
pub(crate) mod shared;
mod snapshot_summary;
mod table;
mod target;
mod timeline;
mod usage;

#[cfg(test)]
pub(crate) mod fixtures;

#[cfg(test)]
pub(crate) use self::alerts::crossings::AlertEvent;
pub(crate) use self::alerts::crossings::{AlertTiming, Evidence, Record, judge};
pub(crate) use self::alerts::{AlertInput, alert_report};
pub(crate) use self::any_report::Report;
pub(crate) use self::changes::diffs::{DiffContext, RESTORE, Unlisted, drift_report, outside, period_report};
pub(crate) use self::changes::files::GatheredFiles;
pub(crate) use self::changes::held::{HeldRun, held, reason};
pub(crate) use self::changes::row::ChangeRow;
pub(crate) use self::changes::row_outcomes::Section as ChangesSection;
pub(crate) use self::changes::run_notice::RunNotice;
pub(crate) use self::changes::{ChangesReport, run_report};
pub(crate) use self::closing::cycle_lookup::{ClosedCycles, CycleLookup};
#[cfg(test)]
pub(crate) use self::closing::cycle_lookup::{Cycle, LastSeen as SeenInCycle};
pub(crate) use self::closing::cycle_tracker::{ClosingRecord, EndedCycle, last_cycles};
pub(crate) use self::closing::{ClosingInput, ClosingReport, closing_report};
pub(crate) use self::examples::examples;
pub(crate) use self::failure::{
    FailingJob, Failure, FailureReport, FileProblem, LARGER_FILES, ProblemKind, advice, failure_report,
    file_report, is_full_disk,
};
pub(crate) use self::notice::{recovery_report, test_report};
pub(crate) use self::owners::{
    Share, alert_report_to_owners, changed_targets, closing_report_to_owners, drift_report_to_owners,
    run_report_to_owners, seen_targets,
};
pub(crate) use self::ranking::{Ranking, is_over};
pub(crate) use self::shared::curves::Curves;
pub(crate) use self::shared::level::Level;
pub(crate) use self::shared::picture::Picture;
pub(crate) use self::shared::quota_status::{Bar, JudgingContext, QuotaStatus, quota_statuses};
pub(crate) use self::shared::readings::{OrganizationReadings, Readings};
pub(crate) use self::shared::rebalance::{REBALANCE, Rebalance};
pub(crate) use self::shared::trends::Trends;
pub(crate) use self::shared::week::{Slopes, Week};
pub(crate) use self::shared::{Audience, Extent, Footer, ReportContext, page_of, words};
pub(crate) use self::snapshot_summary::SnapshotSummary;
pub(crate) use self::table::{
    ATTACHED, changes_table, write_closing_table, write_usage_csv, write_usage_table,
};
pub(crate) use self::target::{TargetPage, TargetParts, target_page};
pub(crate) use self::timeline::{Moment, People, QuotaChange, Timeline, TimelineInput, timeline};
pub(crate) use self::usage::input::UsageInput;
pub(crate) use self::usage::page::{Groups, MOST_ROWS, Owners, PageInput, Row as UsageRow, UsagePage};
pub(crate) use self::usage::{UsageReport, usage_report};
