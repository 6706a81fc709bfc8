//! A run's journal: what was about to be sent, and what came of it. Each line is synced before the next step.
//!
//! After a crash it says which rows this run tried to send, and how rows ended whose end no later reading could show.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Code, Problem};
use crate::files::read_if_there;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// A request is about to be sent.
    Intent { at: DateTime<Utc>, batch: usize, operation: String, rows: Vec<usize> },
    /// The server took the batch.
    Accepted { at: DateTime<Utc>, batch: usize },
    /// The server refused the batch as a whole; nothing is assumed of its rows.
    Refused { at: DateTime<Utc>, batch: usize, answer: String },
    /// No answer, or one that does not tell; reading will.
    Unknown { at: DateTime<Utc>, batch: usize, answer: String },
    /// These rows ended without being applied, for this reason.
    Settled { at: DateTime<Utc>, rows: Vec<usize>, code: Code, message: String },
    /// The API reads back what was asked for.
    Verified { at: DateTime<Utc>, rows: Vec<usize> },
}

/// What a journal says in sum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Past {
    /// Rows that were, or may have been, sent, and when first.
    pub intended: BTreeMap<usize, DateTime<Utc>>,
    /// Rows that ended without being applied.
    pub settled: BTreeMap<usize, Problem>,
    /// Rows that read back as asked, and when.
    pub verified: BTreeMap<usize, DateTime<Utc>>,
    /// The number of the next batch.
    pub next_batch: usize,
}

impl Past {
    fn take(&mut self, event: Event) {
        match event {
            Event::Intent { at, batch, rows, .. } => {
                for row in rows {
                    self.intended.entry(row).or_insert(at);
                }
                self.next_batch = self.next_batch.max(batch + 1);
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
}

impl Journal {
    /// Opens the journal, cuts off a line that a crash left half written, and says what it holds.
    pub(crate) fn open(path: &Path) -> anyhow::Result<(Self, Past)> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let past = parse(&text[..whole])?;
        file.set_len(whole as u64)?;
        file.seek(SeekFrom::End(0))?;
        file.sync_all()?;
        if let Some(folder) = path.parent() {
            crate::files::durable::sync_folder(folder)?;
        }
        Ok((Self { file }, past))
    }

    /// What a journal holds, without opening it for writing; nothing where there is none.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Past> {
        let Some(text) = read_if_there(path)? else { return Ok(Past::default()) };
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        parse(&text[..whole])
    }

    /// Appends one line and syncs it. After an error nothing more may be sent: what is on the disk is not known.
    pub(crate) fn append(&mut self, event: &Event) -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_data()
    }
}

fn parse(text: &[u8]) -> anyhow::Result<Past> {
    let mut past = Past::default();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        let event = serde_json::from_slice(line)
            .map_err(|error| anyhow::anyhow!("journal.jsonl is damaged at line {}: {error}", index + 1))?;
        past.take(event);
    }
    Ok(past)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_written_last_line_is_cut_off_and_the_rest_stands() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let at = "2026-11-22T18:05:00Z".parse().unwrap();
        let (mut journal, past) = Journal::open(&path).unwrap();
        assert_eq!(past, Past::default());
        journal
            .append(&Event::Intent { at, batch: 0, operation: "assign".into(), rows: vec![2, 3] })
            .unwrap();
        let message = "no".to_owned();
        journal.append(&Event::Settled { at, rows: vec![3], code: Code::Refused, message }).unwrap();
        journal.file.write_all(b"{\"event\":\"veri").unwrap();
        drop(journal);

        assert_eq!(Journal::read(&path).unwrap().intended, BTreeMap::from([(2, at), (3, at)]));
        let (mut journal, past) = Journal::open(&path).unwrap();
        assert_eq!(past.settled[&3].code, Code::Refused);
        assert_eq!(past.next_batch, 1);
        journal.append(&Event::Verified { at, rows: vec![2] }).unwrap();
        assert_eq!(Journal::open(&path).unwrap().1.verified[&2], at);
    }
}
