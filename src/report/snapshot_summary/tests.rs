//! The nearest and the counts, as the report has them.

use super::*;
use crate::config::Alerts;
use crate::domain::quota::UsageRule;
use crate::report::Ranking;
use crate::report::fixtures::{context, realistic};

#[test]
fn the_nearest_are_the_first_of_the_ranking_and_all_is_counted_whether_at_once_or_in_parts() {
    let (latest, rule, alerts, context) = (realistic(), UsageRule::default(), Alerts::default(), context());
    let judging =
        JudgingContext { taken_at: latest.taken_at, rule: &rule, alerts: &alerts, context: &context };
    let groups = latest.places().enumerate().filter(|(_, place)| {
        let headroom = rule.headroom(place.quota(), &place.usage());
        assert_eq!(place.headroom(&rule), headroom);
        place.account_group.is_some() && headroom.is_some()
    });
    let slopes = Slopes::default();
    let expected = Ranking::new(groups, NEAREST, &slopes, judging);
    let expected: Vec<_> = expected.statuses().map(|status| status.target).collect();
    assert_eq!(expected.len(), NEAREST);

    let mut at_once = SnapshotSummary::default();
    at_once.add_all(&latest, &slopes, judging);
    let in_parts = latest.organizations().iter().fold(SnapshotSummary::default(), |before, organization| {
        let mut part = SnapshotSummary::default();
        organization.rows().for_each(|row| part.add(&row, None, judging));
        before.and(part)
    });
    for summary in [at_once, in_parts] {
        let nearest = summary.nearest(judging).into_iter().map(|status| status.target);
        assert_eq!(nearest.collect::<Vec<_>>(), expected);
        assert_eq!(summary.organizations, latest.organizations().len());
        assert_eq!(summary.account_groups, latest.groups().count());
        assert_eq!(summary.without_usage, 1, "of Initech nothing is known");
    }
}
