//! What the reports are made from: the history, what changed, what is held. The reports themselves are pure.

use std::path::Path;

use anyhow::Context;
use chrono::{DateTime, Duration, Utc};
use tracing::warn;

use crate::change::run::Run;
use crate::change::summary::story;
use crate::change::{RunState, RunStory};
use crate::collect;
use crate::config::Config;
use crate::domain::forecast::SLOPE_DAYS;
use crate::domain::quota::Snapshot;
use crate::history::History;
use crate::history::{changes, left_out};
use crate::jobs::Job;
use crate::jobs::state::State;
use crate::mail::installation;
use crate::report::{self, ChangesReport, ReportContext, Standing, Trends, UsageInput, UsageReport, Week};
use crate::schedule::Missed;
use crate::thousandeyes::LazyClient;

/// Snapshots that a slope is laid through: one for each six hours of a week, however many there are.
const POINTS: i32 = 28;
/// Snapshots that pictures are drawn from. Together with the slope's and the latest at most 120 are opened.
const DRAWN: i32 = 90;

/// Where the figures of reports come from.
#[derive(Clone, Copy)]
pub(crate) struct ReportInputs<'a> {
    pub config: &'a Config,
    pub history: &'a History,
    /// The name of this machine, as mails say it.
    pub instance: &'a str,
}

