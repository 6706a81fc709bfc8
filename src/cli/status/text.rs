//! The view as one screen of text.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::cli::table::{Cell, Paint, Side, Table, Tone, wrapped};
use crate::daemon::status::{JobLine, Problem, View, WaitingRun, near_moment, zone_place};
use crate::report::QuotaStatus;
use crate::report::words::{self, counted};
use crate::text::width::columns as width;
use crate::text::words::grouped;

pub(super) fn text(view: &View, paint: Paint) -> String {
    let mut text = header(view, paint) + "\n";
    for problem in &view.problems {
        text += &problem_lines(problem, paint);
    }
    if !view.problems.is_empty() {
        text.push('\n');
    }
    text += &jobs_table(view, paint);
    text += &format!("\n{}", waiting(view, paint));
    text += &nearest_quotas(view, paint);
    text
}

/// The one line that is read when all is well; on a narrow terminal what runs has one of its own.
fn header(view: &View, paint: Paint) -> String {
    let verdict = match view.problems.len() {
        0 => ("all well".to_owned(), Tone::Green),
        1 => ("1 thing is wrong".to_owned(), Tone::Red),
        several => (format!("{several} things are wrong"), Tone::Red),
    };
    let running = view.running.as_ref().map_or_else(
        || "not running".to_owned(),
        |holder| {
            let since =
                holder.since.map(|since| format!(" since {}", short_moment(since, view.now, view.zone)));
            let process = holder.process.map(|process| format!(" (process {process})"));
            format!("running{}{}", since.unwrap_or_default(), process.unwrap_or_default())
        },
    );
    let name = format!(" {} · {} · {}", view.version, view.instance, view.api);
    let line = |rest: &str| {
        let used = width("quotakeeper") + width(rest) + width(&verdict.0);
        let fits = used + 2 <= paint.width;
        let gap = if paint.width == usize::MAX { 8 } else { paint.width.saturating_sub(used).max(2) };
        let verdict = paint.cell(&Cell::new(&verdict.0, verdict.1));
        let line = format!("{}{rest}{}{verdict}\n", paint.bold("quotakeeper"), " ".repeat(gap));
        fits.then_some(line)
    };
    let own_line = || {
        let verdict = paint.cell(&Cell::new(&verdict.0, verdict.1));
        let name = wrapped(&name, paint.width.saturating_sub(width("quotakeeper ")).max(20)).join("\n  ");
        format!("{} {name}\n{running}\n{verdict}\n", paint.bold("quotakeeper"))
    };
    line(&format!("{name} · {running}"))
        .or_else(|| line(&name).map(|line| format!("{line}{running}\n")))
        .unwrap_or_else(own_line)
}

/// `✗`, what is wrong, and the fix below it.
fn problem_lines(problem: &Problem, paint: Paint) -> String {
    let room = paint.width.saturating_sub(4).max(20);
    let mut text = String::new();
    for (index, line) in wrapped(&problem.what, room).iter().enumerate() {
        let mark = if index == 0 { paint.red("✗") } else { " ".to_owned() };
        text += &format!("  {mark} {}\n", paint.red(line));
    }
    for line in problem.fix.iter().flat_map(|fix| wrapped(&format!("→ {fix}"), room)) {
        text += &format!("    {line}\n");
    }
    text
}

/// Where the terminal is narrow, how long a job took gives way: no time is cut.
fn jobs_table(view: &View, paint: Paint) -> String {
    let next_in = format!("next ({})", zone_place(view.zone));
    let moment = |at| near_moment(at, view.zone);
    let table = |shows_duration: bool| {
        let took = shows_duration.then_some(("took", Side::Right));
        let columns = [("job", Side::Left), ("last success", Side::Left)].into_iter().chain(took);
        let columns: Vec<_> = columns.chain([(next_in.as_str(), Side::Left), ("", Side::Left)]).collect();
        let mut table = Table::new(&columns);
        for job in &view.jobs {
            let failing = job.failing_since.is_some();
            let last = job.last_success.map_or_else(|| "never".to_owned(), moment);
            let mut cells =
                vec![Cell::new(job.job, if failing { Tone::Red } else { Tone::Plain }), last.into()];
            cells.extend(took.map(|_| job.last_duration().into()));
            cells.push(next_time(job, moment).into());
            cells.push(if failing { Cell::new("fails", Tone::Red) } else { job.note.clone().into() });
            table.push(cells);
        }
        table
    };
    let whole = table(true);
    if whole.fits(2, paint) { whole } else { table(false) }.render(2, paint)
}

