//! Who set a quota that a row did not expect.

use chrono::{DateTime, Utc};

use super::*;
use crate::change::fixtures::{group, parsed, row_lines, snapshot};
use crate::change::plan::{PlanContext, plan};
use crate::config::{Guards, Mode};
use crate::domain::quota::UsageRule;

fn sent(run: &str, after: Units, sent: &str, verified: Option<&str>) -> SentRow {
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    SentRow {
        run: run.to_owned(),
        file: "q4.csv".to_owned(),
        target: Target::account_group("7", "1"),
        before: None,
        after: Some(after),
        comment: String::new(),
        sent: at(sent),
        verified: verified.map(at),
    }
}

fn stale_row(rows: Vec<SentRow>) -> String {
    let (guards, rule, set_by) = (Guards::default(), UsageRule::default(), SetByRuns::new(rows));
    let context = PlanContext { set_by: &set_by, ..PlanContext::new(&guards, Mode::Row, &rule) };
    let live = snapshot([group("7", "1", Some(2000), 100, 500)]);
    row_lines(&plan(&parsed("aid,value,expected_value\n1,2100,1900\n"), &live, &context))[0].clone()
}

#[test]
fn a_stale_row_names_who_set_the_quota_if_a_run_did() {
    let first = || sent("a", 2000, "2026-11-20T10:00:00Z", Some("2026-11-20T10:00:09Z"));
    let message = stale_row(vec![first()]);
    assert!(
        message.contains("is `2000` now. Run a set that on Fri 20 Nov 2026, 10:00 UTC: check it"),
        "{message}"
    );
    let somebody = "Somebody changed it since";
    let not_done = sent("b", 2000, "2026-11-21T10:00:00Z", None);
    assert!(stale_row(vec![not_done]).contains(somebody), "nobody knows whether that was done");
    let later = sent("b", 1950, "2026-11-21T10:00:00Z", Some("2026-11-21T10:00:09Z"));
    assert!(stale_row(vec![later, first()]).contains(somebody), "it was set to something else since");
}
