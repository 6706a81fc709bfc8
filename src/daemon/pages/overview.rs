//! What the first page says beside the figures: what is wrong, and what is scheduled.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::daemon::status;
use crate::jobs::report_inputs::ReportInputs;
use crate::mail::Mailer;
use crate::report::{self, words};

#[derive(Debug, Serialize)]
pub(super) struct CurrentState {
    problems: Vec<Problem>,
    scheduled: Vec<ScheduledRun>,
}

/// Something that is wrong.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    what: String,
    fix: Option<String>,
}

/// A run that waits for its time.
#[derive(Debug, Serialize)]
struct ScheduledRun {
    run: String,
    file: String,
    rows: usize,
    /// Empty where it is not known.
    due: String,
}

impl From<status::Problem> for Problem {
    fn from(status::Problem { what, fix }: status::Problem) -> Self {
        Self { what, fix }
    }
}

impl CurrentState {
    pub(super) fn new(inputs: &ReportInputs<'_>, mailer: &Mailer, now: DateTime<Utc>) -> Self {
        let view = status::status(inputs, mailer, report::advice, now);
        let scheduled = view.scheduled.into_iter().map(|waiting| ScheduledRun {
            run: waiting.run,
            file: words::clean(&waiting.file, 60),
            rows: waiting.rows,
            due: waiting.due.map_or_else(String::new, |due| words::moment(due, view.zone)),
        });
        Self {
            scheduled: scheduled.collect(),
            problems: view.problems.into_iter().map(Problem::from).collect(),
        }
    }
}
