//! Small snapshots for the tests of reports and mails: one cycle, 5 Nov to 5 Dec, seen on 22 Nov.

mod runs;

use std::convert::Infallible;
use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

pub(crate) use self::runs::{done_summary, held_summary, plan_row, tripped};
use crate::change::propose::Terms;
use crate::config::{Alerts, Guards, Mute, MuteEnd};
use crate::domain::diff::{ByRun, Change, Diff, MadeBy};
use crate::domain::last_cycle::LastCycle;
use crate::domain::quota::{Snapshot, SnapshotRow, Target, Units, Usage, UsageRule};
use crate::domain::usage_rows::UsageRows;
use crate::report::alerts::crossings::{AlertEvent, AlertTiming};
use crate::report::alerts::{AlertInput, AlertReport, alert_report};
use crate::report::ranking::Ranking;
use crate::report::shared::curves::Curves;
use crate::report::shared::level::Level;
use crate::report::shared::quota_status::{JudgingContext, QuotaStatus, quota_statuses};
use crate::report::shared::readings::{OrganizationReadings, Readings};
use crate::report::shared::trends::Trends;
use crate::report::shared::week::{Slopes, Week};
use crate::report::shared::{Audience, Extent, ReportContext};
use crate::report::usage::input::UsageInput;
use crate::report::usage::page::{Groups, MOST_ROWS, PageInput, UsagePage};
use crate::report::usage::{UsageReport, usage_report};

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    format!("2026-{text}:00Z").parse().unwrap()
}

pub(crate) fn context() -> ReportContext {
    ReportContext {
        now: at("11-22T07:00"),
        zone: Tz::Europe__Berlin,
        instance: "prod on nms-01".into(),
        expire: crate::config::Guards::default().expire,
        extent: crate::report::Extent::Mail,
    }
}

fn seen(target: Target, quota: Option<Units>, used: Units, projected: Units) -> SnapshotRow<'static> {
    SnapshotRow {
        quota,
        usage: Usage {
            cloud_used: Some(used),
            cloud_projected: Some(projected),
            enterprise_used: Some(0),
            enterprise_projected: Some(0),
            ..Usage::default()
        },
        period_start: Some(at("11-05T00:00")),
        period_end: Some(at("12-05T00:00")),
        ..SnapshotRow::new(target)
    }
}

/// An account group of organization 10452, Acme Bank.
pub(crate) fn group(
    aid: &str,
    name: &str,
    quota: Option<Units>,
    used: Units,
    projected: Units,
) -> SnapshotRow<'static> {
    group_of("10452", "Acme Bank", aid, name, quota, used, projected)
}

pub(crate) fn group_of(
    org_id: &str,
    org_name: &str,
    aid: &str,
    name: &str,
    quota: Option<Units>,
    used: Units,
    projected: Units,
) -> SnapshotRow<'static> {
    SnapshotRow {
        org_name: org_name.to_owned().into(),
        account_group_name: name.to_owned().into(),
        ..seen(Target::account_group(org_id, aid), quota, used, projected)
    }
}

pub(crate) fn organization(
    org_id: &str,
    name: &str,
    quota: Option<Units>,
    used: Units,
    projected: Units,
) -> SnapshotRow<'static> {
    SnapshotRow {
        org_name: name.to_owned().into(),
        plan_units: quota.map(|quota| quota / 10 * 11),
        cloud_next_period: Some(projected / 100 * 103),
        enterprise_next_period: Some(0),
        ..seen(Target::organization(org_id), quota, used, projected)
    }
}

/// The realistic snapshot, in which each name has this before it.
pub(crate) fn with_names_after(before: &str) -> Snapshot {
    let latest = realistic();
    let renamed = latest.rows().map(|mut row| {
        row.org_name = format!("{before}{}", row.org_name).into();
        row.account_group_name = format!("{before}{}", row.account_group_name).into();
        row
    });
    Snapshot::new(latest.taken_at, renamed)
}

