//! Organizations whose quotas went from the API's answer, all at once, without a run of ours: that may be the answer, and "no quota" a
//! guess that no guard would see through.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::set_by::SetByRuns;
use crate::domain::quota::{OrgId, Organization, Snapshot, Units};

/// What the last snapshot showed of organizations of which the answer shows no quota any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Vanished(BTreeMap<OrgId, Earlier>);

/// The quotas of one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Earlier {
    pub quotas: Units,
    pub seen: DateTime<Utc>,
}

impl Vanished {
    /// Where nothing is known.
    pub(crate) fn none() -> &'static Self {
        static NONE: Vanished = Vanished(BTreeMap::new());
        &NONE
    }

    /// Of organizations that are [`silent`](is_silent), those of which an earlier snapshot shows quotas that runs have not removed since.
    pub(crate) fn find<'o>(
        silent: impl IntoIterator<Item = &'o Organization>,
        before: &Snapshot,
        set_by: &SetByRuns,
    ) -> Self {
        let earlier = |now: &Organization| {
            let seen = before.organization(&now.id)?;
            let went = seen.rows().filter(|row| {
                row.quota.is_some()
                    && now.place(row.target.aid.as_ref()).is_none_or(|place| place.quota().is_none())
                    && !set_by.may_have_removed(&row.target)
            });
            let quotas = Units::try_from(went.count()).unwrap_or(Units::MAX);
            (quotas > 0).then(|| (now.id.clone(), Earlier { quotas, seen: before.taken_at }))
        };
        Self(silent.into_iter().filter_map(earlier).collect())
    }

    /// What was seen of an organization whose quotas went.
    pub(crate) fn earlier(&self, org_id: &OrgId) -> Option<Earlier> {
        self.0.get(org_id).copied()
    }

    /// Takes over what is known of other organizations.
    pub(crate) fn add(&mut self, others: Self) {
        self.0.extend(others.0);
    }
}

/// Whether no quota of any account group shows.
pub(crate) fn is_silent(organization: &Organization) -> bool {
    organization.account_groups.iter().all(|group| group.quota.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::fixtures::{group, parsed, row_lines, snapshot};
    use crate::change::plan::{PlanContext, plan};
    use crate::config::{Guards, Mode};
    use crate::domain::diff::SentRow;
    use crate::domain::quota::{SnapshotRow, Target, UsageRule};

    fn quota(org_id: &str, aid: &str, quota: Option<Units>) -> SnapshotRow<'static> {
        group(org_id, aid, quota, 0, 0)
    }

    fn find(live: &Snapshot, before: &Snapshot, set_by: &SetByRuns) -> Vanished {
        Vanished::find(live.organizations().iter().filter(|now| is_silent(now)), before, set_by)
    }

    fn removed(aid: &str) -> SentRow {
        let at = DateTime::UNIX_EPOCH;
        SentRow {
            run: "20261122-180500".to_owned(),
            file: "q4.csv".to_owned(),
            target: Target::account_group("7", aid),
            before: Some(100),
            after: None,
            comment: String::new(),
            sent: at,
            verified: None,
        }
    }

    #[test]
    fn quotas_that_went_together_without_a_run_are_not_known() {
        let before =
            snapshot([quota("7", "1", Some(100)), quota("7", "2", Some(200)), quota("8", "3", Some(1))]);
        let live = snapshot([
            quota("7", "1", None),
            quota("7", "2", None),
            quota("8", "3", None),
            quota("9", "4", None),
        ]);
        let found = find(&live, &before, SetByRuns::none());
        let quotas = |org_id: &str| found.earlier(&org_id.into()).map(|earlier| earlier.quotas);
        assert_eq!(["7", "8", "9"].map(quotas), [Some(2), Some(1), None]);

        let one_left = snapshot([quota("7", "1", None), quota("7", "2", Some(200))]);
        assert_eq!(find(&one_left, &before, SetByRuns::none()), Vanished::default(), "one can be removed");

        let removed_one = SetByRuns::new(vec![removed("1")]);
        assert_eq!(
            find(&live, &before, &removed_one).earlier(&"7".into()).map(|earlier| earlier.quotas),
            Some(1)
        );
        let removed_both = SetByRuns::new(vec![removed("1"), removed("2")]);
        assert_eq!(find(&live, &before, &removed_both).earlier(&"7".into()), None);
    }

    #[test]
    fn a_row_of_such_an_organization_is_refused_whatever_it_asks_for() {
        let before = snapshot([quota("7", "1", Some(100)), quota("7", "2", Some(200))]);
        let live = snapshot([quota("7", "1", None), quota("7", "2", None)]);
        let vanished = find(&live, &before, SetByRuns::none());
        let (guards, rule) = (Guards::default(), UsageRule::default());
        let context = PlanContext { vanished: &vanished, ..PlanContext::new(&guards, Mode::File, &rule) };
        let file = parsed("action,org_id,aid,value\nassign,7,1,60000\nunassign,7,2,\n");
        let plan = plan(&file, &live, &context);
        for line in row_lines(&plan) {
            assert!(line.contains("the live quota is not known, because"), "{line}");
            assert!(line.contains("any of the 2 quotas of organization 7"), "{line}");
        }
    }
}
