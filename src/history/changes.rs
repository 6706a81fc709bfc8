//! The files below `changes/`: the quota changes that a snapshot showed, and who made them; only if there are any.

use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use csv::StringRecord;
use tracing::warn;

use super::partitions::{moments, partition};
use super::store::with_clock_skew;
use crate::domain::diff::{ByRun, Change, Diff, MadeBy};
use crate::domain::quota::{Target, Units};
use crate::files;
use crate::files::csv_cell::{inert, without_inert_mark};
use crate::files::data_folder::DataFolder;
use crate::files::durable;

const COLUMNS: [&str; 14] = [
    "seen_at",
    "since",
    "level",
    "org_id",
    "org_name",
    "aid",
    "account_group_name",
    "before",
    "after",
    "made_by",
    "run",
    "applied_at",
    "comment",
    "file",
];

/// Writes what a snapshot showed. Nothing is written where nothing changed, or where the file is there already.
pub(crate) fn write(data_dir: &Path, diff: &Diff) -> anyhow::Result<()> {
    if diff.changes.is_empty() {
        return Ok(());
    }
    durable::create(&partition(&folder(data_dir), diff.to), &encode(diff)?)?;
    Ok(())
}

/// All changes that snapshots showed after `since` and until `now`, each file as the diff that it was made of. What a clock
/// that was wrong dated later was seen again after it was set right. A damaged file is left out: the snapshots that it was
/// made from still say what changed.
pub(crate) fn between(
    data_dir: &Path,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<Diff>> {
    let folder = folder(data_dir);
    let mut diffs = Vec::new();
    for at in moments(&folder)?.into_iter().filter(|at| *at > since && *at <= with_clock_skew(now)) {
        let path = partition(&folder, at);
        let bytes = files::read(&path, files::ROWS).map_err(anyhow::Error::from);
        match bytes.and_then(|bytes| decode(at, &bytes)) {
            Ok(diff) => diffs.push(diff),
            Err(error) => {
                let (path, error) = (path.display().to_string(), format!("{error:#}"));
                warn!(path, error, "a file of changes is damaged and left out");
            }
        }
    }
    Ok(diffs)
}

fn folder(data_dir: &Path) -> PathBuf {
    DataFolder::Changes.below(data_dir)
}

fn encode(diff: &Diff) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    let to = time(diff.to);
    let number = |units: Option<Units>| units.map_or_else(String::new, |units| units.to_string());
    for change in &diff.changes {
        let Change { target, org_name, account_group_name, before, after, since, made_by } = change;
        let aid = target.aid.as_ref().map_or("", |aid| aid.as_str());
        let (made_by, run, applied_at, comment, file) = match made_by {
            MadeBy::Run(run) => {
                ("run", run.id.as_str(), time(run.at), run.comment.as_str(), run.file.as_str())
            }
            MadeBy::Outside => ("outside", "", String::new(), "", ""),
        };
        writer.write_record([
            &to,
            &time(*since),
            target.level(),
            target.org_id.as_str(),
            &inert(org_name),
            aid,
            &inert(account_group_name),
            &number(*before),
            &number(*after),
            made_by,
            run,
            &applied_at,
            &inert(comment),
            &inert(file),
        ])?;
    }
    Ok(writer.into_inner()?)
}

fn decode(at: DateTime<Utc>, bytes: &[u8]) -> anyhow::Result<Diff> {
    let mut reader = csv::Reader::from_reader(bytes);
    let headers = reader.headers()?.clone();
    let mut diff = Diff { from: at, to: at, changes: Vec::new(), vanished: Vec::new(), suspect: false };
    for record in reader.records() {
        let record = record?;
        let cell = |name: &str| cell(&headers, &record, name);
        let number = |name: &str| -> anyhow::Result<Option<Units>> {
            let text = cell(name);
            if text.is_empty() { Ok(None) } else { Ok(Some(text.parse()?)) }
        };
        let since = cell("since").parse()?;
        diff.from = if diff.changes.is_empty() { since } else { diff.from.max(since) };
        diff.changes.push(Change {
            target: match cell("aid") {
                "" => Target::organization(cell("org_id")),
                aid => Target::account_group(cell("org_id"), aid),
            },
            org_name: without_inert_mark(cell("org_name")).into(),
            account_group_name: without_inert_mark(cell("account_group_name")).into(),
            before: number("before")?,
            after: number("after")?,
            since,
            made_by: match cell("run") {
                "" => MadeBy::Outside,
                run => MadeBy::Run(Box::new(ByRun {
                    id: run.to_owned(),
                    file: without_inert_mark(cell("file")).into_owned(),
                    comment: without_inert_mark(cell("comment")).into_owned(),
                    at: cell("applied_at").parse()?,
                })),
            },
        });
    }
    Ok(diff)
}

fn cell<'r>(headers: &StringRecord, record: &'r StringRecord, name: &str) -> &'r str {
    headers.iter().position(|header| header == name).and_then(|index| record.get(index)).unwrap_or_default()
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
