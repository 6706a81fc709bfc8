//! What a change report says of drift and of a period.

use super::*;
use crate::domain::quota::SnapshotRow;
use crate::report::fixtures::{at, changed, context, realistic};
use crate::report::shared::Extent;

fn titles(report: &ChangesReport) -> Vec<&str> {
    report.sections.iter().map(|section| section.title.as_str()).collect()
}

fn headings(section: &Section) -> Vec<&str> {
    section.rows.iter().map(|row| row.shared.as_str()).filter(|shared| !shared.is_empty()).collect()
}

fn drift(diff: &Diff) -> Option<ChangesReport> {
    drift_report(diff, &realistic(), &UsageRule::default(), Unlisted::Count, &context())
}

#[test]
fn drift_lists_only_what_was_changed_outside_and_says_when() {
    let report = drift(&changed()).unwrap();
    assert_eq!(report.headline, "1 quota changed outside quotakeeper, between 14:00 and 15:00 on Sat 21 Nov");
    assert_eq!(titles(&report), ["Outside quotakeeper · 1"]);
    assert_eq!(report.sections[0].rows[0].effect, "2 100 short of the 26 100 needed");
}

#[test]
fn nothing_outside_and_nothing_vanished_is_no_drift() {
    let mut ours = changed();
    ours.changes.retain(|change| change.made_by != MadeBy::Outside);
    assert!(drift(&ours).is_none());
}

#[test]
fn what_vanished_is_not_called_removed() {
    let gone = Diff {
        changes: Vec::new(),
        vanished: vec![Target::account_group("1", "2")],
        suspect: true,
        ..changed()
    };
    let report = drift(&gone).unwrap();
    assert_eq!(report.headline, "1 target is no longer visible");
    assert!(
        report.notes[0].starts_with("Over a fifth of all targets were missing between"),
        "{:?}",
        report.notes
    );
    assert_eq!(
        report.notes[1],
        "1 target is no longer visible, which is not the same as removed: account group 2 of organization 1."
    );
}

#[test]
fn quotas_that_most_of_an_organization_lacks_at_once_are_said_not_to_be_removed_yet() {
    let quota = |aid: &str, quota| SnapshotRow { quota, ..SnapshotRow::new(Target::account_group("7", aid)) };
    let notes = |left: &[&str]| {
        let vanished = ["1", "2", "3"].map(|aid| Target::account_group("7", aid)).to_vec();
        let diff = Diff { changes: Vec::new(), vanished, ..changed() };
        let there = left.iter().map(|aid| quota(aid, Some(1_000)));
        let latest =
            Snapshot::new(diff.to, there.chain([quota("1", None), quota("2", None), quota("3", None)]));
        drift_report(&diff, &latest, &UsageRule::default(), Unlisted::Count, &context()).unwrap().notes
    };
    let [note, vanished] = &notes(&["91", "92"])[..] else { panic!() };
    assert!(
        note.starts_with("3 of the 5 quotas of organization 7 are missing from the API's answer. They count as removed once"),
        "{note}"
    );
    assert!(vanished.starts_with("3 targets are no longer visible"), "{vanished}");
    assert_eq!(notes(&[]).len(), 1, "an organization without any quota is out of sight, for however long");
}

