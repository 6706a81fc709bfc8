//! `history diff`: what changed between two snapshots, and who changed it.

use std::io::Write;

use chrono::{DateTime, Utc};

use crate::cli::plan::Style;
use crate::cli::table::{Side, Table, wrapped};
use crate::cli::terminal;
use crate::domain::diff::{Change, Diff};
use crate::domain::quota::Units;
use crate::history::STEM;
use crate::jobs::report_inputs::ReportInputs;
use crate::jobs::report_inputs::comparison::compare;
use crate::report::{QuotaChange, words};
use crate::text::clean::visible;
use crate::text::words::grouped;

/// Compares two snapshots, in whichever order they are named.
pub(super) fn diff(
    inputs: &ReportInputs<'_>,
    (a, b): (DateTime<Utc>, DateTime<Utc>),
    style: Style,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    if a == b {
        terminal::eprint(&same_snapshot_message(&inputs.history.list()?, a, style));
    }
    let seen = compare(inputs.history, &inputs.config.runs_dir(), a.min(b), a.max(b))?;
    let people = inputs.people(std::slice::from_ref(&seen));
    let steps = seen.changes.iter().map(|change| {
        let step = QuotaChange::new(change, &seen, &people, style.zone);
        (change, step)
    });
    if style.paint.is_piped() {
        // There may be a million of them.
        writeln!(out, "{} → {}", seen.from.format(STEM), seen.to.format(STEM))?;
        for (change, step) in steps {
            writeln!(out, "{}: {step}", full_name(change))?;
        }
        for target in &seen.vanished {
            writeln!(out, "{target}: no longer visible")?;
        }
    } else {
        write!(out, "{}", text(&seen, steps, style))?;
    }
    if seen.changes.is_empty() && seen.vanished.is_empty() {
        writeln!(out, "No quota changed.")?;
    }
    Ok(())
}

/// For a person: when the two were taken and what they are called, then each change with who made it below.
fn text<'c>(seen: &Diff, steps: impl Iterator<Item = (&'c Change, QuotaChange)>, style: Style) -> String {
    let [from, to] = [seen.from, seen.to].map(|at| words::moment_in(at, style.zone));
    let mut text = format!("{}\n", style.paint.bold(&format!("{from} → {to}")));
    text += &style.paint.dim(&format!("{} → {}", seen.from.format(STEM), seen.to.format(STEM)));
    text += "\n\n";
    let mut table = Table::new(&[("target", Side::Name), ("before", Side::Right), ("after", Side::Right)]);
    let quota = |quota: Option<Units>| quota.map_or_else(|| "no quota".to_owned(), grouped);
    for (change, step) in steps {
        table.row([in_table(change), quota(step.before), quota(step.after)]);
        table.line_below(step.who.into(), "");
        if !step.comment.is_empty() {
            table.line_below(format!("“{}”", step.comment).into(), "");
        }
    }
    if !seen.changes.is_empty() {
        text += &table.render(0, style.paint);
    }
    for target in &seen.vanished {
        for line in wrapped(&format!("{target}: no longer visible"), style.paint.width) {
            text += &format!("{line}\n");
        }
    }
    text
}

/// That both times mean one snapshot, and which ones stand beside it.
fn same_snapshot_message(all: &[DateTime<Utc>], at: DateTime<Utc>, style: Style) -> String {
    let place = all.partition_point(|other| *other < at);
    let beside =
        [("before", place.checked_sub(1).and_then(|before| all.get(before))), ("after", all.get(place + 1))];
    let beside: Vec<String> = beside
        .into_iter()
        .filter_map(|(side, other)| Some(format!("the one {side} it is {}", other?.format(STEM))))
        .collect();
    let beside = match beside.as_slice() {
        [] => "it is the only one".to_owned(),
        some => some.join(", "),
    };
    let (name, taken) = (at.format(STEM), words::moment_in(at, style.zone));
    format!("Both times mean the snapshot {name} ({taken}), the last one at or before them: {beside}.")
}

/// `Acme Bank · EMEA Branches 204117`, as every table shows it.
fn in_table(change: &Change) -> String {
    let target = &change.target;
    let (name, id) = (change.name(), target.aid.as_ref().map_or(target.org_id.as_str(), |aid| aid.as_str()));
    let named = if name.is_empty() || name == id { id.to_owned() } else { format!("{name} {id}") };
    match (&target.aid, &*change.org_name) {
        (None, _) => named,
        (Some(_), "") => format!("{} · {named}", target.org_id),
        (Some(_), organization) => format!("{organization} · {named}"),
    }
}

/// `Acme Bank · EMEA Branches (10452/204117)`, or `organization Acme Bank (10452)`.
fn full_name(change: &Change) -> String {
    let (name, org_id) = (visible(change.name()), &change.target.org_id);
    match &change.target.aid {
        None => format!("organization {name} ({org_id})"),
        Some(aid) if change.org_name.is_empty() => format!("{name} ({org_id}/{aid})"),
        Some(aid) => format!("{} · {name} ({org_id}/{aid})", visible(&change.org_name)),
    }
}

#[cfg(test)]
mod tests;