/// Three organizations: one with groups in trouble and a long tail, one over-allocated, one whose usage is unknown.
pub(crate) fn realistic() -> Snapshot {
    let mut rows = vec![
        organization("10452", "Acme Bank", Some(92_000), 53_600, 97_100),
        group("204117", "EMEA Branches", Some(9_000), 8_120, 10_940),
        group("204120", "Payments – Core", Some(24_000), 20_300, 26_100),
        group("204133", "Contact Center Voice", Some(6_000), 4_650, 6_180),
        group("204150", "Trading Floor", Some(18_000), 12_100, 16_900),
        group("204151", "Retail Stores North", Some(12_000), 7_900, 10_800),
        group("204190", "Lab", None, 40, 55),
        group("204191", "Sandbox", None, 0, 0),
        organization("10788", "Globex", Some(40_000), 12_000, 21_000),
        group_of("10788", "Globex", "301001", "Plants", Some(30_000), 8_000, 14_000),
        group_of("10788", "Globex", "301002", "Offices", Some(11_000), 4_000, 7_000),
    ];
    for number in 0..12 {
        let aid = (204_200 + number).to_string();
        rows.push(group(&aid, &format!("Region {number}"), Some(1_500), 40 * number, 100 * number));
    }
    let unknown =
        |row: SnapshotRow<'static>| SnapshotRow { usage: Usage::default(), cloud_next_period: None, ..row };
    rows.push(unknown(organization("11020", "Initech", Some(12_000), 0, 0)));
    rows.push(unknown(group_of("11020", "Initech", "208001", "Helpdesk", Some(4_000), 0, 0)));
    Snapshot::new(at("11-22T06:00"), rows)
}

/// What these snapshots showed of the latest.
pub(crate) fn week_of(earlier: impl IntoIterator<Item = Snapshot>, latest: &Snapshot) -> Week {
    let rule = UsageRule::default();
    let mut week = Week::new(latest);
    week.add_latest(latest, &rule);
    for snapshot in earlier {
        week.add(&readings_of(&snapshot, latest, &rule), latest);
    }
    week
}

fn readings_of(snapshot: &Snapshot, latest: &Snapshot, rule: &UsageRule) -> Readings {
    let readings = snapshot.organizations().iter().filter_map(|then| {
        let now = latest.organization(&then.id)?;
        Some(Ok::<_, Infallible>(OrganizationReadings::new(UsageRows::beside(then, now), rule)))
    });
    let Ok(readings) = Readings::from_snapshot(snapshot.taken_at, readings, latest);
    readings
}

/// The week before: everything used a little less each day.
pub(crate) fn week_before(latest: &Snapshot) -> Vec<Snapshot> {
    let earlier = |days: i64| {
        let rows = latest.rows().map(|mut row| {
            row.usage.cloud_used = row.usage.cloud_used.map(|used| used - used / 33 * days);
            row
        });
        Snapshot::new(latest.taken_at - TimeDelta::days(days), rows)
    };
    (1..=7).map(earlier).collect()
}

pub(crate) fn changed() -> Diff {
    let change = |aid: &str, name: &str, before, after, made_by| Change {
        target: Target::account_group("10452", aid),
        org_name: "Acme Bank".into(),
        account_group_name: name.into(),
        before,
        after,
        since: at("11-21T13:00"),
        made_by,
    };
    Diff {
        from: at("11-21T13:00"),
        to: at("11-21T14:00"),
        changes: vec![
            change("204120", "Payments – Core", Some(26_000), Some(24_000), MadeBy::Outside),
            change(
                "204150",
                "Trading Floor",
                Some(15_000),
                Some(18_000),
                MadeBy::Run(Box::new(ByRun {
                    id: "20261121T133000Z-raise-trading".into(),
                    file: "raise-trading.csv".into(),
                    comment: "Q4 volume, CHG-8841".into(),
                    at: at("11-21T13:31"),
                })),
            ),
        ],
        vanished: Vec::new(),
        suspect: false,
    }
}

