//! What `status` shows, as plain data: what was observed in, the view out, which text and JSON are both made of. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::observed::{Observed, ObservedJob, OwedAnswers, WaitingRun};
use super::problems::{Problem, problems};
use super::words::{bytes, duration};
use crate::files::lock::Holder;
use crate::jobs::Job;
use crate::report::QuotaStatus;
use crate::schedule::{Expression, Missed};

/// `once` may come from a timer that rings more rarely than the inbox is to be looked into.
const PATIENCE: TimeDelta = TimeDelta::minutes(70);

/// The daemon is there at each slot.
const DAEMONS_PATIENCE: TimeDelta = TimeDelta::minutes(20);

/// So long a gap is shown.
const GAP_SHOWN: TimeDelta = TimeDelta::days(7);

/// The screen.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct View {
    pub version: &'static str,
    pub instance: String,
    pub api: String,
    #[serde(skip)]
    pub now: DateTime<Utc>,
    #[serde(skip)]
    pub zone: Tz,
    pub running: Option<Holder>,
    pub well: bool,
    #[serde(rename = "troubles")]
    pub problems: Vec<Problem>,
    pub jobs: Vec<JobLine>,
    pub snapshots: usize,
    pub last_snapshot: Option<DateTime<Utc>>,
    pub rate: Option<Rate>,
    pub held: Vec<WaitingRun>,
    pub scheduled: Vec<WaitingRun>,
    pub answers_owed: Vec<OwedAnswers>,
    pub mail: Mail,
    pub nearest: Vec<QuotaStatus>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct JobLine {
    pub job: &'static str,
    pub last_success: Option<DateTime<Utc>>,
    pub took_ms: Option<u64>,
    pub failing_since: Option<DateTime<Utc>>,
    /// None where it is switched off.
    pub next: Option<DateTime<Utc>>,
    pub due: bool,
    pub missed: Option<Missed>,
    /// The daemon sees a dropped file at once.
    #[serde(skip)]
    pub on_arrival: bool,
    #[serde(skip)]
    pub note: String,
}

impl JobLine {
    /// How long it took last, such as `0.3 s`; empty before the first time.
    pub(crate) fn last_duration(&self) -> String {
        self.took_ms.map_or_else(String::new, duration)
    }
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Mail {
    pub waiting: usize,
    pub dead: usize,
    /// Those whose record cannot be read.
    pub unreadable: usize,
    pub mistakes_in_routes_file: usize,
}

/// The rate budget as the last answer showed it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Rate {
    pub limit: u32,
    pub remaining: u32,
    pub seen: DateTime<Utc>,
    pub refused_today: u64,
}

/// The first slot after the last success, if it was missed for longer than the job's period and some patience.
pub(crate) fn late_since(
    schedule: &Expression,
    zone: Tz,
    last_success: DateTime<Utc>,
    is_daemon: bool,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let missed = schedule.next(zone, last_success)?;
    let period = schedule.next(zone, missed)? - missed;
    let patience = if is_daemon { DAEMONS_PATIENCE } else { period.max(PATIENCE) };
    (now - missed > patience).then_some(missed)
}

pub(crate) fn view(observed: Observed) -> View {
    let problems = problems(&observed);
    let jobs = observed.jobs.iter().map(|job| line(job, &observed)).collect();
    View {
        version: env!("CARGO_PKG_VERSION"),
        well: problems.is_empty(),
        problems,
        jobs,
        rate: rate(&observed),
        mail: Mail {
            waiting: observed.unsent.waiting,
            dead: observed.unsent.dead,
            unreadable: observed.unsent.unreadable.len(),
            mistakes_in_routes_file: observed.routes.len(),
        },
        instance: observed.instance,
        api: observed.api,
        now: observed.now,
        zone: observed.zone,
        running: observed.running,
        snapshots: observed.snapshots,
        last_snapshot: observed.last_snapshot,
        held: observed.held,
        scheduled: observed.scheduled,
        answers_owed: observed.owed,
        nearest: observed.nearest,
    }
}

fn rate(observed: &Observed) -> Option<Rate> {
    let seen = observed.api_seen?;
    let today = observed.now.with_timezone(&observed.zone).date_naive();
    Some(Rate {
        limit: seen.limit?,
        remaining: seen.remaining?,
        seen: seen.at,
        refused_today: if seen.day == today { seen.refusals } else { 0 },
    })
}

/// `no mail waits`, or `4 mails wait, 1 was refused`.
fn unsent_mail(observed: &Observed) -> String {
    use crate::report::words::{counted, number};
    let (waiting, dead) = (observed.unsent.waiting, observed.unsent.dead);
    let waiting = match waiting {
        0 => "no mail waits".to_owned(),
        1 => "1 mail waits".to_owned(),
        several => format!("{} wait", counted(several, "mail")),
    };
    match dead {
        0 => waiting,
        1 => format!("{waiting}, 1 was refused"),
        several => format!("{waiting}, {} were refused", number(several)),
    }
}

fn line(job: &ObservedJob, observed: &Observed) -> JobLine {
    use crate::report::words::{counted, moment_in};
    let note = match job.job {
        Job::Snapshot if observed.organizations == 0 => String::new(),
        Job::Snapshot => format!(
            "{}, {}",
            counted(observed.organizations, "organization"),
            counted(observed.account_groups, "account group")
        ),
        Job::Inbox if observed.held.is_empty() => "nothing held".to_owned(),
        Job::Inbox => format!("{} held", counted(observed.held.len(), "run")),
        Job::Outbox => unsent_mail(observed),
        Job::Prune => {
            format!("{}, {}", counted(observed.snapshots, "snapshot"), bytes(observed.snapshot_bytes))
        }
        Job::UsageReport | Job::ChangesReport | Job::ClosingReport | Job::Digest => String::new(),
    };
    let missed = job.missed.filter(|missed| observed.now - missed.last < GAP_SHOWN);
    let gap = missed.map_or_else(String::new, |missed| {
        let Missed { slots, first, last } = missed;
        let since = if last - first < TimeDelta::days(1) {
            String::new()
        } else {
            format!(" from {}", moment_in(first, observed.zone))
        };
        format!("{} missed{since} until {}", counted(slots, "slot"), moment_in(last, observed.zone))
    });
    JobLine {
        job: job.job.name(),
        last_success: job.last.map(|last| last.last_success),
        took_ms: job.last.map(|last| last.took_ms),
        failing_since: job.failing.as_ref().map(|(since, _)| *since),
        next: job.next,
        due: job.due,
        missed: job.missed,
        on_arrival: job.job == Job::Inbox && observed.running.is_some(),
        note: [note, gap].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", "),
    }
}
