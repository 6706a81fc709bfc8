//! `demo`: the whole story with no account, on the very code that production uses.
//!
//! A simulator stands in for the API, and its clock is moved through the weeks before now. What happens is what the
//! daemon would have done at those times: snapshots, a change made by somebody else, dropped files, mails.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Duration, DurationRound, Utc};

use crate::change::run::Run;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::domain::quota::{Snapshot, SnapshotRow, Units, UsageRule};
use crate::files::data_folder::DataFolder;
use crate::files::durable;
use crate::jobs::report_inputs::Scope;
use crate::jobs::{App, Job};
use crate::page;
use crate::report::Extent;
use crate::report::words::counted;
use crate::simulator::{self, SimulateArgs, Simulator};
use crate::text::words::grouped;

/// So long a history is played, with a snapshot every so many hours.
const DAYS: i64 = 48;
const HOURS: i64 = 6;

/// How the terminal is written to.
#[derive(Clone, Copy)]
pub(crate) struct TerminalLayout<'a> {
    /// A run as `runs` shows it.
    pub run: fn(&Config, &Run) -> anyhow::Result<String>,
    /// Lines of whole words that fit, so far from the left.
    pub folded: &'a dyn Fn(usize, &str) -> String,
}

/// Plays the story into `dir`, or into a temporary folder that is removed at the end.
pub(crate) async fn run(
    dir: Option<PathBuf>,
    layout: TerminalLayout<'_>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let temporary = tempfile::Builder::new().prefix("quotakeeper-demo-").tempdir()?;
    let folder = match &dir {
        Some(dir) => {
            durable::create_folder(dir)?;
            let empty = fs_err::read_dir(dir)?.next().is_none();
            anyhow::ensure!(
                empty,
                "{} is not empty: name a new folder, so that nothing of yours is touched",
                dir.display()
            );
            fs_err::canonicalize(dir)?
        }
        None => temporary.path().to_owned(),
    };
    play(&folder, layout, out).await?;
    if dir.is_some() {
        writeln!(out, "Everything stays in {}. To look around:\n", folder.display())?;
        writeln!(out, "    export QUOTAKEEPER__DATA__DIR={}", folder.display())?;
        for command in [
            "targets --over 90",
            "history of 204117",
            "runs --state held",
            "history list",
            "report usage --out usage.html",
        ] {
            writeln!(out, "    {} {command}", program())?;
        }
    } else {
        writeln!(
            out,
            "That folder was temporary and is gone now. To keep it and open the files:\n\n    {} demo --dir story",
            program()
        )?;
    }
    Ok(())
}

async fn play(folder: &Path, layout: TerminalLayout<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let later = Clock::read().now().duration_trunc(Duration::hours(1))?;
    let now = later - Duration::hours(1);
    let start = now - Duration::days(DAYS);
    let time = simulator::Clock::fixed(start);
    // The weeks are played in seconds: neither side may count them as minutes of requests.
    let args = SimulateArgs { rate_limit: 100_000, ..SimulateArgs::default() };
    let world = Simulator::start(args, time.clone()).await?;
    // Nobody wants the mails of all those weeks: they begin with the last day.
    let quiet = app(folder, &world, "off")?;
    let app = app(folder, &world, "directory")?;
    let simulator = format!(
        "A simulator of the API listens on {}: 3 organizations, 60 account groups.",
        world.base_url()
    );
    write!(out, "{}", (layout.folded)(0, &simulator))?;
    writeln!(out, "What follows goes to {}\n", folder.display())?;

    writeln!(out, "1. {DAYS} days of snapshots become a history")?;
    record_weeks(&world, &time, [&quiet, &app], now).await?;
    let note = "This history was made by `quotakeeper demo`: the organizations, quotas and usage in it are simulated.\n";
    durable::write(&folder.join("history/_SIMULATED.txt"), note.as_bytes())?;
    let snapshots = app.history.list()?;
    let latest = app.history.latest()?.context("the demo took no snapshot")?;
    writeln!(
        out,
        "   {} files, the last one:\n   {}\n",
        snapshots.len(),
        app.history.path(latest.taken_at).display()
    )?;

    writeln!(out, "2. Three change files are dropped into {}", app.config.inbox_dir().display())?;
    let dropped = now + Duration::minutes(5);
    time.set(dropped);
    let held = drop_files(&app, &change_files(&latest), dropped, out).await?;
    writeln!(out)?;

    writeln!(out, "3. The next snapshot separates the runs' changes from those of others")?;
    time.set(later);
    Job::Snapshot.run(&app, later).await?;
    for at in crate::history::changes::between(folder, start, later)? {
        writeln!(
            out,
            "   {} seen at {}",
            counted(at.changes.len(), "changed quota"),
            at.to.format("%Y-%m-%d %H:%M UTC")
        )?;
    }
    writeln!(out)?;

    writeln!(out, "4. The mails, delivered as files into {}", folder.join("outbox/sent").display())?;
    send_mails(&app, later, &layout, out).await?;
    let page = DataFolder::Reports.below(folder).join("usage.html");
    durable::write(&page, usage_page(&app, later)?.as_bytes())?;
    writeln!(out, "\n   The usage report as a page: {}\n", page.display())?;
    if let Some(held) = held {
        let waits =
            "5. The held file waits for approval (too late here: the simulator has ended). `runs` says why:";
        writeln!(out, "{}", (layout.folded)(0, waits))?;
        let run = Run::open(&app.runs(), &held)?;
        writeln!(out, "{}", (layout.run)(&app.config, &run)?)?;
    }
    world.stop().await;
    Ok(())
}

