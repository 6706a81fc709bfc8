//! A target's largest tests and enterprise agents, to name them before its quota is lowered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::quota::{Aid, OrgId, Target, Units};

/// So many are kept of each account group and each organization.
pub(crate) const KEPT: usize = 5;

/// One test, or one enterprise agent with all that runs on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TopConsumer {
    /// `portal.initech.com (Web - Page Load)`, safe to show.
    pub label: String,
    /// Quota units by the end of the cycle, and never less than were used already.
    pub projected: Units,
}

/// Those of each target. Nothing is known of targets whose usage was not read.
#[derive(Debug, Default)]
pub(crate) struct TopConsumers {
    by_organization: BTreeMap<OrgId, Vec<(Option<Aid>, TopConsumer)>>,
}

impl TopConsumers {
    /// Where nothing is known of single tests.
    pub(crate) fn empty() -> &'static Self {
        static NONE: TopConsumers = TopConsumers { by_organization: BTreeMap::new() };
        &NONE
    }

    /// Adds those of one organization, the largest first: each is one of the largest of its account group, or of the organization.
    pub(crate) fn insert(&mut self, org_id: OrgId, consumers: Vec<(Option<Aid>, TopConsumer)>) {
        self.by_organization.insert(org_id, consumers);
    }

    /// The largest of one target (an organization's are those of all its account groups), the largest first.
    pub(crate) fn of_target(&self, target: &Target) -> Vec<TopConsumer> {
        let of_organization = self.by_organization.get(&target.org_id).into_iter().flatten();
        let of_it = of_organization.filter(|(aid, _)| target.aid.is_none() || *aid == target.aid);
        of_it.take(KEPT).map(|(_, consumer)| consumer.clone()).collect()
    }
}
