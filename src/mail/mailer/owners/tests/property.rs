//! For any routes and any run, drift or alerts: each owner gets what is theirs, and nothing that tells of anything else.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::change::{Code, Guard, GuardHit, NoChange, PlanOrganization, Problem, Verdict};
use crate::domain::diff::Change;
use crate::domain::quota::{SnapshotRow, Units};
use crate::report::fixtures::{group_of, organization};
use crate::text::words::grouped;

const GROUPS: usize = 4;
const TARGETS: usize = 3 * (GROUPS + 1);

/// An organization's own quota (group 0), or one of its account groups.
fn target(index: usize) -> Target {
    let (org, group) = (index / (GROUPS + 1), index % (GROUPS + 1));
    let org_id = format!("50{org}77");
    match group {
        0 => Target::organization(org_id.as_str()),
        group => Target::account_group(org_id.as_str(), format!("8{org}{group}4455").as_str()),
    }
}

fn own_of(index: usize) -> usize {
    index - index % (GROUPS + 1)
}

fn name(index: usize) -> String {
    format!("Zeta{index:02}q")
}

/// Each target has figures that no other has, and that no sum of others' is (as no sum of some powers of three is another).
fn figure(kind: i64, index: usize) -> Units {
    kind * 100_000_000 + 7 * 3_i64.pow(u32::try_from(index).unwrap())
}

/// What tells of a target, but of an organization's name: those who own a group of it know that.
fn marks(index: usize) -> Vec<String> {
    let id = target(index).aid.map(|aid| aid.to_string());
    let figures = (1..=4).map(|kind| grouped(figure(kind, index)));
    figures.chain(id).chain([format!("why{index:02}z"), format!("test{index:02}z")]).collect()
}

fn naming_everybody() -> String {
    (0..TARGETS)
        .flat_map(|index| marks(index).into_iter().chain([name(index)]))
        .collect::<Vec<_>>()
        .join(", ")
}

/// As guards and warnings speak of sums, and as a share of the plan does.
fn of_organization(index: usize) -> String {
    marks(own_of(index)).join(", ")
}

fn row(index: usize, outcome: u8) -> PlanRow {
    let tripped = |guard, message: String| Verdict::Held(vec![GuardHit { guard, message }]);
    let refused = |code| Verdict::Refused(Problem { code, message: naming_everybody() });
    let is_group = target(index).aid.is_some();
    PlanRow {
        target: Some(target(index)),
        org_name: name(own_of(index)),
        account_group_name: if is_group { name(index) } else { String::new() },
        before: Some(figure(1, index)),
        after: Some(figure(2, index)),
        used: Some(figure(3, index)),
        projected: Some(figure(4, index)),
        comment: format!("why{index:02}z"),
        written: if is_group { of_organization(index) } else { String::new() },
        warnings: if is_group { vec![of_organization(index)] } else { Vec::new() },
        due: (outcome == 7).then(|| at("12-01T00:00")),
        verdict: match outcome {
            0 => Verdict::Unchanged(NoChange::NotEdited),
            2 => tripped(Guard::BelowUse, "below".into()),
            3 if is_group => tripped(Guard::Sum, of_organization(index)),
            3 => tripped(Guard::Bound, naming_everybody()),
            4 => refused(Code::BadRow),
            5 => refused(Code::NotSent),
            6 => refused(Code::Refused),
            _ => Verdict::Send,
        },
        ..crate::report::fixtures::plan_row(index + 2, "", "", None, None, Verdict::Send)
    }
}

