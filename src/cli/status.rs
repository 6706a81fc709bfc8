//! `status`: one screen that says whether all is well, when what happened and happens next, and who waits for whom.

use std::io::Write;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::json;

use super::table::{Cell, Paint, Side, Table, Tone};
use super::{Color, Output};
use crate::app::App;
use crate::change::RunState;
use crate::change::process::stored_plan;
use crate::change::run::Run;
use crate::clock::Clock;
use crate::exit_code::Exit;
use crate::job::Job;
use crate::lock;
use crate::quota::grouped;
use crate::report::Standing;
use crate::report::words::{counted, number};
use crate::schedule::Missed;
use crate::state::State;

/// Targets that are listed, nearest to their quota first.
const NEAREST: usize = 5;
/// So long a gap is told.
const GAP_SHOWN: TimeDelta = TimeDelta::days(7);

pub(super) fn status(
    app: &Arc<App>,
    format: Output,
    color: Color,
    out: &mut impl Write,
) -> anyhow::Result<Exit> {
    let paint = Paint::stdout(color);
    let now = Clock::read().now();
    let zone = app.config.schedule.timezone;
    let state = State::load(&app.config.data.dir)?;
    let snapshots = app.history.list()?;
    let (runs, _) = Run::all(&app.runs())?;
    let in_state = |state| runs.iter().filter(move |run| run.record.state == state).collect::<Vec<_>>();
    let (held, scheduled) = (in_state(RunState::Held), in_state(RunState::Scheduled));
    let (waiting, dead) = app.mailer.count()?;
    let mistakes = app.mailer.routes().map_or(0, |(_, mistakes)| mistakes.len());
    let nearest: Vec<Standing> = if snapshots.is_empty() {
        Vec::new()
    } else {
        let worst = app.usage_report(now)?.worst;
        worst.into_iter().filter(Standing::is_measured).take(NEAREST).collect()
    };
    let holder = lock::holder(&app.config.data.dir);

    if format == Output::Json {
        let jobs = Job::ALL.iter().map(|job| {
            let done = state.job(*job);
            let next = job.schedule(app).and_then(|schedule| schedule.next(zone, now));
            json!({
                "job": job.name(), "last_success": done.map(|done| done.last_success),
                "took_ms": done.map(|done| done.took_ms), "next": next,
                "due": job.due(app, &state, now).is_some(), "missed": state.last_missed(*job),
            })
        });
        let value = json!({
            "version": env!("CARGO_PKG_VERSION"), "instance": app.instance,
            "api": app.config.api.base_url.host_str(), "running": holder,
            "jobs": jobs.collect::<Vec<_>>(),
            "snapshots": snapshots.len(), "last_snapshot": snapshots.last(),
            "held": held.iter().map(|run| &run.record.id).collect::<Vec<_>>(),
            "scheduled": scheduled.iter().map(|run| &run.record.id).collect::<Vec<_>>(),
            "mail": { "waiting": waiting, "dead": dead, "mistakes_in_routes_file": mistakes },
            "nearest": nearest,
        });
        writeln!(out, "{}", serde_json::to_string_pretty(&value)?)?;
        return Ok(Exit::Done);
    }

    let running = holder.map_or_else(|| "not running".to_owned(), |holder| format!("running ({holder})"));
    writeln!(
        out,
        "{} {} · {} · {} · {running}\n",
        paint.bold("quotakeeper"),
        env!("CARGO_PKG_VERSION"),
        app.instance,
        app.config.api.base_url.host_str().unwrap_or_default(),
    )?;
    let mut table = Table::new(&[
        ("job", Side::Left),
        ("last success", Side::Left),
        ("took", Side::Right),
        ("next", Side::Left),
        ("", Side::Left),
    ]);
    for job in Job::ALL {
        let done = state.job(job);
        let next = job.schedule(app).and_then(|schedule| schedule.next(zone, now));
        let overdue = job.due(app, &state, now).is_some();
        let note = match job {
            Job::Snapshot => format!("{} in the history", grouped(i64::try_from(snapshots.len())?)),
            Job::Inbox if held.is_empty() => "nothing held".to_owned(),
            Job::Inbox => format!("{} held", held.len()),
            Job::Outbox if mistakes == 0 => format!("{waiting} waiting, {dead} dead"),
            Job::Outbox => {
                let mistakes = counted(mistakes, "mistake");
                format!("{waiting} waiting, {dead} dead, {mistakes} in mail.routes_file: see `check`")
            }
            Job::UsageReport | Job::ChangesReport | Job::ClosingReport | Job::Digest | Job::Prune => {
                String::new()
            }
        };
        let missed = state.last_missed(job).filter(|missed| now - missed.last < GAP_SHOWN);
        let note = [note].into_iter().chain(missed.map(|missed| gap(missed, zone)));
        let note = note.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        table.row([
            job.name().to_owned(),
            done.map_or_else(|| "never".to_owned(), |done| moment(done.last_success, zone)),
            done.map_or_else(String::new, |done| took(done.took_ms)),
            match next {
                None => "off".to_owned(),
                Some(_) if overdue => "due now".to_owned(),
                Some(next) => moment(next, zone),
            },
            note,
        ]);
    }
    write!(out, "{}", table.render(2, paint))?;
    writeln!(out)?;
    let mut table =
        Table::new(&[("waiting", Side::Left), ("run", Side::Left), ("rows", Side::Right), ("", Side::Left)]);
    for run in &held {
        let since = format!("since {}", elapsed(now - run.record.updated));
        table.push(waiting_run(run, Cell::new("held", Tone::Yellow), since)?);
    }
    for run in &scheduled {
        let due = run.record.due.map(|due| due.with_timezone(&zone).format("%-d %b %Y %H:%M %Z").to_string());
        table.push(waiting_run(run, Cell::from("scheduled".to_owned()), due.unwrap_or_default())?);
    }
    if !(held.is_empty() && scheduled.is_empty()) {
        writeln!(
            out,
            "{}  What each would do, and why it waits: quotakeeper runs RUN\n",
            table.render(2, paint)
        )?;
    }
    write!(out, "{}", nearest_table(&nearest, paint))?;
    Ok(Exit::Done)
}

