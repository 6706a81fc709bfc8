//! The promise that all else rests on, over very many small worlds: what is sent unapproved lowers no quota below need.
//!
//! The worlds are built by hand and not by proptest, and the files without their text, so that 100 000 plans take
//! seconds. The oracle counts on its own: it uses nothing of `UsageRule` but its settings.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use fastrand::Rng;

use crate::change::fixtures::parsed;
use crate::change::parse::{BadRow, ChangeFile, Effective, Fields, Record, RowChange, TargetRef, Value};
use crate::change::plan::guards::*;
use crate::change::plan::plan;
use crate::change::{Action, Code, Problem};
use crate::config::{Approval, GuardOverride, Guards, Level, Mode};
use crate::domain::quota::{Aid, SnapshotRow, Target, Units, Usage, UsageRule};

const PLANS: u64 = 100_000;

/// Organizations, their account groups, and how usage is counted in this world.
struct World {
    live: Snapshot,
    rule: UsageRule,
    divisor: Units,
}

fn sometimes<T>(random: &mut Rng, one_in: u32, value: impl FnOnce(&mut Rng) -> T) -> Option<T> {
    (random.u32(0..one_in) == 0).then(|| value(random))
}

fn mostly<T>(random: &mut Rng, all_but_one_in: u32, value: impl FnOnce(&mut Rng) -> T) -> Option<T> {
    (random.u32(0..all_but_one_in) != 0).then(|| value(random))
}

impl World {
    fn new(random: &mut Rng) -> Self {
        let divisor = if random.bool() { 1 } else { random.i64(1..6) };
        #[expect(clippy::cast_precision_loss, reason = "below 6")]
        let units_per_quota_unit = (divisor > 1 || random.bool()).then_some(divisor as f64);
        let (cloud, enterprise) = [(true, true), (true, false), (false, true)][random.usize(0..3)];
        let mut rows = Vec::new();
        for org_id in ["1", "2"].into_iter().take(random.usize(1..3)) {
            let failed = random.u32(0..10) == 0;
            let end = mostly(random, 8, |random| now() + TimeDelta::days(random.i64(1..30)));
            let mut add = |row: SnapshotRow<'static>, random: &mut Rng| {
                let usage = if failed { Usage::default() } else { usage(random) };
                rows.push(SnapshotRow { usage, period_end: end, ..row });
            };
            for number in 1..=random.u32(1..4) {
                let quota = mostly(random, 5, |random| random.i64(0..60));
                let target = Target::account_group(org_id, format!("{org_id}{number}").as_str());
                add(SnapshotRow { quota, ..SnapshotRow::new(target) }, random);
            }
            let quota = mostly(random, 4, |random| random.i64(0..200));
            let plan_units =
                mostly(random, 3, |random| random.i64(0..200) * [1, 1, 1000][random.usize(0..3)]);
            let next = |random: &mut Rng| mostly(random, 4, |random| random.i64(0..100));
            let (cloud_next_period, enterprise_next_period) = (next(random), next(random));
            let row = SnapshotRow::new(Target::organization(org_id));
            add(SnapshotRow { quota, plan_units, cloud_next_period, enterprise_next_period, ..row }, random);
        }
        Self {
            live: Snapshot::new(now(), rows),
            rule: UsageRule { cloud, enterprise, units_per_quota_unit },
            divisor,
        }
    }

    /// What a target's quota must allow, in units of usage: all that is counted, used or projected, in its cycle.
    fn need(&self, target: &Target, due: Option<DateTime<Utc>>) -> Option<Units> {
        let seen = self.live.row(target)?;
        let whole = self.live.row(&Target::organization(target.org_id.clone()))?;
        let next = due.is_some_and(|due| seen.period_end.is_some_and(|end| due >= end));
        let of = |used: fn(&Usage) -> [Option<Units>; 2], next_period: Option<Units>| {
            let [used, projected, whole_projected] =
                [used(&seen.usage)[0], used(&seen.usage)[1], used(&whole.usage)[1]];
            if !next {
                return Some((used?, projected?));
            }
            // A share of what the whole organization will use; all of it, where the share is unknown.
            match (projected?, whole_projected?, next_period?) {
                (projected, 0, _) => Some((0, projected)),
                (projected, whole, next) => Some((0, parts(projected * next, whole))),
            }
        };
        let mut sum = (0, 0);
        if self.rule.cloud {
            let (used, projected) =
                of(|usage| [usage.cloud_used, usage.cloud_projected], whole.cloud_next_period)?;
            sum = (sum.0 + used, sum.1 + projected);
        }
        if self.rule.enterprise {
            let (used, projected) = of(
                |usage| [usage.enterprise_used, usage.enterprise_projected],
                whole.enterprise_next_period,
            )?;
            sum = (sum.0 + used, sum.1 + projected);
        }
        Some(sum.0.max(sum.1))
    }
}

