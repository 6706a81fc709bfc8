//! A run's journal: what was about to be sent, and what came of it. Each line is synced before the next step.
//!
//! Each line ends with a mark made of its run, of all lines before it and of itself: a line that was changed, taken out, or
//! comes from another run's journal is noticed. (That the last lines are missing is what a crash leaves, and goes on as that.)
//!
//! After a crash it says which rows this run tried to send, and how rows ended whose end no later reading could show.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::change::codes::{Code, Problem};
use crate::files;
use crate::files::folder::cannot_write;
use crate::files::{durable, read_if_there};

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// A request is about to be sent.
    Intent { at: DateTime<Utc>, batch: usize, operation: String, rows: Vec<usize> },
    /// The server took the batch.
    Accepted { at: DateTime<Utc>, batch: usize },
    /// The server did nothing of it: it had no time, could not be reached, or did not accept the token.
    NothingDone {
        at: DateTime<Utc>,
        batch: usize,
        answer: String,
        /// It is to be sent again in a moment.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        put_off: bool,
    },
    /// The server refused the batch as a whole; nothing is assumed of its rows.
    Refused { at: DateTime<Utc>, batch: usize, answer: String },
    /// No answer, or one that decides nothing; reading will.
    Unknown { at: DateTime<Utc>, batch: usize, answer: String },
    /// These rows ended without being applied, for this reason.
    Settled { at: DateTime<Utc>, rows: Vec<usize>, code: Code, message: String },
    /// The API reads back what was asked for.
    Verified { at: DateTime<Utc>, rows: Vec<usize> },
}

/// What a journal says in sum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct JournalSummary {
    /// Rows that were, or may have been, sent, and when first.
    pub intended: BTreeMap<usize, DateTime<Utc>>,
    /// Rows that the server put off and that were not sent again, and when.
    pub put_off: BTreeMap<usize, DateTime<Utc>>,
    /// Rows that ended without being applied.
    pub settled: BTreeMap<usize, Problem>,
    /// Rows that read back as asked, and when.
    pub verified: BTreeMap<usize, DateTime<Utc>>,
    /// The number of the next batch.
    pub next_batch: usize,
    /// The batch that each of the intended rows was in first.
    first_batches: BTreeMap<usize, usize>,
}

impl JournalSummary {
    fn apply_event(&mut self, event: Event) {
        match event {
            Event::Intent { at, batch, rows, .. } => {
                for row in rows {
                    self.put_off.remove(&row);
                    self.intended.entry(row).or_insert(at);
                    self.first_batches.entry(row).or_insert(batch);
                }
                self.next_batch = self.next_batch.max(batch.saturating_add(1));
            }
            // As if it had never been sent: what its quotas are later, this run has not made them.
            Event::NothingDone { at, batch, put_off, .. } => {
                let of_batch = self.first_batches.iter().filter(|(_, first)| **first == batch);
                for row in of_batch.map(|(row, _)| *row).collect::<Vec<_>>() {
                    self.first_batches.remove(&row);
                    self.intended.remove(&row);
                    if put_off {
                        self.put_off.insert(row, at);
                    }
                }
            }
            Event::Settled { rows, code, message, .. } => {
                for row in rows {
                    self.settled.insert(row, Problem { code, message: message.clone() });
                }
            }
            Event::Verified { at, rows } => {
                self.verified.extend(rows.into_iter().map(|row| (row, at)));
            }
            Event::Accepted { .. } | Event::Refused { .. } | Event::Unknown { .. } => {}
        }
    }
}

/// The journal of a run that is being applied.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
    /// Of the run and all lines so far.
    digest: Sha256,
}

impl Journal {
    /// Opens the journal, cuts off a line that a crash left half written, and says what it holds.
    pub(crate) fn open(path: &Path, run: &str) -> anyhow::Result<(Self, JournalSummary)> {
        let mut file = durable::open_or_create(path)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let (past, digest) = parse(&text[..whole], run)?;
        file.set_len(whole as u64)?;
        file.seek(SeekFrom::End(0))?;
        // The content is synced with the first line.
        if let Some(folder) = path.parent() {
            durable::sync_folder(folder)?;
        }
        Ok((Self { file, path: path.to_owned(), digest }, past))
    }

    /// What a journal holds, without opening it for writing; nothing where there is none.
    pub(crate) fn read(path: &Path, run: &str) -> anyhow::Result<JournalSummary> {
        let Some(text) = read_if_there(path, files::ROWS)? else { return Ok(JournalSummary::default()) };
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        Ok(parse(&text[..whole], run)?.0)
    }

    /// Appends one line and syncs it. After an error nothing more may be sent: what is on the disk is not known.
    pub(crate) fn append(&mut self, event: &Event) -> io::Result<()> {
        let event = serde_json::to_vec(event)?;
        let mut line = event.strip_suffix(b"}").unwrap_or(&event).to_vec();
        line.extend(line_end(&self.digest, &event));
        self.digest.update(&line);
        line.push(b'\n');
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        written.map_err(|error| cannot_write(&self.path, &error))
    }
}

/// What ends a line: `,"chain":"0123456789abcdef"}`.
fn line_end(before: &Sha256, event: &[u8]) -> Vec<u8> {
    let digest = before.clone().chain_update(event).finalize();
    let (first, _) = digest.split_at(8);
    let digits = first.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{MARK}{digits:016x}\"}}").into_bytes()
}

const MARK: &str = ",\"chain\":\"";

/// Whether a line is what was written after those before it; none where an earlier version wrote it, without a mark.
fn is_as_written(before: &Sha256, line: &[u8]) -> Option<bool> {
    let at = line.len().checked_sub(MARK.len() + 18)?;
    let (event, end) = line.split_at(at);
    end.starts_with(MARK.as_bytes()).then(|| line_end(before, &[event, b"}"].concat()) == end)
}

fn parse(text: &[u8], run: &str) -> anyhow::Result<(JournalSummary, Sha256)> {
    let (mut past, mut digest) = (JournalSummary::default(), Sha256::new_with_prefix(run));
    let mut marked = false;
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        let event = serde_json::from_slice(line)
            .map_err(|error| anyhow::anyhow!("journal.jsonl is damaged at line {}: {error}", index + 1))?;
        let as_written = is_as_written(&digest, line);
        anyhow::ensure!(
            as_written.unwrap_or(!marked),
            "journal.jsonl of run {run} was changed at line {} or before it, so it is unknown what was sent: put the run's \
             folder back from a backup, or compare the file with the quotas and move the folder away",
            index + 1
        );
        marked |= as_written.is_some();
        digest.update(line);
        past.apply_event(event);
    }
    Ok((past, digest))
}

#[cfg(test)]
mod tests;
