//! Usage that cannot be so: what was used in a billing cycle never falls, and a cycle that is over says nothing of now. Such figures
//! are unknown, so that a decrease waits for a person. Pure.

use std::collections::BTreeSet;

use crate::domain::quota::{OrgId, Organization, Snapshot, Units, Usage};

/// Forgets such usage of these organizations, as far as it or an earlier snapshot shows that, and says of which something was
/// forgotten.
pub(super) fn forget(live: &mut Snapshot, of: &BTreeSet<OrgId>, before: Option<&Snapshot>) -> Vec<OrgId> {
    let now = live.taken_at;
    let mut doubtful = Vec::new();
    for org_id in of {
        let Some(organization) = live.organization_mut(org_id) else { continue };
        let is_over = organization.period_end.is_some_and(|end| end <= now);
        let earlier = before.and_then(|before| before.organization(org_id));
        let earlier = earlier.filter(|earlier| is_same_cycle(earlier, organization));
        if forget_of(organization, is_over, earlier) {
            doubtful.push(org_id.clone());
        }
    }
    doubtful
}

fn is_same_cycle(earlier: &Organization, now: &Organization) -> bool {
    now.period_start.is_some() && earlier.period_start == now.period_start
}

fn forget_of(organization: &mut Organization, is_over: bool, earlier: Option<&Organization>) -> bool {
    let is_doubtful = |now: Usage, then: Option<Usage>| {
        now != Usage::default() && (is_over || then.is_some_and(|then| fell(then, now)))
    };
    let mut is_forgotten = false;
    if let Some(own) = &mut organization.own
        && is_doubtful(own.usage, earlier.and_then(|earlier| Some(earlier.own.as_ref()?.usage)))
    {
        own.usage = Usage::default();
        is_forgotten = true;
    }
    for group in &mut organization.account_groups {
        let then = earlier.and_then(|earlier| Some(earlier.place(Some(&group.aid))?.usage()));
        if is_doubtful(group.usage(), then) {
            group.set_usage(Usage::default());
            is_forgotten = true;
        }
    }
    is_forgotten
}

fn fell(then: Usage, now: Usage) -> bool {
    let fell = |then: Option<Units>, now: Option<Units>| then.zip(now).is_some_and(|(then, now)| now < then);
    fell(then.cloud_used, now.cloud_used) || fell(then.enterprise_used, now.enterprise_used)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::change::fixtures::{group, own, snapshot};
    use crate::domain::quota::SnapshotRow;

    /// The used units of the organization and of its two account groups, after what cannot be so is forgotten.
    fn kept(then: [Units; 3], now: [Units; 3], period: [[DateTime<Utc>; 2]; 2]) -> Vec<Option<Units>> {
        let seen = |[of_all, first, second]: [Units; 3], [start, end]: [DateTime<Utc>; 2]| {
            let rows = [
                own("7", Some(9_000), of_all, 0),
                group("7", "1", Some(9), first, 0),
                group("7", "2", Some(9), second, 0),
            ];
            snapshot(rows.map(|row| SnapshotRow { period_start: Some(start), period_end: Some(end), ..row }))
        };
        let mut live = seen(now, period[1]);
        let doubtful = forget(&mut live, &BTreeSet::from(["7".into()]), Some(&seen(then, period[0])));
        let kept: Vec<_> = live.rows().map(|row| row.usage.cloud_used).collect();
        assert_eq!(doubtful.len(), usize::from(kept.contains(&None)));
        kept
    }

    #[test]
    fn what_fell_within_a_cycle_and_what_is_of_a_cycle_that_is_over_is_not_known() {
        let now = snapshot([]).taken_at;
        let cycle = |days: i64| [now - TimeDelta::days(days), now + TimeDelta::days(30 - days)];
        let same = [cycle(5); 2];
        assert_eq!(kept([100, 60, 40], [100, 60, 40], same), [Some(100), Some(60), Some(40)]);
        assert_eq!(kept([100, 60, 40], [130, 70, 60], same), [Some(130), Some(70), Some(60)]);
        assert_eq!(kept([100, 60, 40], [100, 59, 41], same), [Some(100), None, Some(41)]);
        assert_eq!(kept([100, 60, 40], [0, 0, 0], same), [None, None, None]);
        let next = [cycle(35), cycle(5)];
        assert_eq!(
            kept([100, 60, 40], [3, 2, 1], next),
            [Some(3), Some(2), Some(1)],
            "a new cycle begins at 0"
        );
        let over = [cycle(30); 2];
        let mut alone = snapshot([SnapshotRow { period_end: Some(now), ..own("7", Some(9), 1, 1) }]);
        assert_eq!(
            forget(&mut alone, &BTreeSet::from(["7".into()]), None).len(),
            1,
            "whatever the history shows"
        );
        assert_eq!(kept([100, 60, 40], [130, 70, 60], over), [None, None, None]);
    }
}
