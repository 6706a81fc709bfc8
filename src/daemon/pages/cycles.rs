//! The billing cycles that closed, or when the first one will.

use chrono::{DateTime, Utc};

use super::message::{Link, Message};
use crate::domain::quota::Snapshot;
use crate::jobs::closing_report::{LastClosings, last_closings};
use crate::jobs::report_inputs::ReportInputs;
use crate::page::{self, PageFrame};
use crate::report::words;

pub(super) fn page(
    inputs: &ReportInputs<'_>,
    latest: &Snapshot,
    live: &PageFrame,
    now: DateTime<Utc>,
) -> anyhow::Result<String> {
    let context = inputs.context(now);
    let day = |at: DateTime<Utc>| words::day(at, context.zone);
    let message = match last_closings(inputs, latest, now)? {
        LastClosings::Report(report) => return page::plain_page("cycles.html", &report, Some(live)),
        LastClosings::NoCycle => Message {
            headline: "No billing cycle is known yet",
            text: "The latest snapshot shows no usage, and so no billing cycle. Once a snapshot does, this page says when the \
                   first cycle closes."
                .to_owned(),
            link: Link { href: "/health", label: "Why usage is unknown" },
            imprint: (&context).into(),
        },
        LastClosings::NoneClosed(next) => Message {
            headline: "No billing cycle has closed yet",
            text: match (inputs.history.until(now)?.first(), next) {
                (Some(first), Some((end, name))) => format!(
                    "The first snapshot is of {}. The cycle of {name} closes on {}; its result is shown here from then on.",
                    day(*first),
                    day(end)
                ),
                _ => "The next snapshot shows whether a cycle closed.".to_owned(),
            },
            link: Link { href: "/", label: "Current cycles" },
            imprint: (&context).into(),
        },
    };
    page::plain_page("message.html", &message, Some(live))
}
