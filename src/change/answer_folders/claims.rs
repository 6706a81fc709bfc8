//! Which run's answers lie in which folder: pure.
//!
//! A file that is dropped again under its name takes the folder of the earlier one once all of that is decided and
//! delivered; until then it gets the next number. Names that differ only in case, or in how their accents are encoded, are one name, as
//! they are on many shares.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;

use unicode_normalization::UnicodeNormalization;

use super::place;
use crate::change::codes::RunState;
use crate::change::run::id::root_of;
use crate::change::run::{Run, RunRecord, Unreadable};

/// So many folders of one name before the run's own name distinguishes them.
const MOST: usize = 99;

#[derive(Debug, Default)]
pub(in crate::change) struct Claims {
    runs: BTreeMap<String, Claim>,
    by_folder: HashMap<String, BTreeSet<String>>,
    /// Runs that could not be read yet.
    unread: Vec<String>,
}

#[derive(Debug)]
struct Claim {
    folder: String,
    turn: u32,
    /// Something may still become of it.
    open: bool,
    owed: bool,
}

impl Claims {
    pub(in crate::change) fn from_runs((runs, unread): (Vec<Run>, Vec<Unreadable>)) -> Self {
        let mut claims = Self::default();
        for run in &runs {
            claims.add(run);
        }
        claims.unread = unread.into_iter().map(|run| run.id).collect();
        claims
    }

    /// Looks again at what could not be read before: a disk that failed once must not cost a run its folder.
    pub(in crate::change) fn read_again(&mut self, open: impl Fn(&str) -> anyhow::Result<Run>) {
        for id in std::mem::take(&mut self.unread) {
            match open(&id) {
                Ok(run) => self.add(&run),
                Err(_) => self.unread.push(id),
            }
        }
    }

    fn add(&mut self, run: &Run) {
        let record = &run.record;
        match &record.answers {
            _ if !record.dropped || self.runs.contains_key(&record.id) => {}
            Some(answers) => {
                self.note(record, &answers.folder, record.state, answers.owed.is_some());
            }
            // An earlier version wrote there without saying so.
            None if !matches!(record.state, RunState::Planned | RunState::Applying) => {
                self.note(record, &place::folder_name(record, 1), record.state, false);
            }
            None => {}
        }
    }

    /// Notes whose a folder is, and says the turn in which the run has it.
    pub(in crate::change) fn note(
        &mut self,
        record: &RunRecord,
        folder: &str,
        state: RunState,
        owed: bool,
    ) -> u32 {
        let open = match state {
            RunState::Planned | RunState::Held | RunState::Scheduled | RunState::Applying => true,
            RunState::Stale | RunState::Done | RunState::Failed | RunState::Rejected => false,
        };
        let had = self.runs.get(&record.id).map(|claim| (claim.folder.as_str(), claim.turn));
        let recorded = record.answers.as_ref().map(|answers| (answers.folder.as_str(), answers.turn));
        let has_it = |(had, turn): (&str, u32)| (had == folder).then_some(turn);
        let turn = had.or(recorded).and_then(has_it);
        let turn = turn.unwrap_or_else(|| self.next_turn(folder, &record.id));
        self.forget(&record.id);
        self.by_folder.entry(same_on_a_share(folder)).or_default().insert(record.id.clone());
        self.runs.insert(record.id.clone(), Claim { folder: folder.to_owned(), turn, open, owed });
        turn
    }

    /// The first turn in which a run comes after all others that have had a folder.
    fn next_turn(&self, folder: &str, id: &str) -> u32 {
        let others = self.other_claimants(folder, id);
        let last = others.map(|other| self.place_in_line(other)).max();
        last.map_or(0, |(turn, other)| if root_of(id) > other { turn } else { turn.saturating_add(1) })
    }

    /// A run is named by its time, and has a turn of its own where a clock was set back.
    fn place_in_line<'i>(&self, id: &'i str) -> (u32, &'i str) {
        (self.runs.get(id).map_or(0, |claim| claim.turn), root_of(id))
    }

    /// Forgets a run; its folder, if the answers in it are its own.
    pub(in crate::change) fn forget(&mut self, id: &str) -> Option<String> {
        let folder = self.runs.get(id)?.folder.clone();
        let is_own = !self.other_claimants(&folder, id).any(|other| self.is_later(other, id));
        self.runs.remove(id);
        let others = self.by_folder.get_mut(&same_on_a_share(&folder))?;
        others.remove(id);
        if others.is_empty() {
            self.by_folder.remove(&same_on_a_share(&folder));
        }
        is_own.then_some(folder)
    }

    /// The folder for a run's answers: the one that it has, or else the first of its name that is free, or whose files all
    /// came to their end.
    pub(in crate::change) fn choose(
        &self,
        record: &RunRecord,
        usable: impl Fn(&str) -> io::Result<bool>,
    ) -> io::Result<String> {
        let id = &record.id;
        if let Some(Claim { folder, .. }) = self.runs.get(id)
            && !self.other_claimants(folder, id).any(|other| self.is_later(other, id))
            && usable(folder)?
        {
            return Ok(folder.clone());
        }
        for number in 1..=MOST {
            let name = place::folder_name(record, number);
            // A run that had no folder yet is the newest, also where a clock that was set back gave it an earlier name.
            let had_one = self.runs.contains_key(id);
            let gives_way = |other: &str| !(self.is_waiting(other) || had_one && self.is_later(other, id));
            if self.other_claimants(&name, id).all(gives_way) && usable(&name)? {
                return Ok(name);
            }
        }
        Ok(place::last_resort(record))
    }

    /// The folder for a file that is not taken.
    pub(in crate::change) fn choose_for_file(
        &self,
        file: &str,
        usable: impl Fn(&str) -> io::Result<bool>,
    ) -> io::Result<Option<String>> {
        for number in 1..=MOST {
            let name = place::numbered_name(file, "", number);
            if !self.other_claimants(&name, "").any(|other| self.is_waiting(other)) && usable(&name)? {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// The other runs that claim a folder.
    fn other_claimants<'c>(&'c self, folder: &str, id: &'c str) -> impl Iterator<Item = &'c str> {
        let all = self.by_folder.get(&same_on_a_share(folder)).into_iter().flatten();
        all.map(String::as_str).filter(move |other| *other != id)
    }

    fn is_later(&self, id: &str, than: &str) -> bool {
        self.place_in_line(id) > self.place_in_line(than)
    }

    /// Something of its file waits: for a person, for its time, or to be written.
    fn is_waiting(&self, id: &str) -> bool {
        let root = root_of(id);
        let parts = format!("{root}.");
        let family = self.runs.range(parts.clone()..).take_while(|(id, _)| id.starts_with(&parts));
        family.map(|(_, claim)| claim).chain(self.runs.get(root)).any(|claim| claim.open || claim.owed)
    }
}

/// Equal for names that lead to one folder on some share: a Mac, and ZFS if it is asked to, take `é` and `e´` for one letter.
fn same_on_a_share(folder: &str) -> String {
    folder.to_lowercase().nfc().collect()
}

#[cfg(test)]
mod tests;