/// How many parts of this size hold all the units.
fn parts(units: Units, size: Units) -> Units {
    (units + size - 1) / size
}

/// 2026-11-22T18:00:00Z, without the time that it takes to read that.
fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_secs(1_795_370_400).unwrap()
}

fn usage(random: &mut Rng) -> Usage {
    let mut units = |below| mostly(random, 30, |random| random.i64(0..below));
    Usage {
        cloud_used: units(40),
        cloud_projected: units(60),
        enterprise_used: units(20),
        enterprise_projected: units(20),
        ..Usage::default()
    }
}

/// A row about some target, often with a value right at what it needs.
fn record(random: &mut Rng, row: usize, world: &World, shares: &ChangeFile) -> Record {
    let rows = world.live.owned_rows();
    let seen = &rows[random.usize(0..rows.len())];
    let Target { org_id, aid } = seen.target.clone();
    let aid = sometimes(random, 30, |_| Some(Aid::from("99"))).unwrap_or(aid);
    if random.u32(0..40) == 0 {
        let problem = Problem { code: Code::BadRow, message: format!("Row {row}: no number.") };
        let whose = TargetRef { org_id: Some(org_id), aid, ..TargetRef::default() };
        let bad = BadRow { whose, ids_are_good: random.bool(), problems: vec![(None, problem)] };
        return Record { row, fields: Fields::default(), change: Err(bad) };
    }
    let effective = match random.u32(0..8) {
        0 => Some(Effective::NextCycle),
        1 => Some(Effective::On((now() + TimeDelta::days(random.i64(-3..40))).date_naive())),
        _ => None,
    };
    let needed = world.need(&seen.target, None).map(|units| parts(units, world.divisor));
    let value = match needed.filter(|_| random.bool()) {
        Some(needed) => (needed + random.i64(-2..3)).max(0),
        None => random.i64(0..80),
    };
    let value = match random.u32(0..20) {
        0 | 1 => None,
        2 => shares.records[random.usize(0..shares.records.len())].change.as_ref().unwrap().value,
        _ => Some(Value::Units(value)),
    };
    let expected = match random.u32(0..8) {
        0 => Some(seen.quota),
        1 => Some(sometimes(random, 2, |random| random.i64(0..60))),
        _ => None,
    };
    let change = RowChange {
        action: if value.is_some() { Action::Assign } else { Action::Unassign },
        whose: TargetRef {
            org_id: if aid.is_some() { mostly(random, 4, |_| org_id) } else { Some(org_id) },
            aid,
            ..TargetRef::default()
        },
        value,
        expected,
        comment: String::new(),
        effective,
    };
    Record { row, fields: Fields::default(), change: Ok(change) }
}