/// `5 slots missed until 24 Nov 07:00 CET`.
fn gap(missed: Missed, zone: Tz) -> String {
    format!("{} missed until {}", counted(missed.slots, "slot"), moment(missed.last, zone))
}

/// `held  20261121T170312Z-emea-cut  2  since 15 h`.
fn waiting_run(run: &Run, state: Cell, when: String) -> anyhow::Result<Vec<Cell>> {
    let rows = stored_plan(run)?.rows.iter().filter(|row| row.is_pending()).count();
    Ok(vec![state, run.record.id.clone().into(), number(rows).into(), when.into()])
}

/// `40 min`, `15 h`, `6 days`.
fn elapsed(time: TimeDelta) -> String {
    match (time.num_minutes(), time.num_hours()) {
        (minutes, 0) => format!("{} min", minutes.max(0)),
        (_, hours) if hours < 48 => format!("{hours} h"),
        (_, hours) => format!("{} days", hours / 24),
    }
}

fn nearest_table(nearest: &[Standing], paint: Paint) -> String {
    if nearest.is_empty() {
        return "  No usage is known yet: `quotakeeper snapshot` takes a snapshot.\n".to_owned();
    }
    let mut table = Table::new(&[
        ("nearest their quota", Side::Left),
        ("used", Side::Right),
        ("projected", Side::Right),
        ("quota", Side::Right),
        ("", Side::Left),
    ]);
    let figure = |units: Option<i64>| units.map_or_else(|| "–".to_owned(), grouped);
    for standing in nearest {
        table.row([
            format!("{} · {}", standing.label(), standing.org_name),
            figure(standing.used),
            figure(standing.projected),
            figure(standing.quota),
            standing.status.clone(),
        ]);
    }
    table.render(2, paint)
}

fn moment(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%-d %b %H:%M %Z").to_string()
}

fn took(ms: u64) -> String {
    if ms < 1000 { format!("{ms} ms") } else { format!("{}.{} s", ms / 1000, ms % 1000 / 100) }
}
