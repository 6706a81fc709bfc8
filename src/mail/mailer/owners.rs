//! Mail to the owners of single targets, by `mail.routes_file`. Administrators come first and get everything, whatever that
//! file holds.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use tracing::warn;

use super::super::compose::Attachment;
use super::Mailer;
use crate::domain::diff::{Diff, MadeBy};
use crate::domain::quota::{Snapshot, Target};
use crate::files::durable;
use crate::mail::routes::Routes;
use crate::report::{
    self, AlertInput, ChangesReport, ClosingInput, GatheredFiles, Report, RunNotice, Share,
    alert_report_to_owners, changes_table, closing_report_to_owners, drift_report_to_owners,
    run_report_to_owners, words,
};

/// A row for each of a hundred thousand account groups, with room to spare.
const MOST_BYTES: u64 = 16 << 20;

impl Mailer {
    /// Who owns what, as the file says now, and what is wrong with it; none where no file is named.
    pub(crate) fn routes(&self) -> Option<(Routes, Vec<String>)> {
        let path = self.mail.routes_file.as_ref()?;
        let (routes, problems) = match durable::read(path, MOST_BYTES) {
            Ok(bytes) => Routes::parse(&bytes),
            Err(error) => return Some((Routes::default(), vec![format!("{}: {error}", path.display())])),
        };
        let named = |problem: String| format!("{}: {problem}", path.display());
        Some((routes, problems.into_iter().map(named).collect()))
    }

    /// Who owns what, after a word in the log on what is wrong with the file. Not the sentences: they hold addresses.
    pub(crate) fn warned_of_routes(&self) -> Option<Routes> {
        let (routes, problems) = self.routes()?;
        if !problems.is_empty() {
            warn!(
                mistakes = problems.len(),
                "owners may get no mail: `quotakeeper check` names each mistake in mail.routes_file"
            );
        }
        Some(routes)
    }

    /// What became of so many runs, to the owners of what they change: one mail to each, whatever their number. A run is
    /// looked at again only for those whose targets it touches.
    pub(super) fn runs_to_owners<N: Borrow<RunNotice>>(
        &self,
        count: usize,
        notice: impl Fn(usize) -> N,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        if self.mail.transport.is_off() || self.mail.routes_file.is_none() {
            return Ok(());
        }
        let context = self.context(now);
        let mut touching: BTreeMap<Target, BTreeSet<usize>> = BTreeMap::new();
        for at in 0..count {
            let notice = notice(at);
            let RunNotice { summary, is_for_owners, .. } = notice.borrow();
            for target in report::changed_targets(summary).filter(|_| *is_for_owners) {
                touching.entry(target.clone()).or_default().insert(at);
            }
        }
        self.to_each(touching.keys(), &self.mail.to.changes, |share| {
            let theirs = share.targets.iter().filter_map(|target| touching.get(target)).flatten();
            let mut gathered = GatheredFiles::default();
            for at in theirs.collect::<BTreeSet<_>>() {
                let notice = notice(*at);
                let RunNotice { summary, held, by, .. } = notice.borrow();
                if let Some(report) = run_report_to_owners(summary, held.as_ref(), share, &context) {
                    let by = words::clean(by, 80);
                    gathered.add(ChangesReport { by, ..report }, summary.shown_state());
                }
            }
            gathered.report(&context).map_or(Ok(()), |report| self.changes_to(share, report, now))
        })
    }

    /// What somebody changed outside quotakeeper, to the owners of what was changed.
    pub(crate) fn drift_to_owners(
        &self,
        seen: &Diff,
        latest: &Snapshot,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let context = self.context(now);
        let outside = seen.changes.iter().filter(|change| change.made_by == MadeBy::Outside);
        self.to_each(outside.map(|change| &change.target), &self.mail.to.changes, |share| {
            let report = drift_report_to_owners(seen, latest, &self.rule, share, &context);
            report.map_or(Ok(()), |report| self.changes_to(share, report, now))
        })
    }

    /// What crossed a limit or is back to normal, to the owners of it.
    pub(crate) fn alerts_to_owners(&self, input: &AlertInput<'_>, now: DateTime<Utc>) -> anyhow::Result<()> {
        let context = self.context(now);
        self.to_each(input.news.iter().map(|news| &news.target), &self.mail.to.alerts, |share| {
            let report = alert_report_to_owners(input, share, &context);
            report.map_or(Ok(()), |report| {
                self.send(&Report::Alerts(Box::new(report)), &share.recipients, Vec::new(), now)
            })
        })
    }

    /// What was used in the billing cycles that closed, to the owners of it.
    pub(crate) fn closing_to_owners(
        &self,
        input: &ClosingInput<'_>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let context = self.context(now);
        let targets: Vec<Target> = input.closed.iter().flat_map(report::seen_targets).collect();
        self.to_each(targets.iter(), &self.mail.to.usage, |share| {
            let Some(report) = closing_report_to_owners(input, share, &context) else { return Ok(()) };
            self.send_closing(report, &share.recipients, now)
        })
    }

    fn changes_to(&self, share: &Share, mut report: ChangesReport, now: DateTime<Utc>) -> anyhow::Result<()> {
        let table = (!report.table.is_empty()).then(|| changes_table(&report, report::ATTACHED));
        let table =
            table.filter(|table| table.is_whole).map(|table| Attachment::csv(&report.table, table.bytes));
        if table.is_none() {
            // Its mail says of more rows that they are in it.
            report.table.clear();
        }
        self.send(&Report::Changes(Box::new(report)), &share.recipients, Vec::from_iter(table), now)
    }

    /// A message for each share of these targets, except to those who get everything. One that cannot be queued keeps no
    /// other from it; the first such error is returned.
    fn to_each<'t>(
        &self,
        targets: impl Iterator<Item = &'t Target>,
        told_anyway: &[String],
        tell: impl Fn(&Share) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        if self.mail.transport.is_off() {
            return Ok(());
        }
        let Some(routes) = self.warned_of_routes() else { return Ok(()) };
        let shares = routes.split_by_owners(targets, told_anyway);
        let errors = shares.iter().filter_map(|share| tell(share).err());
        // All of them are tried before the first is reported.
        errors.reduce(|first, _| first).map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests;
