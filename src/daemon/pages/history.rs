//! The snapshots, and what changed between two of them.

use std::io::ErrorKind;

use chrono::{DateTime, NaiveDateTime, Utc};
use fs_err::File;
use serde::Serialize;

use crate::daemon::status::bytes;
use crate::domain::diff::Diff;
use crate::history::{STEM, changes, thinned};
use crate::jobs::report_inputs::ReportInputs;
use crate::jobs::report_inputs::comparison::compare;
use crate::report::{Footer, QuotaChange, page_of, words};
use crate::text::words::counted;

/// So many of the latest are listed. They can be chosen, and so many others, evenly over all that there are.
const LISTED: usize = 100;
const CHOICE: i32 = 300;
/// So many changes are listed.
const CHANGES: usize = 1000;

#[derive(Debug, Serialize)]
pub(super) struct History {
    headline: String,
    /// Those that can be chosen, the latest first.
    moments: Vec<Moment>,
    from: String,
    to: String,
    /// That what was chosen is not there; else empty.
    missing: String,
    /// None where nothing was chosen.
    compared: Option<ComparedSnapshots>,
    /// The latest first.
    listed: Vec<Moment>,
    older: usize,
    imprint: Footer,
}

#[derive(Clone, Debug, Serialize)]
struct Moment {
    stem: String,
    at: String,
    size: String,
    /// `3 quota changes`; empty where none was seen.
    changed: String,
    /// The one before, for the comparison that shows them.
    before: String,
}

#[derive(Debug, Serialize)]
struct ComparedSnapshots {
    title: String,
    /// The name of the earlier snapshot.
    earlier: String,
    changes: Vec<Change>,
    more: usize,
    vanished: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Change {
    name: String,
    target: String,
    href: String,
    #[serde(flatten)]
    step: QuotaChange,
}

pub(super) fn history(
    inputs: &ReportInputs<'_>,
    from: Option<&str>,
    to: Option<&str>,
    now: DateTime<Utc>,
) -> anyhow::Result<History> {
    let context = inputs.context(now);
    let all = inputs.history.until(now)?;
    let at = |moment: DateTime<Utc>| words::moment(moment, context.zone);
    let latest = &all[all.len().saturating_sub(LISTED)..];
    let since = latest.first().copied().unwrap_or(now);
    let diffs = changes::between(&inputs.config.data.dir, since, now)?;
    let before = |at: DateTime<Utc>| all[..all.partition_point(|other| *other < at)].last().copied();
    let stem = |at: Option<DateTime<Utc>>| at.map_or_else(String::new, |at| at.format(STEM).to_string());
    let listed = latest.iter().rev().map(|moment| {
        let seen: usize = diffs.iter().filter(|diff| diff.to == *moment).map(|diff| diff.changes.len()).sum();
        Moment {
            stem: moment.format(STEM).to_string(),
            at: at(*moment),
            // One that was pruned meanwhile has no size.
            size: fs_err::metadata(inputs.history.path(*moment))
                .map_or_else(|_| String::new(), |file| bytes(file.len())),
            changed: if seen == 0 { String::new() } else { counted(seen, "quota change") },
            before: stem(before(*moment)),
        }
    });
    let chosen = [from, to].map(|stem| stem.and_then(|stem| find_snapshot(&all, stem)));
    let asked = [from, to].into_iter().flatten().filter(|stem| !stem.is_empty());
    let missing: Vec<String> =
        asked.filter(|stem| find_snapshot(&all, stem).is_none()).map(|stem| words::clean(stem, 40)).collect();
    let missing = match missing.as_slice() {
        [] => String::new(),
        stems => format!("There is no snapshot {}: choose two.", stems.join(" or ")),
    };
    let compared = match chosen {
        [Some(a), Some(b)] => Some(compared(inputs, a.min(b), a.max(b), now)?),
        _ => None,
    };
    // Without a choice: the last day.
    let last = all.last().copied().unwrap_or(now);
    let day_before = all.iter().rev().find(|at| last - **at >= chrono::TimeDelta::days(1)).or(all.first());
    let mut choice = match all.first() {
        Some(first) => thinned(&all, *first, last, CHOICE),
        None => Vec::new(),
    };
    choice.extend(chosen.into_iter().flatten().chain(day_before.copied()).chain(latest.iter().copied()));
    choice.sort_unstable();
    choice.dedup();
    Ok(History {
        headline: match all.first() {
            None => "No snapshot has been taken yet".to_owned(),
            Some(first) => {
                format!("{} since {}", counted(all.len(), "snapshot"), words::day(*first, context.zone))
            }
        },
        moments: choice
            .iter()
            .rev()
            .map(|moment| Moment {
                stem: moment.format(STEM).to_string(),
                at: at(*moment),
                size: String::new(),
                changed: String::new(),
                before: String::new(),
            })
            .collect(),
        from: stem(chosen[0].or(day_before.copied())),
        to: stem(chosen[1].or(all.last().copied())),
        missing,
        compared,
        listed: listed.collect(),
        older: all.len() - latest.len(),
        imprint: (&context).into(),
    })
}

fn compared(
    inputs: &ReportInputs<'_>,
    earlier: DateTime<Utc>,
    later: DateTime<Utc>,
    now: DateTime<Utc>,
) -> anyhow::Result<ComparedSnapshots> {
    let zone = inputs.context(now).zone;
    let diff: Diff = compare(inputs.history, &inputs.config.runs_dir(), earlier, later)?;
    let people = inputs.people(std::slice::from_ref(&diff));
    let changes = diff.changes.iter().take(CHANGES).map(|change| {
        let target = &change.target;
        Change {
            name: words::clean(change.name(), 120),
            target: match &target.aid {
                None => target.org_id.to_string(),
                Some(aid) if change.org_name.is_empty() => format!("{aid} · {}", target.org_id),
                Some(aid) => format!("{aid} · {}", words::clean(&change.org_name, 120)),
            },
            href: page_of(target),
            step: QuotaChange::new(change, &diff, &people, zone),
        }
    });
    Ok(ComparedSnapshots {
        title: format!("{} to {}", words::moment(earlier, zone), words::moment(later, zone)),
        earlier: earlier.format(STEM).to_string(),
        changes: changes.collect(),
        more: diff.changes.len().saturating_sub(CHANGES),
        vanished: diff.vanished.iter().take(CHANGES).map(ToString::to_string).collect(),
    })
}

/// The file of a snapshot; none where there is none.
pub(super) fn file(inputs: &ReportInputs<'_>, stem: &str) -> anyhow::Result<Option<File>> {
    let Some(at) = find_snapshot(&inputs.history.list()?, stem) else { return Ok(None) };
    match File::open(inputs.history.path(at)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        file => Ok(Some(file?)),
    }
}

/// The snapshot of that name, if there is one.
fn find_snapshot(all: &[DateTime<Utc>], stem: &str) -> Option<DateTime<Utc>> {
    let at = NaiveDateTime::parse_from_str(stem, STEM).ok()?.and_utc();
    all.binary_search(&at).is_ok().then_some(at)
}
