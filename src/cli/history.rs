//! `history`: shows snapshots and changes to people.

mod diff;
mod find;
mod list;
mod timeline;

use std::io::Write;

use super::arguments::History;
use super::plan::Style;
use super::terminal;
use super::time_arguments::TimeContext;
use crate::exit_code::Exit;
use crate::files;
use crate::jobs::report_inputs::ReportInputs;

pub(super) fn history(
    inputs: &ReportInputs<'_>,
    what: &History,
    when: TimeContext,
    style: Style,
    out: &mut impl Write,
) -> anyhow::Result<Exit> {
    let history = inputs.history;
    match what {
        History::List => {
            let listed = list::list(inputs, style, when.now)?;
            if listed.is_empty() {
                terminal::eprint("The history is empty: `quotakeeper snapshot` takes the first snapshot.");
            }
            write!(out, "{listed}")?;
        }
        History::Show { time } => {
            let at = history.find(when.snapshot_time(time)?)?;
            std::io::copy(&mut files::open(&history.path(at))?, out)?;
        }
        History::Diff { a, b } => {
            let (a, b) = (history.find(when.snapshot_time(a)?)?, history.find(when.snapshot_time(b)?)?);
            diff::diff(inputs, (a, b), style, out)?;
        }
        History::Of { target, since, format } => {
            let since = since.as_deref().map(|since| when.since(since)).transpose()?;
            return timeline::show_timeline(
                inputs,
                &timeline::TimelineRequest { target, since, format: *format },
                style,
                when.now,
                out,
            );
        }
    }
    Ok(Exit::Done)
}