impl ReportInputs<'_> {
    pub(crate) fn context(&self, now: DateTime<Utc>) -> ReportContext {
        ReportContext {
            now,
            zone: self.config.schedule.timezone,
            instance: installation::name(&self.config.data.dir, self.instance),
            expire: self.config.guard.expire,
        }
    }

    /// The usage report on the latest snapshot.
    pub(crate) fn usage_report(&self, now: DateTime<Utc>) -> anyhow::Result<UsageReport> {
        let latest = self
            .history
            .latest_readable(now)?
            .context("there is no snapshot to report on: `quotakeeper snapshot` takes the first one")?;
        self.usage_report_on(&latest, now)
    }

    /// The usage report for somebody who has no history: on what is live now, and nothing is written.
    pub(crate) async fn usage_report_or_live(
        &self,
        api: &LazyClient,
        now: DateTime<Utc>,
    ) -> anyhow::Result<UsageReport> {
        if !self.history.until(now)?.is_empty() {
            return self.usage_report(now);
        }
        let live =
            collect::take(api.get()?, true, true, &self.config.usage.rule(), now).await?.snapshot.readable();
        self.usage_report_on(&live, now)
    }

    fn usage_report_on(&self, latest: &Snapshot, now: DateTime<Utc>) -> anyhow::Result<UsageReport> {
        let data = &self.config.data.dir;
        // Also for those who only look, where the holder of the lock is about to set a damaged file aside.
        let state = State::read(data, now).unwrap_or_else(|_| State::unusable(data, now));
        let since = state.last_success(Job::UsageReport).unwrap_or(now - Duration::days(1));
        let rule = self.config.usage.rule();
        let all = self.history.until(now)?;
        let week = self.week(latest)?;
        let input = UsageInput {
            latest,
            points: week.points(),
            diffs: &changes::between(data, since, now)?,
            missed: &self.missed_snapshots(&all, since, now),
            held: &held_stories(&self.config.runs_dir())?,
            rule: &rule,
            alerts: &self.config.alerts,
        };
        let mut report = report::usage_report(&input, &self.context(now));
        let mut trends = Trends::new(report.targets_to_draw(), latest, &rule, self.config.schedule.timezone);
        if let Some(since) = trends.since() {
            for at in thinned(&all, since, latest.taken_at, DRAWN) {
                if let Some(snapshot) = self.history.read_or_warn(at) {
                    trends.add(&snapshot);
                }
            }
        }
        trends.add(latest);
        report.draw(&trends);
        Ok(report)
    }

    /// The slots of snapshots since then that none stands for, gap by gap. What lies before the first snapshot is no gap.
    fn missed_snapshots(
        &self,
        all: &[DateTime<Utc>],
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Vec<Missed> {
        let schedule = &self.config.schedule;
        let begin = all.partition_point(|at| *at <= since).saturating_sub(1);
        let taken: Vec<DateTime<Utc>> = all[begin..].iter().copied().chain([now]).collect();
        let gap =
            |pair: &[DateTime<Utc>]| schedule.snapshot.missed(schedule.timezone, Some(pair[0]), pair[1]);
        taken.windows(2).filter_map(gap).collect()
    }

    /// How every target of a snapshot stands, in its order: the figures of the usage report without its words.
    pub(crate) fn standings(&self, latest: &Snapshot, now: DateTime<Utc>) -> anyhow::Result<Vec<Standing>> {
        let rule = self.config.usage.rule();
        let week = self.week(latest)?;
        Ok(report::standings(latest, week.points(), &rule, &self.config.alerts, &self.context(now)).collect())
    }

    /// All changes that snapshots showed after `since`.
    pub(crate) fn changes_report(
        &self,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<ChangesReport> {
        let diffs = changes::between(&self.config.data.dir, since, now)?;
        let latest = self.history.latest_readable(now)?.unwrap_or_else(|| Snapshot::new(now, Vec::new()));
        Ok(report::period_report(&diffs, &latest, &self.config.usage.rule(), since, &self.context(now)))
    }

    /// What snapshots of the week before the latest showed, evenly thinned and read one after the other.
    pub(crate) fn week(&self, latest: &Snapshot) -> anyhow::Result<Week> {
        let from = latest.taken_at - Duration::days(SLOPE_DAYS);
        let week = thinned(&self.history.until(latest.taken_at)?, from, latest.taken_at, POINTS);
        let rule = self.config.usage.rule();
        let mut shown = Week::new(latest, &rule);
        // Nothing is judged where nothing is measured.
        if latest.rows().all(|row| rule.headroom(&row).is_none()) {
            return Ok(shown);
        }
        for at in week {
            let organizations = self.history.organizations(at);
            let added = organizations.and_then(|organizations| shown.add(at, organizations, latest, &rule));
            added.unwrap_or_else(|error| left_out(&error));
        }
        Ok(shown)
    }
}

/// At most `count` moments from `from` until before `to`, evenly in time however densely they lie: the last of each of
/// `count` equal stretches.
fn thinned(all: &[DateTime<Utc>], from: DateTime<Utc>, to: DateTime<Utc>, count: i32) -> Vec<DateTime<Utc>> {
    let stretch = ((to - from) / count).num_seconds().max(1);
    let inside = all.iter().copied().filter(|at| from <= *at && *at < to);
    let mut kept: Vec<DateTime<Utc>> = Vec::new();
    for at in inside {
        let stretch_of = |at: DateTime<Utc>| ((at - from).num_seconds() / stretch).min(i64::from(count) - 1);
        match kept.last_mut() {
            Some(last) if stretch_of(*last) == stretch_of(at) => *last = at,
            _ => kept.push(at),
        }
    }
    kept
}

/// The runs that wait for a person. One that cannot be read is logged, and hides no other.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_long_the_history_few_snapshots_are_opened_and_they_lie_evenly() {
        let to: DateTime<Utc> = "2026-11-22T06:00:00Z".parse().unwrap();
        let from = to - Duration::days(60);
        // As retention leaves it: days, then hours; and minutes, which somebody asked for.
        let days = (7..400).rev().map(|days| to - Duration::days(days));
        let minutes = (0..7 * 24 * 60).rev().map(|minutes| to - Duration::minutes(minutes));
        let all: Vec<_> = days.chain(minutes).collect();
        let kept = thinned(&all, from, to, DRAWN);
        assert!((60..=90).contains(&kept.len()), "{}", kept.len());
        assert!(kept.is_sorted() && from <= kept[0] && *kept.last().unwrap() == to - Duration::minutes(1));
        assert!(kept.windows(2).all(|pair| pair[1] - pair[0] <= Duration::hours(48)), "{kept:?}");
        assert!(thinned(&[], from, to, DRAWN).is_empty());
    }
}