/// Limits as they are, or with everything allowed that can be, for all targets or for some.
fn guards(random: &mut Rng) -> Guards {
    let lax = Guards {
        headroom_percent: 0,
        max_lowered_percent: 100,
        max_sum_change_percent: u32::MAX,
        max_raise_factor: 1e9,
        over_allocation: Level::Allow,
        above_plan: Level::Allow,
        unassign: Level::Allow,
        ..Guards::default()
    };
    let of_one = GuardOverride {
        org_id: Some("1".into()),
        aid: sometimes(random, 2, |_| "11".into()),
        headroom_percent: Some(0),
        below_last_cycle: Some(Level::Allow),
        max_lowered_percent: Some(100),
        max_sum_change_percent: Some(u32::MAX),
        floor_rows: Some(usize::MAX),
        max_raise_factor: Some(1e9),
        over_allocation: Some(Level::Allow),
        above_plan: Some(Level::Allow),
        unassign: Some(Level::Allow),
        approval: Some(Approval::Guards),
    };
    match random.u32(0..4) {
        0 => Guards { floor_rows: 0, ..Guards::default() },
        1 => Guards { overrides: vec![of_one], ..Guards::default() },
        _ => lax,
    }
}

/// How much of what the promise is about was among the plans.
#[derive(Default)]
struct Counts {
    lowered: usize,
    lowered_later: usize,
    to_what_is_needed: usize,
    first: usize,
    own: usize,
    held_below_use: usize,
    held_unknown: usize,
}

/// One plan of one world, and the promise held against each of its rows.
fn check_one(case: u64, shares: &ChangeFile, tally: &mut Counts) {
    let random = &mut Rng::with_seed(case);
    let world = World::new(random);
    // Sometimes a target stands twice, and sometimes it does so for two times.
    let records = (0..random.usize(1..6)).map(|index| record(random, index + 2, &world, shares)).collect();
    let file = ChangeFile { records, ..shares.clone() };
    let guards = guards(random);
    let mode = [Mode::Row, Mode::Organization, Mode::File][random.usize(0..3)];
    let context = PlanContext {
        undo: random.bool(),
        zone: [Tz::UTC, Tz::Asia__Tokyo, Tz::America__Los_Angeles][random.usize(0..3)],
        due: sometimes(random, 8, |random| now() + TimeDelta::days(random.i64(-2..40))),
        ..PlanContext::new(&guards, mode, &world.rule)
    };
    let plan = plan(&file, &world.live, &context);
    for row in &plan.rows {
        let held = |guard| row.held_reasons().any(|reason| reason.guard == guard);
        tally.held_below_use += usize::from(held(Guard::BelowUse));
        tally.held_unknown += usize::from(held(Guard::Unknown));
        let (Verdict::Send, Some(target), Some(after)) = (&row.verdict, &row.target, row.after) else {
            continue;
        };
        if row.due.is_none() {
            assert_eq!(
                row.before,
                world.live.row(target).and_then(|seen| seen.quota),
                "plan {case}: {row:?}"
            );
        }
        if row.before.is_some_and(|before| before <= after) {
            continue;
        }
        let need = world.need(target, row.due);
        assert!(
            need.is_some_and(|need| after * world.divisor >= need),
            "plan {case} needs {need:?}: {row:?}"
        );
        let whole = world.live.row(&Target::organization(target.org_id.clone()));
        if row.due.is_none() {
            assert!(!whole.is_some_and(|own| world.rule.looks_mismatched(&own)), "plan {case}: {row:?}");
        }
        tally.lowered += 1;
        tally.lowered_later += usize::from(row.due.is_some());
        tally.to_what_is_needed += usize::from(need == Some(after * world.divisor));
        tally.first += usize::from(row.before.is_none());
        tally.own += usize::from(target.aid.is_none());
    }
}

#[test]
fn nothing_is_sent_unapproved_that_lowers_a_quota_below_what_is_used_or_projected() {
    let mut tally = Counts::default();
    let shares = parsed("aid,value\n1,1% of plan\n1,20% of plan\n1,60% of plan\n1,100% of plan\n");
    for case in 0..PLANS {
        check_one(case, &shares, &mut tally);
    }
    // A promise about rows that never occur would hold too.
    let Counts { lowered, lowered_later, to_what_is_needed, first, own, held_below_use, held_unknown } =
        tally;
    let counts = [lowered, lowered_later, to_what_is_needed, first, own, held_below_use, held_unknown];
    assert!(counts.iter().all(|count| *count > 1_000), "{counts:?}");
}
