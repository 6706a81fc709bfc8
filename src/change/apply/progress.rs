//! The progress of a run's rows while it is applied.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::batch::{Batch, PendingWrite};
use super::size::Size;
use crate::change::codes::{Code, Problem};
use crate::change::outcome::Outcome;
use crate::change::run::journal::JournalSummary;
use crate::collect::LiveQuotas;
use crate::domain::quota::{Target, Units, WithQuota};
use crate::thousandeyes::{Client, Error, FieldError};

/// So many refusals without one acceptance, and the server is taken to refuse everything.
const MOST_REFUSALS: u32 = 64;
/// So long in all without a clear answer, and the server is taken to answer nothing.
const MOST_UNANSWERED: Duration = Duration::from_secs(5 * 60);

/// What was put off longer ago, before a crash, somebody else may well have done since.
const A_MOMENT: TimeDelta = TimeDelta::minutes(5);

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
    /// Rows that the server put off a moment ago, and is to be asked for again: it says that it did nothing.
    pub(super) put_off: BTreeSet<usize>,
    /// What came instead of an answer to the last request that each row was in.
    pub(super) causes: BTreeMap<usize, String>,
    /// How long the requests took together that had no clear answer, one after the other.
    pub(super) unanswered: Duration,
    pub(super) refusals: u32,
    pub(super) accepted: u32,
    pub(super) decreased: bool,
    pub(super) next_batch: usize,
    pub(super) size: Size,
    pub(super) total: usize,
    /// The quotas as they were last read.
    live: LiveQuotas,
    /// The rows that remove a quota.
    unassigns: BTreeMap<Target, usize>,
}

impl Progress {
    /// Where these rows stand by what the journal says. `known` is what was last seen of their organizations.
    pub(super) fn new(
        past: JournalSummary,
        rows: &[PendingWrite],
        known: WithQuota,
        now: DateTime<Utc>,
    ) -> Self {
        let mut ended: BTreeMap<usize, Outcome> =
            past.settled.into_iter().map(|(row, problem)| (row, Outcome::Failed(problem))).collect();
        for row in rows.iter().filter(|row| past.verified.contains_key(&row.row)) {
            ended.insert(row.row, Outcome::Applied { before: row.before, after: row.after });
        }
        let (mut planned, mut unassigns) = (WithQuota::new(), BTreeMap::new());
        for PendingWrite { row, target, before, after } in rows {
            if before.is_some() {
                planned.entry(target.org_id.clone()).or_default().insert(target.aid.clone());
            }
            if after.is_none() {
                unassigns.insert(target.clone(), *row);
            }
        }
        Self {
            ended,
            sent: BTreeMap::new(),
            refused: Vec::new(),
            causes: past.intended.keys().map(|row| (*row, "the run was interrupted".to_owned())).collect(),
            intended: past.intended.into_keys().collect(),
            put_off: past
                .put_off
                .into_iter()
                .filter(|(_, at)| now - *at < A_MOMENT)
                .map(|(row, _)| row)
                .collect(),
            unanswered: Duration::ZERO,
            refusals: 0,
            accepted: 0,
            decreased: false,
            next_batch: past.next_batch,
            size: Size::new(),
            live: LiveQuotas::new(known, planned),
            unassigns,
            total: rows.len(),
        }
    }

    /// Why no more of the run is sent; none where it goes on. A server that takes minutes to say nothing would keep a run
    /// busy for hours.
    pub(super) fn given_up(&self) -> Option<String> {
        if self.accepted == 0 && self.refusals >= MOST_REFUSALS {
            return Some(format!(
                "given up: the server refused all {MOST_REFUSALS} requests of this run before it"
            ));
        }
        let seconds = self.unanswered.as_secs();
        (self.unanswered >= MOST_UNANSWERED)
            .then(|| format!("given up: earlier requests got no clear answer for {seconds} seconds"))
    }

    /// Rows that ended, or only wait to be read back.
    pub(super) fn done_rows(&self) -> usize {
        self.ended.len() + self.sent.len() + self.refused.len()
    }

    /// Reads the quotas again.
    pub(super) async fn read_quotas(&mut self, client: &Client) -> Result<(), Error> {
        let removed =
            |target: &Target| self.unassigns.get(target).is_some_and(|row| self.intended.contains(row));
        self.live.refresh(client, &removed).await
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

#[cfg(test)]
mod tests;
