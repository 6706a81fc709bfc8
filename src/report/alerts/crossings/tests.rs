//! Each rule of the alerts at its edge, and what holds for any world and any walk through it.

use std::collections::BTreeSet;
use std::convert::Infallible;

use proptest::prelude::*;

use super::*;
use crate::config::{AlertOverride, Mute};
use crate::domain::diff::ByRun;
use crate::domain::quota::{Units, Usage};
use crate::report::fixtures::{at, context, group, organization, week_of};

/// A walk through snapshots, hour by hour.
struct Walk {
    record: Record,
    earlier: Option<Snapshot>,
    alerts: Alerts,
    diffs: Vec<Diff>,
    kept: HashSet<Target>,
    hour: i64,
}

impl Walk {
    /// After a first snapshot of these rows.
    fn from(rows: Vec<SnapshotRow<'static>>) -> Self {
        let mut walk = Self {
            record: Record::default(),
            earlier: None,
            alerts: Alerts::default(),
            diffs: Vec::new(),
            kept: HashSet::new(),
            hour: 0,
        };
        assert_eq!(walk.sees(rows), Vec::<String>::new(), "the first snapshot is a baseline");
        walk
    }

    /// What is reported at once of the next snapshot: `204117 fine → critical`.
    fn sees(&mut self, rows: Vec<SnapshotRow<'static>>) -> Vec<String> {
        self.news(rows).iter().map(said).collect()
    }

    fn news(&mut self, rows: Vec<SnapshotRow<'static>>) -> Vec<AlertEvent> {
        let latest = Snapshot::new(at("11-22T06:00") + TimeDelta::hours(self.hour), rows);
        self.hour += 1;
        let seen = Evidence {
            latest: &latest,
            week: &Week::default(),
            diffs: &self.diffs,
            kept_targets: &self.kept,
            rule: &UsageRule::default(),
            alerts: &self.alerts,
            largest: TopConsumers::empty(),
        };
        let record = judge_after(self.earlier.as_ref(), &seen, self.record.clone());
        assert_eq!(
            judge_after(self.earlier.as_ref(), &seen, record.clone()),
            record,
            "the same snapshot again changes nothing"
        );
        let (news, record) = record.due(AlertTiming::Snapshot, &latest);
        self.record = record;
        self.earlier = Some(latest);
        news
    }

    fn digest(&mut self) -> Vec<String> {
        self.digest_news().iter().map(said).collect()
    }

    fn digest_news(&mut self) -> Vec<AlertEvent> {
        let (news, record) = self.record.due(AlertTiming::Digest, self.earlier.as_ref().unwrap());
        self.record = record;
        news
    }
}

fn judge_after(earlier: Option<&Snapshot>, seen: &Evidence<'_>, record: Record) -> Record {
    let shown = |org_id: &OrgId| {
        Ok::<_, Infallible>(earlier.and_then(|earlier| earlier.organization(org_id)).cloned())
    };
    let Ok(record) = judge(seen, record, &context(), shown);
    record
}

fn said(news: &AlertEvent) -> String {
    let id = news.target.aid.as_ref().map_or(news.target.org_id.as_str(), |aid| aid.as_str());
    format!("{id} {:?} → {:?}", news.was, news.level).to_lowercase()
}

fn fine() -> SnapshotRow<'static> {
    group("1", "Lab", Some(1000), 100, 900)
}

fn warning() -> SnapshotRow<'static> {
    group("1", "Lab", Some(1000), 100, 1100)
}

/// It runs out within a day.
fn critical() -> SnapshotRow<'static> {
    group("1", "Lab", Some(1000), 100, 20_000)
}

/// Another account group, so that the organization's quotas are visible whatever becomes of the first.
fn other() -> SnapshotRow<'static> {
    group("2", "Web", Some(1000), 100, 900)
}

fn none() -> Vec<String> {
    Vec::new()
}

