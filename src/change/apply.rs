//! Sends what a plan says, and never lies about what came of it.
//!
//! Just before each batch the live quotas are read: a row whose value is no longer its `before` is not sent. A batch that
//! the server refuses is split until the bad rows stand alone. Where the outcome is unknown, reading decides row by row.
//! At the end everything is read back: a row is applied only if the API says so. All of it is journalled, so that a
//! killed run goes on where it stood.

mod api;
pub(crate) mod batch;
mod progress;
mod read_back;
mod size;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use anyhow::Context;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::api::post;
use self::batch::{Batch, Operation, PendingWrite, batches};
use self::progress::Progress;
use super::explains::OtherRuns;
use super::run::journal::{Event, Journal, JournalSummary};
use crate::change::codes::{Code, Problem};
use crate::change::outcome::Outcome;
use crate::clock::Clock;
use crate::domain::quota::{Target, Units, WithQuota};
use crate::files::lock::HeldLock;
use crate::text::words::quota_text;
use crate::thousandeyes::progress::{Phase, Rows};
use crate::thousandeyes::{Client, Error};

/// So often a batch is sent whose outcome stays unknown and that did not take effect.
const MOST_UNKNOWN: u32 = 3;
/// Usage read longer ago than this does not clear a decrease any more.
const USAGE_AGE: Duration = Duration::from_secs(5 * 60);
const GOES_ON: &str = "the run stopped; it continues at the next start";
const STOPPED: &str = "stopped by a signal: the run continues at the next start";

/// Applies rows; made for one run and used up by it.
pub(crate) struct Apply<'a, G> {
    pub client: &'a Client,
    /// Who else of ours may have set a quota.
    pub others: OtherRuns,
    /// What was last seen of the organizations that the rows are about: an answer that lacks most of it is not whole.
    pub last_seen: WithQuota,
    pub journal: Journal,
    /// What the journal said when it was opened.
    pub past: JournalSummary,
    pub clock: &'a Clock,
    pub cancel: &'a CancellationToken,
    /// Asked before each write: a process that lost the lock sends nothing more.
    pub lock: &'a HeldLock,
    /// When the guards last saw usage; none when a killed run goes on, which has to be guarded again.
    pub guarded: Option<Instant>,
    /// Plans and guards rows again, with usage read now.
    pub guard_again: G,
    /// Rows that the guards could not judge when they last looked.
    pub unguarded: BTreeSet<usize>,
}

/// What came of guarding rows again.
#[derive(Debug, Default)]
pub(crate) struct GuardedAgain {
    /// Those that may not be sent any more, and why.
    pub problems: BTreeMap<usize, Problem>,
    /// Those whose quota was another one then: what a guard says of them is not about what would be sent.
    pub moved: BTreeSet<usize>,
}

/// A batch that was sent.
struct PostedBatch {
    /// Its number in the journal.
    number: usize,
    begun: Instant,
    batch: Batch,
}

