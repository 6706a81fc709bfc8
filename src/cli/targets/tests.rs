//! The list of targets where the history is damaged or the terminal narrow.

use super::*;
use crate::cli::table::Paint;
use crate::config::Alerts;
use crate::history::History;
use crate::report::fixtures::{context, realistic};
use crate::report::{JudgingContext, Slopes};

#[test]
fn a_history_of_damaged_snapshots_is_not_called_empty() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::new(folder.path());
    let format = TableFormat::Text;
    let asked = TargetsRequest { at: None, organizations: &[], name: None, over: None, format };
    let latest = realistic();
    let error = || {
        let earlier = Earlier { history: &history, zone: chrono_tz::Tz::UTC, asked: None };
        let read = asked.snapshot(earlier, &UsageRule::default(), latest.taken_at);
        read.unwrap_err().to_string()
    };
    assert!(error().starts_with("the history is empty"));
    history.write(&latest).unwrap();
    fs_err::write(history.path(latest.taken_at), "org_id,aid,quota\n1,,many\n").unwrap();
    assert_eq!(error(), NONE_READABLE);
}

#[test]
fn a_narrow_terminal_keeps_the_ids_and_the_figures() {
    for width in [60, 80, 120] {
        let text = shown(usize::MAX, None, width);
        assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
        insta::assert_snapshot!(format!("targets_in_{width}_columns"), text);
    }
}

#[test]
fn who_types_a_part_of_a_name_is_shown_how_to_find_it() {
    let said = |name| shown(0, name, 80);
    assert!(said(Some("Retail")).ends_with("\n`--name \"*Retail*\"` finds names that contain it.\n"));
    for name in [None, Some("Retail*")] {
        assert_eq!(said(name).lines().count(), 1, "{}", said(name));
    }
}

/// No more than `most` targets of a snapshot, on a terminal.
fn shown(most: usize, name: Option<&str>, width: usize) -> String {
    let (latest, slopes) = (realistic(), Slopes::default());
    let (rule, alerts, context) = (UsageRule::default(), Alerts::default(), context());
    let judging =
        JudgingContext { taken_at: latest.taken_at, rule: &rule, alerts: &alerts, context: &context };
    let ranking = Ranking::new(latest.places().enumerate().take(most), LISTED, &slopes, judging);
    let style = Style { paint: Paint { colors: false, width }, zone: context.zone };
    text(&latest, &ranking, name, style)
}
