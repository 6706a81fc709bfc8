//! The closing report: judges the latest snapshot, and mails the billing cycles that closed, all in one mail a day.
//!
//! What closed is written down before the mail is made and until it is queued, so that a crash in between makes the same mail
//! again, which the outbox recognizes. What counts as closed is decided in `report::closing::cycle_tracker`.

use chrono::{DateTime, Utc};
use tracing::info;

use crate::domain::diff::Diff;
use crate::domain::quota::Snapshot;
use crate::files::versioned_json;
use crate::history::changes;
use crate::jobs::records::Reporting;
use crate::jobs::records::closings::{self, FILE};
use crate::jobs::report_inputs::ReportInputs;
use crate::report::{
    ClosedCycles, ClosingInput, ClosingReport, CycleLookup, EndedCycle, Extent, ReportContext,
    closing_report, last_cycles,
};

/// Mails what closed since the last time; nothing where nothing did.
pub(super) fn queue(reporting: &Reporting<'_>, now: DateTime<Utc>) -> anyhow::Result<()> {
    let Reporting { inputs, mailer, state } = reporting;
    let Some(latest) = inputs.history.latest_readable(now)? else { return Ok(()) };
    let data_dir = &inputs.config.data.dir;
    let record = closings::record(state, now)?.judge(&latest);
    versioned_json::save(data_dir, &FILE, &record)?;
    if record.pending.is_empty() {
        info!("no billing cycle closed since the last report: no mail");
        return Ok(());
    }
    let closed = closed_cycles(inputs, &record.pending, now)?;
    let (diffs, rule) = (since_the_first(inputs, &closed, now)?, inputs.config.usage.rule());
    let input = ClosingInput { closed: &closed, diffs: &diffs, latest: &latest, rule: &rule };
    mailer.closing(closing_report(&input, &inputs.context(now)), now)?;
    mailer.closing_to_owners(&input, now)?;
    versioned_json::save(data_dir, &FILE, &record.with_reported(closed.iter().flat_map(made_from)))
}

/// The snapshots that its figures come from, those of the cycles before it and of its middle too: later reports, and the page, repeat
/// all of them.
fn made_from(closed: &ClosedCycles) -> impl Iterator<Item = DateTime<Utc>> {
    closed
        .cycles
        .iter()
        .filter_map(|cycle| cycle.last_seen.as_ref())
        .chain(&closed.middle)
        .map(|seen| seen.at)
}

/// What the last cycles that closed came to, or why nothing of them is known.
pub(crate) enum LastClosings {
    Report(Box<ClosingReport>),
    /// No snapshot shows usage, and with it no cycle.
    NoCycle,
    /// No snapshot is of a cycle that closed. The first that closes next, and whose it is; none where its end has passed and
    /// only the next snapshot says more.
    NoneClosed(Option<(DateTime<Utc>, String)>),
}

/// What is shown to somebody who asks at any time, also before the first cycle closed.
pub(crate) fn last_closings(
    inputs: &ReportInputs<'_>,
    latest: &Snapshot,
    now: DateTime<Utc>,
) -> anyhow::Result<LastClosings> {
    let ended = last_cycles(latest);
    if ended.is_empty() {
        return Ok(LastClosings::NoCycle);
    }
    let closed = closed_cycles(inputs, &ended, now)?;
    if closed.iter().flat_map(|closed| &closed.cycles).any(|cycle| cycle.last_seen.is_some()) {
        let report =
            with_cycles(inputs, &closed, latest, now, |input, context| Ok(closing_report(input, context)))?;
        return Ok(LastClosings::Report(Box::new(report)));
    }
    let ends = latest.organizations().iter().filter_map(|own| Some((own.cycle()?.1, own)));
    let next = ends.filter(|(end, _)| *end > now).min_by_key(|(end, _)| *end);
    Ok(LastClosings::NoneClosed(next.map(|(end, own)| {
        (end, if own.name.is_empty() { own.id.to_string() } else { own.name.to_string() })
    })))
}

/// What is made, as a file, of the last closed cycle of every organization that a snapshot shows, mailed before or not.
pub(crate) fn with_last_closings<T>(
    inputs: &ReportInputs<'_>,
    latest: &Snapshot,
    now: DateTime<Utc>,
    make: impl FnOnce(&ClosingInput<'_>, &ReportContext) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let ended = last_cycles(latest);
    anyhow::ensure!(!ended.is_empty(), "the latest snapshot shows no billing cycle: its usage is unknown");
    with_cycles(inputs, &closed_cycles(inputs, &ended, now)?, latest, now, make)
}

fn with_cycles<T>(
    inputs: &ReportInputs<'_>,
    closed: &[ClosedCycles],
    latest: &Snapshot,
    now: DateTime<Utc>,
    make: impl FnOnce(&ClosingInput<'_>, &ReportContext) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let diffs = since_the_first(inputs, closed, now)?;
    let input = ClosingInput { closed, diffs: &diffs, latest, rule: &inputs.config.usage.rule() };
    make(&input, &ReportContext { extent: Extent::Whole, ..inputs.context(now) })
}

/// What the history says of the cycles that ended, and of those before them.
fn closed_cycles(
    inputs: &ReportInputs<'_>,
    ended: &[EndedCycle],
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<ClosedCycles>> {
    let mut lookup = CycleLookup::new(ended, inputs.history.until(now)?, inputs.config.schedule.timezone);
    if inputs.config.mail.routes_file.is_some() {
        lookup = lookup.for_owners();
    }
    while let Some(at) = lookup.next() {
        lookup.observe(at, inputs.history.read_or_warn(at).as_ref());
    }
    Ok(lookup.into_closed())
}

/// What changed since the earliest of these cycles began.
fn since_the_first(
    inputs: &ReportInputs<'_>,
    closed: &[ClosedCycles],
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<Diff>> {
    let since = closed.iter().map(|closed| closed.cycles[0].start).min().unwrap_or(now);
    changes::between(&inputs.config.data.dir, since, now)
}

#[cfg(test)]
mod tests;
