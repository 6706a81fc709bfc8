//! Gathers what the reports are made from: the history, what changed, what is held. The reports themselves are pure.

use std::path::Path;

use anyhow::Context;
use chrono::{DateTime, Duration, Utc};
use tracing::warn;

use crate::app::App;
use crate::change::run::Run;
use crate::change::story::story;
use crate::change::{RunState, RunStory};
use crate::history::changes;
use crate::job::Job;
use crate::quota::Snapshot;
use crate::report::{self, ChangesReport, Edition, UsageInput, UsageReport};
use crate::snapshot;
use crate::state::State;

/// Snapshots that a slope is drawn through: one for each six hours of a week, however many there are.
const POINTS: usize = 28;

impl App {
    pub(crate) fn edition(&self, now: DateTime<Utc>) -> Edition {
        Edition {
            now,
            zone: self.config.schedule.timezone,
            instance: self.instance.clone(),
            expire: self.config.guard.expire,
        }
    }

    /// The usage report on the latest snapshot.
    pub(crate) fn usage_report(&self, now: DateTime<Utc>) -> anyhow::Result<UsageReport> {
        let latest = self
            .latest(now)?
            .context("there is no snapshot to report on: `quotakeeper snapshot` takes the first one")?;
        self.usage_report_on(&latest, now)
    }

    /// The usage report for somebody who has no history: on what is live now, and nothing is written.
    pub(crate) async fn usage_report_or_live(&self, now: DateTime<Utc>) -> anyhow::Result<UsageReport> {
        if !self.history.until(now)?.is_empty() {
            return self.usage_report(now);
        }
        let live = snapshot::take(self.client()?, true, true, now).await?;
        self.usage_report_on(&live, now)
    }

    fn latest(&self, now: DateTime<Utc>) -> anyhow::Result<Option<Snapshot>> {
        self.history.until(now)?.last().map(|at| self.history.read(*at)).transpose()
    }

    fn usage_report_on(&self, latest: &Snapshot, now: DateTime<Utc>) -> anyhow::Result<UsageReport> {
        let data = &self.config.data.dir;
        let since = State::load(data)?.last_success(Job::UsageReport).unwrap_or(now - Duration::days(1));
        let input = UsageInput {
            latest,
            earlier: &self.earlier(latest)?,
            diffs: &changes::since(data, since)?,
            held: &held_stories(&self.runs())?,
            rule: &self.config.usage.rule(),
            alerts: &self.config.alerts,
        };
        Ok(report::usage_report(&input, &self.edition(now)))
    }

    /// All changes that snapshots showed after `since`.
    pub(crate) fn changes_report(
        &self,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<ChangesReport> {
        let diffs = changes::since(&self.config.data.dir, since)?;
        let latest = self.latest(now)?.unwrap_or_else(|| Snapshot::new(now, Vec::new()));
        Ok(report::period_report(&diffs, &latest, &self.config.usage.rule(), since, &self.edition(now)))
    }

    /// Snapshots of the week before the latest, evenly thinned; a damaged one is a point less, not a report less.
    fn earlier(&self, latest: &Snapshot) -> anyhow::Result<Vec<Snapshot>> {
        let from = latest.taken_at - Duration::days(7);
        let all = self.history.list()?;
        let week: Vec<_> = all.into_iter().filter(|at| from <= *at && *at < latest.taken_at).collect();
        let step = week.len().div_ceil(POINTS).max(1);
        let read = |at| match self.history.read(at) {
            Ok(snapshot) => Some(snapshot),
            Err(error) => {
                warn!(error = format!("{error:#}"), "a snapshot is left out of the report");
                None
            }
        };
        Ok(week.into_iter().step_by(step).filter_map(read).collect())
    }
}

/// The runs that wait for a person. One that cannot be read is told in the log, and hides no other.
pub(crate) fn held_stories(runs: &Path) -> anyhow::Result<Vec<RunStory>> {
    let held = Run::all(runs)?.0.into_iter().filter(|run| run.record.state == RunState::Held);
    let told = |run: Run| match story(&run) {
        Ok(story) => Some(story),
        Err(error) => {
            warn!(run = %run.record.id, error = format!("{error:#}"), "a held run cannot be read");
            None
        }
    };
    Ok(held.filter_map(told).collect())
}
