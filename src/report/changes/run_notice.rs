//! The report on one run, independent of its recipients.

use super::{ChangesReport, run_report};
use crate::change::RunSummary;
use crate::report::shared::ReportContext;
use crate::report::shared::words::clean;

/// One run's news. Administrators read all of it, owners what is theirs.
pub(crate) struct RunNotice {
    pub summary: RunSummary,
    /// The run that its held rows were split off into, as long as nobody has decided on it.
    pub held: Option<RunSummary>,
    /// What is attached for administrators: the plan of what waits for a decision, and the rows that are to be corrected.
    pub files: Vec<(&'static str, Vec<u8>)>,
    /// What is only planned changes nothing of the owners'.
    pub is_for_owners: bool,
    /// Who is behind it, as far as that is recorded: see [`crate::change::run::RunRecord::people_text`].
    pub by: String,
}

impl RunNotice {
    /// As administrators read it.
    pub(crate) fn report(&self, context: &ReportContext) -> ChangesReport {
        let report = run_report(&self.summary, self.held.as_ref(), context);
        ChangesReport { by: clean(&self.by, 160), ..report }
    }
}
