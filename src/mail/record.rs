//! What is known of a message's delivery, and what is to be done next: pure decisions over the `.json` beside an `.eml`.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::retry::{GIVE_UP, LONGEST_GAP, LONGEST_WAIT, wait_after};

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
    pub(crate) fn accepted(self) -> anyhow::Result<()> {
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
    pub(crate) fn turns(&self) -> Vec<usize> {
        let mut turns: Vec<usize> = self.waiting().collect();
        turns.sort_by_key(|index| self.recipients[*index].error.is_some());
        turns
    }

    /// Whether its time has come. A wait longer than any that is ever set was set by a clock that was wrong.
    pub(crate) fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.next_try <= now || self.next_try - now > LONGEST_WAIT
    }

    /// The record after one recipient's delivery ended so.
    pub(crate) fn after(mut self, index: usize, outcome: &Outcome, now: DateTime<Utc>) -> Self {
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
    pub(crate) fn tried(mut self, now: DateTime<Utc>) -> Self {
        let last =
            if self.attempts == 0 { self.queued_at } else { self.next_try - wait_after(self.attempts) };
        self.waited_s += (now - last).clamp(TimeDelta::zero(), LONGEST_GAP).num_seconds();
        self.attempts = self.attempts.saturating_add(1);
        // A clock that was ahead queued it.
        self.queued_at = self.queued_at.min(now);
        self.next_try = now + wait_after(self.attempts);
        self
    }

    /// The record after every waiting recipient had its turn: who waited for too long is given up.
    pub(crate) fn given_up_if_old(mut self, now: DateTime<Utc>) -> Self {
        if self.waited_s >= GIVE_UP.num_seconds() {
            for recipient in self.recipients.iter_mut().filter(|one| one.state == State::Waiting) {
                recipient.state = State::Refused;
                recipient.at = Some(now);
                let last = recipient.error.take().or_else(|| self.last_error.clone()).unwrap_or_default();
                recipient.error = Some(format!("given up after five days: {last}"));
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
mod tests {
    use super::*;

    fn start() -> DateTime<Utc> {
        "2026-11-22T08:00:00Z".parse().unwrap()
    }

    fn record() -> Record {
        Record::new("<a@b>", "q@example.com", &["a@example.com".into(), "b@example.com".into()], start())
    }

    #[test]
    fn it_is_sent_when_all_accepted_and_dead_when_one_was_refused() {
        let one = record().after(0, &Outcome::Accepted, start());
        assert_eq!(one.folder(), MailFolder::New);
        assert_eq!(one.clone().after(1, &Outcome::Accepted, start()).folder(), MailFolder::Sent);
        assert_eq!(one.after(1, &Outcome::Refused("550 no".into()), start()).folder(), MailFolder::Dead);
    }

    #[test]
    fn a_dead_message_names_the_refusal_and_not_an_error_that_passed() {
        let refused = Outcome::Refused("550 no such user".into());
        let record = record().after(0, &refused, start()).after(1, &Outcome::Later("450".into()), start());
        let dead = record.after(1, &Outcome::Accepted, start());
        assert_eq!(dead.refusals(), "1 of 2 recipients refused it: 550 no such user");
    }

    #[test]
    fn who_accepted_is_never_tried_again() {
        let later =
            record().after(0, &Outcome::Accepted, start()).after(1, &Outcome::Later("450".into()), start());
        assert_eq!(later.waiting().collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn who_was_not_tried_comes_before_who_failed() {
        let record = record().after(0, &Outcome::Silent("no answer".into()), start());
        assert_eq!(record.turns(), [1, 0]);
        assert_eq!(record.after(1, &Outcome::Accepted, start()).turns(), [0]);
    }

    #[test]
    fn a_wait_that_a_wrong_clock_has_set_is_not_kept() {
        let record = record().tried(start() + TimeDelta::days(365));
        assert!(record.is_due(start()));
        let record = record.tried(start());
        assert!(!record.is_due(start()));
        assert!(record.is_due(record.next_try));
    }

    #[test]
    fn what_a_clock_that_was_ahead_has_queued_is_given_up_five_days_after_its_first_try() {
        let record = Record { queued_at: start() + TimeDelta::days(400), ..record() }.tried(start());
        assert_eq!(tried_until(record.clone(), start() + TimeDelta::days(4)).folder(), MailFolder::New);
        assert_eq!(tried_until(record, start() + TimeDelta::days(6)).folder(), MailFolder::Dead);
    }

    #[test]
    fn what_a_clock_that_was_behind_has_queued_is_tried_for_days_once_it_is_right() {
        let queued = Record { queued_at: DateTime::UNIX_EPOCH, next_try: DateTime::UNIX_EPOCH, ..record() };
        let tried_then = queued.clone().tried(DateTime::UNIX_EPOCH);
        for record in [queued, tried_then] {
            let first = record.tried(start()).given_up_if_old(start());
            assert_eq!(first.folder(), MailFolder::New);
            assert_eq!(tried_until(first.clone(), start() + TimeDelta::days(3)).folder(), MailFolder::New);
            assert_eq!(tried_until(first, start() + TimeDelta::days(6)).folder(), MailFolder::Dead);
        }
    }

    #[test]
    fn waits_double_from_a_minute_to_four_hours() {
        let mut record = record();
        let mut waits = Vec::new();
        for _ in 0..11 {
            record = record.tried(start());
            waits.push((record.next_try - start()).num_minutes());
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 240, 240, 240]);
    }

    /// Tried whenever it is due, and in vain, until it is given up or until `end`.
    fn tried_until(mut record: Record, end: DateTime<Utc>) -> Record {
        while record.folder() == MailFolder::New && record.next_try <= end {
            let now = record.next_try;
            record = record.tried(now).after(0, &Outcome::Later("450 greylisted".into()), now);
            record = record.given_up_if_old(now);
        }
        record
    }

    #[test]
    fn it_is_given_up_after_five_days_and_says_why() {
        let record = tried_until(record(), start() + TimeDelta::days(6));
        assert_eq!(record.folder(), MailFolder::Dead);
        assert_eq!(record.recipients[0].error.as_deref(), Some("given up after five days: 450 greylisted"));
        let at = record.recipients[0].at.unwrap();
        assert!(
            at - start() >= TimeDelta::days(5) && at - start() < TimeDelta::days(5) + LONGEST_WAIT,
            "{at}"
        );
    }

    #[test]
    fn just_before_five_days_it_still_waits() {
        assert_eq!(
            tried_until(record(), start() + TimeDelta::days(5) - TimeDelta::seconds(1)).folder(),
            MailFolder::New
        );
    }

    #[test]
    fn a_clock_that_jumps_ahead_gives_nothing_up() {
        for days in [8, 365] {
            let ahead = start() + TimeDelta::days(days);
            for begun in [record(), tried_until(record(), start() + TimeDelta::days(1))] {
                let jumped = begun.tried(ahead).given_up_if_old(ahead);
                assert_eq!(jumped.folder(), MailFolder::New, "{days}");
                let back = jumped.tried(start() + TimeDelta::days(2));
                assert_eq!(
                    back.given_up_if_old(start() + TimeDelta::days(2)).folder(),
                    MailFolder::New,
                    "{days}"
                );
            }
        }
    }
}