#[test]
fn critical_is_reported_at_once_and_once() {
    let mut walk = Walk::from(vec![fine()]);
    assert_eq!(walk.sees(vec![critical()]), ["1 fine → critical"]);
    assert_eq!(walk.sees(vec![critical()]), none());
    assert_eq!(walk.digest(), none());
}

#[test]
fn a_warning_waits_for_the_digest_and_is_reported_once() {
    let mut walk = Walk::from(vec![fine()]);
    assert_eq!(walk.sees(vec![warning()]), none());
    assert_eq!(walk.sees(vec![warning()]), none());
    assert_eq!(walk.digest(), ["1 fine → warning"]);
    assert_eq!(walk.sees(vec![warning()]), none());
    assert_eq!(walk.digest(), none());
}

#[test]
fn a_warning_that_becomes_critical_is_reported_at_once_and_not_in_the_digest_too() {
    let mut walk = Walk::from(vec![fine()]);
    walk.sees(vec![warning()]);
    assert_eq!(walk.sees(vec![critical()]), ["1 fine → critical"], "nobody heard of the warning");
    assert_eq!(walk.digest(), none());
    let mut walk = Walk::from(vec![fine()]);
    walk.sees(vec![warning()]);
    walk.digest();
    assert_eq!(walk.sees(vec![critical()]), ["1 warning → critical"]);
}

#[test]
fn all_that_becomes_critical_in_one_snapshot_is_reported_together() {
    let (web, own) = (group("2", "Web", Some(10), 1, 2), organization("10452", "Acme", Some(9000), 10, 20));
    let mut walk = Walk::from(vec![fine(), web, own]);
    let (web, own) =
        (group("2", "Web", Some(10), 11, 12), organization("10452", "Acme", Some(9000), 8990, 8995));
    assert_eq!(
        walk.sees(vec![critical(), web, own]),
        ["10452 fine → critical", "1 fine → critical", "2 fine → critical"]
    );
}

#[test]
fn back_to_normal_is_reported_with_the_next_mail_if_the_alert_was() {
    let mut walk = Walk::from(vec![fine(), other()]);
    walk.sees(vec![critical(), other()]);
    assert_eq!(walk.sees(vec![fine(), other()]), none());
    assert_eq!(walk.digest(), ["1 critical → fine"]);

    let mut walk = Walk::from(vec![fine(), other()]);
    walk.sees(vec![critical(), other()]);
    walk.sees(vec![fine(), other()]);
    let web = group("2", "Web", Some(1000), 1000, 1000);
    assert_eq!(walk.sees(vec![fine(), web]), ["1 critical → fine", "2 fine → critical"]);
    assert_eq!(walk.digest(), none());
}

#[test]
fn a_warning_that_passed_before_the_digest_is_not_reported_and_may_be_later() {
    let mut walk = Walk::from(vec![fine()]);
    walk.sees(vec![warning()]);
    walk.sees(vec![fine()]);
    assert_eq!(walk.digest(), none());
    walk.sees(vec![warning()]);
    assert_eq!(walk.digest(), ["1 fine → warning"]);
}

#[test]
fn a_level_that_flaps_is_reported_once_in_a_cycle_and_so_is_its_end() {
    let mut walk = Walk::from(vec![fine()]);
    let mut reported = Vec::new();
    for _ in 0..4 {
        reported.extend(walk.sees(vec![critical()]));
        reported.extend(walk.sees(vec![fine()]));
        reported.extend(walk.digest());
    }
    assert_eq!(reported, ["1 fine → critical", "1 critical → fine"]);
}

#[test]
fn what_is_critical_again_before_its_recovery_was_reported_makes_no_news() {
    let mut walk = Walk::from(vec![fine()]);
    walk.sees(vec![critical()]);
    walk.sees(vec![fine()]);
    assert_eq!(walk.sees(vec![critical()]), none());
    assert_eq!(walk.digest(), none(), "that it was back to normal is not true any more");
    walk.sees(vec![fine()]);
    assert_eq!(walk.digest(), ["1 critical → fine"]);
}

