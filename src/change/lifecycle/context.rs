//! A run on its way: with what it needs of the outside, and with its file and its plan as they are now.

use crate::change::live_plan::{Situation, live_plan};
use crate::change::parse::ChangeFile;
use crate::change::run::Run;
use crate::change::stored::{Damaged, parsed, stored_plan};
use crate::change::{Plan, PlanRow, RunState, Services, results};

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
            Err(error) if error.is::<Damaged>() => {
                self.fail(vec![format!("{error} Nothing was sent: drop the file again.")]).map(|()| None)
            }
            plan => plan.map(Some),
        }
    }

    /// Plans a file against the quotas, names and usage that are live now.
    pub(super) async fn plan_now(&self, file: &ChangeFile) -> anyhow::Result<Plan> {
        let Self { services, run } = self;
        // Rows that were split off an undo are an undo still.
        let root = Run::open(services.runs(), run.record.root())?;
        let is_undo = |hash: String| services.known_files.is_undo(services.runs(), &hash);
        let undo = root.record.input_sha256.map_or(Ok(false), is_undo)?;
        let done = if self.is_early() { self.done_before()? } else { Vec::new() };
        live_plan(services, file, &Situation { undo, due: run.record.due, done: &done }).await
    }

    /// What other rows of the same file will have done by the time that a run is due, if they do it.
    fn done_before(&self) -> anyhow::Result<Vec<PlanRow>> {
        let record = &self.run.record;
        let mut rows = Vec::new();
        for other in Run::all(self.services.runs())?.0 {
            let waits =
                matches!(other.record.state, RunState::Held | RunState::Scheduled | RunState::Applying);
            if waits && other.record.id != record.id && other.record.root() == record.root() {
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
    plan.held().filter(|row| row.due.is_none())
}
