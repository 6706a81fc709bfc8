//! Alerts with their record: judges what snapshots show, queues the mails, and only then writes `alerts.json`.
//!
//! A crash in between makes the same mail again, which the outbox recognizes. What is told is decided in `report::alert`.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use tracing::{info, warn};

use crate::app::App;
use crate::files::remembered;
use crate::history::changes;
use crate::largest::LargestTests;
use crate::quota::Snapshot;
use crate::report::{AlertInput, Audience, Occasion, Record, Seen, judge};

/// Snapshots that are judged afterwards, if the record could not be written for so long.
const CATCH_UP: usize = 24;

impl App {
    /// Judges every snapshot that was not judged yet, and mails what became critical. `largest` are those of the latest.
    pub(crate) fn tell_critical(&self, largest: &LargestTests, now: DateTime<Utc>) -> anyhow::Result<()> {
        let path = path(&self.config.data.dir);
        let mut record = load(&path)?;
        let all = self.history.until(now)?;
        let (judged, fresh) = all.split_at(first_to_judge(&all, record.judged));
        let read = |at: &DateTime<Utc>| match self.history.read(*at) {
            Ok(snapshot) => Some(snapshot),
            Err(error) => {
                warn!(error = format!("{error:#}"), "a snapshot is left out of the alerts");
                None
            }
        };
        let mut earlier: Option<Snapshot> = judged.iter().rev().find_map(read);
        for latest in fresh.iter().filter_map(read) {
            let week = self.earlier(&latest)?;
            let since = earlier.as_ref().map_or(latest.taken_at, |earlier| earlier.taken_at);
            let seen = Seen {
                earlier: earlier.as_ref(),
                latest: &latest,
                week: &week,
                diffs: &changes::since(&self.config.data.dir, since)?,
                rule: &self.config.usage.rule(),
                alerts: &self.config.alerts,
                largest,
            };
            record = judge(&seen, record, &self.edition(now));
            record = self.tell(Occasion::Snapshot, record, &latest, &week, now)?;
            remembered::save(&path, &record)?;
            earlier = Some(latest);
        }
        Ok(())
    }

    /// Mails what waits for the daily digest; nothing where nothing does.
    pub(crate) fn tell_digest(&self, now: DateTime<Utc>) -> anyhow::Result<()> {
        let path = path(&self.config.data.dir);
        let record = load(&path)?;
        let Some(latest) = self.latest(now)? else { return Ok(()) };
        let week = self.earlier(&latest)?;
        let told = self.tell(Occasion::Digest, record.clone(), &latest, &week, now)?;
        if told == record {
            info!("no warning since the last digest: no mail");
            return Ok(());
        }
        remembered::save(&path, &told)
    }

    /// Queues the mail of an occasion, if there is one, and returns the record of when it was told.
    fn tell(
        &self,
        occasion: Occasion,
        record: Record,
        latest: &Snapshot,
        week: &[Snapshot],
        now: DateTime<Utc>,
    ) -> anyhow::Result<Record> {
        let (news, told) = record.due(occasion, latest);
        if news.is_empty() {
            return Ok(record);
        }
        let input = AlertInput {
            occasion,
            news: &news,
            latest,
            week,
            rule: &self.config.usage.rule(),
            alerts: &self.config.alerts,
            guards: &self.config.guard,
            audience: Audience::Administrators,
        };
        self.mailer.alerts(&input, now)?;
        self.mailer.alerts_to_owners(&input, now)?;
        Ok(told)
    }
}

/// Where in the history those begin that are not judged yet; the latest always is one. Without a record the one before it is
/// the baseline.
fn first_to_judge(all: &[DateTime<Utc>], judged: Option<DateTime<Utc>>) -> usize {
    let latest = all.len().saturating_sub(1);
    match judged {
        None => latest.saturating_sub(1),
        Some(judged) => {
            all.partition_point(|at| *at <= judged).max(all.len().saturating_sub(CATCH_UP)).min(latest)
        }
    }
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("alerts.json")
}

fn load(path: &Path) -> anyhow::Result<Record> {
    remembered::load(
        path,
        "alerts begin anew (what is in trouble then is not told of until it gets worse, or its next billing cycle)",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_is_judged_always_and_those_that_were_missed_before_it() {
        let all: Vec<DateTime<Utc>> =
            (0..30).map(|hour| DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(hour)).collect();
        assert_eq!(first_to_judge(&all, None), 28, "without a record the one before is the baseline");
        assert_eq!(first_to_judge(&all[..1], None), 0);
        assert_eq!(first_to_judge(&all, Some(all[28])), 29);
        assert_eq!(first_to_judge(&all, Some(all[20])), 21);
        assert_eq!(first_to_judge(&all, Some(all[0])), 6, "no more than a day is caught up");
        assert_eq!(first_to_judge(&all[..10], Some(all[20])), 9, "a record of the future silences nothing");
        assert_eq!(first_to_judge(&[], None), 0);
    }
}
