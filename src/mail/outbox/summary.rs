//! What the outbox holds, as `status`, metrics and mails show it.

use chrono::{DateTime, Utc};

use crate::mail::record::{MailFolder, Record};

/// What one round of deliveries did, in messages. It names no address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub sent: usize,
    pub dead: usize,
    pub waiting: usize,
    /// Each message that was tried in vain.
    pub problems: Vec<Problem>,
}

/// Why one message is not sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    pub file: String,
    pub error: String,
    /// None where it is not tried again.
    pub next_try: Option<DateTime<Utc>>,
}

impl Summary {
    /// Counts a message; what was not tried this time was reported before.
    pub(super) fn add(&mut self, stem: &str, record: &Record, tried: bool) {
        let problem = match record.folder() {
            MailFolder::New => {
                self.waiting += 1;
                record.last_error.clone().filter(|_| tried).map(|error| (error, Some(record.next_try)))
            }
            MailFolder::Sent => {
                self.sent += 1;
                None
            }
            MailFolder::Dead => {
                self.dead += 1;
                Some((record.refusals(), None))
            }
        };
        let problem =
            problem.map(|(error, next_try)| Problem { file: format!("{stem}.eml"), error, next_try });
        self.problems.extend(problem);
    }
}

/// What is not sent, and why. It names no address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UnsentMail {
    pub waiting: usize,
    pub dead: usize,
    /// When the oldest message was queued that was tried in vain, and the last error.
    pub since: Option<DateTime<Utc>>,
    pub error: Option<String>,
    /// Why the latest dead message is dead.
    pub refusal: Option<String>,
    /// Messages whose record cannot be read, each as a sentence: nobody knows whom they are for, or what became of them.
    pub unreadable: Vec<String>,
}
