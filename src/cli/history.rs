//! `history`: what was, as people read it.

use std::io::Write;
use std::path::Path;

use clap::Subcommand;

use crate::domain::diff::MadeBy;
use crate::domain::quota::quota_text;
use crate::exit_code::Exit;
use crate::history::{self, STEM};
use crate::jobs::comparison::{Later, compare};
use crate::text::clean::visible;

#[derive(Debug, Subcommand)]
pub(super) enum History {
    /// The moments of all snapshots
    List,
    /// A snapshot as CSV
    Show {
        /// RFC 3339, or the name of a snapshot's file: the last snapshot at or before it
        time: String,
    },
    /// What changed between two snapshots, and who changed it
    Diff {
        /// One of the two, as for `show`
        a: String,
        /// The other one
        b: String,
    },
}

pub(super) fn history(
    kept: &history::History,
    runs: &Path,
    what: &History,
    out: &mut impl Write,
) -> anyhow::Result<Exit> {
    match what {
        History::List => {
            for at in kept.list()? {
                writeln!(out, "{}", at.format(STEM))?;
            }
        }
        History::Show { time } => {
            let at = kept.find(time)?;
            out.write_all(&fs_err::read(kept.path(at))?)?;
        }
        History::Diff { a, b } => {
            let (a, b) = (kept.find(a)?, kept.find(b)?);
            let (earlier, later) = (a.min(b), a.max(b));
            let seen = compare(kept, runs, earlier, Later::Kept(later))?;
            writeln!(out, "{} → {}", seen.from.format(STEM), seen.to.format(STEM))?;
            for change in &seen.changes {
                let name = visible(change.name());
                let by = match &change.made_by {
                    MadeBy::Run { id, .. } => format!("run {id}"),
                    MadeBy::Outside => "outside quotakeeper".to_owned(),
                };
                let (before, after) = (quota_text(change.before), quota_text(change.after));
                writeln!(out, "{}, {name}: {before} → {after}, {by}", change.target)?;
            }
            for target in &seen.vanished {
                writeln!(out, "{target}: no longer visible")?;
            }
            if seen.changes.is_empty() && seen.vanished.is_empty() {
                writeln!(out, "No quota changed.")?;
            }
        }
    }
    Ok(Exit::Done)
}
