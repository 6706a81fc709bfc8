//! What the mail of alerts says first, why, and what to do.

use super::*;
use crate::config::{Alerts, Mute};
use crate::domain::quota::{Snapshot, Units, Usage};
use crate::report::fixtures::{
    alert_news, alerts, at, context, group, many_alerts, organization, realistic, terms, week_before, week_of,
};
use crate::report::owners::{Share, alert_report_to_owners};
use crate::report::shared::week::Slopes;

fn report_of(
    occasion: AlertTiming,
    news: &[AlertEvent],
    rows: Vec<SnapshotRow<'static>>,
    alerts: &Alerts,
) -> Option<AlertReport> {
    let input = AlertInput {
        occasion,
        news,
        latest: &Snapshot::new(at("11-22T06:00"), rows),
        slopes: &Slopes::default(),
        alerts,
        terms: terms(),
        audience: Audience::Administrators,
    };
    alert_report(&input, &context())
}

fn headline_of(rows: Vec<SnapshotRow<'static>>) -> String {
    let news: Vec<AlertEvent> = rows
        .iter()
        .map(|row| {
            let (used, quota) = (row.usage.cloud_used.unwrap(), row.quota.unwrap());
            let level = match row.usage.cloud_projected.unwrap() {
                projected if projected < quota && used < quota / 2 => Level::Fine,
                _ if used >= quota / 100 * 80 => Level::Critical,
                _ => Level::Warning,
            };
            alert_news(&row.target, level)
        })
        .collect();
    report_of(AlertTiming::Digest, &news, rows, &Alerts::default()).unwrap().headline
}

#[test]
fn the_headline_names_the_worst_and_counts_the_rest() {
    let row = |aid: &str, used: Units, projected: Units| group(aid, aid, Some(1000), used, projected);
    assert_eq!(headline_of(vec![row("1", 800, 2000)]), "1 runs out on 24 Nov");
    assert_eq!(
        headline_of(vec![row("1", 1000, 2000), row("2", 800, 2000)]),
        "1 has run out · 1 more critical"
    );
    assert_eq!(headline_of(vec![row("1", 960, 990)]), "1 has used 96 % of its quota");
    assert_eq!(
        headline_of(vec![row("1", 960, 990), row("2", 700, 1200), row("3", 1, 2)]),
        "1 has used 96 % of its quota · 1 warning · 1 back to normal"
    );
    assert_eq!(
        headline_of(vec![row("1", 500, 1200), row("2", 500, 1100)]),
        "1 runs out on 1 Dec · 1 more warning"
    );
    assert_eq!(
        headline_of(vec![row("1", 1, 2), row("2", 1, 2), row("3", 1, 2)]),
        "1 is back to normal · 2 more back to normal"
    );
}

#[test]
fn what_to_do_names_the_need_the_room_and_the_rows_to_drop() {
    let report = alerts(AlertTiming::Snapshot);
    assert_eq!(
        report.todo,
        "EMEA Branches (Acme Bank) needs 1 940 more by Tue 24 Nov. 5 000 units of Acme Bank are not allocated to any group. \
         The attached rebalance.csv gives one account group what it needs plus headroom."
    );
    let file = String::from_utf8(report.rebalance.file().unwrap()).unwrap();
    let row = "assign,10452,Acme Bank,204117,EMEA Branches,12034,9000,\"needs 10 940, had 9 000: +3 034, headroom then 10 %\"";
    assert_eq!(
        file.lines().collect::<Vec<_>>()[1..],
        [row],
        "the need and the headroom that the guards want above it"
    );
    assert_eq!(report.critical[0].status.over, Some(1940));
}

#[test]
fn an_organization_in_trouble_has_no_row_to_drop() {
    let own = organization("1", "Acme", Some(1000), 960, 990);
    let news = [alert_news(&own.target, Level::Critical)];
    let report = report_of(AlertTiming::Snapshot, &news, vec![own], &Alerts::default()).unwrap();
    assert_eq!(
        report.todo,
        "Acme has 40 left until its cycle ends. Raise its quota, or reduce what its tests use."
    );
    assert_eq!(report.rebalance.file(), None);
}

#[test]
fn units_that_look_mismatched_are_the_first_thing_to_do() {
    let own = SnapshotRow {
        plan_units: Some(1_000_000),
        ..organization("1", "Acme", Some(1000), 960_000, 990_000)
    };
    let news = [alert_news(&own.target, Level::Critical)];
    let report = report_of(AlertTiming::Snapshot, &news, vec![own], &Alerts::default()).unwrap();
    assert!(report.todo.starts_with("check the units of Acme"), "{}", report.todo);
}

