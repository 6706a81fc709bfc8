//! Decisions on a run: each decision is a file of its own in the run's folder, and the first one wins.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::Run;
use crate::change::codes::RunState;
use crate::files::folder::is_done;
use crate::files::owner::Owner;
use crate::files::{self, durable, format, read_if_there};

/// A person's word on a held run, in `decision.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decision {
    pub approve: bool,
    /// The hash of the plan that was decided on.
    pub plan_sha256: String,
    /// Who decided, as people read it.
    pub by: String,
    /// The same for the program; none where an earlier version recorded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decider: Option<Decider>,
    /// How long people had, where nobody decided: `14 days`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expired_after: Option<String>,
    pub at: DateTime<Utc>,
}

/// Who or what decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Decider {
    /// A user of this machine; `login` is who that was when they logged in, where `sudo` or `su` made them another.
    User { user: Owner, login: Option<Owner> },
    /// A file in the inbox, by its name.
    File(String),
}

impl fmt::Display for Decider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User { user, login: Some(login) } => write!(f, "{user}, logged in as {login}"),
            Self::User { user, login: None } => user.fmt(f),
            Self::File(name) => write!(f, "the file {name}"),
        }
    }
}

impl Decision {
    /// A decision of whoever `by` says.
    pub(crate) fn new(approve: bool, plan_sha256: String, by: String, at: DateTime<Utc>) -> Self {
        Self { approve, plan_sha256, by, decider: None, expired_after: None, at }
    }

    /// `Rejected by ann.`, or that nobody approved it in time.
    pub(in crate::change) fn why_rejected(&self) -> String {
        match &self.expired_after {
            Some(limit) => format!("Nobody approved it within {limit} (guard.expire)."),
            None => format!("Rejected by {}.", self.by),
        }
    }
}

impl Run {
    /// The file of the decision that comes next.
    fn decision_file(&self) -> PathBuf {
        self.decision_file_after(self.record.decided)
    }

    fn decision_file_after(&self, acted_on: u32) -> PathBuf {
        self.path(&match acted_on {
            0 => "decision.json".to_owned(),
            acted_on => format!("decision-{acted_on}.json"),
        })
    }

    /// Whether there is a decision that was not acted on yet, whatever it says.
    pub(in crate::change) fn is_decided(&self) -> io::Result<bool> {
        fs_err::exists(self.decision_file())
    }

    /// What a person decided, if somebody did and it was not acted on yet.
    pub(crate) fn decision(&self) -> anyhow::Result<Option<Decision>> {
        read_decision(&self.decision_file())
    }

    /// Whether somebody is still to decide on it. What was decided is acted on as soon as the API can be asked.
    pub(crate) fn waits_for_person(&self) -> bool {
        self.record.state == RunState::Held && !matches!(self.decision(), Ok(Some(_)))
    }

    /// Whether one of the decisions that were acted on is theirs.
    pub(crate) fn was_decided_by(&self, decider: &Decider) -> anyhow::Result<bool> {
        let is_theirs = |decision: &Decision| match &decision.decider {
            Some(who) => who == decider,
            None => decision.by == decider.to_string(), // of an earlier version, which recorded the text alone
        };
        for acted_on in 0..self.record.decided {
            let decision = read_decision(&self.decision_file_after(acted_on))?;
            if decision.as_ref().is_some_and(is_theirs) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Records a decision; the error says who decided before.
    pub(crate) fn decide(&self, decision: &Decision) -> anyhow::Result<()> {
        let path = self.decision_file();
        match durable::create(&path, &serde_json::to_vec_pretty(decision)?) {
            Ok(true) => Ok(()),
            Ok(false) => self.decided_before(),
            // Whoever acts on decisions sees it, so it was made, whatever the disk says.
            Err(error) if is_done(&error) => {
                warn!(%error, "the decision may not survive a power cut");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn decided_before(&self) -> anyhow::Result<()> {
        let first = self.decision()?.context("the decision disappeared while it was read: try again")?;
        let word = if first.approve { "approved" } else { "rejected" };
        anyhow::bail!("{} was already {word} by {} at {}", self.record.id, first.by, first.at.to_rfc3339());
    }
}

fn read_decision(path: &Path) -> anyhow::Result<Option<Decision>> {
    let Some(bytes) = read_if_there(path, files::RECORD)? else { return Ok(None) };
    format::check_first(path, &bytes)?;
    let damaged = || format!("{} is damaged: remove it and decide again", path.display());
    serde_json::from_slice(&bytes).with_context(damaged).map(Some)
}

#[cfg(test)]
mod tests;
