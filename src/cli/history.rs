//! `history`: what was, as people read it.

mod find;
mod list;
mod of;

use std::io::Write;

use super::arguments::History;
use super::plan::{Style, folded};
use super::terminal;
use super::when::When;
use crate::domain::diff::Change;
use crate::exit_code::Exit;
use crate::history::STEM;
use crate::jobs::report_inputs::ReportInputs;
use crate::jobs::report_inputs::comparison::compare;
use crate::report::QuotaChange;
use crate::text::clean::visible;

pub(super) fn history(
    inputs: &ReportInputs<'_>,
    what: &History,
    when: When,
    style: Style,
    out: &mut impl Write,
) -> anyhow::Result<Exit> {
    let kept = inputs.history;
    match what {
        History::List => {
            let listed = list::list(inputs, style, when.now)?;
            if listed.is_empty() {
                terminal::eprint("The history is empty: `quotakeeper snapshot` takes the first snapshot.");
            }
            write!(out, "{listed}")?;
        }
        History::Show { time } => {
            let at = kept.find(when.moment(time)?)?;
            out.write_all(&fs_err::read(kept.path(at))?)?;
        }
        History::Diff { a, b } => {
            let (a, b) = (kept.find(when.moment(a)?)?, kept.find(when.moment(b)?)?);
            let (earlier, later) = (a.min(b), a.max(b));
            let seen = compare(kept, &inputs.config.runs_dir(), earlier, later)?;
            writeln!(out, "{} → {}", seen.from.format(STEM), seen.to.format(STEM))?;
            let people = inputs.people(std::slice::from_ref(&seen));
            for change in &seen.changes {
                let step = QuotaChange::new(change, &seen, &people, when.zone);
                let line = format!("{}: {step}", called(change));
                // A pipe has no width, and there may be a million of them.
                if style.paint.width == usize::MAX {
                    writeln!(out, "{line}")?;
                } else {
                    write!(out, "{}", folded(0, &line, style.paint))?;
                }
            }
            for target in &seen.vanished {
                writeln!(out, "{target}: no longer visible")?;
            }
            if seen.changes.is_empty() && seen.vanished.is_empty() {
                writeln!(out, "No quota changed.")?;
            }
        }
        History::Of { target, since, format } => {
            let since = since.as_deref().map(|since| when.since(since)).transpose()?;
            return of::of(inputs, &of::Asked { target, since, format: *format }, style, when.now, out);
        }
    }
    Ok(Exit::Done)
}

/// `Acme Bank · EMEA Branches (10452/204117)`, or `organization Acme Bank (10452)`.
fn called(change: &Change) -> String {
    let (name, org_id) = (visible(change.name()), &change.target.org_id);
    match &change.target.aid {
        None => format!("organization {name} ({org_id})"),
        Some(aid) if change.org_name.is_empty() => format!("{name} ({org_id}/{aid})"),
        Some(aid) => format!("{} · {name} ({org_id}/{aid})", visible(&change.org_name)),
    }
}
