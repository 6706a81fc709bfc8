//! Whether the service is well: what `status` says, as a page.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::overview::Problem;
use crate::daemon::status::{self, JobLine, View};
use crate::jobs::report_inputs::ReportInputs;
use crate::mail::Mailer;
use crate::page::{self, PageFrame};
use crate::report::{self, Footer, words};
use crate::text::words::grouped;

#[derive(Debug, Serialize)]
struct Health {
    headline: String,
    problems: Vec<Problem>,
    jobs: Vec<Job>,
    facts: Vec<Fact>,
    imprint: Footer,
}

#[derive(Debug, Serialize)]
struct Job {
    name: &'static str,
    /// Empty before the first.
    last: String,
    took: String,
    /// Empty where it does not fail.
    failing_since: String,
    next: String,
    note: String,
}

#[derive(Debug, Serialize)]
struct Fact {
    name: &'static str,
    value: String,
    is_bad: bool,
}

pub(super) fn page(
    inputs: &ReportInputs<'_>,
    mailer: &Mailer,
    live: &PageFrame,
    now: DateTime<Utc>,
) -> anyhow::Result<String> {
    let view = status::status(inputs, mailer, report::advice, now);
    page::plain_page("health.html", &health(view, (&inputs.context(now)).into()), Some(live))
}

/// How many things are wrong.
pub(super) fn count_problems(inputs: &ReportInputs<'_>, mailer: &Mailer, now: DateTime<Utc>) -> usize {
    status::status(inputs, mailer, report::advice, now).problems.len()
}

fn health(view: View, imprint: Footer) -> Health {
    let mut headline = match view.problems.len() {
        0 => "All is well".to_owned(),
        1 => "1 thing is wrong".to_owned(),
        several => format!("{several} things are wrong"),
    };
    if view.snapshots == 0 {
        headline += "; no snapshot has been taken yet"; // why this is shown for every view
    }
    let facts = facts(&view);
    let jobs = view.jobs.into_iter().map(|job| line(job, view.zone)).collect();
    Health {
        headline,
        problems: view.problems.into_iter().map(Problem::from).collect(),
        jobs,
        facts,
        imprint,
    }
}

fn line(job: JobLine, zone: chrono_tz::Tz) -> Job {
    let at = |at: Option<DateTime<Utc>>| at.map_or_else(String::new, |at| words::moment(at, zone));
    Job {
        name: job.job,
        last: at(job.last_success),
        took: job.last_duration(),
        failing_since: at(job.failing_since),
        next: match job.next {
            _ if job.due => "due now".to_owned(),
            Some(_) if job.on_arrival => "when a file is dropped".to_owned(),
            Some(next) => words::moment(next, zone),
            None => "off".to_owned(),
        },
        note: job.note,
    }
}

fn facts(view: &View) -> Vec<Fact> {
    let mail = &view.mail;
    let mut facts = vec![
        Fact { name: "Mails that wait to be sent", value: words::number(mail.waiting), is_bad: false },
        Fact { name: "Mails that could not be sent", value: words::number(mail.dead), is_bad: mail.dead > 0 },
        Fact { name: "API", value: view.api.clone(), is_bad: false },
    ];
    if let Some(rate) = &view.rate {
        facts.push(Fact {
            name: "Requests left in this minute",
            value: format!("{} of {}", grouped(rate.remaining.into()), grouped(rate.limit.into())),
            is_bad: false,
        });
        facts.push(Fact {
            name: "Requests over the rate limit today",
            value: rate.refused_today.to_string(),
            is_bad: false,
        });
    }
    facts.push(Fact { name: "Snapshots", value: words::number(view.snapshots), is_bad: false });
    if let Some(last) = view.last_snapshot {
        facts.push(Fact { name: "Last snapshot", value: words::moment(last, view.zone), is_bad: false });
    }
    facts
}
