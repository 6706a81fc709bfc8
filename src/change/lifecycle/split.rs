//! Rows that do not go with the rest of their file become runs of their own: those that a guard holds, and those that take
//! effect later.
//!
//! The held rows become `RUN.held`, with their own hash. A file of which all waits for one moment waits itself. Else each
//! moment's rows become a run `RUN.20261201T000000Z`, planned now and again when they are due, and those among them that a
//! guard holds `RUN.20261201T000000Z-held`, so that one doubtful row keeps no other waiting. A crash on the way has each made
//! again, as it was.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::context::{Planned, RunContext, held_now};
use crate::change::codes::RunState;
use crate::change::plan::{Plan, PlanRow, Verdict};
use crate::change::results;
use crate::change::run::id::of_later;
use crate::change::run::{Run, RunRecord};
use crate::files::sha256;
use crate::text::words::{counted, moment_in};

/// What waits together: the moment, and whether a guard holds it.
type Moment = (DateTime<Utc>, bool);

/// The pending rows of a plan that wait, by what they wait for.
fn moments(plan: &Plan) -> BTreeMap<Moment, BTreeSet<usize>> {
    let mut moments: BTreeMap<Moment, BTreeSet<usize>> = BTreeMap::new();
    for row in plan.pending_rows() {
        if let Some(due) = row.due {
            moments.entry((due, row.verdict != Verdict::Send)).or_default().insert(row.row);
        }
    }
    moments
}

/// The moment for which a run waits as a whole: that of every row. A row of another day, also one that changes nothing
/// as things are, would be taken for one of that moment when it comes.
pub(super) fn moment_of_all(plan: &Plan) -> Option<DateTime<Utc>> {
    let moments = moments(plan);
    let (due, _) = *moments.keys().next()?;
    let waits = |row: &PlanRow| row.due == Some(due) && !matches!(row.verdict, Verdict::Refused(_));
    (moments.len() == 1 && plan.rows.iter().all(waits)).then_some(due)
}

/// Says of the rows that wait where they wait.
pub(super) fn notes(run: &RunRecord, plan: &Plan, zone: Tz) -> Vec<String> {
    let note = |((due, held), rows): (Moment, BTreeSet<usize>)| {
        let time = moment_in(due, zone);
        let id = of_later(&run.id, due, held);
        let (rows, wait) = (counted(rows.len(), "row"), if rows.len() == 1 { "waits" } else { "wait" });
        if held {
            format!("{rows} for {time} {wait} for approval as run {id}.")
        } else {
            format!("{rows} {wait} until {time} as run {id}, and will then be planned and checked again.")
        }
    };
    moments(plan).into_iter().map(note).collect()
}

impl RunContext<'_> {
    /// Makes the run of the held rows, where the run has one.
    pub(super) fn split_off_held(&self, planned: &Planned) -> anyhow::Result<()> {
        if self.run.record.held_as.is_none() {
            return Ok(());
        }
        let rows = held_now(&planned.plan).map(|row| row.row).collect();
        let record = self.run.record.split_off(self.services.now());
        match self.part(record, planned, rows)? {
            Some((mut held, plan)) => self.context_of(&mut held).hold_quietly(plan),
            None => Ok(()),
        }
    }

    /// Makes the runs of the rows that wait; after a crash, those that are missing. They wait as they were planned: what
    /// comes before them in the file may itself wait, and then what is live now says nothing of them.
    pub(super) fn split_off_later(&self, planned: &Planned) -> anyhow::Result<()> {
        for ((due, held), rows) in moments(&planned.plan) {
            let own = &self.run.record;
            let record = RunRecord {
                due: Some(due),
                approved_by: own.approved_by.clone().filter(|_| held),
                ..own.part(of_later(&own.id, due, held), self.services.now())
            };
            let Some((mut waiting, plan)) = self.part(record, planned, rows)? else { continue };
            let mut context = self.context_of(&mut waiting);
            if held && context.run.record.approved_by.is_none() {
                context.hold(plan)?;
            } else {
                context.wait_quietly(plan)?;
            }
        }
        Ok(())
    }

    /// Some rows of a run as a run of their own, as they were planned; none if it was made before. Its state is still to be
    /// written, after all that belongs to it: until then a crash has it made again.
    fn part(
        &self,
        record: RunRecord,
        planned: &Planned,
        rows: BTreeSet<usize>,
    ) -> anyhow::Result<Option<(Run, Plan)>> {
        let mut part = Run::create_as(self.services.runs(), record)?;
        if part.record.state != RunState::Planned {
            return Ok(None);
        }
        let bytes = results::input_csv(&planned.file, &rows);
        part.write("input.csv", &bytes)?;
        part.record.input_sha256 = Some(sha256(&bytes));
        let plan = planned.plan.restricted_to(&rows);
        self.context_of(&mut part).keep_plan(&plan)?;
        part.record.rows = Some(rows.into_iter().collect());
        Ok(Some((part, plan)))
    }

    /// Another run on the same way.
    fn context_of<'r>(&self, run: &'r mut Run) -> RunContext<'r>
    where
        Self: 'r,
    {
        RunContext { services: self.services, run }
    }
}
