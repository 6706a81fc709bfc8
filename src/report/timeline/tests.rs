//! One target over several snapshots.

use super::*;
use crate::report::fixtures::{at, group};

#[test]
fn each_snapshot_shows_its_figures_and_who_changed_the_quota_before_it() {
    let target = group("7", "Lab", None, 0, 0).target;
    let change = |after, made_by| Change {
        target: target.clone(),
        org_name: "Acme".into(),
        account_group_name: "Lab".into(),
        before: Some(1000),
        after: Some(after),
        since: at("11-21T06:00"),
        made_by,
    };
    let run = MadeBy::Run(Box::new(ByRun {
        id: "20261121T133000Z-raise".to_owned(),
        file: "raise.csv".to_owned(),
        comment: "CHG-8841".to_owned(),
        at: at("11-21T13:30"),
    }));
    let diff = |to, made_by| Diff {
        from: at("11-21T06:00"),
        to: at(to),
        changes: vec![change(1200, made_by)],
        vanished: Vec::new(),
        suspect: false,
    };
    let seen = [
        (at("11-21T06:00"), Some(group("7", "Lab", Some(1000), 400, 900))),
        (at("11-21T14:00"), Some(group("7", "Lab", Some(1200), 420, 900))),
        (at("11-22T06:00"), None),
        (at("11-23T06:00"), Some(group("7", "Lab", Some(1500), 500, 900))),
    ];
    let diffs = [diff("11-21T14:00", run), diff("11-23T06:00", MadeBy::Outside)];
    let people = People::from([("20261121T133000Z-raise".to_owned(), "dropped by ann".to_owned())]);
    let rule = &UsageRule::default();
    let input = TimelineInput { target: &target, rows: &seen, diffs: &diffs, people: &people, rule };
    let timeline = timeline(&input, Tz::UTC);
    let lines: Vec<String> = timeline
        .moments
        .iter()
        .map(|moment| {
            let who: Vec<_> = moment.changes.iter().map(|change| change.who.as_str()).collect();
            format!("{:?} {:?} {who:?}", moment.quota, moment.percent_used)
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
        Some(1000) Some(40) []
        Some(1200) Some(35) ["run 20261121T133000Z-raise of raise.csv, dropped by ann"]
        None None []
        Some(1500) Some(33) ["outside quotakeeper, between Sat 21 Nov, 06:00 and Mon 23 Nov, 06:00"]
        "#);
    assert_eq!((&*timeline.name, &*timeline.org_name), ("Lab", "Acme Bank"));
    assert!(!timeline.moments[2].is_visible);
}
