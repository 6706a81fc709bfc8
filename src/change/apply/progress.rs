//! Where the rows of a run stand while it is applied.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::batch::{Batch, PendingWrite};
use super::size::Size;
use crate::change::run::journal::Past;
use crate::change::{Code, Outcome, Problem};
use crate::collect::{LiveQuotas, Planned};
use crate::domain::quota::{Target, Units};
use crate::thousandeyes::{Client, Error, FieldError};

/// Where the rows stand while a run is applied.
pub(super) struct Progress {
    /// Rows that ended.
    pub(super) ended: BTreeMap<usize, Outcome>,
    /// Rows that the server took, or that may have been taken: the read-back at the end decides.
    pub(super) sent: BTreeMap<usize, PendingWrite>,
    /// Rows that the server refused by themselves, for this reason; the read-back at the end has the last word on them.
    pub(super) refused: Vec<(PendingWrite, Problem)>,
    /// Rows that this run tried to send, now or before a crash.
    pub(super) intended: BTreeSet<usize>,
    pub(super) refusals: u32,
    pub(super) accepted: u32,
    pub(super) decreased: bool,
    pub(super) next_batch: usize,
    pub(super) size: Size,
    pub(super) total: usize,
    /// The quotas as they were last read.
    live: LiveQuotas,
    /// The targets that had a quota when the run was planned.
    planned: Planned,
    /// The rows that remove a quota.
    unassigns: BTreeMap<Target, usize>,
}

impl Progress {
    /// Where these rows stand by what the journal says.
    pub(super) fn new(past: Past, rows: &[PendingWrite]) -> Self {
        let mut ended: BTreeMap<usize, Outcome> =
            past.settled.into_iter().map(|(row, problem)| (row, Outcome::Failed(problem))).collect();
        for row in rows.iter().filter(|row| past.verified.contains_key(&row.row)) {
            ended.insert(row.row, Outcome::Applied { before: row.before, after: row.after });
        }
        let mut planned = Planned::new();
        let mut unassigns = BTreeMap::new();
        for PendingWrite { row, target, before, after } in rows {
            if before.is_some() {
                planned.entry(target.org_id.clone()).or_default().push(target.aid.clone());
            }
            if after.is_none() {
                unassigns.insert(target.clone(), *row);
            }
        }
        Self {
            ended,
            sent: BTreeMap::new(),
            refused: Vec::new(),
            intended: past.intended.into_keys().collect(),
            refusals: 0,
            accepted: 0,
            decreased: false,
            next_batch: past.next_batch,
            size: Size::new(),
            live: LiveQuotas::default(),
            planned,
            unassigns,
            total: rows.len(),
        }
    }

    /// Rows that ended, or only wait to be read back.
    pub(super) fn done(&self) -> usize {
        self.ended.len() + self.sent.len() + self.refused.len()
    }

    /// Reads the quotas again.
    pub(super) async fn read_quotas(&mut self, client: &Client) -> Result<(), Error> {
        let removed =
            |target: &Target| self.unassigns.get(target).is_some_and(|row| self.intended.contains(row));
        self.live.refresh(client, &self.planned, &removed).await
    }

    /// The quota of a target as it was last read, or a clause that says why it is not known.
    pub(super) fn quota(&self, target: &Target) -> Result<Option<Units>, String> {
        self.live.quota(target)
    }

    /// Splits a refused batch; a row that stands alone is refused.
    pub(super) fn refuse(
        &mut self,
        mut batch: Batch,
        fields: &[FieldError],
        answer: String,
        queue: &mut VecDeque<Batch>,
    ) {
        if batch.rows.len() == 1 {
            let problem = Problem { code: Code::Refused, message: answer };
            self.refused.extend(batch.rows.pop().map(|row| (row, problem)));
        } else if let Some([first, second]) = batch.split(fields) {
            queue.push_front(second);
            queue.push_front(first);
        }
    }
}
