//! What mails propose to those who will run out, and what that goes by: also what those used in the previous cycle who could give.

use chrono::{DateTime, Utc};

use super::ReportInputs;
use crate::change::propose::{self, Terms};
use crate::domain::last_cycle::LastCycle;
use crate::domain::quota::Snapshot;
use crate::jobs::report_inputs::scope::Scope;
use crate::report::UsageReport;

impl ReportInputs<'_> {
    /// The usage report on the latest snapshot, as it is mailed.
    pub(crate) fn usage_report(&self, now: DateTime<Utc>) -> anyhow::Result<UsageReport> {
        let (latest, rule) = (self.latest(now)?, self.config.usage.rule());
        let last_cycle = self.last_cycle(&latest)?;
        let terms = Terms { last_cycle: &last_cycle, guards: &self.config.guard, rule: &rule };
        self.usage_report_on(&latest, &Scope::default(), Some(terms), now)
    }

    /// For the organizations alone in which a group lacks something.
    pub(in crate::jobs) fn last_cycle(&self, latest: &Snapshot) -> anyhow::Result<LastCycle> {
        let rule = self.config.usage.rule();
        let lacking = latest.organizations().iter();
        let lacking = lacking.filter(|seen| propose::is_lacking(seen, &self.config.guard, &rule));
        self.history.last_cycle(lacking, &rule)
    }
}
