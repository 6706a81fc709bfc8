//! What others hand to the worker: what commands ask for, and what people decided on runs.
//!
//! Commands leave both as files below `requests/` and wait for an answer there (see `jobs::requests`).

use std::collections::VecDeque;
use std::path::Path;

use tracing::{info, warn};

use crate::change::run::Decider;
use crate::exit_code::{Exit, Findings};
use crate::files::lock;
use crate::files::owner::Owner;
use crate::jobs::requests::basis::Basis;
use crate::jobs::requests::{self, Answer, Ask};

/// What waits, in the order in which it came.
#[derive(Debug, Default)]
pub(super) struct HandedOver {
    /// Runs that somebody decided on.
    decided_runs: VecDeque<String>,
    /// The request that comes next.
    next_request: Option<String>,
    /// Those that wait for the end of the inbox pass under way, and of the next one.
    askers: Vec<String>,
    next_askers: Vec<String>,
}

/// What a command asks for.
pub(super) struct Request {
    pub id: String,
    /// What is to be done; or why this program does not know it.
    pub ask: Result<Ask, String>,
    /// Who asks, in words and by number.
    pub by: (String, Decider),
}

impl HandedOver {
    /// Looks what is there now; the runs that were decided on since the last look. Whether somebody decided on one.
    pub(super) fn check(&mut self, data_dir: &Path) -> bool {
        let waiting = requests::waiting(data_dir).inspect_err(|error| {
            warn!(%error, "a command's request cannot be read");
        });
        let Ok(waiting) = waiting else { return false };
        let is_decision = !waiting.decided_runs.is_empty();
        for run in waiting.decided_runs {
            match requests::acknowledge_decision(data_dir, &run) {
                Ok(()) => self.decide(run),
                Err(error) => warn!(run, %error, "a decision is acted on with the next inbox pass"),
            }
        }
        let is_known = |id: &String| self.askers.contains(id) || self.next_askers.contains(id);
        self.next_request = waiting.requests.into_iter().find(|id| !is_known(id));
        is_decision
    }

    /// Somebody decided on a run.
    pub(super) fn decide(&mut self, run: String) {
        if !self.decided_runs.contains(&run) {
            self.decided_runs.push_back(run);
        }
    }

    pub(super) fn has_decision(&self) -> bool {
        !self.decided_runs.is_empty()
    }

    /// The run that was decided on first.
    pub(super) fn next_decision(&mut self) -> Option<String> {
        self.decided_runs.pop_front()
    }

    pub(super) fn has_request(&self) -> bool {
        self.next_request.is_some()
    }

    /// Takes the request that comes next; none where it was withdrawn. One that cannot be read is answered so.
    pub(super) fn next_request(&mut self, data_dir: &Path, own: &Basis) -> Option<Request> {
        let id = self.next_request.take()?;
        let taken = match requests::begin_request(data_dir, &id, own) {
            Ok(taken) => taken?,
            Err(error) => {
                warn!(request = %id, error = format!("{error:#}"), "what a command hands over cannot be read");
                answer(data_dir, &id, &answer_of(&Err(error), Vec::new()));
                return None;
            }
        };
        let decider = Decider::User { user: Owner::from_uid(taken.uid), login: None };
        let by = format!("{decider}, on {}", lock::hostname());
        match &taken.ask {
            Ok(ask) => info!(request = %id, %by, %ask, "handed over by a command"),
            Err(refused) => info!(request = %id, %by, %refused, "handed over by a command"),
        }
        Some(Request { id, ask: taken.ask, by: (by, decider) })
    }

    /// A command that waits for an inbox pass which begins after it asked.
    pub(super) fn waits_for_next_pass(&mut self, id: String) {
        self.next_askers.push(id);
    }

    pub(super) fn pass_begins(&mut self) {
        self.askers.append(&mut self.next_askers);
    }

    /// Answers those who waited for the pass.
    pub(super) fn answer_pass(&mut self, data_dir: &Path, done: &anyhow::Result<Findings>) {
        for id in std::mem::take(&mut self.askers) {
            answer(data_dir, &id, &answer_of(done, Vec::new()));
        }
    }
}

/// The outcome of what a command handed over, as it would end itself.
pub(super) fn answer_of(done: &anyhow::Result<Findings>, runs: Vec<String>) -> Answer {
    match done {
        Ok(findings) => Answer::new(findings.exit() as u8, runs, None),
        Err(error) => Answer::new(Exit::Failed as u8, runs, Some(format!("{error:#}"))),
    }
}

pub(super) fn answer(data_dir: &Path, id: &str, what: &Answer) {
    if let Err(error) = requests::write_answer(data_dir, id, what) {
        warn!(request = id, error = format!("{error:#}"), "the waiting command cannot be answered");
    }
}
