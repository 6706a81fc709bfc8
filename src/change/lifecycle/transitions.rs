//! How a run comes to each of its states, each way once: one result for each row, the answers for whoever dropped the file, and
//! that a mail is due.
//!
//! The state comes last: a crash before it repeats what belongs to it, and never loses it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use tracing::{info, warn};

use super::context::{Planned, RunContext};
use crate::change::answers;
use crate::change::codes::{Code, Problem, RunState};
use crate::change::outcome::{Outcome, RowResult};
use crate::change::plan::{Plan, PlanRow, Verdict};
use crate::change::results;
use crate::change::run::id::of_later;
use crate::change::run::{Decision, Run};
use crate::change::stored::parsed;
use crate::change::summary::{RunSummary, summarize};
use crate::files::sha256;

/// How each row ended that was to be sent.
type Outcomes = BTreeMap<usize, Outcome>;

impl RunContext<'_> {
    /// A guard holds all of it until a person decides.
    pub(super) fn hold(&mut self, plan: Plan) -> anyhow::Result<()> {
        info!(run = %self.run.record.id, "held for approval");
        self.settle(RunState::Held, plan, Vec::new())
    }

    /// The same for rows that were split off: the mail of the run that they come from lists them. One file, one mail.
    pub(super) fn hold_quietly(&mut self, plan: Plan) -> anyhow::Result<()> {
        let summary = RunSummary { plan, ..summarize(self.run)? };
        self.answer(RunState::Held, summary)
    }

    /// All of it waits for its time.
    pub(super) fn wait(&mut self, plan: Plan) -> anyhow::Result<()> {
        let due = self.run.record.due.map(|due| due.to_rfc3339());
        info!(run = %self.run.record.id, due, "waits for its time");
        self.settle(RunState::Scheduled, plan, Vec::new())
    }

    /// The same for rows that were split off.
    pub(super) fn wait_quietly(&mut self, plan: Plan) -> anyhow::Result<()> {
        let summary = RunSummary { plan, ..summarize(self.run)? };
        self.answer(RunState::Scheduled, summary)
    }

    /// From here on it is sent, or taken up again.
    pub(super) fn begin_to_apply(&mut self) -> anyhow::Result<()> {
        self.run.set_state(RunState::Applying, self.services.now())
    }

    /// Every row has its result.
    pub(super) fn finish(&mut self, planned: &Planned, outcomes: &Outcomes) -> anyhow::Result<()> {
        let results = self.write_results(planned, outcomes)?;
        info!(run = %self.run.record.id, counts = ?self.run.record.counts, "done");
        self.settle(RunState::Done, planned.plan.clone(), results)
    }

    /// Nothing of it is sent, because of this decision.
    pub(super) fn reject(&mut self, planned: &Planned, decision: &Decision) -> anyhow::Result<()> {
        let why = decision.why_rejected();
        self.run.record.expired_after.clone_from(&decision.expired_after);
        let problem = Problem { code: Code::Rejected, message: format!("not sent. {why}") };
        self.run.record.notes = vec![why];
        self.close(RunState::Rejected, planned, &problem)
    }

    /// It was approved, but what was approved is not what it would do now.
    pub(super) fn go_stale(&mut self, planned: &Planned, moved: Vec<String>) -> anyhow::Result<()> {
        info!(run = %self.run.record.id, "approved, but stale");
        self.run.record.notes = moved;
        self.run.record.decided += 1;
        let message = "not sent: the approval was for a plan that is stale".to_owned();
        self.close(RunState::Stale, planned, &Problem { code: Code::Stale, message })
    }

    /// Its file or its plan cannot be used, for these reasons, and nothing was sent.
    pub(super) fn fail(&mut self, reasons: Vec<String>) -> anyhow::Result<()> {
        self.run.record.notes = reasons;
        let run = &self.run.record;
        warn!(run = %run.id, problems = run.notes.len(), "the file cannot be used");
        self.settle(RunState::Failed, Plan::default(), Vec::new())
    }

    /// It stays in its state, and comes to it now.
    pub(super) fn begin_to_wait_again(&mut self) -> anyhow::Result<()> {
        self.run.set_state(self.run.record.state, self.services.now())
    }

    /// Ends a run whose pending rows all fall for one reason.
    fn close(&mut self, state: RunState, planned: &Planned, problem: &Problem) -> anyhow::Result<()> {
        let pending = planned.plan.pending_rows();
        let outcomes = pending.map(|row| (row.row, Outcome::Failed(problem.clone()))).collect();
        let results = self.write_results(planned, &outcomes)?;
        self.settle(state, planned.plan.clone(), results)
    }

    /// Writes the answers of a state, then the state itself and that a mail about it is due: so a crash repeats, and never
    /// loses them.
    fn settle(&mut self, state: RunState, plan: Plan, results: Vec<RowResult>) -> anyhow::Result<()> {
        self.note_written_since();
        let file = parsed(self.run, &self.services.config.inbox)?;
        let summary = RunSummary {
            at: self.services.now(),
            plan,
            results,
            carried: file.map(|file| file.extra_cells()).unwrap_or_default(),
            ..RunSummary::from_record(&self.run.record)
        };
        self.run.record.mail_due = true;
        self.answer(state, summary)
    }

    /// Puts the answers where the dropper looks, then writes the state.
    fn answer(&mut self, state: RunState, summary: RunSummary) -> anyhow::Result<()> {
        if self.run.record.dropped {
            answers::deliver(self.services, self.run, &RunSummary { state, ..summary });
        }
        self.run.set_state(state, self.services.now())?;
        if self.run.record.claimed.is_some()
            && let Err(error) = self.services.inbox.open().and_then(|inbox| inbox.release(self.run))
        {
            let error = format!("{error:#}");
            warn!(run = %self.run.record.id, error, "the claimed file stays in the inbox until the next pass");
        }
        Ok(())
    }

    /// The file that the run was made of may have been written on since; the run goes on with what was read.
    fn note_written_since(&mut self) {
        if self.run.record.claimed.is_none() {
            return;
        }
        match self.services.inbox.open().and_then(|inbox| inbox.written_since(self.run)) {
            Ok(Some(note)) => self.run.record.notes.push(note),
            Ok(None) => {}
            Err(error) => {
                let error = format!("{error:#}");
                warn!(run = %self.run.record.id, error, "it is not known whether the file was changed after it was taken");
            }
        }
    }

    /// Writes the results and their counts, and what undoes them.
    fn write_results(&mut self, planned: &Planned, outcomes: &Outcomes) -> anyhow::Result<Vec<RowResult>> {
        let Planned { file, plan } = planned;
        let results = row_results(self.run, plan, outcomes);
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut applied = false;
        for result in &results {
            let word = match &result.outcome {
                Outcome::Applied { .. } => "applied",
                Outcome::Unchanged { .. } => "unchanged",
                Outcome::Scheduled { .. } => "scheduled",
                Outcome::Failed(problem) => problem.code.as_str(),
            };
            applied |= matches!(result.outcome, Outcome::Applied { .. });
            *counts.entry(word.to_owned()).or_default() += 1;
        }
        self.run.record.counts = counts;
        self.run.write("success.csv", &results::success_csv(file, &results))?;
        self.run.write("error.csv", &results::error_csv(file, &results))?;
        if applied {
            let undo = results::undo_csv(plan, &results);
            self.run.write("undo.csv", &undo)?;
            self.run.record.undo_sha256 = Some(sha256(&undo));
        }
        Ok(results)
    }
}