#[test]
fn the_next_cycle_reports_again_and_ends_what_is_fine_in_it() {
    let next = |row: SnapshotRow<'static>| SnapshotRow { period_start: Some(at("12-05T00:00")), ..row };
    let mut walk = Walk::from(vec![fine()]);
    walk.sees(vec![critical()]);
    assert_eq!(walk.sees(vec![next(critical())]), ["1 critical → critical"]);
    assert_eq!(walk.sees(vec![critical()]), none(), "an answer of the old cycle tells nothing twice");
    walk.sees(vec![next(fine())]);
    assert_eq!(walk.record.news[0].why, "900 of 1 000 are projected now");
    assert_eq!(walk.digest(), ["1 critical → fine"]);

    let mut walk = Walk::from(vec![fine()]);
    walk.sees(vec![critical()]);
    walk.sees(vec![next(fine())]);
    assert_eq!(walk.record.news[0].why, "a new billing cycle has begun");
}

#[test]
fn a_cycle_whose_start_the_api_says_a_little_differently_is_no_new_one() {
    let began = |start: &str, row: SnapshotRow<'static>| SnapshotRow { period_start: Some(at(start)), ..row };
    let mut walk = Walk::from(vec![fine()]);
    assert_eq!(walk.sees(vec![critical()]), ["1 fine → critical"]);
    for start in ["11-04T23:59", "11-05T00:01", "11-04T23:59"] {
        assert_eq!(walk.sees(vec![began(start, critical())]), none());
        assert_eq!(
            walk.sees(vec![began(start, SnapshotRow { usage: Usage::default(), ..critical() })]),
            none()
        );
    }
    walk.sees(vec![began("11-04T23:59", fine())]);
    assert_eq!(walk.record.news[0].why, "900 of 1 000 are projected now");
}

#[test]
fn a_first_appearance_is_a_baseline_and_what_follows_is_reported() {
    let mut walk = Walk::from(vec![other()]);
    assert_eq!(walk.sees(vec![critical(), other()]), none());
    assert_eq!(walk.sees(vec![fine(), other()]), none());
    assert_eq!(walk.digest(), none(), "the end of what was never reported is not reported");
    assert_eq!(walk.sees(vec![warning(), other()]), none());
    assert_eq!(walk.digest(), ["1 fine → warning"]);

    let mut walk = Walk::from(vec![other(), warning()]);
    assert_eq!(walk.sees(vec![critical(), other()]), ["1 fine → critical"]);
}

#[test]
fn a_target_that_was_not_seen_for_an_hour_is_no_first_appearance() {
    let (earlier, latest) = (
        Snapshot::new(at("11-22T05:00"), vec![other()]),
        Snapshot::new(at("11-22T06:00"), vec![critical(), other()]),
    );
    let week = week_of([Snapshot::new(at("11-22T04:00"), vec![fine(), other()])], &latest);
    let seen = Evidence {
        latest: &latest,
        week: &week,
        diffs: &[],
        kept_targets: &HashSet::new(),
        rule: &UsageRule::default(),
        alerts: &Alerts::default(),
        largest: TopConsumers::empty(),
    };
    let record = Record { judged: Some(earlier.taken_at), ..Record::default() };
    assert_eq!(judge_after(Some(&earlier), &seen, record).due(AlertTiming::Snapshot, &latest).0.len(), 1);
}

#[test]
fn usage_that_falls_within_its_cycle_ends_no_alert_for_a_day() {
    let used_up = || group("1", "Lab", Some(1000), 960, 990);
    let partial = || group("1", "Lab", Some(1000), 10, 20);
    let mut walk = Walk::from(vec![fine()]);
    assert_eq!(walk.sees(vec![used_up()]), ["1 fine → critical"]);
    for rows in [partial(), partial(), used_up(), partial(), used_up()] {
        assert_eq!(walk.sees(vec![rows]), none());
        assert_eq!(walk.digest(), none());
    }
    // A run that raises it ends it, and so does usage that stays lower.
    walk.sees(vec![group("1", "Lab", Some(2000), 960, 990)]);
    assert_eq!(walk.digest(), ["1 critical → fine"]);

    let mut walk = Walk::from(vec![fine()]);
    walk.sees(vec![used_up()]);
    (0..24).for_each(|_| drop(walk.sees(vec![partial()])));
    assert_eq!(walk.digest(), none());
    walk.sees(vec![partial()]);
    assert_eq!(walk.digest(), ["1 critical → fine"]);
}