#[test]
fn a_period_says_who_changed_what() {
    let period = |diffs: &[Diff]| {
        let people =
            People::from([("20261121T133000Z-raise-trading".to_owned(), "dropped by ann".to_owned())]);
        let with = DiffContext {
            latest: &realistic(),
            rule: &UsageRule::default(),
            people: &people,
            unlisted: Unlisted::Count,
        };
        period_report(diffs, at("11-15T00:00"), with, &context())
    };
    let report = period(&[changed()]);
    assert_eq!(report.headline, "2 quotas changed since Sun 15 Nov, 1 outside quotakeeper");
    assert_eq!(titles(&report), ["Outside quotakeeper · 1", "By change files · 1"]);
    let who = "raise-trading.csv, run 20261121T133000Z-raise-trading, dropped by ann";
    assert_eq!(report.sections[1].rows[0].who, who);
    assert_eq!(period(&[]).headline, "No quota changed since Sun 15 Nov");

    let only = |count: usize| {
        let is_outside = |change: &&Change| matches!(change.made_by, MadeBy::Outside);
        let all = changed().changes;
        let change = all.iter().find(is_outside).unwrap();
        let target = |number: usize| Target::account_group("10452", number.to_string().as_str());
        let changes = (0..count).map(|number| Change { target: target(number), ..change.clone() }).collect();
        period(&[Diff { changes, ..changed() }]).headline
    };
    assert_eq!(only(1), "1 quota changed since Sun 15 Nov, outside quotakeeper");
    assert_eq!(only(2), "2 quotas changed since Sun 15 Nov, all outside quotakeeper");

    let twice = period(&[changed(), changed()]);
    assert_eq!(twice.headline, "2 quotas changed 4 times since Sun 15 Nov, 2 outside quotakeeper");
    assert_eq!(headings(&twice.sections[1]), [format!("2 quotas: {who}")]);
    assert!(twice.sections[1].rows.iter().all(|row| row.is_explained));
}

#[test]
fn the_headroom_of_a_target_whose_usage_is_unknown_is_unknown() {
    let mut diff = changed();
    diff.changes[0].target = Target::account_group("9", "9");
    let unseen = Snapshot::new(at("11-22T06:00"), vec![SnapshotRow::new(Target::account_group("9", "9"))]);
    let report = drift_report(&diff, &unseen, &UsageRule::default(), Unlisted::Count, &context()).unwrap();
    assert_eq!(report.sections[0].rows[0].effect, "usage unknown");
}

#[test]
fn a_file_lists_every_change_and_names_all_that_vanished_where_a_mail_counts_them() {
    let target = |number: usize| Target::account_group("10452", number.to_string().as_str());
    let change = |number: usize| Change { target: target(number), ..changed().changes[0].clone() };
    let diff = Diff {
        changes: (0..300).map(change).collect(),
        vanished: (300..340).map(target).collect(),
        ..changed()
    };
    let of = |extent| {
        let context = ReportContext { extent, ..context() };
        let diffs = std::slice::from_ref(&diff);
        let with = DiffContext {
            latest: &realistic(),
            rule: &UsageRule::default(),
            people: &People::new(),
            unlisted: Unlisted::Count,
        };
        period_report(diffs, at("11-01T00:00"), with, &context)
    };
    let (mail, file) = (of(Extent::Mail), of(Extent::Whole));
    assert_eq!((mail.sections[0].rows.len(), mail.sections[0].more), (20, 280));
    assert_eq!((file.sections[0].rows.len(), file.sections[0].more), (300, 0));
    let heading = |report: &ChangesReport| headings(&report.sections[0])[0].to_owned();
    assert!(heading(&mail).starts_with("20 quotas listed here: "), "{}", heading(&mail));
    assert!(heading(&file).starts_with("300 quotas: "), "{}", heading(&file));
    assert!(mail.notes[0].contains("35 more") && file.notes[0].contains("group 339 of"), "{:?}", file.notes);
}

#[test]
fn a_report_says_the_same_whether_it_has_the_rows_that_it_does_not_list_or_not() {
    let change = |number: i64| {
        let target = Target::account_group("10452", number.to_string().as_str());
        Change { target, before: Some(1000), after: Some(1000 + number % 7), ..changed().changes[0].clone() }
    };
    let diff = Diff { changes: (0..300).map(change).collect(), ..changed() };
    let of =
        |unlisted| drift_report(&diff, &realistic(), &UsageRule::default(), unlisted, &context()).unwrap();
    let (counted, mut whole) = (of(Unlisted::Count), of(Unlisted::Rows));
    assert_eq!((counted.sections[0].rest.len(), whole.sections[0].rest.len()), (0, 280));
    whole.sections[0].rest.clear();
    assert_eq!(format!("{counted:?}"), format!("{whole:?}"));
}