/// A snapshot alone, with nothing else known.
pub(crate) fn input_of(latest: &Snapshot) -> UsageInput<'_> {
    static NO_SLOPES: LazyLock<Slopes> = LazyLock::new(Slopes::default);
    static ALERTS: LazyLock<Alerts> = LazyLock::new(Alerts::default);
    UsageInput {
        latest,
        absent: None,
        slopes: &NO_SLOPES,
        diffs: &[],
        missed: &[],
        held: &[],
        rule: terms().rule,
        alerts: &ALERTS,
        terms: Some(terms()),
    }
}

pub(crate) fn report_from(latest: &Snapshot, earlier: &[Snapshot]) -> UsageReport {
    let week = week_of(earlier.iter().cloned(), latest);
    let input = UsageInput { slopes: week.slopes(), ..input_of(latest) };
    drawn(usage_report(&input, &context()), latest, earlier)
}

/// The page of these snapshots, each target owned by `Ann <ann@example.com>`.
pub(crate) fn with_page<R>(
    latest: &Snapshot,
    earlier: &[Snapshot],
    show: impl FnOnce(UsagePage<'_>) -> R,
) -> R {
    let (rule, context) = (UsageRule::default(), ReportContext { extent: Extent::Whole, ..context() });
    let week = week_of(earlier.iter().cloned(), latest);
    let input = UsageInput {
        slopes: week.slopes(),
        diffs: &[changed()],
        held: &[held_summary()],
        terms: None,
        ..input_of(latest)
    };
    let owners = |_: &Target| vec!["Ann <ann@example.com>".to_owned()];
    let judging = JudgingContext {
        taken_at: latest.taken_at,
        rule: input.rule,
        alerts: input.alerts,
        context: &context,
    };
    let groups = latest.places().enumerate().filter(|(_, place)| place.account_group.is_some());
    let ranking = Ranking::new(groups, MOST_ROWS, input.slopes, judging);
    let input_of_page = PageInput {
        latest,
        groups: Groups {
            targets: ranking.numbered_targets().collect(),
            status: &|place| ranking.status_at(place),
        },
        left_out: 0,
        curves: curves_of(latest, earlier, &rule),
        since: None,
        headroom_percent: 10,
        owners: &owners,
    };
    show(UsagePage::new(usage_report(&input, &context), input_of_page, &context))
}

pub(crate) fn curves_of<'a>(latest: &'a Snapshot, earlier: &[Snapshot], rule: &'a UsageRule) -> Curves<'a> {
    let mut curves = Curves::new(latest, rule);
    let mut earlier: Vec<&Snapshot> = earlier.iter().collect();
    earlier.sort_by_key(|snapshot| snapshot.taken_at);
    for snapshot in earlier {
        curves.add(readings_of(snapshot, latest, rule));
    }
    curves.add_latest();
    curves
}

/// The report with the pictures that its history allows.
pub(crate) fn drawn(mut report: UsageReport, latest: &Snapshot, earlier: &[Snapshot]) -> UsageReport {
    let rule = UsageRule::default();
    let mut trends = Trends::new(report.targets_to_draw(), latest, &rule, context().zone);
    let mut all: Vec<&Snapshot> = earlier.iter().chain([latest]).collect();
    all.sort_by_key(|snapshot| snapshot.taken_at);
    for snapshot in all {
        trends.add(snapshot);
    }
    report.draw(&trends);
    report
}

pub(crate) fn report_of(rows: Vec<SnapshotRow<'static>>) -> UsageReport {
    report_from(&Snapshot::new(at("11-22T06:00"), rows), &[])
}

pub(crate) fn usage() -> UsageReport {
    let latest = realistic();
    let earlier = week_before(&latest);
    let week = week_of(earlier.iter().cloned(), &latest);
    let input = UsageInput {
        slopes: week.slopes(),
        diffs: &[changed()],
        held: &[held_summary()],
        ..input_of(&latest)
    };
    drawn(usage_report(&input, &context()), &latest, &earlier)
}

/// Those of a configuration that says nothing, without a history.
pub(crate) fn terms() -> Terms<'static> {
    static GUARDS: LazyLock<Guards> = LazyLock::new(Guards::default);
    static RULE: LazyLock<UsageRule> = LazyLock::new(UsageRule::default);
    Terms { last_cycle: LastCycle::empty(), guards: &GUARDS, rule: &RULE }
}

