//! The order of targets, and which are over.

use super::*;
use crate::config::Alerts;
use crate::domain::quota::Usage;
use crate::report::fixtures::{context, group, realistic};

#[test]
fn the_order_is_that_of_the_usage_report() {
    let latest = realistic();
    let (rule, alerts, context) = (UsageRule::default(), Alerts::default(), context());
    let judging =
        JudgingContext { taken_at: latest.taken_at, rule: &rule, alerts: &alerts, context: &context };
    let slopes = Slopes::default();
    let ranking = |most| Ranking::new(latest.places().enumerate(), most, &slopes, judging);
    let ranked: Vec<QuotaStatus> = ranking(usize::MAX).statuses().collect();
    assert_eq!(ranked.len(), latest.row_count());
    assert!(ranked.is_sorted_by(|a, b| a.worst_first(b).is_le()), "{ranked:?}");
    for most in 0..=ranked.len() {
        let worst = ranking(most);
        assert_eq!(worst.count(), ranked.len());
        let targets =
            |statuses: &[QuotaStatus]| statuses.iter().map(|one| one.target.clone()).collect::<Vec<_>>();
        assert_eq!(targets(&worst.statuses().collect::<Vec<_>>()), targets(&ranked[..most]));
    }
}

#[test]
fn over_is_what_is_used_or_will_be() {
    let is_over = |row: SnapshotRow<'_>, percent| is_over(&row, percent, &UsageRule::default());
    assert!(is_over(group("1", "used", Some(100), 91, 91), 90));
    assert!(is_over(group("1", "projected", Some(100), 10, 91), 90));
    assert!(!is_over(group("1", "exactly", Some(100), 90, 90), 90));
    assert!(is_over(group("1", "a quota of nothing", Some(0), 1, 1), 90));
    assert!(!is_over(group("1", "nothing of nothing", Some(0), 0, 0), 90));
    assert!(!is_over(group("1", "no quota", None, 91, 91), 90));
    assert!(!is_over(
        SnapshotRow { usage: Usage::default(), ..group("1", "unknown", Some(100), 91, 91) },
        90
    ));
}
