//! One round of deliveries: every message that waits gets its turn, and each outcome is recorded before the next recipient is tried.
//!
//! A mail server may take a minute for each recipient. Other work does not wait for all of them: a scheduled round gives way
//! between two recipients, and goes on where it stopped.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Outbox, Problem, Summary, UNKNOWN, write_record};
use crate::mail::record::{MailFolder, Outcome, Record};
use crate::mail::transport::Transport;

/// After so many messages, or recipients of one, in a row without any answer the server is down: the others wait without
/// being tried.
pub(super) const SILENT_IN_A_ROW: usize = 2;

/// How much of what waits is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeliveryScope {
    /// All of it, whether its time has come or not, however long it takes.
    All,
    /// That whose time has come. After so long no other recipient is tried.
    Due { patience: Duration },
}

/// When a round began, and how much it tries.
struct Round {
    scope: DeliveryScope,
    began: Instant,
    now: DateTime<Utc>,
}

impl Round {
    fn tries(&self, record: &Record) -> bool {
        self.scope == DeliveryScope::All || record.is_due(self.now)
    }

    fn is_over(&self) -> bool {
        matches!(self.scope, DeliveryScope::Due { patience } if self.began.elapsed() >= patience)
    }
}

/// What a round did.
pub(crate) struct Delivered {
    /// Every message has its turn; the first error of one that cannot be worked on is reported at the end.
    pub summary: anyhow::Result<Summary>,
    /// It stopped so that other work can be done: more is to be tried once that had its turn.
    pub gave_way: bool,
}

/// How the turn of one message ended.
struct DeliveryAttempt {
    record: Record,
    /// Tries in a row, up to now, at which the server fell silent.
    silent: usize,
    gave_way: bool,
}

impl Outbox {
    /// Tries what waits. A message that cannot be worked on keeps no other from being sent.
    pub(crate) async fn deliver(
        &self,
        transport: &Transport,
        now: DateTime<Utc>,
        scope: DeliveryScope,
        cancel: &CancellationToken,
    ) -> Delivered {
        let round = Round { scope, began: Instant::now(), now };
        let mut gave_way = false;
        let summary = self.deliver_each(transport, &round, cancel, &mut gave_way).await;
        Delivered { summary, gave_way }
    }

    async fn deliver_each(
        &self,
        transport: &Transport,
        round: &Round,
        cancel: &CancellationToken,
        gave_way: &mut bool,
    ) -> anyhow::Result<Summary> {
        let mut summary = Summary { problems: self.recover()?, ..Summary::default() };
        let (mut silent, mut tried_any) = (0, false);
        let mut first_error = None;
        let mut stems = self.stems(MailFolder::New)?;
        // What was tried least comes first: messages at which the server falls silent hold up no others.
        stems.sort_by_cached_key(|stem| {
            self.record(MailFolder::New, stem).map_or(0, |record| record.attempts)
        });
        for stem in stems {
            if cancel.is_cancelled() {
                break; // never in a session, so that what a server took is recorded
            }
            let record = match self.record(MailFolder::New, &stem) {
                Ok(record) => record,
                Err(error) => {
                    summary.waiting += 1;
                    let error = format!("{UNKNOWN}: {error:#}");
                    summary.problems.push(Problem { file: format!("{stem}.eml"), error, next_try: None });
                    continue;
                }
            };
            let wants_try =
                silent < SILENT_IN_A_ROW && round.tries(&record) && record.folder() == MailFolder::New;
            // Whether a silent server is down shows the next try: until then nothing gives way.
            let gives_way = tried_any && silent == 0 && round.is_over();
            *gave_way |= wants_try && gives_way;
            let has_turn = wants_try && !gives_way;
            let tried = if has_turn {
                self.attempt(&stem, record, transport, round, cancel).await.map(|turn| {
                    tried_any = true;
                    silent = if turn.silent == 0 { 0 } else { silent + 1 };
                    *gave_way |= turn.gave_way;
                    turn.record
                })
            } else {
                Ok(record)
            };
            let finished = tried.and_then(|record| {
                if record.folder() != MailFolder::New {
                    self.finish(&stem, record.folder())?;
                }
                Ok(record)
            });
            match finished {
                Ok(record) => summary.add(&stem, &record, has_turn),
                Err(error) => {
                    summary.waiting += 1;
                    first_error.get_or_insert(error.context(format!("{stem}.eml")));
                }
            }
        }
        first_error.map_or(Ok(summary), Err)
    }

    /// One try for each waiting recipient, each recorded before the next.
    async fn attempt(
        &self,
        stem: &str,
        record: Record,
        transport: &Transport,
        round: &Round,
        cancel: &CancellationToken,
    ) -> anyhow::Result<DeliveryAttempt> {
        let path = self.folder(MailFolder::New).join(format!("{stem}.json"));
        let message = self.message(stem, &record)?;
        let before = record.clone();
        let mut record = record.begin_try(round.now);
        write_record(&path, &record)?;
        let mut silent = 0;
        for (nth, index) in record.delivery_order().into_iter().enumerate() {
            if cancel.is_cancelled() {
                break;
            }
            // Who was tried before comes last: without their turn the same ones would be tried each time.
            if nth > 0 && silent == 0 && record.recipients[index].error.is_none() && round.is_over() {
                let record = record.resume_try_of(&before);
                write_record(&path, &record)?;
                return Ok(DeliveryAttempt { record, silent, gave_way: true });
            }
            let outcome = transport.send(&record.from, &record.recipients[index].address, &message).await;
            record = record.with_outcome(index, &outcome, round.now);
            write_record(&path, &record)?;
            silent = match outcome {
                Outcome::Accepted | Outcome::Refused(_) | Outcome::Later(_) => 0,
                Outcome::Silent(_) => silent + 1,
                Outcome::NoServer(_) => SILENT_IN_A_ROW,
            };
            if silent >= SILENT_IN_A_ROW {
                break;
            }
        }
        let given_up = record.clone().given_up_if_old(round.now);
        if given_up != record {
            write_record(&path, &given_up)?;
        }
        Ok(DeliveryAttempt { record: given_up, silent, gave_way: false })
    }
}
