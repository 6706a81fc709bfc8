//! The order of a plan's rows, and over-allocation before and after.

use super::*;
use crate::change::{Code, Guard, NoChange, Problem};
use crate::domain::quota::Target;
use crate::report::fixtures::{plan_row, tripped};

fn numbers(parts: &[Part<'_>]) -> Vec<(Kind, Vec<usize>, usize)> {
    let numbers = |part: &Part<'_>| part.rows.iter().map(|row| row.row).collect();
    parts.iter().map(|part| (part.kind, numbers(part), part.others.len())).collect()
}

#[test]
fn rows_stand_in_the_order_of_their_danger_and_those_that_fall_with_others_are_counted() {
    let due = "2026-12-01T00:00:00Z".parse().unwrap();
    let refused = |code| Verdict::Refused(Problem { code, message: String::new() });
    let unknown = |row: PlanRow| PlanRow { used: None, projected: None, ..row };
    let held = || tripped(Guard::BelowUse, "");
    let rows = vec![
        plan_row(2, "1", "", Some(1), Some(20_000), Verdict::Send),
        plan_row(3, "2", "", Some(90_000), Some(50_000), Verdict::Send),
        plan_row(4, "3", "", Some(90_000), Some(40_000), Verdict::Send),
        plan_row(5, "4", "", None, Some(40_000), Verdict::Send),
        plan_row(6, "5", "", Some(1), None, Verdict::Send),
        plan_row(7, "6", "", Some(1), None, held()),
        unknown(plan_row(8, "7", "", Some(5), Some(4), held())),
        plan_row(9, "8", "", Some(90_000), Some(9_000), held()),
        plan_row(10, "9", "", Some(1), Some(2), tripped(Guard::Bound, "")),
        plan_row(11, "10", "", Some(1), Some(2), refused(Code::Stale)),
        plan_row(12, "11", "", Some(1), Some(2), refused(Code::NotSent)),
        PlanRow { due: Some(due), ..plan_row(13, "12", "", Some(1), Some(2), Verdict::Send) },
        plan_row(14, "13", "", Some(1), Some(1), Verdict::Unchanged(NoChange::AlreadySo)),
    ];
    let plan = Plan { rows, ..Plan::default() };
    assert_eq!(
        numbers(&parts(&plan)),
        [
            (Kind::Held, vec![9, 8, 7], 1),
            (Kind::Refused, vec![11], 1),
            (Kind::Decreases, vec![4, 3], 0),
            (Kind::FirstQuotas, vec![5], 0),
            (Kind::Unassigns, vec![6], 0),
            (Kind::Raises, vec![2], 0),
            (Kind::Scheduled(due), vec![13], 0),
        ]
    );
}

#[test]
fn over_allocation_is_compared_with_what_it_was_before() {
    let words = |sums: (Units, Units), quotas: Option<(Units, Units)>| {
        let totals = PlanOrganization {
            org_id: "7".into(),
            name: String::new(),
            quota: Some(quotas.map_or(100, |(_, after)| after)),
            plan_units: None,
            allocated_before: sums.0,
            allocated_after: sums.1,
        };
        let own = quotas.map(|(before, after)| PlanRow {
            target: Some(Target::organization("7")),
            ..plan_row(2, "", "", Some(before), Some(after), Verdict::Send)
        });
        view(&totals, &own.iter().collect::<Vec<_>>()).over_allocation()
    };
    assert_eq!(words((80, 100), None), "");
    assert_eq!(words((80, 101), None), "over-allocated by 1");
    assert_eq!(words((101, 101), None), "over-allocated by 1, as before");
    assert_eq!(words((101, 105), None), "over-allocated by 5, 1 before");
    assert_eq!(words((101, 100), None), "no longer over-allocated (1 before)");
    assert_eq!(words((100, 100), Some((200, 90))), "over-allocated by 10");
}
