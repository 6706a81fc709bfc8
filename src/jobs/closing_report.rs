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
    Closed, ClosingInput, ClosingReport, CycleLookup, Ended, Extent, ReportContext, closing_report,
    last_cycles,
};

/// Mails what closed since the last time; nothing where nothing did.
pub(super) fn queue(job: &Reporting<'_>, now: DateTime<Utc>) -> anyhow::Result<()> {
    let Reporting { inputs, mailer, state } = job;
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
    versioned_json::save(data_dir, &FILE, &record.reported(closed.iter().flat_map(made_from)))
}

/// The snapshots that its figures come from, those of the cycles before it and of its middle too: later reports, and the page, repeat
/// all of them.
fn made_from(closed: &Closed) -> impl Iterator<Item = DateTime<Utc>> {
    closed.cycles.iter().filter_map(|cycle| cycle.seen.as_ref()).chain(&closed.middle).map(|seen| seen.at)
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
pub(crate) fn seen_closings(
    inputs: &ReportInputs<'_>,
    latest: &Snapshot,
    now: DateTime<Utc>,
) -> anyhow::Result<LastClosings> {
    let ended = last_cycles(latest);
    if ended.is_empty() {
        return Ok(LastClosings::NoCycle);
    }
    let closed = closed_cycles(inputs, &ended, now)?;
    if closed.iter().flat_map(|closed| &closed.cycles).any(|cycle| cycle.seen.is_some()) {
        return Ok(LastClosings::Report(Box::new(report_on(inputs, &closed, latest, now)?)));
    }
    let ends = latest.organizations().iter().filter_map(|own| Some((own.cycle()?.1, own)));
    let next = ends.filter(|(end, _)| *end > now).min_by_key(|(end, _)| *end);
    Ok(LastClosings::NoneClosed(next.map(|(end, own)| {
        (end, if own.name.is_empty() { own.id.to_string() } else { own.name.to_string() })
    })))
}

/// The report on the last closed cycle of every organization that a snapshot shows, mailed before or not.
pub(crate) fn last_closings(
    inputs: &ReportInputs<'_>,
    latest: &Snapshot,
    now: DateTime<Utc>,
) -> anyhow::Result<ClosingReport> {
    let ended = last_cycles(latest);
    anyhow::ensure!(!ended.is_empty(), "the latest snapshot shows no billing cycle: its usage is unknown");
    report_on(inputs, &closed_cycles(inputs, &ended, now)?, latest, now)
}

fn report_on(
    inputs: &ReportInputs<'_>,
    closed: &[Closed],
    latest: &Snapshot,
    now: DateTime<Utc>,
) -> anyhow::Result<ClosingReport> {
    let diffs = since_the_first(inputs, closed, now)?;
    let input = ClosingInput { closed, diffs: &diffs, latest, rule: &inputs.config.usage.rule() };
    Ok(closing_report(&input, &ReportContext { extent: Extent::Whole, ..inputs.context(now) }))
}

/// What the history says of the cycles that ended, and of those before them.
fn closed_cycles(
    inputs: &ReportInputs<'_>,
    ended: &[Ended],
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<Closed>> {
    let mut lookup = CycleLookup::new(ended, inputs.history.until(now)?, inputs.config.schedule.timezone);
    while let Some(at) = lookup.next() {
        lookup.see(at, inputs.history.read_or_warn(at).as_ref());
    }
    Ok(lookup.closed())
}

/// What changed since the earliest of these cycles began.
fn since_the_first(
    inputs: &ReportInputs<'_>,
    closed: &[Closed],
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<Diff>> {
    let since = closed.iter().map(|closed| closed.cycles[0].start).min().unwrap_or(now);
    changes::between(&inputs.config.data.dir, since, now)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::TimeDelta;

    use super::*;
    use crate::config;
    use crate::config::Config;
    use crate::domain::quota::Snapshot;
    use crate::history::History;
    use crate::jobs::state::{StateFile, Unwritten};
    use crate::mail::Mailer;
    use crate::report::closing::fixtures::{at_the_end_of, history};
    use crate::report::fixtures::at;

    struct Process {
        config: Config,
        history: History,
        mailer: Mailer,
        unwritten: Arc<Unwritten>,
    }

    impl Process {
        fn state(&self) -> StateFile<'_> {
            StateFile { config: &self.config, history: &self.history, unwritten: &self.unwritten }
        }
    }

    fn process(folder: &tempfile::TempDir) -> Process {
        let settings = [
            ("QUOTAKEEPER__DATA__DIR", folder.path().to_str().unwrap()),
            ("QUOTAKEEPER__SCHEDULE__TIMEZONE", "Europe/Berlin"),
            ("QUOTAKEEPER__MAIL__TRANSPORT", "directory"),
            ("QUOTAKEEPER__MAIL__FROM", "quotakeeper@example.com"),
            ("QUOTAKEEPER__MAIL__TO__USAGE", "[\"ann@example.com\"]"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let config = config::load(None, &settings).unwrap();
        let (history, mailer) = (History::new(&config.data.dir), Mailer::new(&config, "a test"));
        Process { config, history, mailer, unwritten: Arc::default() }
    }

    fn report(process: &Process, now: DateTime<Utc>) -> anyhow::Result<()> {
        let Process { config, history, mailer, .. } = process;
        let inputs = ReportInputs { config, history, instance: "a test" };
        queue(&Reporting { inputs, mailer, state: process.state() }, now)
    }

    fn takes(process: &Process, snapshot: &Snapshot, taken_at: DateTime<Utc>) {
        let mut seen = snapshot.clone();
        seen.taken_at = taken_at;
        process.history.write(&seen).unwrap();
    }

    /// The mails, each as one line.
    fn mails(folder: &tempfile::TempDir) -> Vec<String> {
        let files = fs_err::read_dir(folder.path().join("outbox/new")).into_iter().flatten().flatten();
        let messages =
            files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|is| is == "eml"));
        let plain = |text: String| text.replace("=\r\n", "").split_whitespace().collect::<Vec<_>>().join(" ");
        messages.map(|path| plain(fs_err::read_to_string(path).unwrap())).collect()
    }

    #[test]
    fn a_year_of_snapshots_is_reported_cycle_by_cycle_on_the_morning_after_each() {
        let folder = tempfile::tempdir().unwrap();
        let process = process(&folder);
        for month in 3..=11 {
            let snapshot = at_the_end_of(month);
            takes(&process, &snapshot, snapshot.taken_at);
            for days in 0..3 {
                report(&process, snapshot.taken_at + TimeDelta::days(days)).unwrap();
            }
        }
        let mails = mails(&folder);
        assert_eq!(mails.len(), 8);
        // The last snapshot shows November to run, whatever the clock says.
        assert!(!mails.iter().any(|mail| mail.contains("5 Nov to 5 Dec")));
        let last = mails.iter().find(|mail| mail.contains("5 Oct to 5 Nov")).unwrap();
        assert!(last.contains("5 Mar to 5 Apr") && !last.contains("Nov no data"), "{last}");
        assert_eq!(closings::reported_snapshots(&process.state(), at("12-01T00:00")).unwrap().len(), 8);
    }

    #[test]
    fn the_figures_of_closed_cycles_are_the_same_after_the_history_was_thinned() {
        let folder = tempfile::tempdir().unwrap();
        let process = process(&folder);
        let year = history();
        for snapshot in &year {
            takes(&process, snapshot, snapshot.taken_at);
        }
        report(&process, at("12-04T20:00")).unwrap();
        for hours in [21, 22, 23, 24 + 6] {
            let after = if hours < 24 { at_the_end_of(11) } else { at_the_end_of(12) };
            takes(&process, &after, at("12-04T00:00") + TimeDelta::hours(hours));
        }
        report(&process, at("12-05T07:00")).unwrap();
        let shown = || {
            let Process { config, history, .. } = &process;
            let inputs = ReportInputs { config, history, instance: "a test" };
            let latest = history.latest().unwrap().unwrap();
            let report = last_closings(&inputs, &latest, at("12-05T08:00")).unwrap();
            (format!("{:?}", report.sections), format!("{:?}", report.all))
        };
        let before = shown();
        let reported = closings::reported_snapshots(&process.state(), at("12-05T07:00")).unwrap();
        let (all, keep) =
            (process.history.list().unwrap(), crate::config::Keep { hourly: 1, daily: 1, monthly: 1 });
        let gone = crate::history::retention::superfluous(&all, keep);
        let gone: Vec<_> = gone.into_iter().filter(|at| !reported.contains(at)).collect();
        assert!(!gone.is_empty());
        for at in gone {
            process.history.remove(at).unwrap();
        }
        assert_eq!(shown(), before);
    }

    #[test]
    fn cycles_that_closed_while_nothing_ran_are_reported_with_what_is_unknown() {
        let folder = tempfile::tempdir().unwrap();
        let process = process(&folder);
        takes(&process, &at_the_end_of(9), at("09-26T06:00"));
        report(&process, at("09-26T07:00")).unwrap();
        takes(&process, &at_the_end_of(12), at("12-07T06:00"));
        report(&process, at("12-07T07:00")).unwrap();
        let mails = mails(&folder);
        assert_eq!(mails.len(), 1);
        let parts = [
            "2 organizations closed their cycle, 2 with unknown usage",
            "5 Oct to 5 Nov no data 5 Nov to 5 Dec no data",
            "data until 26 Sep",
            "5 Sep to 5 Oct",
        ];
        for part in parts {
            assert!(mails[0].contains(part), "{part}: {}", mails[0]);
        }
    }
}
