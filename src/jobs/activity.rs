//! What the process remembers of its own work: which jobs run, how each went since it began, which of them fail.
//!
//! Whoever starts jobs says so (`begin`, `pause`, `end`); the metrics, the heartbeat and systemd's status line follow it by a
//! channel, so that none of them keeps a job waiting.

mod liveness;

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use self::liveness::Liveness;
use crate::jobs::job::Job;

/// The daemon looks at the clock at least each minute.
const LONGEST_SLEEP: Duration = Duration::from_secs(120);

/// How one job went since this process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct JobCounts {
    pub successes: u64,
    pub failures: u64,
    pub busy: Duration,
}

/// What the ends of jobs mean to who waits for a sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeartbeatSignal {
    Success,
    Failure,
}

impl HeartbeatSignal {
    /// What the end of a job is to the daemon's heartbeat, if anything.
    pub(crate) fn after_job(job: Job, success: bool, was_failing: bool, any_fails: bool) -> Option<Self> {
        match (success, any_fails) {
            (false, _) => Some(Self::Failure),
            (true, false) if was_failing || job == Job::Snapshot => Some(Self::Success),
            (true, _) => None,
        }
    }
}

/// What was done, and is being done.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Work {
    /// What runs now, and since when.
    pub running: BTreeMap<Job, Instant>,
    pub tallies: BTreeMap<Job, JobCounts>,
    /// Failed the last time; and since when, with no success since.
    pub failing: BTreeMap<Job, Instant>,
    /// How many beats are due to have been sent, and the last of them.
    pub beats: (u64, Option<HeartbeatSignal>),
}

impl Work {
    /// How many jobs ended.
    pub(crate) fn jobs_ended(&self) -> u64 {
        self.tallies.values().map(|tally| tally.successes + tally.failures).sum()
    }

    /// Takes over how a job ended.
    fn note_end(&mut self, job: Job, success: bool, took: Duration) {
        let tally = self.tallies.entry(job).or_default();
        tally.busy += took;
        let was_failing = if success {
            tally.successes += 1;
            self.failing.remove(&job).is_some()
        } else {
            tally.failures += 1;
            let was_failing = self.failing.contains_key(&job);
            self.failing.entry(job).or_insert_with(Instant::now);
            was_failing
        };
        if let Some(beat) = HeartbeatSignal::after_job(job, success, was_failing, !self.failing.is_empty()) {
            self.beats = (self.beats.0 + 1, Some(beat));
        }
    }
}

/// One for a process.
pub(crate) struct Activity {
    work: watch::Sender<Work>,
    ready: watch::Sender<bool>,
    /// The longest that any job waits for one thing.
    longest_wait: Duration,
    pub liveness: Liveness,
}

impl Activity {
    pub(crate) fn new(longest_wait: Duration) -> Self {
        Self {
            work: watch::Sender::default(),
            ready: watch::Sender::default(),
            longest_wait,
            liveness: Liveness::new(),
        }
    }

    /// The daemon serves its schedules from now on.
    pub(crate) fn set_ready(&self) {
        self.ready.send_replace(true);
    }

    pub(crate) fn begin(&self, job: Job) {
        self.work.send_modify(|work| {
            work.running.insert(job, Instant::now());
        });
    }

    /// A job goes on later: something else comes in between.
    pub(crate) fn pause(&self, job: Job) {
        self.work.send_modify(|work| {
            if let Some(began) = work.running.remove(&job) {
                work.tallies.entry(job).or_default().busy += began.elapsed();
            }
        });
    }

    /// A job ended; one that a signal cut off did not fail.
    pub(crate) fn end(&self, job: Job, success: bool, was_cut_off: bool) {
        self.work.send_modify(|work| {
            let began = work.running.remove(&job);
            if success || !was_cut_off {
                work.note_end(job, success, began.map_or(Duration::ZERO, |began| began.elapsed()));
            }
        });
    }

    pub(crate) fn work(&self) -> Work {
        self.work.borrow().clone()
    }

    pub(crate) fn follow(&self) -> watch::Receiver<Work> {
        self.work.subscribe()
    }

    pub(crate) fn readiness(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }

    /// For how long the loop has been stuck, if it is.
    pub(crate) fn stuck_for(&self) -> Option<Duration> {
        let allowed = if self.work.borrow().running.is_empty() { LONGEST_SLEEP } else { self.longest_wait };
        Some(self.liveness.silent_for()).filter(|silence| *silence > allowed)
    }
}

#[cfg(test)]
mod tests;