fn summary_of(outcomes: &[u8], state: RunState) -> RunSummary {
    let rows: Vec<PlanRow> = (0..TARGETS).map(|index| row(index, outcomes[index])).collect();
    let outcome = |row: &PlanRow| match &row.verdict {
        Verdict::Send if row.due.is_some() => Outcome::Scheduled {
            before: row.before,
            after: row.after,
            run: None,
            message: "waits as run later".into(),
        },
        Verdict::Send => Outcome::Applied { before: row.before, after: row.after },
        Verdict::Unchanged(_) => Outcome::Unchanged { quota: row.before, message: naming_everybody() },
        Verdict::Refused(problem) => Outcome::Failed(problem.clone()),
        Verdict::Held(_) => Outcome::Failed(Problem { code: Code::Held, message: naming_everybody() }),
    };
    let mut summary = RunSummary { state, notes: vec![naming_everybody()], ..done_summary() };
    if state == RunState::Done {
        summary.results = rows.iter().map(|row| RowResult { row: row.row, outcome: outcome(row) }).collect();
    } else {
        summary.results.clear();
    }
    let totals = |org: usize| PlanOrganization {
        org_id: target(org * (GROUPS + 1)).org_id,
        name: name(org * (GROUPS + 1)),
        quota: Some(figure(2, org * (GROUPS + 1))),
        plan_units: Some(figure(1, org * (GROUPS + 1))),
        allocated_before: figure(3, org * (GROUPS + 1)),
        allocated_after: figure(4, org * (GROUPS + 1)),
    };
    summary.plan.rows = rows;
    summary.plan.organizations = (0..3).map(totals).collect();
    summary
}

/// The cycle of every organization, and the one before.
fn closed() -> Vec<report::ClosedCycles> {
    let seen = |org: usize, day: &str| report::SeenInCycle {
        at: at(day),
        shown: snapshot().organization(&target(org * (GROUPS + 1)).org_id).cloned(),
    };
    let cycle = |org: usize, start: &str, end: &str| report::Cycle {
        start: at(start),
        end: at(end),
        last_seen: Some(seen(org, end)),
    };
    let closed = |org: usize| report::ClosedCycles {
        org_id: target(org * (GROUPS + 1)).org_id,
        cycles: vec![cycle(org, "10-20T00:00", "11-20T00:00"), cycle(org, "09-20T00:00", "10-20T00:00")],
        middle: Some(seen(org, "11-05T00:00")),
        cut: false,
    };
    (0..3).map(closed).collect()
}

fn snapshot() -> Snapshot {
    let row = |index: usize| -> SnapshotRow<'static> {
        let (quota, used, projected) = (Some(figure(1, index)), figure(3, index), figure(4, index));
        let org_id = target(index).org_id.to_string();
        match target(index).aid {
            Some(aid) => {
                group_of(&org_id, &name(own_of(index)), aid.as_str(), &name(index), quota, used, projected)
            }
            None => organization(&org_id, &name(index), quota, used, projected),
        }
    };
    Snapshot::new(at("11-22T06:00"), (0..TARGETS).map(row))
}

/// A route in the test's own words: the organization (3: all), the group (0: its own quota, 5: all, 6: those of
/// organization 1 by a part of their ids), and its owners as bits.
type Route = (usize, usize, u8);

fn owns((org, group, _): Route, index: usize) -> bool {
    let (of_org, of_group) = (index / (GROUPS + 1), index % (GROUPS + 1));
    let fits = match group {
        0 => of_group == 0,
        5 => of_group > 0,
        6 => of_group > 0 && of_org == 1,
        group => of_group == group && (org == 3 || of_org == org),
    };
    fits && (org == 3 || org == of_org)
}

fn csv((org, group, owners): Route) -> String {
    let org_id = if org == 3 { "*".to_owned() } else { format!("50{org}77") };
    let aid = match (org, group) {
        (_, 0) => String::new(),
        (_, 5) => "*".to_owned(),
        (_, 6) => "81*".to_owned(),
        (3, group) => format!("8*{group}4455"),
        (org, group) => format!("8{org}{group}4455"),
    };
    let emails: Vec<String> = (0..5).filter(|owner| owners & (1 << owner) != 0).map(address).collect();
    format!("{org_id},{aid},{}\n", emails.join("|"))
}

