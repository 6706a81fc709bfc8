//! A run that may be sent: its rows are split, sent and read back, and guarded again where usage may have moved.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::context::{Planned, RunContext};
use crate::change::apply::batch::PendingWrite;
use crate::change::apply::{Apply, GuardedAgain};
use crate::change::codes::{Code, Guard, Problem};
use crate::change::explains::OtherRuns;
use crate::change::live_plan::last_known;
use crate::change::plan::guards::Scope;
use crate::change::plan::{Plan, PlanRow, Verdict};
use crate::change::run::journal::Journal;
use crate::domain::quota::{OrgId, WithQuota};

/// The rows that may be sent although a guard holds them, and the guards that were approved for each.
pub(super) type Approved = BTreeMap<usize, BTreeSet<Guard>>;

impl RunContext<'_> {
    /// Sends rows, reads them back, and writes the results. `guarded` is when the guards last saw usage, if they have since the
    /// run was taken up.
    pub(super) async fn send(
        &mut self,
        planned: &Planned,
        approved: &Approved,
        guarded: Option<Instant>,
    ) -> anyhow::Result<()> {
        self.split_off_held(planned)?;
        self.split_off_later(planned)?;
        let Planned { file, plan } = planned;
        let may_be_sent = |row: &&PlanRow| match &row.verdict {
            Verdict::Send => row.due.is_none(),
            Verdict::Held(_) => row.due.is_none() && approved.contains_key(&row.row),
            Verdict::Unchanged(_) | Verdict::Refused(_) => false,
        };
        let rows: Vec<PendingWrite> =
            plan.rows.iter().filter(may_be_sent).filter_map(PendingWrite::from_row).collect();
        let (journal, past) = Journal::open(&self.run.path("journal.jsonl"), &self.run.record.id)?;
        let services = self.services;
        if !rows.is_empty() {
            services.shared_reading.forget();
        }
        // Of what is removed alone it matters whether an answer that does not show it is whole.
        let emptied: BTreeSet<OrgId> =
            rows.iter().filter(|row| row.after.is_none()).map(|row| row.target.org_id.clone()).collect();
        let last_seen = if emptied.is_empty() { WithQuota::new() } else { last_known(services, &emptied)? };
        let context = &*self;
        let apply = Apply {
            client: services.api.get()?,
            others: OtherRuns::new(services.runs(), context.run),
            last_seen,
            journal,
            past,
            clock: &services.clock,
            cancel: services.cancel,
            lock: services.lock,
            guarded,
            guard_again: async |rows: &BTreeSet<usize>| {
                let now = context.plan_now(file).await?;
                Ok(guarded_again(plan, &now, rows, approved))
            },
            unguarded: BTreeSet::new(),
        };
        let outcomes = apply.run(rows).await?;
        self.finish(planned, &outcomes)
    }
}

/// Of these rows, those that a guard holds now which nobody approved, or that may not be sent for a reason of their own; and those
/// that could not be judged.
fn guarded_again(planned: &Plan, now: &Plan, rows: &BTreeSet<usize>, approved: &Approved) -> GuardedAgain {
    let GuardedAgain { mut problems, mut moved } = GuardedAgain::default();
    for (was, row) in planned.rows.iter().zip(&now.rows).filter(|(_, row)| rows.contains(&row.row)) {
        // The read before the batch says what a quota is that somebody else set.
        if was.before != row.before {
            moved.insert(row.row);
            continue;
        }
        match &row.verdict {
            Verdict::Held(tripped) => {
                let granted = approved.get(&row.row);
                let news: Vec<&str> = tripped
                    .iter()
                    .filter(|tripped| !is_of_the_whole(tripped.guard))
                    .filter(|tripped| granted.is_none_or(|granted| !granted.contains(&tripped.guard)))
                    .map(|tripped| tripped.message.as_str())
                    .collect();
                if !news.is_empty() {
                    let message = format!(
                        "not sent: since it was planned, {}. Drop the row again if you still want it",
                        news.join("; ")
                    );
                    problems.insert(row.row, Problem { code: Code::Held, message });
                }
            }
            // What it was bound to fell; but once sending has begun nothing is rolled back.
            Verdict::Refused(problem) if problem.code != Code::NotSent => {
                problems.insert(row.row, problem.clone());
            }
            Verdict::Send | Verdict::Unchanged(_) | Verdict::Refused(_) => {}
        }
    }
    GuardedAgain { problems, moved }
}

/// A file's rows were judged together by these when it was planned. Half a reallocation moves the sum; finishing it
/// must not be stopped by that.
fn is_of_the_whole(guard: Guard) -> bool {
    matches!(guard.scope(), Scope::Organization | Scope::Binding)
}

/// What a person approves who approves this plan.
pub(super) fn approved_guards(plan: &Plan) -> Approved {
    let guards = |row: &PlanRow| match &row.verdict {
        Verdict::Held(tripped) => Some((row.row, tripped.iter().map(|tripped| tripped.guard).collect())),
        Verdict::Send | Verdict::Unchanged(_) | Verdict::Refused(_) => None,
    };
    plan.rows.iter().filter_map(guards).collect()
}
