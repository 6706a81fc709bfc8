//! What was mailed, and what is still to be mailed, as small files in `data.dir`: each mail is made once, also when a crash comes
//! in between.

pub(crate) mod alerts;
pub(super) mod closings;
pub(crate) mod notices;
pub(super) mod own_api;
pub(crate) mod own_files;

use crate::jobs::report_inputs::ReportInputs;
use crate::jobs::state::StateFile;
use crate::mail::Mailer;

/// What a job that reports by mail works with.
#[derive(Clone, Copy)]
pub(crate) struct Reporting<'a> {
    pub inputs: ReportInputs<'a>,
    pub mailer: &'a Mailer,
    pub state: StateFile<'a>,
}
