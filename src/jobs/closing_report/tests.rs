//! Cycles that closed, over a year of snapshots.

use std::sync::Arc;

use chrono::TimeDelta;

use super::*;
use crate::config;
use crate::config::Config;
use crate::domain::quota::Snapshot;
use crate::history::History;
use crate::jobs::state::{StateFile, UnwrittenState};
use crate::mail::Mailer;
use crate::report::closing::fixtures::{at_the_end_of, history};
use crate::report::fixtures::at;
use crate::report::write_closing_table;

struct Process {
    config: Config,
    history: History,
    mailer: Mailer,
    unwritten: Arc<UnwrittenState>,
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
        with_last_closings(&inputs, &latest, at("12-05T08:00"), |input, context| {
            let mut table = Vec::new();
            write_closing_table(input, &mut table)?;
            Ok((format!("{:?}", closing_report(input, context).sections), String::from_utf8(table)?))
        })
        .unwrap()
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
