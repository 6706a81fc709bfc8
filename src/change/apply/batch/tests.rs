//! How rows become batches, in which order and of which size.

use super::*;
use crate::change::Verdict;
use crate::report::fixtures::plan_row;

fn todo(
    row: usize,
    target: (&str, Option<&str>),
    before: Option<Units>,
    after: Option<Units>,
) -> PendingWrite {
    let (org, aid) = target;
    PendingWrite { row, target: Target { org_id: org.into(), aid: aid.map(Aid::from) }, before, after }
}

fn named(fields: &[&str]) -> Vec<FieldError> {
    fields.iter().map(|field| FieldError { field: (*field).to_owned(), message: String::new() }).collect()
}

fn sent_rows(queue: &VecDeque<Batch>) -> Vec<(Operation, Vec<usize>)> {
    queue.iter().map(|batch| (batch.operation, batch.rows.iter().map(|row| row.row).collect())).collect()
}

#[test]
fn raises_and_unassigns_go_before_decreases_and_first_quotas() {
    let queue = batches(vec![
        todo(2, ("1", Some("5")), Some(9), Some(3)),
        todo(3, ("1", None), Some(9), Some(3)),
        todo(4, ("1", Some("6")), None, Some(3)),
        todo(5, ("1", Some("7")), Some(3), None),
        todo(6, ("1", Some("8")), Some(3), Some(9)),
        todo(7, ("2", None), Some(3), Some(9)),
    ]);
    assert_eq!(
        sent_rows(&queue),
        [
            (Operation::AssignOrganizations, vec![7]),
            (Operation::AssignAccountGroups, vec![6]),
            (Operation::UnassignAccountGroups, vec![5]),
            (Operation::AssignAccountGroups, vec![2, 4]),
            (Operation::AssignOrganizations, vec![3]),
        ]
    );
}

#[test]
fn ten_thousand_rows_are_a_handful_of_batches() {
    let rows = (0..10_000usize).map(|n| {
        let (org, aid) = ((n % 50).to_string(), n.to_string());
        let after = if n % 2 == 0 { 9 } else { 3 };
        todo(n + 2, (&org, Some(&aid)), Some(5), Some(after))
    });
    assert_eq!(batches(rows.collect()).len(), 4);
}

#[test]
fn batches_are_counted_as_they_are_made() {
    let rows: Vec<PlanRow> = (0..16_000)
        .map(|n| {
            let quota = |of: i64| Some(of).filter(|of| *of > 0);
            let row = plan_row(2, &n.to_string(), "", quota(n % 5), quota(n % 7), Verdict::Send);
            let target =
                if n % 3 > 0 { row.target } else { Some(Target::organization(OrgId::new(n.to_string()))) };
            PlanRow { target, ..row }
        })
        .collect();
    let mut made = BTreeMap::new();
    for batch in batches(rows.iter().filter_map(PendingWrite::from_row).collect()) {
        *made.entry(batch.operation).or_insert(0) += 1;
    }
    assert_eq!((count_batches(rows.iter()), made.len()), (made, 4));
}

#[test]
fn a_batch_is_halved_until_one_row_stands_alone() {
    let queue = batches((2..5).map(|n| todo(n, ("1", Some(&n.to_string())), Some(1), Some(2))).collect());
    let [first, second] = queue[0].clone().split(&[]).unwrap();
    assert_eq!((first.rows.len(), second.rows.len()), (1, 2));
    assert!(first.split(&[]).is_none());
}

#[test]
fn a_batch_is_cut_into_portions_of_one_size() {
    let queue = batches((2..12).map(|n| todo(n, ("1", Some(&n.to_string())), Some(1), Some(2))).collect());
    let mut batch = queue[0].clone();
    assert_eq!(batch.split_off(10), None);
    let mut rest = batch.split_off(4).unwrap();
    let last = rest.split_off(4).unwrap();
    assert_eq!([batch, rest, last].map(|batch| batch.rows.len()), [4, 3, 3]);
}

#[test]
fn the_rows_that_the_server_names_are_taken_apart_from_the_rest() {
    let rows = [("1", "5"), ("1", "6"), ("2", "3"), ("2", "4")];
    let todos = rows.iter().enumerate().map(|(n, (org, aid))| todo(n, (org, Some(aid)), Some(1), Some(2)));
    let batch = batches(todos.collect()).remove(0).unwrap();
    let [rest, bad] = batch.clone().split(&named(&["organizations[1].accountGroups[0].value"])).unwrap();
    assert_eq!(bad.rows.iter().map(|row| row.row).collect::<Vec<_>>(), [2]);
    assert_eq!(rest.rows.len(), 3);
    let [first, _] =
        batch.split(&named(&["value", "organizations[9]", "organizations[1].accountGroups[2]"])).unwrap();
    assert_eq!(first.rows.len(), 2, "a field that names no row leaves halving");
}

/// Sends a batch to a server that names the row after the bad one; says how often it refused.
fn refusals_of_a_server_that_names_the_next_row(rows: usize, bad: usize) -> usize {
    let rows = (0..rows).map(|n| todo(n, ("1", Some(&format!("{n:06}"))), Some(1), Some(2)));
    let mut queue = batches(rows.collect());
    let (mut refusals, mut alone) = (0, Vec::new());
    while let Some(batch) = queue.pop_front() {
        let Some(place) = batch.rows.iter().position(|row| row.row == bad) else { continue };
        refusals += 1;
        let field = format!("organizations[0].accountGroups[{}].value", place + 1);
        if batch.rows.len() == 1 {
            alone.push(batch.rows[0].row);
        } else if let Some([first, second]) = batch.split(&named(&[&field])) {
            queue.push_front(second);
            queue.push_front(first);
        }
    }
    assert_eq!(alone, [bad]);
    refusals
}

#[test]
fn a_server_that_names_the_wrong_row_costs_no_more_than_three_times_the_halving() {
    for bad in [0, 1, 700, 2_498, 2_499] {
        let refusals = refusals_of_a_server_that_names_the_next_row(2_500, bad);
        assert!(refusals <= 3 * 12 + 1, "{bad}: {refusals}");
    }
}
