//! One small report of each kind, so that `check` can try a user's templates before a real report needs them.

use std::collections::BTreeMap;

use crate::change::propose::Terms;
use crate::change::{Action, Guard, GuardHit, Plan, PlanRow, RunState, RunSummary, Verdict};
use crate::config::{Alerts, Guards};
use crate::domain::last_cycle::LastCycle;
use crate::domain::quota::{Snapshot, SnapshotRow, Target, Units, Usage, UsageRule};
use crate::domain::top_consumers::TopConsumer;
use crate::report::alerts::crossings::{AlertEvent, AlertTiming};
use crate::report::alerts::{AlertInput, alert_report};
use crate::report::any_report::Report;
use crate::report::changes::files::GatheredFiles;
use crate::report::changes::run_report;
use crate::report::closing::cycle_lookup::{ClosedCycles, Cycle, LastSeen};
use crate::report::closing::{ClosingInput, closing_report};
use crate::report::failure::{FailingJob, Failure, failure_report};
use crate::report::notice::test_report;
use crate::report::shared::level::Level;
use crate::report::shared::trends::Trends;
use crate::report::shared::week::Slopes;
use crate::report::shared::{Audience, ReportContext};
use crate::report::usage::input::UsageInput;
use crate::report::usage::usage_report;

/// Between them they take every branch that holds a variable of its own.
pub(crate) fn examples(context: &ReportContext) -> Vec<Report> {
    let held = held_run(context);
    let snapshot = Snapshot::new(
        context.now,
        vec![
            row(Target::organization("1"), 4000, 500, 1000, context),
            row(Target::account_group("1", "2"), 3000, 2500, 5000, context),
            SnapshotRow::new(Target::organization("3")),
        ],
    );
    let (guards, rule) = (Guards::default(), UsageRule::default());
    let terms = Terms { last_cycle: LastCycle::empty(), guards: &guards, rule: &rule };
    let usage = UsageInput {
        latest: &snapshot,
        absent: None,
        slopes: &Slopes::default(),
        diffs: &[],
        missed: &[],
        held: std::slice::from_ref(&held),
        rule: &UsageRule::default(),
        alerts: &Alerts::default(),
        terms: Some(terms),
    };
    let mut of_two = usage_report(&usage, context);
    let mut trends = Trends::new(of_two.targets_to_draw(), &snapshot, usage.rule, context.zone);
    trends.add(&Snapshot::new(context.now - chrono::TimeDelta::days(1), snapshot.rows()));
    trends.add(&snapshot);
    of_two.draw(&trends);
    let alone = Snapshot::new(context.now, vec![row(Target::organization("1"), 4000, 500, 1000, context)]);
    let of_one = usage_report(&UsageInput { latest: &alone, ..usage }, context);
    let failure = Failure {
        job: FailingJob {
            name: "snapshot",
            since: context.now,
            last_success: None,
            retried_within: chrono::TimeDelta::minutes(5),
        },
        in_short: "an example",
        causes: vec!["an example".to_owned()],
        advice: None,
    };
    let news = [Level::Critical, Level::Warning, Level::Fine].map(|level| AlertEvent {
        target: Target::account_group("1", "2"),
        cycle: "1970-01-01".to_owned(),
        level,
        was: Level::Fine,
        at: context.now,
        why: "an example".to_owned(),
        largest: vec![TopConsumer { label: "a test (DNS)".to_owned(), projected: 1000 }],
    });
    let alerts = AlertInput {
        occasion: AlertTiming::Digest,
        news: &news,
        latest: &snapshot,
        slopes: &Slopes::default(),
        alerts: &Alerts::default(),
        terms,
        audience: Audience::Administrators,
    };
    let alerts = alert_report(&alerts, context).map(|report| Report::Alerts(Box::new(report)));
    let closing = ClosingInput {
        closed: &(0..5).map(|_| closed(&snapshot, context)).collect::<Vec<_>>(),
        diffs: &[],
        latest: &snapshot,
        rule: &UsageRule::default(),
    };
    let mut files = GatheredFiles::default();
    for _ in 0..2 {
        files.add(run_report(&held, None, context), held.state);
    }
    let files = files.report(context).map(|report| Report::Changes(Box::new(report)));
    let closing = Report::Closing(Box::new(closing_report(&closing, context)));
    let usage = [of_two, of_one].map(|report| Report::Usage(Box::new(report)));
    let run = Report::Changes(Box::new(run_report(&held, None, context)));
    let notice = Report::Notice(Box::new(test_report(context)));
    let failure = Report::Failure(Box::new(failure_report(&failure, context)));
    alerts.into_iter().chain(usage).chain([closing, run]).chain(files).chain([notice, failure]).collect()
}

/// A cycle in which an account group ran out, and one that nothing is known of.
fn closed(snapshot: &Snapshot, context: &ReportContext) -> ClosedCycles {
    let rows = vec![
        row(Target::organization("1"), 4000, 500, 1000, context),
        row(Target::account_group("1", "2"), 3000, 3500, 5000, context),
    ];
    let day = |days| context.now - chrono::TimeDelta::days(days);
    let shown = Snapshot::new(snapshot.taken_at, rows).organizations().first().cloned();
    let last_seen = Some(LastSeen { at: snapshot.taken_at - chrono::TimeDelta::days(3), shown });
    ClosedCycles {
        org_id: "1".into(),
        cycles: vec![
            Cycle { start: day(30), end: day(0), last_seen },
            Cycle { start: day(60), end: day(30), last_seen: None },
        ],
        middle: None,
        cut: false,
    }
}

fn row(
    target: Target,
    quota: Units,
    used: Units,
    projected: Units,
    context: &ReportContext,
) -> SnapshotRow<'static> {
    SnapshotRow {
        quota: Some(quota),
        usage: Usage {
            cloud_used: Some(used),
            cloud_projected: Some(projected),
            enterprise_used: Some(0),
            enterprise_projected: Some(0),
            ..Usage::default()
        },
        period_start: Some(context.now - chrono::TimeDelta::days(10)),
        period_end: Some(context.now + chrono::TimeDelta::days(20)),
        ..SnapshotRow::new(target)
    }
}

fn held_run(context: &ReportContext) -> RunSummary {
    let tripped = GuardHit { guard: Guard::BelowUse, message: "an example".to_owned() };
    RunSummary {
        id: "19700101T000000Z-example".to_owned(),
        file: "example.csv".to_owned(),
        state: RunState::Held,
        at: context.now,
        plan: Plan {
            rows: vec![PlanRow {
                row: 2,
                action: Action::Assign,
                target: Some(Target::account_group("1", "2")),
                org_name: String::new(),
                account_group_name: String::new(),
                before: Some(3000),
                after: Some(1000),
                used: Some(2500),
                projected: Some(5000),
                written: String::new(),
                named: String::new(),
                due: None,
                comment: "an example".to_owned(),
                verdict: Verdict::Held(vec![tripped]),
                warnings: vec!["an example".to_owned()],
            }],
            organizations: Vec::new(),
            sha256: "0".repeat(64),
        },
        results: Vec::new(),
        carried: BTreeMap::from([(2, vec![("ticket".to_owned(), "CHG-1".to_owned())])]),
        held_as: None,
        decided: 0,
        planned_only: false,
        expired: false,
        notes: vec!["An example.".to_owned()],
    }
}