pub(crate) fn alert_news(target: &Target, level: Level) -> AlertEvent {
    AlertEvent {
        target: target.clone(),
        cycle: "2026-11-05".into(),
        level,
        was: if level == Level::Fine { Level::Critical } else { Level::Fine },
        at: at("11-22T06:00"),
        why: "as it was seen".into(),
        largest: Vec::new(),
    }
}

/// One that is critical, or two warnings; and one that is back to normal. Acme Bank's own quota is muted.
pub(crate) fn alerts(occasion: AlertTiming) -> AlertReport {
    let mut rows = realistic().owned_rows();
    for row in rows.iter_mut().filter(|row| row.account_group_name == "EMEA Branches") {
        row.usage.cloud_used = Some(8_420);
    }
    let latest = Snapshot::new(at("11-22T06:00"), rows);
    let group = |aid: &str, level| alert_news(&Target::account_group("10452", aid), level);
    let why = "its quota was raised from 15 000 to 18 000 by run 20261121T133000Z-raise-trading".into();
    let recovery = AlertEvent { why, ..group("204150", Level::Fine) };
    let news = match occasion {
        AlertTiming::Snapshot => vec![group("204117", Level::Critical), recovery],
        AlertTiming::Digest => {
            vec![group("204120", Level::Warning), group("204133", Level::Warning), recovery]
        }
    };
    let mutes = vec![Mute {
        org_id: Some("10452".into()),
        name: Some("acme*".into()),
        reason: "contract renewal, CHG-8841".into(),
        until: Some(MuteEnd::Day("2026-12-31".parse().unwrap())),
        ..Mute::default()
    }];
    let week = week_of(week_before(&latest), &latest);
    let input = AlertInput {
        occasion,
        news: &news,
        latest: &latest,
        slopes: week.slopes(),
        alerts: &Alerts { mutes, ..Alerts::default() },
        terms: terms(),
        audience: Audience::Administrators,
    };
    alert_report(&input, &context()).unwrap()
}

/// 10 000 account groups of this name: a third critical, a third warned of, a third back to normal.
pub(crate) fn many_alerts(name: &str) -> AlertReport {
    let row = |number: i64| {
        let aid = (100_000 + number).to_string();
        match number % 3 {
            0 => (group(&aid, name, Some(1000), 950 + number % 50, 1900), Level::Critical),
            1 => (group(&aid, name, Some(1000), 100, 1100), Level::Warning),
            _ => (group(&aid, name, Some(1000), 100, 900), Level::Fine),
        }
    };
    let (rows, levels): (Vec<SnapshotRow<'static>>, Vec<Level>) = (0..10_000).map(row).unzip();
    let news: Vec<AlertEvent> =
        rows.iter().zip(levels).map(|(row, level)| alert_news(&row.target, level)).collect();
    let input = AlertInput {
        occasion: AlertTiming::Digest,
        news: &news,
        latest: &Snapshot::new(at("11-22T06:00"), rows),
        slopes: &Slopes::default(),
        alerts: &Alerts::default(),
        terms: terms(),
        audience: Audience::Administrators,
    };
    alert_report(&input, &context()).unwrap()
}

/// How the first row of a snapshot stands.
pub(crate) fn quota_status_of(latest: &Snapshot) -> QuotaStatus {
    let (rule, alerts, context) = (UsageRule::default(), Alerts::default(), context());
    let judging =
        JudgingContext { taken_at: latest.taken_at, rule: &rule, alerts: &alerts, context: &context };
    let slopes = Slopes::default();
    quota_statuses(latest, &slopes, judging).next().unwrap()
}
