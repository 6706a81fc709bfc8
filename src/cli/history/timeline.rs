//! `history of`: one organization or account group over time.

use std::io::Write;

use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use chrono_tz::Tz;

use super::find::find;
use crate::cli::arguments::TableFormat;
use crate::cli::plan::{Style, wrap_text};
use crate::cli::table::{Side, Table};
use crate::daemon::status::zone_place;
use crate::domain::quota::Target;
use crate::exit_code::Exit;
use crate::files::csv_cell;
use crate::jobs::report_inputs::ReportInputs;
use crate::report::{Moment, QuotaChange, Timeline, words};
use crate::text::edge;
use crate::text::words::grouped;

/// A person reads so many lines: those at which the quota changed, and the rest evenly.
const LINES: usize = 30;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What is asked for.
pub(super) struct TimelineRequest<'a> {
    /// `ORG/GROUP`, an id, or a name.
    pub target: &'a str,
    pub since: Option<DateTime<Utc>>,
    pub format: TableFormat,
}

pub(super) fn show_timeline(
    inputs: &ReportInputs<'_>,
    asked: &TimelineRequest<'_>,
    style: Style,
    now: DateTime<Utc>,
    out: &mut impl Write,
) -> anyhow::Result<Exit> {
    let target = find(inputs.history, asked.target, now)?;
    let timeline = inputs.timeline(&target, asked.since, now)?;
    match asked.format {
        TableFormat::Text => write!(out, "{}", text(&timeline, style))?,
        TableFormat::Csv => csv(&timeline, out)?,
        TableFormat::Json => edge::write_json(out, &timeline)?,
    }
    Ok(Exit::Done)
}

fn text(timeline: &Timeline, style: Style) -> String {
    let id = timeline.target.aid.as_ref().map_or(timeline.target.org_id.as_str(), |aid| aid.as_str());
    let organization = if timeline.target.aid.is_some() {
        let name = &timeline.org_name;
        let id = &timeline.target.org_id;
        if name.is_empty() { format!(" · organization {id}") } else { format!(" · {name} {id}") }
    } else {
        String::new()
    };
    let name = if timeline.name.is_empty() || timeline.name == id {
        String::new()
    } else {
        format!("{} ", timeline.name)
    };
    let mut text = format!("{}{}\n", style.paint.bold(&format!("{name}{id}")), organization);
    let (Some(first), Some(last)) = (timeline.moments.first(), timeline.moments.last()) else {
        return text + "No snapshot was taken in this period.\n";
    };
    let count = words::counted(timeline.moments.len(), "snapshot");
    text += &format!("{count}, {}\n", days_between(first.taken_at, last.taken_at, style.zone));
    text += &chart(&timeline.moments, style);
    text += &growth(&timeline.moments);
    text.push('\n');
    let seen_at = format!("seen at ({})", zone_place(style.zone));
    let mut table = Table::new(&[
        (seen_at.as_str(), Side::Left),
        ("quota", Side::Right),
        ("used", Side::Right),
        ("projected", Side::Right),
        ("% used", Side::Right),
    ]);
    let figure = |units: Option<i64>| units.map_or_else(|| "–".to_owned(), grouped);
    let shown = timeline.listed_moments(LINES);
    for moment in &shown {
        let at = words::moment(moment.taken_at, style.zone);
        let percent =
            moment.percent_used.map_or_else(String::new, |percent| format!("{} %", grouped(percent)));
        table.row([at, figure(moment.quota), figure(moment.used), figure(moment.projected), percent]);
        for change in &moment.changes {
            table.line_below(change.to_string().into(), "");
        }
        if !moment.is_visible {
            table.line_below("not visible in this snapshot".to_owned().into(), "");
        }
    }
    text += &table.render(0, style.paint);
    if shown.len() < timeline.moments.len() {
        text += &wrap_text(
            0,
            "Some snapshots without a change are left out: --format csv lists more of them, and --since 7d looks closer.",
            style.paint,
        );
    }
    text
}

