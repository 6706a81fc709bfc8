//! A run in progress, with the services that it needs, its file, and its current plan.

use tokio::time::Instant;

use crate::change::codes::RunState;
use crate::change::live_plan::{PlanOptions, live_plan, plan_in_pass};
use crate::change::parse::ChangeFile;
use crate::change::plan::{Plan, PlanRow, Verdict};
use crate::change::results;
use crate::change::run::Run;
use crate::change::services::Services;
use crate::change::stored::{DamagedFile, parsed, stored_plan};

/// A run on its way, with what it needs of the outside.
pub(super) struct RunContext<'a> {
    pub(super) services: &'a Services<'a>,
    pub(super) run: &'a mut Run,
}

/// What a run's file asks for, and what comes of it.
pub(super) struct Planned {
    pub(super) file: ChangeFile,
    pub(super) plan: Plan,
}

impl RunContext<'_> {
    /// Its time has not come.
    pub(super) fn is_early(&self) -> bool {
        self.run.record.is_early(self.services.now())
    }

    /// The run's file; one that cannot be used ends the run, with the reasons.
    pub(super) fn input(&mut self) -> anyhow::Result<Option<ChangeFile>> {
        match parsed(self.run, &self.services.config.inbox)? {
            Ok(file) => Ok(Some(file)),
            Err(problems) => self.fail(problems).map(|()| None),
        }
    }

    /// The plan that the run holds; one that is not what was planned ends the run, of which nothing was sent.
    pub(super) fn held_plan(&mut self) -> anyhow::Result<Option<Plan>> {
        match stored_plan(self.run) {
            Err(error) if error.is::<DamagedFile>() => {
                self.fail(vec![format!("{error} Nothing was sent: drop the file again.")]).map(|()| None)
            }
            plan => plan.map(Some),
        }
    }

    /// Plans a file against the quotas, names and usage that are live now.
    pub(super) async fn plan_now(&self, file: &ChangeFile) -> anyhow::Result<Plan> {
        let done = self.done_before()?;
        live_plan(self.services, file, &self.options(&done)?).await
    }

    /// The same, where what was read for another file of this pass serves as well: nothing is sent from it. Also when it was read.
    pub(super) async fn plan_first(&self, file: &ChangeFile) -> anyhow::Result<(Plan, Instant)> {
        let done = self.done_before()?;
        let is_sent = |row: &PlanRow| row.due.is_none() && row.verdict == Verdict::Send;
        let is_sent = |plan: &Plan| {
            !self.is_planned_only() && (!file.approved.is_empty() || plan.rows.iter().any(is_sent))
        };
        plan_in_pass(self.services, file, &self.options(&done)?, is_sent).await
    }

    /// Nothing that is dropped is sent, as configured.
    pub(super) fn is_planned_only(&self) -> bool {
        self.run.record.dropped && !self.services.config.inbox.apply
    }

    /// What is left of it is to be sent, and nothing is, as configured: it waits as it is.
    pub(super) fn is_stopped(&self) -> anyhow::Result<bool> {
        let is_to_be_sent = match self.run.record.state {
            RunState::Applying => true,
            RunState::Held => self.run.decision()?.is_some_and(|decision| decision.approve),
            RunState::Scheduled => self.run.record.approved_by.is_some() && self.run.decision()?.is_none(),
            _ => false,
        };
        Ok(is_to_be_sent && self.is_planned_only())
    }

    fn options<'d>(&self, assumed_done: &'d [PlanRow]) -> anyhow::Result<PlanOptions<'d>> {
        let Self { services, run } = self;
        // Rows that were split off an undo are an undo still.
        let root = Run::open(services.runs(), run.record.root_id())?;
        let is_undo = |hash: String| services.known_files.is_undo(services.runs(), &hash);
        let undo = root.record.input_sha256.map_or(Ok(false), is_undo)?;
        Ok(PlanOptions { undo, due: run.record.due, assumed_done })
    }

    /// What other rows of the same file will have done by the time that a run is due, if they do it.
    fn done_before(&self) -> anyhow::Result<Vec<PlanRow>> {
        if !self.is_early() {
            return Ok(Vec::new());
        }
        let record = &self.run.record;
        let mut rows = Vec::new();
        for other in Run::list_unfinished(self.services.runs())?.runs {
            let waits =
                matches!(other.record.state, RunState::Held | RunState::Scheduled | RunState::Applying);
            if waits && other.record.id != record.id && other.record.root_id() == record.root_id() {
                rows.extend(stored_plan(&other)?.rows.into_iter().filter(|row| row.due < record.due));
            }
        }
        rows.sort_by_key(|row| row.due);
        Ok(rows)
    }

    /// Writes the plan beside the file; the record, which the caller saves, names it.
    pub(super) fn keep_plan(&mut self, plan: &Plan) -> anyhow::Result<()> {
        self.run.write_plan(&results::plan_csv(plan))?;
        self.run.record.plan_sha256 = Some(plan.sha256.clone());
        Ok(())
    }
}

/// The rows that a guard holds and that would be sent now.
pub(super) fn held_now(plan: &Plan) -> impl Iterator<Item = &PlanRow> {
    plan.held_rows().filter(|row| row.due.is_none())
}
