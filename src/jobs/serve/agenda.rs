//! Which unit of work comes next. Pure.
//!
//! There is one worker, and it does one unit at a time: a decision acted on, a request of a command answered, a file taken, some
//! seconds of mail, a scheduled job. What people wait for comes first, then dropped files, mail and schedules; but a stream of
//! one kind keeps no other waiting: after a unit of files, mail or schedules, what else waits of these gets its unit, and
//! people's units let one of them pass after a few.

use std::collections::BTreeSet;

/// People's units that may follow each other while something else waits.
const PEOPLE_IN_A_ROW: u32 = 4;

/// What a unit of work belongs to, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Somebody approved or rejected a run.
    Decision,
    /// A command hands something over and waits for it.
    Request,
    /// A run that was cut off or whose time has come, or a dropped file.
    Files,
    /// Queued mail.
    Mail,
    /// Everything else that is scheduled.
    Schedule,
}

const PEOPLE: [Kind; 2] = [Kind::Decision, Kind::Request];
const OTHERS: [Kind; 3] = [Kind::Files, Kind::Mail, Kind::Schedule];

/// Whose turn it was: people come first, and each of them and of the others in turn.
#[derive(Debug, Default)]
pub(super) struct RoundRobin {
    last_of_people: Option<Kind>,
    last_of_others: Option<Kind>,
    people_in_a_row: u32,
}

impl RoundRobin {
    /// The kind that comes next of those that wait.
    pub(super) fn next(&mut self, waiting: &BTreeSet<Kind>) -> Option<Kind> {
        let of_people = next_waiting(&PEOPLE, self.last_of_people, waiting);
        let of_others = next_waiting(&OTHERS, self.last_of_others, waiting);
        let is_others_turn = self.people_in_a_row >= PEOPLE_IN_A_ROW && of_others.is_some();
        if let Some(kind) = of_people.filter(|_| !is_others_turn) {
            self.last_of_people = Some(kind);
            self.people_in_a_row += 1;
            return Some(kind);
        }
        self.people_in_a_row = 0;
        if of_others.is_some() {
            self.last_of_others = of_others;
        }
        of_others
    }
}

/// The first that waits after the one whose turn it was, around the circle.
fn next_waiting(circle: &[Kind], last: Option<Kind>, waiting: &BTreeSet<Kind>) -> Option<Kind> {
    let begin = last.and_then(|last| circle.iter().position(|kind| *kind == last)).map_or(0, |at| at + 1);
    let turned = circle.iter().cycle().skip(begin).take(circle.len());
    turned.copied().find(|kind| waiting.contains(kind))
}

#[cfg(test)]
mod tests;
