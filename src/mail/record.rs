//! What is known of a message's delivery, and what is to be done next: pure decisions over the `.json` beside an `.eml`.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::retry::{GIVE_UP, LONGEST_GAP, LONGEST_WAIT, wait_after};
use crate::text::words::spelled_time;

/// How a delivery to one recipient ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The server has taken responsibility.
    Accepted,
    /// It never will (5xx).
    Refused(String),
    /// Not now (4xx).
    Later(String),
    /// No answer, or the connection broke: whether it arrived is not known.
    Silent(String),
    /// No server, no TLS with it, or no login: nobody's mail can be handed over now.
    NoServer(String),
}

impl Outcome {
    /// An error unless it was accepted.
    pub(crate) fn into_result(self) -> anyhow::Result<()> {
        match self {
            Self::Accepted => Ok(()),
            Self::Refused(why) | Self::Later(why) | Self::Silent(why) | Self::NoServer(why) => {
                Err(anyhow::anyhow!(why))
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Waiting,
    Accepted,
    Refused,
}

/// One recipient of a message. No `Debug`: an address is nobody's business in a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recipient {
    pub address: String,
    pub state: State,
    /// When it came to that state; none while waiting.
    pub at: Option<DateTime<Utc>>,
    pub error: Option<String>,
}

/// The `.json` beside an `.eml`: the envelope, and what became of it. It is written before the `.eml` appears.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub message_id: String,
    /// Of the `.eml`, which is sent only as it was queued; none where an earlier version queued it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What the messages that belong together have in common; none for one that stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    pub from: String,
    pub recipients: Vec<Recipient>,
    pub queued_at: DateTime<Utc>,
    pub attempts: u32,
    pub next_try: DateTime<Utc>,
    /// How long it has waited, by the time between its tries.
    #[serde(default)]
    pub waited_s: i64,
    pub last_error: Option<String>,
}

/// The folder where a message belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MailFolder {
    New,
    /// Every recipient's server took it.
    Sent,
    /// Nobody waits any more, and at least one was refused.
    Dead,
}

impl Record {
    pub(crate) fn new(message_id: &str, from: &str, to: &[String], now: DateTime<Utc>) -> Self {
        let waiting = |address: &String| Recipient {
            address: address.clone(),
            state: State::Waiting,
            at: None,
            error: None,
        };
        Self {
            message_id: message_id.to_owned(),
            sha256: None,
            thread: None,
            from: from.to_owned(),
            recipients: to.iter().map(waiting).collect(),
            queued_at: now,
            attempts: 0,
            next_try: now,
            waited_s: 0,
            last_error: None,
        }
    }

    pub(crate) fn waiting(&self) -> impl Iterator<Item = usize> {
        self.recipients
            .iter()
            .enumerate()
            .filter(|(_, one)| one.state == State::Waiting)
            .map(|(index, _)| index)
    }

    /// Who is to be tried now, in this order: one who makes the server fall silent comes last the next time, so that the
    /// others get their turn.
    pub(crate) fn delivery_order(&self) -> Vec<usize> {
        let mut turns: Vec<usize> = self.waiting().collect();
        turns.sort_by_key(|index| self.recipients[*index].error.is_some());
        turns
    }

    /// Whether its time has come. A wait longer than any that is ever set was set by a clock that was wrong.
    pub(crate) fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.next_try <= now || self.next_try - now > LONGEST_WAIT
    }

    /// The record after one recipient's delivery ended so.
    pub(crate) fn with_outcome(mut self, index: usize, outcome: &Outcome, now: DateTime<Utc>) -> Self {
        let recipient = &mut self.recipients[index];
        let (state, error) = match outcome {
            Outcome::Accepted => (State::Accepted, None),
            Outcome::Refused(error) => (State::Refused, Some(error)),
            Outcome::Later(error) | Outcome::Silent(error) | Outcome::NoServer(error) => {
                (State::Waiting, Some(error))
            }
        };
        recipient.state = state;
        recipient.at = (state != State::Waiting).then_some(now);
        recipient.error = error.cloned();
        if error.is_some() {
            self.last_error = error.cloned();
        }
        self
    }

    /// The record of a try that is about to be made: counted before, so that a try whose outcome cannot be recorded
    /// is not repeated at once.
    pub(crate) fn begin_try(mut self, now: DateTime<Utc>) -> Self {
        let last = match self.attempts {
            0 => self.queued_at,
            // A record that somebody damaged may name a moment without one before it.
            attempts => self.next_try.checked_sub_signed(wait_after(attempts)).unwrap_or(self.next_try),
        };
        let waited = (now - last).clamp(TimeDelta::zero(), LONGEST_GAP);
        self.waited_s = self.waited_s.saturating_add(waited.num_seconds());
        self.attempts = self.attempts.saturating_add(1);
        // A clock that was ahead queued it.
        self.queued_at = self.queued_at.min(now);
        self.next_try = now + wait_after(self.attempts);
        self
    }

    /// The record of a try that others interrupt: it goes on as soon as it can, and is counted when it is over.
    pub(crate) fn resume_try_of(mut self, before: &Self) -> Self {
        (self.attempts, self.next_try, self.waited_s) = (before.attempts, before.next_try, before.waited_s);
        self
    }

    /// The record after every waiting recipient had its turn: who waited for too long is given up.
    pub(crate) fn given_up_if_old(mut self, now: DateTime<Utc>) -> Self {
        if self.waited_s >= GIVE_UP.num_seconds() {
            for recipient in self.recipients.iter_mut().filter(|one| one.state == State::Waiting) {
                recipient.state = State::Refused;
                recipient.at = Some(now);
                let last = recipient.error.take().or_else(|| self.last_error.clone()).unwrap_or_default();
                recipient.error = Some(format!("given up after {}: {last}", spelled_time(GIVE_UP)));
            }
        }
        self
    }

    /// `1 of 4 recipients refused it: 550 no such user`, for a message that is dead.
    pub(crate) fn refusals(&self) -> String {
        let refused = || self.recipients.iter().filter(|one| one.state == State::Refused);
        let first = refused().find_map(|one| one.error.as_deref()).unwrap_or("no reason was given");
        format!("{} of {} recipients refused it: {first}", refused().count(), self.recipients.len())
    }

    pub(crate) fn folder(&self) -> MailFolder {
        if self.waiting().next().is_some() {
            MailFolder::New
        } else if self.recipients.iter().all(|one| one.state == State::Accepted) {
            MailFolder::Sent
        } else {
            MailFolder::Dead
        }
    }
}

#[cfg(test)]
mod tests;