/// Takes the snapshots of all days until `end`; the last day's mails are kept.
async fn record_weeks(
    world: &Simulator,
    time: &simulator::Clock,
    [quiet, mailing]: [&App; 2],
    end: DateTime<Utc>,
) -> anyhow::Result<()> {
    let (start, last_day) = (end - Duration::days(DAYS), end - Duration::days(1));
    let mut at = start;
    while at < end {
        time.set(at);
        if at == last_day {
            somebody_else_changes_a_quota(mailing, world)?;
        }
        Job::Snapshot.run(if at >= last_day { mailing } else { quiet }, at).await?;
        if at == start {
            Job::ClosingReport.run(quiet, at).await?; // the cycles that run now are the first to be reported at their end
        }
        at += Duration::hours(HOURS);
    }
    time.set(end);
    Job::Snapshot.run(mailing, end).await?;
    Ok(())
}

/// Drops change files, and prints what became of them. The id of the run that is held.
async fn drop_files(
    app: &App,
    files: &[(&str, String)],
    at: DateTime<Utc>,
    out: &mut impl Write,
) -> anyhow::Result<Option<String>> {
    for (name, text) in files {
        durable::write(&app.config.inbox_dir().join(name), text.as_bytes())?;
    }
    Job::Inbox.run(app, at).await?;
    let mut held = None;
    for run in Run::list(&app.runs())?.0 {
        let counts = run.record.counts_in_words();
        let counts = if counts.is_empty() { "waits for approval".to_owned() } else { counts };
        writeln!(out, "   {:<18} {:<8} {}", run.record.file, run.record.state, counts)?;
        writeln!(out, "   {:<18} {}", "", run.folder.display())?;
        if run.record.state == crate::change::RunState::Held {
            held = Some(run.record.id.clone());
        }
    }
    Ok(held)
}

/// Makes all reports, delivers the mails as files, and prints their names and subjects.
async fn send_mails(
    app: &App,
    now: DateTime<Utc>,
    layout: &TerminalLayout<'_>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    for job in [Job::Digest, Job::UsageReport, Job::ClosingReport, Job::ChangesReport, Job::Outbox] {
        job.run(app, now).await?;
    }
    let sent = app.config.data.dir.join("outbox/sent");
    let mut mails: Vec<_> = fs_err::read_dir(sent)?.collect::<Result<_, _>>()?;
    mails.sort_by_key(fs_err::DirEntry::path);
    for mail in mails.iter().filter(|mail| mail.path().extension().is_some_and(|kind| kind == "eml")) {
        writeln!(out, "   {}", mail.file_name().to_string_lossy())?;
        write!(out, "{}", (layout.folded)(5, &subject(&mail.path())?))?;
    }
    Ok(())
}

/// The usage report as a page, as `report usage --out` writes it.
fn usage_page(app: &App, now: DateTime<Utc>) -> anyhow::Result<String> {
    let latest = app.history.latest()?.context("the demo took no snapshot")?;
    let scope = Scope { extent: Extent::Whole, ..Scope::default() };
    let inputs = app.report_inputs();
    inputs.with_usage_page((&latest, &scope), &|_| Vec::new(), now, |page| page::usage(page, None))
}

/// How this program was started, for commands to copy.
fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "quotakeeper".to_owned())
}

/// The subject of a message, as a mail client shows it.
fn subject(mail: &Path) -> anyhow::Result<String> {
    let text = fs_err::read_to_string(mail)?;
    let lines: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("Subject: "))
        .enumerate()
        .take_while(|(index, line)| *index == 0 || line.starts_with(' '))
        .map(|(_, line)| line.trim_start_matches("Subject: ").trim())
        .collect();
    let words = lines.join(" ");
    Ok(words.split(' ').map(decoded).collect::<Vec<_>>().join(" "))
}

/// An encoded word (RFC 2047) as the mailer makes them; any other as it is.
fn decoded(word: &str) -> String {
    let base64 = word.strip_prefix("=?utf-8?b?").and_then(|rest| rest.strip_suffix("?="));
    let bytes = base64.and_then(|text| BASE64_STANDARD.decode(text).ok());
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| word.to_owned())
}

