use chrono_tz::Tz;

use super::*;
use crate::cli::table::Paint;
use crate::domain::diff::MadeBy;
use crate::domain::quota::Target;

fn at(hour: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(hour)
}

fn style() -> Style {
    Style { paint: Paint { colors: false, width: 80 }, zone: Tz::Europe__Berlin }
}

#[test]
fn a_person_sees_local_moments_beside_the_names_and_each_change_as_a_row_with_who_made_it() {
    let change = |name: &str, before, after| Change {
        target: Target::account_group("10", "101"),
        org_name: "Acme Bank".into(),
        account_group_name: name.into(),
        before,
        after,
        since: at(20),
        made_by: MadeBy::Outside,
    };
    let changes = vec![change("EMEA Branches", Some(3750), Some(5000)), change("", None, Some(12))];
    let seen = Diff {
        from: at(20),
        to: at(26),
        changes,
        vanished: vec![Target::organization("20")],
        suspect: false,
    };
    let step =
        |change| (change, QuotaChange::new(change, &seen, &crate::report::People::default(), style().zone));
    let lines = [
        "Thu 1 Jan 1970, 21:00 CET → Fri 2 Jan 1970, 03:00 CET",
        "1970-01-01T20-00-00Z → 1970-01-02T02-00-00Z",
        "",
        "target                           before  after",
        "Acme Bank · EMEA Branches 101     3 750  5 000",
        "    outside quotakeeper, between Thu 1 Jan, 21:00 and Fri 2 Jan, 03:00",
        "Acme Bank · 101                no quota     12",
        "    outside quotakeeper, between Thu 1 Jan, 21:00 and Fri 2 Jan, 03:00",
        "organization 20: no longer visible",
    ];
    let shown = text(&seen, seen.changes.iter().map(step), style());
    assert_eq!(shown.lines().collect::<Vec<_>>(), lines);
}

#[test]
fn two_times_that_mean_one_snapshot_are_answered_with_the_snapshots_beside_it() {
    let said = |all: &[DateTime<Utc>], hour| same_snapshot_message(all, at(hour), style());
    assert_eq!(
        said(&[at(1), at(2), at(3)], 2),
        "Both times mean the snapshot 1970-01-01T02-00-00Z (Thu 1 Jan 1970, 03:00 CET), the last one at or before them: the one before it is \
         1970-01-01T01-00-00Z, the one after it is 1970-01-01T03-00-00Z."
    );
    assert!(said(&[at(2)], 2).ends_with("at or before them: it is the only one."));
}
