//! Which unit of work comes next. Pure.
//!
//! There is one worker, and it does one unit at a time: a decision acted on, a request of a command answered, a file taken, a
//! round of mail, a scheduled job. What people wait for comes first, then dropped files, mail and schedules; but a stream of
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

/// Whose turn it was.
#[derive(Debug, Default)]
pub(super) struct Turns {
    last_of_people: Option<Kind>,
    last_of_others: Option<Kind>,
    people_in_a_row: u32,
}

impl Turns {
    /// The kind that comes next of those that wait.
    pub(super) fn next(&mut self, waiting: &BTreeSet<Kind>) -> Option<Kind> {
        let of_people = after(&PEOPLE, self.last_of_people, waiting);
        let of_others = after(&OTHERS, self.last_of_others, waiting);
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
fn after(circle: &[Kind], last: Option<Kind>, waiting: &BTreeSet<Kind>) -> Option<Kind> {
    let begin = last.and_then(|last| circle.iter().position(|kind| *kind == last)).map_or(0, |at| at + 1);
    let turned = circle.iter().cycle().skip(begin).take(circle.len());
    turned.copied().find(|kind| waiting.contains(kind))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Kind; 5] = [Kind::Decision, Kind::Request, Kind::Files, Kind::Mail, Kind::Schedule];

    #[test]
    fn people_come_first_then_files_then_mail_then_schedules() {
        let mut waiting = BTreeSet::from(ALL);
        for kind in ALL {
            assert_eq!(Turns::default().next(&waiting), Some(kind));
            waiting.remove(&kind);
        }
        assert_eq!(Turns::default().next(&waiting), None);
    }

    #[test]
    fn between_two_files_what_is_due_elsewhere_gets_one_unit_each() {
        let mut turns = Turns::default();
        let waiting = BTreeSet::from(OTHERS);
        let kinds = [(); 6].map(|()| turns.next(&waiting).unwrap());
        assert_eq!(kinds, [OTHERS, OTHERS].concat()[..]);
    }

    proptest! {
        #[test]
        fn whatever_waits_is_served_within_a_bounded_number_of_units(
            steps in prop::collection::vec(0_u8..32, 1..400)
        ) {
            let mut turns = Turns::default();
            let mut waited = [0_usize; 5];
            for step in steps {
                // What waited and was not served still waits, whatever comes besides.
                let waits = |at: usize| step & (1 << at) != 0 || waited[at] > 0;
                let waiting: BTreeSet<Kind> = (0..5).filter(|at| waits(*at)).map(|at| ALL[at]).collect();
                let served = turns.next(&waiting);
                prop_assert_eq!(served.is_none(), waiting.is_empty());
                for (at, kind) in ALL.iter().enumerate() {
                    let is_passed_over = waiting.contains(kind) && served != Some(*kind);
                    waited[at] = if is_passed_over { waited[at] + 1 } else { 0 };
                    // A decision waits for one request and one unit of the others at most, others for three turns of people.
                    let bound = if PEOPLE.contains(kind) { 2 } else { 3 * (PEOPLE_IN_A_ROW as usize + 1) };
                    prop_assert!(waited[at] <= bound, "{:?} was passed over {} times", kind, waited[at]);
                }
            }
        }
    }
}