/// The configuration of the demo, by the same way as any other: the environment.
fn app(folder: &Path, world: &Simulator, transport: &str) -> anyhow::Result<App> {
    let folder = folder.to_str().context("the demo's folder needs a name in UTF-8")?;
    let environment: BTreeMap<String, String> = [
        ("TE_BASE_URL", world.base_url().as_str()),
        ("TE_TOKEN", world.token()),
        ("QUOTAKEEPER__API__REQUESTS_PER_MINUTE", "100000"),
        ("QUOTAKEEPER__DATA__DIR", folder),
        ("QUOTAKEEPER__SCHEDULE__SNAPSHOT", "0 */6 * * *"),
        ("QUOTAKEEPER__INBOX__SETTLE", "0s"),
        ("QUOTAKEEPER__MAIL__TRANSPORT", transport),
        ("QUOTAKEEPER__MAIL__FROM", "quotakeeper <quotakeeper@example.com>"),
        ("QUOTAKEEPER__MAIL__SUBJECT_PREFIX", "[simulated] "),
        ("QUOTAKEEPER__MAIL__TO__USAGE", "[\"monitoring@example.com\"]"),
        ("QUOTAKEEPER__MAIL__TO__CHANGES", "[\"monitoring@example.com\"]"),
        ("QUOTAKEEPER__MAIL__TO__ALERTS", "[\"monitoring@example.com\"]"),
        ("QUOTAKEEPER__MAIL__TO__FAILURES", "[\"operations@example.com\"]"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    Ok(App::named(config::load(None, &environment)?, "a simulation"))
}

fn somebody_else_changes_a_quota(app: &App, world: &Simulator) -> anyhow::Result<()> {
    let latest = app.history.latest()?.context("the demo took no snapshot")?;
    let rule = UsageRule::default();
    let calm = by_need(&latest, &rule).into_iter().find(|(row, _)| row.account_group_name.is_ascii());
    let (row, _) = calm.context("the simulated world has no account group with a quota")?;
    let quota = row.quota.map(|quota| quota - quota / 20);
    world.state().set_quota(
        row.target.org_id.as_str(),
        row.target.aid.as_ref().map(crate::domain::quota::Aid::as_str),
        quota,
    );
    Ok(())
}

/// The account groups that have a quota, with what they need, the least needy first.
fn by_need<'s>(snapshot: &'s Snapshot, rule: &UsageRule) -> Vec<(SnapshotRow<'s>, Units)> {
    let mut rows: Vec<_> = snapshot
        .rows()
        .filter(|row| row.target.aid.is_some() && row.quota.is_some())
        .filter_map(|row| rule.needed(&row.usage).map(|needed| (row, needed)))
        .collect();
    let share = |(row, needed): &(SnapshotRow<'_>, Units)| needed * 1000 / row.quota.unwrap_or(1).max(1);
    rows.sort_by_key(share);
    rows
}

/// What three people drop: raises for those that will run out, a cut below what is used, and a spreadsheet's mishaps.
fn change_files(latest: &Snapshot) -> Vec<(&'static str, String)> {
    let rule = UsageRule::default();
    let groups = by_need(latest, &rule);
    let line = |row: &SnapshotRow, value: String, comment: &str| {
        let aid = row.target.aid.as_ref().map_or("", |aid| aid.as_str());
        format!("{},{aid},{value},{comment}\n", row.target.org_id)
    };
    let header = "org_id,aid,value,comment\n";
    let mut raise = header.to_owned();
    for (row, needed) in groups.iter().rev().take(4) {
        let value = (needed + needed / 10).max(row.quota.unwrap_or(0)) / 100 * 100 + 100;
        raise += &line(row, value.to_string(), "more room until the cycle ends");
    }
    let middle = &groups[groups.len() / 2];
    let cut = header.to_owned() + &line(&middle.0, (middle.1 / 2).to_string(), "saving units");
    // The good row is of another organization: its neighbours' mishaps do not hold it up.
    let second = &groups[1].0;
    let elsewhere = groups.iter().find(|(row, _)| row.target.org_id != second.target.org_id);
    let first = &elsewhere.unwrap_or(&groups[0]).0;
    let thousands = grouped(second.quota.unwrap_or(12_000)).replace(' ', ".");
    let mishaps = header.to_owned()
        + &line(first, (first.quota.unwrap_or(0) + 500).to_string(), "this row is fine")
        + &line(second, thousands, "a thousands separator")
        + &format!("{},2.04E+05,5000,an id that the spreadsheet mangled\n", second.target.org_id);
    vec![("raise-q4.csv", raise), ("save-units.csv", cut), ("from-excel.csv", mishaps)]
}

#[cfg(test)]
mod tests;
