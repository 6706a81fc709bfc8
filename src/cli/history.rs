//! `history` and `export`: what was, and what is, as people and spreadsheets read it.

use std::io::Write;
use std::sync::Arc;

use clap::Subcommand;

use super::progress;
use crate::app::App;
use crate::change::earlier;
use crate::change::propose::COLUMNS;
use crate::clock::Clock;
use crate::diff::{MadeBy, diff};
use crate::exit_code::Exit;
use crate::files::csv_cell::inert;
use crate::history::STEM;
use crate::quota::{Snapshot, quota_text};
use crate::snapshot::Reading;

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

pub(super) fn history(app: &Arc<App>, what: &History, out: &mut impl Write) -> anyhow::Result<Exit> {
    match what {
        History::List => {
            for at in app.history.list()? {
                writeln!(out, "{}", at.format(STEM))?;
            }
        }
        History::Show { time } => {
            let at = app.history.find(time)?;
            out.write_all(&fs_err::read(app.history.path(at))?)?;
        }
        History::Diff { a, b } => {
            let (a, b) = (app.history.find(a)?, app.history.find(b)?);
            let (earlier, later) = (a.min(b), a.max(b));
            let (earlier, later) = (app.history.read(earlier)?, app.history.read(later)?);
            let sent = earlier::sent_rows(&app.runs(), earlier.taken_at)?;
            let seen = diff(&earlier, &later, &sent);
            writeln!(out, "{} → {}", seen.from.format(STEM), seen.to.format(STEM))?;
            for change in &seen.changes {
                let row = later.row(&change.target);
                let name = row.map_or("", |row| row.name());
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

/// Current quotas, or those of a snapshot, as a change file.
pub(super) async fn export(app: &Arc<App>, at: Option<&str>, out: &mut impl Write) -> anyhow::Result<Exit> {
    let snapshot = if let Some(time) = at {
        app.history.read(app.history.find(time)?)?
    } else {
        let reading = Reading::targets(app.client()?, true, Clock::read().now());
        progress::shown(app, reading).await?.snapshot()
    };
    out.write_all(&change_file(&snapshot)?)?;
    Ok(Exit::Done)
}

/// One unedited row for each target: `expected_value` is what is there, so that only edited rows are sent.
fn change_file(snapshot: &Snapshot) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for row in snapshot.rows() {
        let quota = row.quota.map_or_else(|| "none".to_owned(), |quota| quota.to_string());
        let aid = row.target.aid.as_ref().map_or("", |aid| aid.as_str());
        let (org_name, name) = (inert(&row.org_name), inert(&row.account_group_name));
        let org_id = row.target.org_id.as_str();
        writer.write_record(["assign", org_id, &org_name, aid, &name, &quota, &quota, ""])?;
    }
    Ok(writer.into_inner()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use crate::change::Verdict;
    use crate::change::parse::{Value, parse};
    use crate::change::plan::{PlanContext, plan};
    use crate::config::{Guards, Mode};
    use crate::quota::{SnapshotRow, Target, UsageRule};

    #[test]
    fn an_export_is_a_change_file_in_which_nothing_is_edited() {
        let mut group = SnapshotRow::new(Target::account_group("1", "5"));
        group.account_group_name = "=EMEA, \"Core\"".into();
        group.quota = Some(7);
        let snapshot = Snapshot::new(
            "2026-11-22T08:00:00Z".parse().unwrap(),
            vec![SnapshotRow::new(Target::organization("1")), group],
        );
        let bytes = change_file(&snapshot).unwrap();
        insta::assert_snapshot!(String::from_utf8(bytes.clone()).unwrap(), @r#"
        action,org_id,org_name,aid,account_group_name,value,expected_value,comment
        assign,1,,,,none,none,
        assign,1,,5,"'=EMEA, ""Core""",7,7,
        "#);
        let file = parse(&bytes, &BTreeMap::new(), 10).unwrap();
        for record in file.records {
            let change = record.change.unwrap();
            assert_eq!(change.expected.map(|quota| quota.map(Value::Units)), Some(change.value));
        }
    }
    proptest! {
        #[test]
        fn whatever_targets_are_called_each_row_of_an_export_is_found_and_is_not_edited(
            names in prop::collection::vec((0..3_u8, "[aAbé=+ \u{a0}\u{200b}\"\n,]{0,3}"), 1..20),
            quota in prop_oneof![Just(None), (0..9_i64).prop_map(Some)],
        ) {
            let rows = names.iter().enumerate().map(|(aid, (org_id, name))| SnapshotRow {
                // Names of organizations repeat too.
                org_name: names[usize::from(*org_id) % names.len()].1.clone(),
                account_group_name: name.clone(),
                quota,
                ..SnapshotRow::new(Target::account_group(org_id.to_string().as_str(), aid.to_string().as_str()))
            });
            let snapshot = Snapshot::new("2026-11-22T08:00:00Z".parse().unwrap(), rows.collect());
            let file = parse(&change_file(&snapshot).unwrap(), &BTreeMap::new(), 100).unwrap();
            let (guards, rule) = (Guards::default(), UsageRule::default());
            let plan = plan(&file, &snapshot, &PlanContext::new(&guards, Mode::File, &rule));
            for (row, seen) in plan.rows.iter().zip(snapshot.rows()) {
                prop_assert_eq!(&row.verdict, &Verdict::Unchanged("not edited".to_owned()));
                prop_assert_eq!(row.target.as_ref(), Some(&seen.target));
            }
        }
    }
}