#[test]
fn a_mute_hides_news_and_is_listed_with_its_reason() {
    let mute = |pattern: &str| Mute {
        name: Some(pattern.into()),
        reason: "load test".into(),
        until: Some(crate::config::MuteEnd::Moment(at("11-30T00:00"))),
        ..Mute::default()
    };
    let rows = || vec![group("1", "Lab", Some(1000), 960, 990), group("2", "Web", Some(1000), 960, 990)];
    let news = rows().iter().map(|row| alert_news(&row.target, Level::Critical)).collect::<Vec<_>>();
    let muted = Alerts { mutes: vec![mute("lab")], ..Alerts::default() };
    let report = report_of(AlertTiming::Snapshot, &news, rows(), &muted).unwrap();
    assert_eq!(report.critical.len(), 1);
    assert_eq!(report.muted, ["1 target beyond a limit is muted until Mon 30 Nov 2026, 01:00: load test."]);
    let muted = Alerts { mutes: vec![mute("*")], ..Alerts::default() };
    assert!(report_of(AlertTiming::Digest, &news, rows(), &muted).is_none());
}

#[test]
fn what_was_seen_stands_when_usage_is_unknown_by_the_time_of_the_digest() {
    let row = SnapshotRow { usage: Usage::default(), ..group("1", "Lab", Some(1000), 0, 0) };
    let news = [alert_news(&row.target, Level::Warning)];
    let report = report_of(AlertTiming::Digest, &news, vec![row], &Alerts::default()).unwrap();
    assert_eq!(&*report.warnings[0].status.why, "as it was seen");
    assert_eq!(&*report.warnings[0].status.status, "usage unknown");
    assert_eq!(report.headline, "Lab needs more than its quota");
}

#[test]
fn owners_and_administrators_read_the_same_of_each_target() {
    let latest = realistic();
    let week = week_of(week_before(&latest), &latest);
    let news: Vec<AlertEvent> = latest.rows().map(|row| alert_news(&row.target, Level::Critical)).collect();
    let input = AlertInput {
        occasion: AlertTiming::Snapshot,
        news: &news,
        latest: &latest,
        slopes: week.slopes(),
        alerts: &Alerts::default(),
        terms: terms(),
        audience: Audience::Administrators,
    };
    let read = |report: AlertReport| -> Vec<_> {
        let rows = report.critical.into_iter().map(|row| row.status);
        rows.map(|own| {
            (own.target, own.level, own.runs_out_at, own.status, own.estimates, own.sureness, own.why)
        })
        .collect()
    };
    let all = read(alert_report(&input, &context()).unwrap());
    assert!(all.iter().any(|own| own.2.is_some()) && all.len() > 5, "{all:?}");
    for own in all {
        let share = Share { targets: [own.0.clone()].into(), recipients: Vec::new(), listed: String::new() };
        assert_eq!(read(alert_report_to_owners(&input, &share, &context()).unwrap()), [own]);
    }
}

#[test]
fn of_ten_thousand_the_worst_are_listed_and_the_rest_is_counted() {
    let report = many_alerts("Region");
    let counts =
        [report.critical.len(), report.warnings.len(), report.recovered.len(), report.proposed.len()];
    assert_eq!(counts, [15, 15, 15, 10]);
    assert_eq!(report.more_proposed, 490);
    let notes = report.proposal_notes.join(" ");
    assert!(notes.contains("The file covers the worst 500; "), "{notes}");
    assert_eq!(report.more_critical + report.more_warnings + report.more_recovered, 10_000 - 45);
    assert_eq!(report.critical[0].status.used, Some(999), "the nearest to its end comes first");
}

#[test]
fn the_same_news_is_the_same_mail_on_a_later_snapshot_too() {
    let latest = realistic();
    let news = [alert_news(&Target::account_group("10452", "204117"), Level::Critical)];
    let identity = |taken_at: &str| {
        let input = AlertInput {
            occasion: AlertTiming::Snapshot,
            news: &news,
            latest: &Snapshot::new(at(taken_at), latest.owned_rows()),
            slopes: &Slopes::default(),
            alerts: &Alerts::default(),
            terms: terms(),
            audience: Audience::Administrators,
        };
        alert_report(&input, &context()).unwrap().identity
    };
    assert_eq!(identity("11-22T06:00"), identity("11-22T07:00"));
}