/// What was used, as a line of bars as wide as the terminal allows, and what the highest one means.
fn chart(moments: &[Moment], style: Style) -> String {
    let width = style.paint.width.saturating_sub(30).clamp(10, 60).min(moments.len());
    let used: Vec<Option<i64>> = (0..width)
        .map(|bar| {
            let part = bar * moments.len() / width..((bar + 1) * moments.len() / width);
            moments[part].iter().filter_map(|moment| moment.used).max()
        })
        .collect();
    let Some(highest) = used.iter().flatten().max().copied().filter(|highest| *highest > 0) else {
        return String::new();
    };
    let bar = |used: &Option<i64>| match used {
        Some(used) => {
            let step = i128::from(*used) * (BARS.len() as i128 - 1) / i128::from(highest);
            BARS[usize::try_from(step).unwrap_or(0).min(BARS.len() - 1)]
        }
        None => ' ',
    };
    format!("used       {}  up to {}\n", used.iter().map(bar).collect::<String>(), grouped(highest))
}

/// `Thu 19 Nov to Sun 29 Nov`, with their years where those differ.
fn days_between(first: DateTime<Utc>, last: DateTime<Utc>, zone: Tz) -> String {
    let year = |at: DateTime<Utc>| at.with_timezone(&zone).year();
    let is_one_year = year(first) == year(last);
    let [first, last] = [first, last].map(|at| {
        let day = words::day(at, zone);
        if is_one_year { day } else { format!("{day} {}", year(at)) }
    });
    format!("{first} to {last}")
}

/// How much the projected usage grew from the first moment to the last that have one: unlike what was used, it does not begin
/// again with each billing cycle.
fn growth(moments: &[Moment]) -> String {
    let mut projected = moments.iter().filter_map(|moment| moment.projected);
    let (Some(first), Some(last)) = (projected.next(), projected.next_back()) else { return String::new() };
    let change = last.saturating_sub(first);
    // A number below 0 has its own.
    let (sign, of_percent) = if change < 0 { ("", "-") } else { ("+", "+") };
    let percent = words::percent(change.saturating_abs(), first).filter(|_| first > 0);
    let change = match percent {
        _ if change == 0 => "unchanged".to_owned(),
        Some(0) => format!("{sign}{}, less than 1 %", grouped(change)),
        Some(percent) => format!("{sign}{}, {of_percent}{} %", grouped(change), grouped(percent)),
        None => format!("{sign}{}", grouped(change)),
    };
    format!("projected  {} → {} ({change})\n", grouped(first), grouped(last))
}

fn csv(timeline: &Timeline, out: &mut impl Write) -> anyhow::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record([
        "taken_at",
        "org_id",
        "org_name",
        "aid",
        "account_group_name",
        "quota",
        "used",
        "projected",
        "percent_used",
        "quota_before",
        "changed_by",
        "comment",
    ])?;
    let shown = |text: &str| csv_cell::inert_clean(text).into_owned();
    let units = |units: Option<i64>| units.map_or_else(String::new, |units| units.to_string());
    let Target { org_id, aid } = &timeline.target;
    for moment in timeline.moments.iter().filter(|moment| moment.is_visible || !moment.changes.is_empty()) {
        let joined = |text: fn(&QuotaChange) -> &str| {
            let texts: Vec<&str> = moment.changes.iter().map(text).filter(|text| !text.is_empty()).collect();
            shown(&texts.join("; "))
        };
        let quota = |quota: Option<i64>| quota.map_or_else(|| "none".to_owned(), |units| units.to_string());
        let before = moment.changes.first().map_or_else(String::new, |change| quota(change.before));
        csv.write_record([
            moment.taken_at.to_rfc3339_opts(SecondsFormat::Secs, true),
            shown(org_id.as_str()),
            shown(&timeline.org_name),
            aid.as_ref().map_or_else(String::new, |aid| shown(aid.as_str())),
            aid.as_ref().map_or_else(String::new, |_| shown(&timeline.name)),
            units(moment.quota),
            units(moment.used),
            units(moment.projected),
            units(moment.percent_used),
            before,
            joined(|change| &change.who),
            joined(|change| &change.comment),
        ])?;
    }
    Ok(csv.flush()?)
}

#[cfg(test)]
mod tests;
