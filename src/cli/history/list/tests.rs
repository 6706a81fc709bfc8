use super::*;
use crate::cli::table::Paint;
use crate::domain::diff::{ByRun, Change};
use crate::domain::quota::Target;

fn at(hour: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(hour)
}

/// What the snapshot of that hour showed: so many changes by runs, and so many by others.
fn seen(hour: i64, by_runs: usize, outside: usize) -> Diff {
    let by_run = || {
        MadeBy::Run(Box::new(ByRun {
            id: "r".into(),
            file: "a.csv".into(),
            comment: String::new(),
            at: at(0),
        }))
    };
    let change = |made_by| Change {
        target: Target::organization("1"),
        org_name: "".into(),
        account_group_name: "".into(),
        before: None,
        after: Some(5),
        since: at(hour - 1),
        made_by,
    };
    let all =
        std::iter::repeat_with(by_run).take(by_runs).chain(std::iter::repeat_n(MadeBy::Outside, outside));
    Diff {
        from: at(hour - 1),
        to: at(hour),
        changes: all.map(change).collect(),
        vanished: Vec::new(),
        suspect: false,
    }
}

#[test]
fn changes_of_snapshots_that_were_removed_count_for_the_next_one_that_is_left() {
    let diffs = [seen(1, 1, 0), seen(3, 1, 0), seen(4, 0, 1), seen(6, 2, 0), seen(9, 1, 0)];
    let ranges = first_shown(&[at(3), at(5), at(6), at(8)], &diffs);
    assert_eq!(ranges, [1..2, 2..3, 3..4, 4..4]);
    assert!(first_shown(&[], &diffs).is_empty());
}

#[test]
fn changes_show_how_many_were_made_outside_quotakeeper() {
    assert_eq!(changes_in_words(&[]), "");
    assert_eq!(changes_in_words(&[seen(1, 1, 0)]), "1 quota change");
    assert_eq!(changes_in_words(&[seen(1, 0, 2)]), "2 quota changes outside quotakeeper");
    assert_eq!(
        changes_in_words(&[seen(1, 1, 1), seen(2, 1, 0)]),
        "3 quota changes, 1 of them outside quotakeeper"
    );
}

#[test]
fn a_person_sees_headings_and_local_moments_and_a_script_the_name_of_the_file_first() {
    let line = |hour, rows, changed: &str| Line {
        taken_at: at(hour),
        rows,
        size: "9 kB".to_owned(),
        changed: changed.to_owned(),
    };
    let lines = [line(20, Rows::NotCounted, ""), line(26, Rows::Counted(1234), "1 quota change")];
    let shown = |width| {
        let paint = Paint { colors: false, width };
        table(&lines, Style { paint, zone: chrono_tz::Tz::Europe__Berlin })
    };
    assert_eq!(
        shown(80),
        "snapshot              taken (Berlin)          rows  size  changed\n\
         1970-01-01T20-00-00Z  Thu 1 Jan 1970, 21:00      –  9 kB\n\
         1970-01-02T02-00-00Z  Fri 2 Jan 1970, 03:00  1 234  9 kB  1 quota change\n"
    );
    assert_eq!(
        shown(usize::MAX),
        "1970-01-01T20-00-00Z     –  9 kB\n1970-01-02T02-00-00Z  1234  9 kB  1 quota change\n"
    );
}

#[test]
fn rows_of_the_newest_snapshots_are_counted_until_a_file_or_a_byte_too_many() {
    let counted = |mut budget: CountBudget, sizes: &[u64]| -> Vec<bool> {
        sizes.iter().map(|size| budget.take(*size)).collect()
    };
    assert_eq!(counted(CountBudget { files: 2, bytes: 100 }, &[1, 1, 1]), [true, true, false]);
    assert_eq!(counted(CountBudget { files: 9, bytes: 100 }, &[60, 41, 1]), [true, false, false]);
}
