//! The live quotas, names and usage, as read for planning.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::plan::{SetByRuns, VanishedQuotas};
use crate::collect::Reading;
use crate::domain::last_cycle::LastCycle;
use crate::domain::quota::{OrgId, Snapshot};
use crate::domain::top_consumers::TopConsumers;

/// What is live, and what is known besides of the organizations in which files would change something.
#[derive(Debug)]
pub(crate) struct LiveState {
    pub(super) reading: Reading,
    /// Just before the first request.
    pub(super) read_at: Instant,
    /// The organizations whose usage was asked for.
    pub(super) usage_asked_for: BTreeSet<OrgId>,
    pub(super) last_cycle: Option<LastCycle>,
    pub(super) set_by: Option<SetByRuns>,
    /// The organizations whose missing quotas were looked for in the history.
    pub(super) looked_for: BTreeSet<OrgId>,
    pub(super) vanished: VanishedQuotas,
    /// The organizations whose usage was held against the history.
    pub(super) checked: BTreeSet<OrgId>,
}

impl LiveState {
    /// Targets alone: nothing was asked for besides.
    pub(super) fn new(reading: Reading, read_at: Instant) -> Self {
        Self {
            reading,
            read_at,
            usage_asked_for: BTreeSet::new(),
            last_cycle: None,
            set_by: None,
            looked_for: BTreeSet::new(),
            vanished: VanishedQuotas::default(),
            checked: BTreeSet::new(),
        }
    }

    /// A snapshot stands for what is live, with its usage: the API is not asked for anything.
    pub(crate) fn of_snapshot(snapshot: Snapshot, read_at: Instant) -> Self {
        let usage_asked_for = snapshot.organizations().iter().map(|organization| organization.id.clone());
        let usage_asked_for = usage_asked_for.collect();
        let reading = Reading { snapshot, top_consumers: TopConsumers::default() };
        Self { usage_asked_for, ..Self::new(reading, read_at) }
    }
}
