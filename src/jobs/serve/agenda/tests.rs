//! Who is served first, and that nobody waits forever.

use proptest::prelude::*;

use super::*;

const ALL: [Kind; 5] = [Kind::Decision, Kind::Request, Kind::Files, Kind::Mail, Kind::Schedule];

#[test]
fn people_come_first_then_files_then_mail_then_schedules() {
    let mut waiting = BTreeSet::from(ALL);
    for kind in ALL {
        assert_eq!(RoundRobin::default().next(&waiting), Some(kind));
        waiting.remove(&kind);
    }
    assert_eq!(RoundRobin::default().next(&waiting), None);
}

#[test]
fn between_two_files_what_is_due_elsewhere_gets_one_unit_each() {
    let mut round_robin = RoundRobin::default();
    let waiting = BTreeSet::from(OTHERS);
    let kinds = [(); 6].map(|()| round_robin.next(&waiting).unwrap());
    assert_eq!(kinds, [OTHERS, OTHERS].concat()[..]);
}

proptest! {
    #[test]
    fn whatever_waits_is_served_within_a_bounded_number_of_units(
        steps in prop::collection::vec(0_u8..32, 1..400)
    ) {
        let mut round_robin = RoundRobin::default();
        let mut waited = [0_usize; 5];
        for step in steps {
            // What waited and was not served still waits, whatever comes besides.
            let waits = |at: usize| step & (1 << at) != 0 || waited[at] > 0;
            let waiting: BTreeSet<Kind> = (0..5).filter(|at| waits(*at)).map(|at| ALL[at]).collect();
            let served = round_robin.next(&waiting);
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