#[test]
fn unknown_usage_and_vanished_targets_neither_cross_nor_recover() {
    let unknown = SnapshotRow { usage: Usage::default(), ..fine() };
    let mut walk = Walk::from(vec![fine(), other()]);
    walk.sees(vec![critical(), other()]);
    for rows in [vec![unknown, other()], vec![other()], Vec::new()] {
        assert_eq!(walk.sees(rows), none());
        assert_eq!(walk.digest(), none());
    }
    assert_eq!(walk.sees(vec![critical(), other()]), none());
    walk.sees(vec![fine(), other()]);
    assert_eq!(walk.digest(), ["1 critical → fine"]);
}

#[test]
fn an_organization_whose_quotas_all_went_at_once_is_hidden_and_not_well() {
    let without = |row: SnapshotRow<'static>| SnapshotRow { quota: None, ..row };
    let mut walk = Walk::from(vec![fine(), other()]);
    walk.sees(vec![critical(), other()]);
    walk.sees(vec![without(critical()), without(other())]);
    assert_eq!(walk.digest(), none());
    walk.kept.insert(critical().target);
    walk.sees(vec![without(critical()), other()]);
    assert_eq!(walk.digest(), none(), "an answer that is not believed");
    walk.kept.clear();
    walk.sees(vec![without(critical()), other()]);
    assert_eq!(walk.record.news[0].why, "it no longer has a quota");
    assert_eq!(walk.digest(), ["1 critical → fine"]);
}

#[test]
fn a_raise_that_ends_it_is_named_with_its_run() {
    let mut walk = Walk::from(vec![fine(), other()]);
    walk.sees(vec![critical(), other()]);
    let change = Change {
        target: critical().target,
        org_name: "".into(),
        account_group_name: "".into(),
        before: Some(1000),
        after: Some(30_000),
        since: at("11-22T07:00"),
        made_by: MadeBy::Run(Box::new(ByRun {
            id: "a-run".into(),
            file: String::new(),
            comment: String::new(),
            at: at("11-22T07:30"),
        })),
    };
    let (from, to) = (at("11-22T07:00"), at("11-22T08:00"));
    walk.diffs = vec![Diff { from, to, changes: vec![change], vanished: Vec::new(), suspect: false }];
    walk.sees(vec![SnapshotRow { quota: Some(30_000), ..critical() }, other()]);
    assert_eq!(walk.record.news[0].why, "its quota was raised from 1 000 to 30 000 by run a-run");
}

#[test]
fn a_mute_hides_the_news_and_not_the_record() {
    let mut walk = Walk::from(vec![fine(), other()]);
    walk.alerts.mutes = vec![Mute {
        name: Some("l*".into()),
        reason: "load test".into(),
        until: Some(crate::config::MuteEnd::Moment(at("11-22T08:30"))),
        ..Mute::default()
    }];
    assert_eq!(walk.sees(vec![critical(), other()]), none());
    assert_eq!(walk.record.targets.len(), 1);
    walk.sees(vec![critical(), other()]);
    assert_eq!(
        walk.sees(vec![critical(), other()]),
        none(),
        "the mute has ended, and nothing has changed since"
    );
    walk.sees(vec![fine(), other()]);
    assert_eq!(walk.digest(), none());
}

#[test]
fn an_override_moves_the_limit_of_its_target() {
    let mut walk = Walk::from(vec![fine(), other()]);
    let limit =
        AlertOverride { org_id: Some("10452".into()), aid: Some("1".into()), ..AlertOverride::default() };
    walk.alerts.overrides = vec![AlertOverride { warn_projected_percent: Some(80), ..limit }];
    walk.sees(vec![fine(), other()]);
    assert_eq!(walk.digest(), ["1 fine → warning"]);
}