/// Ends a run of which nothing was sent, and nothing will be: whoever typed it is there to read why, and to type it again.
pub(crate) fn abandon(run: &mut Run, why: String, now: DateTime<Utc>) -> anyhow::Result<()> {
    run.record.notes = vec![why];
    run.set_state(RunState::Failed, now)
}

/// One result for each row of the file.
fn row_results(run: &Run, plan: &Plan, outcomes: &Outcomes) -> Vec<RowResult> {
    let outcome = |row: &PlanRow| match (&row.verdict, outcomes.get(&row.row)) {
        (Verdict::Unchanged(why), _) => {
            Outcome::Unchanged { quota: row.before, message: why.message(row.before) }
        }
        (Verdict::Refused(problem), _) => Outcome::Failed(problem.clone()),
        (_, Some(outcome)) => outcome.clone(),
        (Verdict::Held(tripped), None) => {
            let why: Vec<&str> = tripped.iter().map(|tripped| tripped.message.as_str()).collect();
            let later = row
                .due
                .filter(|due| run.record.due != Some(*due))
                .map(|due| of_later(&run.record.id, due, true));
            let id = later.as_ref().or(run.record.held_as.as_ref()).unwrap_or(&run.record.id);
            let message = format!("waits for approval as run {id}: {}", why.join("; "));
            Outcome::Failed(Problem { code: Code::Held, message })
        }
        (Verdict::Send, None) if row.due.is_some() => {
            let due = row.due.unwrap_or_default();
            let time = due.format("%Y-%m-%d %H:%M UTC");
            let id = of_later(&run.record.id, due, false);
            let message = format!("waits until {time} as run {id}");
            Outcome::Scheduled { before: row.before, after: row.after, run: Some(id), message }
        }
        (Verdict::Send, None) => {
            Outcome::Failed(Problem { code: Code::NotSent, message: "not sent".to_owned() })
        }
    };
    plan.rows.iter().map(|row| RowResult { row: row.row, outcome: outcome(row) }).collect()
}