fn next_time(job: &JobLine, moment: impl Fn(DateTime<Utc>) -> String) -> String {
    match job.next {
        None => "off".to_owned(),
        Some(_) if job.on_arrival => "on arrival".to_owned(),
        Some(_) if job.due => "due now".to_owned(),
        Some(next) => moment(next),
    }
}

/// The rate budget, and the runs that wait.
fn waiting(view: &View, paint: Paint) -> String {
    let mut table = Table::new(&[("", Side::Left), ("", Side::Left)]);
    if let Some(rate) = &view.rate {
        let now = view.now - rate.seen < TimeDelta::minutes(1) && rate.seen <= view.now;
        let when = if now {
            "this minute".to_owned()
        } else {
            format!("at {}", words::moment_in(rate.seen, view.zone))
        };
        let refused = match rate.refused_today {
            0 => "no 429 today".to_owned(),
            some => format!(
                "{} refused (429) today",
                counted(usize::try_from(some).unwrap_or(usize::MAX), "request")
            ),
        };
        let left = format!(
            "{} of {} left {when} · {refused}",
            grouped(rate.remaining.into()),
            grouped(rate.limit.into())
        );
        table.row(["rate budget".to_owned(), left]);
    }
    let run = |waiting: &WaitingRun, when: String| {
        format!("{}: {}, {when}", waiting.run, counted(waiting.rows, "row"))
    };
    for held in &view.held {
        let cell = Cell::new("held", Tone::Yellow);
        table.push(vec![cell, run(held, format!("for {}", words::age(view.now - held.since))).into()]);
    }
    for scheduled in &view.scheduled {
        let due = scheduled.due.unwrap_or(scheduled.since);
        let when = format!("due {}", words::moment_in(due, view.zone));
        table.row(["scheduled".to_owned(), run(scheduled, when)]);
    }
    if !(view.held.is_empty() && view.scheduled.is_empty()) {
        table.row([String::new(), "why, and what each would do: quotakeeper runs RUN".to_owned()]);
    }
    let text = table.render(2, paint);
    if text.is_empty() { text } else { text + "\n" }
}

fn nearest_quotas(view: &View, paint: Paint) -> String {
    if view.nearest.is_empty() {
        return "  No usage is known yet: `quotakeeper snapshot` takes a snapshot.\n".to_owned();
    }
    let mut table = Table::new(&[
        ("nearest their quota", Side::Name),
        ("used", Side::Right),
        ("projected", Side::Right),
        ("quota", Side::Right),
        ("runs out", Side::Left),
    ]);
    let figure = |units: Option<i64>| units.map_or_else(|| "–".to_owned(), grouped);
    for status in &view.nearest {
        table.row([
            format!("{} · {}", status.org_name, status.label()),
            figure(status.used),
            figure(status.projected),
            figure(status.quota),
            runs_out(status, view),
        ]);
    }
    table.render(2, paint)
}

/// The day; else how much of the quota is projected.
fn runs_out(status: &QuotaStatus, view: &View) -> String {
    match status.runs_out_at {
        _ if status.ran_out => "has run out".to_owned(),
        Some(at) if at <= view.now => "now".to_owned(),
        Some(at) => words::short_day(at, view.zone),
        None => status.status.to_string(),
    }
}

/// `3 Nov`; today `08:00`.
fn short_moment(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let (at, now) = (at.with_timezone(&zone), now.with_timezone(&zone));
    let format = if at.date_naive() == now.date_naive() { "%H:%M" } else { "%-d %b" };
    at.format(format).to_string()
}