impl<G> Apply<'_, G>
where
    G: AsyncFnMut(&BTreeSet<usize>) -> anyhow::Result<GuardedAgain>,
{
    /// Sends the rows and says how each one ended. An error leaves the run to be resumed: nothing is decided by it.
    pub(crate) async fn run(mut self, rows: Vec<PendingWrite>) -> anyhow::Result<BTreeMap<usize, Outcome>> {
        let (past, known) = (std::mem::take(&mut self.past), std::mem::take(&mut self.last_seen));
        let mut progress = Box::new(Progress::new(past, &rows, known, self.clock.now()));
        let open = rows.into_iter().filter(|row| !progress.ended.contains_key(&row.row)).collect();
        self.send_all(batches(open), &mut progress).await?;

        // A raise may have been refused for want of room that the decreases made since.
        if progress.decreased {
            let is_raise = |(row, _): &(PendingWrite, Problem)| !row.is_decrease() && row.after.is_some();
            let (raises, others) = std::mem::take(&mut progress.refused).into_iter().partition(is_raise);
            progress.refused = others;
            let again: Vec<_> = raises.into_iter().map(|(row, _)| row).collect();
            self.send_all(batches(again), &mut progress).await?;
        }
        self.verify(&mut progress).await?;
        Ok(progress.ended)
    }

    async fn send_all(&mut self, mut queue: VecDeque<Batch>, progress: &mut Progress) -> anyhow::Result<()> {
        while let Some(batch) = queue.pop_front() {
            anyhow::ensure!(!self.cancel.is_cancelled(), "{STOPPED}");
            // What is waited for comes before the quotas are read, so that they are still so when the batch goes out.
            self.client.turn_to_write().await.context(GOES_ON)?;
            // Read first, also where the rest is given up: a server may take rows of a batch that it refuses.
            let mut batch = self.still_to_send(batch, &queue, progress).await?;
            if let Some(message) = progress.given_up() {
                // Of what was sent without a clear answer, the read-back at the end has the last word.
                let is_sent = |row: &PendingWrite| progress.causes.contains_key(&row.row);
                let (sent, unsent): (Vec<_>, Vec<_>) = batch.rows.into_iter().partition(is_sent);
                progress.sent.extend(sent.into_iter().map(|row| (row.row, row)));
                let rows: Vec<usize> = unsent.iter().map(|row| row.row).collect();
                self.settle(progress, &rows, &Problem { code: Code::NotSent, message })?;
            } else if !batch.rows.is_empty() {
                self.show_progress(Phase::Sending, progress, queue.len() + 1);
                if let Some(rest) = batch.split_off(progress.size.max_rows()) {
                    queue.push_front(rest);
                }
                self.send(batch, &mut queue, progress).await?;
            }
        }
        Ok(())
    }

    /// Takes out the rows that need, or must, not be sent.
    async fn still_to_send(
        &mut self,
        batch: Batch,
        queue: &VecDeque<Batch>,
        progress: &mut Progress,
    ) -> anyhow::Result<Batch> {
        let mut batch = self.as_planned(batch, progress).await?;
        let old = self.guarded.is_none_or(|at| batch.decreases() && self.clock.steady() - at > USAGE_AGE)
            || batch.rows.iter().any(|row| self.unguarded.contains(&row.row));
        if old && !batch.rows.is_empty() {
            // Guarded together, because usage is read once for all of them.
            let guarded = self.clock.steady();
            let open = std::iter::once(&batch).chain(queue).flat_map(|batch| &batch.rows);
            let rows: BTreeSet<usize> = open.map(|row| row.row).collect();
            let GuardedAgain { problems, moved } = (self.guard_again)(&rows).await?;
            for (row, problem) in problems {
                self.settle(progress, &[row], &problem)?;
            }
            (self.guarded, self.unguarded) = (Some(guarded), moved);
            batch = self.as_planned(batch, progress).await?;
            let (unguarded, rest) = batch.rows.into_iter().partition(|row| self.unguarded.contains(&row.row));
            batch.rows = rest;
            self.leave_unguarded(unguarded, progress)?;
        }
        Ok(batch)
    }

    /// Rows whose quota was another one while they were guarded, and is what was planned again.
    fn leave_unguarded(&mut self, rows: Vec<PendingWrite>, progress: &mut Progress) -> anyhow::Result<()> {
        for row in rows {
            let message = format!(
                "not sent: the quota is {} again, as when the change was planned, but it was another value in between, so no \
                 guard has checked this change against current usage. Drop the row again if you still want it",
                quota_text(row.before)
            );
            self.settle(progress, &[row.row], &Problem { code: Code::ChangedMeanwhile, message })?;
        }
        Ok(())
    }

    /// Reads the live quotas: the rows that did not end and whose quota still is what the plan saw.
    async fn as_planned(&mut self, mut batch: Batch, progress: &mut Progress) -> anyhow::Result<Batch> {
        batch.rows.retain(|row| !progress.ended.contains_key(&row.row));
        if batch.rows.is_empty() {
            return Ok(batch);
        }
        progress.read_quotas(self.client).await?;
        self.find_done_anyway(&batch, progress)?;
        for row in std::mem::take(&mut batch.rows) {
            let intended = progress.intended.contains(&row.row);
            let now = match progress.quota(&row.target) {
                Ok(now) => now,
                Err(_) if intended => {
                    // Whether it took effect cannot be seen now: the read-back at the end decides.
                    progress.sent.insert(row.row, row);
                    continue;
                }
                Err(why) => {
                    let message = format!("not sent: {why}");
                    self.settle(progress, &[row.row], &Problem { code: Code::NotSent, message })?;
                    continue;
                }
            };
            if now == row.after && intended {
                progress.decreased |= row.is_decrease(); // its answer may have been lost
                progress.sent.insert(row.row, row);
            } else if now == row.after {
                let who = self.who_set(&row.target, now);
                let message = format!("already {}: {who} set it", quota_text(row.after));
                progress.ended.insert(row.row, Outcome::Unchanged { quota: row.after, message });
            } else if now == row.before {
                batch.rows.push(row);
            } else {
                let not = if intended { "sent without a clear answer" } else { "not sent" };
                let who = self.who_set(&row.target, now);
                let message = format!(
                    "{not}: the quota was {} when the change to {} was planned and is {} now; {who} set it",
                    quota_text(row.before),
                    quota_text(row.after),
                    quota_text(now)
                );
                self.settle(progress, &[row.row], &Problem { code: Code::ChangedMeanwhile, message })?;
            }
        }
        Ok(batch)
    }

    /// A server may do what it put off. Where the quota is what was asked for a moment ago, this run did it, and can undo it.
    fn find_done_anyway(&mut self, batch: &Batch, progress: &mut Progress) -> anyhow::Result<()> {
        let is_done = |row: &&PendingWrite| {
            progress.put_off.contains(&row.row)
                && !progress.intended.contains(&row.row) // sent again since
                && progress.quota(&row.target) == Ok(row.after)
        };
        let rows: Vec<usize> = batch.rows.iter().filter(is_done).map(|row| row.row).collect();
        if !rows.is_empty() {
            let (at, answer) = (self.clock.now(), "put off by the server, but done anyway".to_owned());
            let number = self.intend(batch.operation, rows.clone(), progress)?;
            self.journal.append(&Event::Unknown { at, batch: number, answer })?;
            progress.intended.extend(rows);
        }
        Ok(())
    }

    /// Notes what is asked for, and says the number of the batch.
    fn intend(
        &mut self,
        operation: Operation,
        rows: Vec<usize>,
        progress: &mut Progress,
    ) -> anyhow::Result<usize> {
        let batch = progress.next_batch;
        progress.next_batch = batch.saturating_add(1);
        let (at, operation) = (self.clock.now(), operation.as_str().to_owned());
        self.journal.append(&Event::Intent { at, batch, operation, rows })?;
        Ok(batch)
    }

    /// Who set what a quota is now: a run of ours that says so, or somebody else.
    fn who_set(&self, target: &Target, now: Option<Units>) -> String {
        self.others
            .who_set(target, now)
            .map_or_else(|| "somebody else".to_owned(), |run| format!("run {run}"))
    }

    async fn send(
        &mut self,
        batch: Batch,
        queue: &mut VecDeque<Batch>,
        progress: &mut Progress,
    ) -> anyhow::Result<()> {
        let rows: Vec<usize> = batch.rows.iter().map(|row| row.row).collect();
        self.lock.check()?;
        let number = self.intend(batch.operation, rows.clone(), progress)?;
        let new: Vec<usize> = rows.iter().copied().filter(|row| progress.intended.insert(*row)).collect();
        let begun = self.clock.steady();
        let outcome = post(self.client, &batch).await;
        if let Err(error @ Error::NotYet { .. }) = &outcome {
            // Nothing was done. Meanwhile anything may have been: it is looked at again as if it had never been sent.
            let (at, answer) = (self.clock.now(), error.to_string());
            self.journal.append(&Event::NothingDone { at, batch: number, answer, put_off: true })?;
            for row in &new {
                progress.intended.remove(row);
            }
            progress.put_off.extend(new);
            queue.push_front(batch);
            return Ok(());
        }
        if !outcome.as_ref().is_err_and(Error::outcome_unknown) {
            progress.unanswered = Duration::ZERO;
        }
        let posted = PostedBatch { number, begun, batch };
        match outcome {
            Ok(()) => self.on_accepted(posted, progress),
            Err(error) if error.is_refusal() => self.on_refused(posted, &error, queue, progress),
            Err(error) if error.outcome_unknown() => {
                self.on_unanswered(posted, &error, queue, progress).await
            }
            // The server cannot be reached, or is not what answers: nothing more can be written.
            Err(error) => {
                let (at, answer) = (self.clock.now(), error.to_string());
                self.journal.append(&if error.is_nothing_done() {
                    Event::NothingDone { at, batch: number, answer, put_off: false }
                } else {
                    Event::Unknown { at, batch: number, answer }
                })?;
                Err(error).context(GOES_ON)
            }
        }
    }

    fn on_accepted(&mut self, posted: PostedBatch, progress: &mut Progress) -> anyhow::Result<()> {
        let PostedBatch { number, batch, .. } = posted;
        self.journal.append(&Event::Accepted { at: self.clock.now(), batch: number })?;
        progress.accepted += 1;
        for row in &batch.rows {
            progress.causes.remove(&row.row);
        }
        progress.size.on_accepted(batch.half);
        progress.decreased |= batch.decreases();
        let (operation, rows) = (batch.operation.as_str(), batch.rows.len());
        progress.sent.extend(batch.rows.into_iter().map(|row| (row.row, row)));
        let (done, of, budget) = (progress.done_rows(), progress.total, self.client.budget());
        info!(
            batch = number,
            operation,
            rows,
            done,
            of,
            requests = self.client.allowance().sent,
            remaining = budget.remaining,
            "sent"
        );
        Ok(())
    }

    fn on_refused(
        &mut self,
        posted: PostedBatch,
        error: &Error,
        queue: &mut VecDeque<Batch>,
        progress: &mut Progress,
    ) -> anyhow::Result<()> {
        let PostedBatch { number, batch, .. } = posted;
        let (at, operation, rows) = (self.clock.now(), batch.operation.as_str(), batch.rows.len());
        warn!(batch = number, operation, rows, "the server refused a batch");
        self.journal.append(&Event::Refused { at, batch: number, answer: error.to_string() })?;
        let message = error.message_for_row();
        progress.refusals += 1;
        if error.status() == Some(413) {
            progress.size.too_large(rows);
            progress.refuse(batch, &[], message, queue);
        } else {
            progress.size.on_refused();
            progress.refuse(batch, error.fields(), message, queue);
        }
        Ok(())
    }

    async fn on_unanswered(
        &mut self,
        posted: PostedBatch,
        error: &Error,
        queue: &mut VecDeque<Batch>,
        progress: &mut Progress,
    ) -> anyhow::Result<()> {
        let PostedBatch { number, begun, mut batch } = posted;
        let (at, operation, rows) = (self.clock.now(), batch.operation.as_str(), batch.rows.len());
        let answer = error.to_string();
        warn!(batch = number, operation, rows, error = %answer, "the outcome of a batch is unknown: reading back");
        self.journal.append(&Event::Unknown { at, batch: number, answer: answer.clone() })?;
        let (cause, asked) = error.without_answer().unwrap_or_default();
        progress.causes.extend(batch.rows.iter().map(|row| (row.row, cause.to_owned())));
        progress.unanswered += self.clock.steady() - begun;
        progress.size.on_unknown(rows);
        batch.unknown += 1;
        if batch.unknown < MOST_UNKNOWN {
            self.pause(asked.max(Duration::from_secs(1 << batch.unknown))).await?;
            queue.push_front(batch);
        } else {
            progress.refusals += 1;
            if rows == 1 {
                progress.sent.extend(batch.rows.into_iter().map(|row| (row.row, row)));
            } else {
                progress.refuse(batch, &[], answer, queue);
            }
        }
        Ok(())
    }

    async fn pause(&self, duration: Duration) -> anyhow::Result<()> {
        tokio::select! {
            () = tokio::time::sleep(duration) => Ok(()),
            () = self.cancel.cancelled() => anyhow::bail!("{STOPPED}"),
        }
    }

    /// For whoever watches; each batch is read for before it is sent, and all are read back.
    fn show_progress(&self, phase: Phase, progress: &Progress, batches: usize) {
        let done = if phase == Phase::ReadingBack { progress.ended.len() } else { progress.done_rows() };
        self.client.progress().set_phase(phase, Rows { done, total: progress.total }, 2 * batches + 1);
    }

    fn settle(&mut self, progress: &mut Progress, rows: &[usize], problem: &Problem) -> anyhow::Result<()> {
        let (code, message) = (problem.code, problem.message.clone());
        self.journal.append(&Event::Settled { at: self.clock.now(), rows: rows.to_vec(), code, message })?;
        progress.ended.extend(rows.iter().map(|row| (*row, Outcome::Failed(problem.clone()))));
        Ok(())
    }
}
