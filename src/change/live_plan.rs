//! A file against what is live now: reads quotas, names and usage, and makes its plan as of this moment.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::explains;
use super::parse::ChangeFile;
use super::plan::{PlanContext, SetByRuns, effective, plan};
use super::{Code, Plan, PlanRow, Services, Verdict};
use crate::collect::Reading;
use crate::domain::quota::OrgId;

/// What else counts for a plan: by default nothing, as for a file that was just typed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Situation<'a> {
    /// The file restores what a run changed.
    pub undo: bool,
    /// When the run is due that waits for its time.
    pub due: Option<DateTime<Utc>>,
    /// Rows that are planned as if they were done.
    pub done: &'a [PlanRow],
}

/// The plan of a file against what is live now. Usage is read of the organizations alone in which something would change.
pub(crate) async fn live_plan(
    services: &Services<'_>,
    file: &ChangeFile,
    situation: &Situation<'_>,
) -> anyhow::Result<Plan> {
    let (config, done) = (services.config, situation.done);
    let rule = config.usage.rule();
    let context = PlanContext {
        undo: situation.undo,
        due: situation.due,
        zone: config.schedule.timezone,
        ..PlanContext::new(&config.guard, config.inbox.mode, &rule)
    };
    let client = services.api.get()?;
    let mut reading = Reading::targets(client, true, services.now()).await?;
    let without_usage = plan(file, &effective::done(reading.snapshot.clone(), done), &context);
    let organizations: BTreeSet<OrgId> = without_usage
        .rows
        .iter()
        .filter(|row| !matches!(row.verdict, Verdict::Unchanged(_)))
        .filter_map(|row| Some(row.target.as_ref()?.org_id.clone()))
        .collect();
    reading.add_usage(client, &organizations, &rule).await?;
    let Reading { snapshot: live, largest_tests: largest } = reading;
    let last_cycle = services.history.last_cycle(&live, &rule)?;
    let is_stale =
        |row: &PlanRow| matches!(&row.verdict, Verdict::Refused(problem) if problem.code == Code::Stale);
    let set_by = if without_usage.rows.iter().any(is_stale) {
        explains::set_since(services.runs(), DateTime::UNIX_EPOCH)
    } else {
        SetByRuns::default()
    };
    let context = PlanContext { largest: &largest, last_cycle: &last_cycle, set_by: &set_by, ..context };
    Ok(plan(file, &effective::done(live, done), &context))
}
