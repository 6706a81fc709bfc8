//! A run's life, from the dropped file to its answers: parse, plan, guard, wait for a person or for its time, send, read back.
//!
//! ```text
//!             ┌────────▶ scheduled ──────────┐
//!             │              ▲  │            ▼
//! planned ────┼──────────────┼──┼────────▶ applying ────▶ done
//!             │              │  ▼            ▲
//!             └────────────▶ held ───────────┘
//!
//! held, scheduled ──▶ rejected            a person says no, or nobody decides on what is held in time
//! held, scheduled ──▶ stale ──▶ held      approved, but not as things are now; planned again when somebody asks
//! planned, stale ──▶ done                 nothing is to be sent: only planned (`inbox.apply`), or done by others meanwhile
//! all but done ──▶ failed                 its file or its plan cannot be used, and nothing was sent
//! ```
//!
//! [`advance`] brings a run from whatever state it is in as far as it can go, and can be called again after a crash at any
//! point: a state is written down only when everything that belongs to it is on the disk, and with it that its mail is due.
//! What leads to which state is decided here and in `decisions`; how a run comes to each state stands in `transitions`, once.

mod context;
mod decisions;
mod sending;
mod split;
mod transitions;

use tracing::{debug, info};

use self::context::{Planned, RunContext, held_now};
use self::sending::{Approved, approved_guards};
pub(crate) use self::transitions::abandon;
use super::answers;
use super::approvals;
use super::results;
use super::run::Run;
use super::run::journal::Journal;
use super::stored::{DamagedFile, parsed, stored_plan};
use crate::change::codes::{Code, Problem, RunState};
use crate::change::outcome::Outcome;
use crate::change::plan::{PlanRow, Verdict};
use crate::change::services::Services;
use crate::change::summary::RunSummary;
use crate::exit_code::Findings;
use crate::text::words::rows_text;

/// Brings a run as far as it can go. An error leaves it to be taken up again.
pub(crate) async fn advance(services: &Services<'_>, run: &mut Run) -> anyhow::Result<Findings> {
    services.known_files.add(&run.record);
    let advanced = RunContext { services, run: &mut *run }.advance().await;
    services.known_files.add(&run.record);
    if let Err(error) = &advanced
        && !services.cancel.is_cancelled()
        && services.lock.check().is_ok()
    {
        report_interrupted(services, run, error);
    }
    advanced.map(|()| findings(run))
}

/// Tells whoever dropped a file, once, that it was taken and what keeps it from its end.
fn report_interrupted(services: &Services<'_>, run: &mut Run, error: &anyhow::Error) {
    if !run.record.dropped || run.record.answers.is_some() {
        return;
    }
    // What the failed work changed in memory is not to be saved with it.
    let stored = Run::open(services.runs(), &run.record.id).and_then(|mut stored| {
        let mut summary = RunSummary { at: services.now(), ..RunSummary::from_record(&stored.record) };
        summary
            .notes
            .push(format!("It is not finished, and quotakeeper retries it automatically: {error:#}"));
        answers::deliver(services, &mut stored, &summary);
        stored.save()?;
        Ok(stored.record.answers)
    });
    match stored {
        Ok(answers) => run.record.answers = answers,
        Err(error) => {
            debug!(run = %run.record.id, error = format!("{error:#}"), "only the log says what interrupted it");
        }
    }
}