fn address(owner: u8) -> String {
    format!("owner{owner}@example.com")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn each_owner_gets_what_is_theirs_and_nothing_that_is_not(
        outcomes in prop::collection::vec(0_u8..8, TARGETS),
        routes in prop::collection::vec((0_usize..4, 0_usize..7, 1_u8..32), 0..7),
        kind in 0_u8..5,
    ) {
        let file: String = routes.iter().map(|route| csv(*route)).collect();
        let post = Post::new(&format!("org_id,aid,emails\n{file}"));
        let notified: Vec<usize> = match kind {
            0 | 1 => {
                let state = if kind == 0 { RunState::Done } else { RunState::Held };
                post.run(&summary_of(&outcomes, state), None);
                (0..TARGETS).filter(|index| outcomes[*index] != 0).collect()
            }
            2 => {
                let hit: Vec<usize> = (0..TARGETS).filter(|index| outcomes[*index] < 4).collect();
                let change = |index: &usize| Change {
                    target: target(*index),
                    org_name: name(own_of(*index)).into(),
                    account_group_name: name(*index).into(),
                    before: Some(figure(2, *index)),
                    after: Some(figure(1, *index)),
                    since: changed().from,
                    made_by: MadeBy::Outside,
                };
                let changes = hit.iter().map(change).collect();
                let vanished = (0..TARGETS).filter(|index| outcomes[*index] == 7).map(target).collect();
                post.drift(&Diff { changes, vanished, ..changed() }, &snapshot());
                hit
            }
            4 => {
                post.closing(&closed(), &snapshot());
                (0..TARGETS).collect()
            }
            _ => {
                let hit: Vec<usize> = (0..TARGETS).filter(|index| outcomes[*index] < 4).collect();
                let news = |index: &usize| {
                    let level = [Level::Fine, Level::Critical][usize::from(outcomes[*index] % 2)];
                    let largest = vec![TopConsumer { label: format!("test{index:02}z"), projected: 5 }];
                    report::AlertEvent { largest, ..alert_news(&target(*index), level) }
                };
                post.alerts(AlertTiming::Digest, &hit.iter().map(news).collect::<Vec<_>>(), &snapshot());
                hit
            }
        };
        let got = post.got();
        let to_administrators = got.iter().filter(|got| got.to.contains("admin@example.com")).count();
        prop_assert_eq!(to_administrators, usize::from(!notified.is_empty() || kind < 2 || outcomes.contains(&7) && kind == 2));
        for owner in 0..5 {
            let theirs: BTreeSet<usize> = (0..TARGETS)
                .filter(|index| routes.iter().any(|route| route.2 & (1 << owner) != 0 && owns(*route, *index)))
                .collect();
            let mails: Vec<&Got> = got.iter().filter(|got| got.to.contains(&address(owner))).collect();
            let news: Vec<&usize> = notified.iter().filter(|index| theirs.contains(index)).collect();
            prop_assert_eq!(mails.len(), usize::from(!news.is_empty()), "{:?} of {:?}", news, theirs);
            for mail in mails {
                let everything = mail.everything();
                for index in news.iter().map(|index| **index) {
                    prop_assert!(everything.contains(&name(index)), "{} is missing in {}", name(index), mail.text);
                }
                for index in (0..TARGETS).filter(|index| !theirs.contains(index)) {
                    // Whoever owns an account group knows the organization's name.
                    let knows_name = theirs.iter().any(|own| own_of(*own) == index);
                    for mark in marks(index).into_iter().chain((!knows_name).then(|| name(index))) {
                        prop_assert!(!everything.contains(&mark), "{mark} of {index} is in {everything}");
                    }
                }
                for other in (0..5).filter(|other| !mail.to.contains(&address(*other))) {
                    prop_assert!(!everything.contains(&address(other)));
                }
                for word in ["admin@", "quotakeeper approve", "quotakeeper reject", "quotakeeper runs"] {
                    prop_assert!(!everything.contains(word), "{} is in {}", word, everything);
                }
            }
        }
    }
}