#[test]
fn what_was_not_seen_for_longer_than_a_cycle_is_forgotten() {
    let mut walk = Walk::from(vec![fine(), other()]);
    walk.sees(vec![critical(), other()]);
    walk.hour += 44 * 24;
    walk.sees(vec![other()]);
    assert_eq!(walk.record.targets.len(), 1);
    walk.hour += 2 * 24;
    walk.sees(vec![other()]);
    assert_eq!(walk.record.targets, []);
}

#[test]
fn the_record_comes_back_from_its_file_as_it_was() {
    let mut walk = Walk::from(vec![fine(), other()]);
    walk.sees(vec![critical(), warning_of("2")]);
    let text = serde_json::to_string(&walk.record).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), walk.record);
}

fn warning_of(aid: &str) -> SnapshotRow<'static> {
    group(aid, "Web", Some(1000), 100, 1100)
}

/// One step of a target: visible or not, its quota, its use (none is unknown), its cycle.
#[derive(Clone, Debug)]
struct Step {
    visible: bool,
    quota: Option<Units>,
    used: Option<(Units, Units)>,
    next_cycle: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let quota = prop::option::weighted(0.9, prop_oneof![Just(0), Just(1000), 900..1100_i64]);
    let used = prop::option::weighted(0.9, (0..1200_i64, 0..2000_i64));
    (prop::bool::weighted(0.9), quota, used, prop::bool::weighted(0.1))
        .prop_map(|(visible, quota, used, next_cycle)| Step { visible, quota, used, next_cycle })
}

fn row(aid: usize, step: &Step) -> SnapshotRow<'static> {
    let (used, projected) = step.used.unwrap_or_default();
    let row = group(&aid.to_string(), "Group", step.quota, used, projected);
    let usage = if step.used.is_some() { row.usage } else { Usage::default() };
    let period_start = if step.next_cycle { Some(at("12-05T00:00")) } else { row.period_start };
    SnapshotRow { usage, period_start, ..row }
}

proptest! {
    #[test]
    fn a_healthy_world_never_alerts(
        quotas in prop::collection::vec(1..1_000_000_i64, 1..8),
        shares in prop::collection::vec((0..95_i64, 0..=100_i64), 1..20),
    ) {
        // What is projected never exceeds the quota, and less than 95 % is used.
        let world = |&(used, projected): &(i64, i64)| -> Vec<SnapshotRow<'static>> {
            let one = |(aid, quota): (usize, &i64)| {
                group(&aid.to_string(), "Group", Some(*quota), quota * used / 100, quota * projected / 100)
            };
            quotas.iter().enumerate().map(one).collect()
        };
        let mut walk = Walk::from(world(&shares[0]));
        for step in &shares {
            prop_assert_eq!(walk.sees(world(step)), none());
            prop_assert_eq!(walk.digest(), none());
        }
        prop_assert_eq!(walk.record.targets, vec![]);
    }

    #[test]
    fn each_level_of_a_target_is_reported_at_most_once_in_a_cycle(
        steps in prop::collection::vec((prop::collection::vec(step(), 3), any::<bool>()), 1..40),
    ) {
        let mut walk = Walk::from(Vec::new());
        let mut reported = BTreeSet::new();
        let mut heard: BTreeMap<Target, Level> = BTreeMap::new();
        for (targets, digest) in steps {
            let visible = targets.iter().enumerate().filter(|(_, step)| step.visible);
            let rows: Vec<SnapshotRow<'static>> = visible.map(|(aid, step)| row(aid, step)).collect();
            let mut news = walk.news(rows);
            if digest {
                news.extend(walk.digest_news());
            }
            for news in news {
                let was = heard.insert(news.target.clone(), news.level).unwrap_or(Level::Fine);
                prop_assert_eq!(was, news.was, "{:?}", news);
                let key = (news.target.clone(), news.cycle.clone(), news.level);
                prop_assert!(news.level == Level::Fine || reported.insert(key), "{:?}", news);
            }
        }
    }
}