impl RunContext<'_> {
    async fn advance(&mut self) -> anyhow::Result<()> {
        match self.run.record.state {
            // The run that it comes from is still making it.
            RunState::Planned if self.run.record.split_from.is_some() => Ok(()),
            RunState::Planned => self.start().await,
            _ if self.is_stopped()? => {
                info!(run = %self.run.record.id, "waits: nothing is sent while inbox.apply is false");
                Ok(())
            }
            RunState::Applying => self.resume().await,
            RunState::Held => match self.run.decision()? {
                Some(decision) if decision.approve => self.on_approved(&decision).await,
                Some(decision) => self.on_rejected(&decision),
                None => self.on_expired().await,
            },
            RunState::Scheduled => match (self.run.decision()?, self.run.record.approved_by.clone()) {
                (Some(decision), _) => self.on_rejected(&decision),
                _ if self.is_early() || self.is_early_there().await? || self.awaits_next_cycle().await? => {
                    Ok(())
                }
                (None, Some(by)) => self.on_due(by).await,
                (None, None) => self.start().await,
            },
            RunState::Stale => match self.run.decision()? {
                Some(decision) => self.plan_again(&decision).await,
                None => Ok(()),
            },
            RunState::Done | RunState::Failed | RunState::Rejected => Ok(()),
        }
    }

    /// A run that was just made, or whose time has come: reads the file, plans it against what is live now, and sends what no
    /// guard holds.
    async fn start(&mut self) -> anyhow::Result<()> {
        let services = self.services;
        let Some(file) = self.input()? else { return Ok(()) };
        self.run.record.columns.get_or_insert_with(|| services.config.inbox.columns.clone());
        services.known_files.note_same_content(services.runs(), self.run)?;
        let (plan, guarded) = self.plan_first(&file).await?;
        self.keep_plan(&plan)?;

        let pending = plan.pending_rows().count();
        let held = held_now(&plan).count();
        info!(run = %self.run.record.id, rows = plan.rows.len(), pending, held, plan = %plan.sha256, "planned");

        let planned = Planned { file, plan };
        let Planned { file, plan } = &planned;
        if self.is_planned_only() && pending > 0 {
            let message = "planned only: inbox.apply is false";
            let outcomes = plan.pending_rows().map(|row| {
                (row.row, Outcome::Failed(Problem { code: Code::NotSent, message: message.to_owned() }))
            });
            let outcomes = outcomes.collect();
            self.run.record.planned_only = true;
            return self.finish(&planned, &outcomes);
        }
        let waits = split::moment_of_all(plan);
        self.run.record.due = waits.or(self.run.record.due);
        let approved = self.is_approved_by_file(&planned);
        if approved {
            self.run.record.approved_by = Some("a comment row in the file".to_owned());
        }
        let is_held = !approved && plan.held_rows().next().is_some();
        let ineffective = approvals::ineffective_approvals(services, self.run, file, is_held);
        for note in ineffective.into_iter().chain(file.skipped.sentence()).chain(results::note(file)) {
            if !self.run.record.notes.contains(&note) {
                self.run.record.notes.push(note);
            }
        }
        let all_is_held = plan.rows.iter().all(|row| !settles_now(row));
        match waits {
            Some(_) if is_held => return self.hold(planned.plan),
            Some(_) => return self.wait(planned.plan),
            None if held > 0 && is_held && all_is_held => return self.hold(planned.plan),
            None => {}
        }
        if self.run.record.state == RunState::Scheduled && self.run.decision()?.is_some() {
            return Ok(()); // rejected while it was planned
        }
        // From here on the plan is fixed: what a crash cuts off is taken up as it was planned.
        self.run.record.held_as = (held > 0 && is_held).then(|| self.run.record.split_off(services.now()).id);
        let waiting = split::notes(&self.run.record, plan, services.config.schedule.timezone);
        self.run.record.notes.extend(waiting);
        self.begin_to_apply()?;
        let approved = if approved { approved_guards(plan) } else { Approved::new() };
        self.send(&planned, &approved, Some(guarded)).await
    }

    /// A run that was killed while it was sent.
    async fn resume(&mut self) -> anyhow::Result<()> {
        info!(run = %self.run.record.id, "resumed where it was interrupted");
        let file = parsed(self.run, &self.services.config.inbox)?.map_err(|problems| problems.join(" "));
        let plan = match stored_plan(self.run) {
            Err(error) if error.is::<DamagedFile>() => Err(error.to_string()),
            plan => Ok(plan?),
        };
        let past = Journal::read(&self.run.path("journal.jsonl"), &self.run.record.id)?;
        let planned = match (file, plan) {
            (Ok(file), Ok(plan)) => Planned { file, plan },
            (Err(problem), _) | (_, Err(problem)) if past.intended.is_empty() => {
                self.run.record.held_as = None;
                return self.fail(vec![format!("{problem} Nothing was sent.")]);
            }
            // It was readable before: whatever is wrong now, the run is not one of which nothing was sent.
            (Err(problem), _) | (_, Err(problem)) => {
                let sent = rows_text(past.intended.keys().copied(), past.intended.len());
                anyhow::bail!(
                    "{problem} The run sends nothing more, but these rows may have been sent: {sent} of {}. Put the run's folder back \
                     from a backup; or compare these rows with the quotas, move the folder away, and drop what is missing",
                    self.run.record.file
                )
            }
        };
        let is_approved = self.run.record.approved_by.is_some();
        let approved = if is_approved { approved_guards(&planned.plan) } else { Approved::new() };
        self.send(&planned, &approved, None).await
    }

    /// Whether a comment row of a dropped file approves its plan: the hash of all of it, or of what is held.
    fn is_approved_by_file(&self, planned: &Planned) -> bool {
        let Planned { file, plan } = planned;
        let counts = self.services.config.inbox.approvals && self.run.record.dropped;
        if !counts || plan.held_rows().next().is_none() {
            return false;
        }
        let held = plan.restricted_to(&held_now(plan).map(|row| row.row).collect());
        file.approved.iter().any(|hash| *hash == plan.sha256 || *hash == held.sha256)
    }
}

/// It is sent or refused now, or waits as a run of its own: not what a held run is made of.
fn settles_now(row: &PlanRow) -> bool {
    match row.verdict {
        Verdict::Send | Verdict::Refused(_) => true,
        Verdict::Held(_) => row.due.is_some(),
        Verdict::Unchanged(_) => false,
    }
}

/// What a run's state and counts mean for the exit code.
fn findings(run: &Run) -> Findings {
    if run.record.state == RunState::Rejected {
        return Findings::default(); // as a person decided
    }
    let count = |code: Code| run.record.counts.get(code.as_str()).copied().unwrap_or(0);
    let errors: usize = Code::ALL.iter().map(|code| count(*code)).sum();
    // Only planned, as configured. Rows that are not sent because of others are refused with them.
    let by_choice = if run.record.planned_only { count(Code::NotSent) } else { count(Code::Held) };
    Findings {
        failed: run.record.state == RunState::Failed,
        rows: errors > by_choice,
        held: run.record.state == RunState::Held || count(Code::Held) > 0,
    }
}

#[cfg(test)]
mod tests;
