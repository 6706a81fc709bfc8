//! In the first days of a billing cycle the projection is small: what the last cycle ended with counts then.

use crate::standin::{World, key};
use crate::testbed::{Bench, counts, table};

/// EMEA retail has 8 000 and used 7 100 in the cycle that ended five days ago; in the one that runs it used 30 and 180 are
/// projected. Helpdesk is short.
fn five_days_into_a_cycle() -> Bench {
    let mut world = World::small();
    let own = world.organizations.get_mut("10").unwrap();
    own.cycle = Some([-34, -4]);
    let retail = own.groups.get_mut("102").unwrap();
    retail.tests = vec![(7_100, Some(7_300))];
    let bench = Bench::new(world);
    bench.run(&["snapshot"]).ends_with(0);
    bench.age_the_last_snapshot(5);
    bench.standin.world(|world| {
        world.set(&key("10", "101"), Some(3_000));
        let own = world.organizations.get_mut("10").unwrap();
        own.cycle = Some([-4, 26]);
        own.groups.get_mut("102").unwrap().tests = vec![(30, Some(180))];
        own.cloud = (1_280, Some(2_930));
    });
    bench
}

const LOWERED: &str = "org_id,aid,value\n10,102,500\n";
const REASON: &str = "500 is below the 7 100 used in the previous billing cycle";

/// Numbers are grouped by a blank that does not break.
fn plain(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ")
}

#[test]
fn a_group_lowered_to_a_sixteenth_is_warned_of_and_held_where_that_is_set() {
    let bench = five_days_into_a_cycle();
    fs_err::write(bench.data().join("lower.csv"), LOWERED).unwrap();
    let file = bench.data().join("lower.csv");
    let shown = bench.run(&["plan", file.to_str().unwrap()]).ends_with(0).out;
    let words = plain(&shown).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(REASON), "{shown}");

    let bench = bench.with("QUOTAKEEPER__GUARD__BELOW_LAST_CYCLE", "hold");
    bench.drop_file("lower.csv", LOWERED);
    bench.run(&["inbox"]).ends_with(5);
    assert_eq!(bench.posts(), 0);
    assert!(bench.runs().iter().any(|run| run.state() == "held"));

    let bench = bench.with("QUOTAKEEPER__GUARD__BELOW_LAST_CYCLE", "allow");
    bench.drop_file("again.csv", "org_id,aid,value\n10,102,510\n");
    bench.run(&["inbox"]).ends_with(5); // the first one waits still
    assert_eq!(bench.quotas()[&key("10", "102")], 510);
}

#[test]
fn a_proposal_leaves_a_giver_what_it_used_in_the_last_cycle_and_the_headroom() {
    let bench = five_days_into_a_cycle();
    let proposal = bench.run(&["propose", "--org", "10"]).ends_with(0);
    let rows = table(proposal.out.as_bytes());
    let lowered: Vec<_> = rows.iter().filter(|row| row["aid"] == "102").collect();
    assert!(
        lowered.iter().all(|row| row["value"].parse::<i64>().unwrap() >= 7_810),
        "7 100 and a tenth: {}",
        proposal.out
    );
    // Those that used nothing in either cycle give.
    assert!(rows.iter().any(|row| row["aid"] == "101"), "{}", proposal.out);
    bench.drop_file("proposal.csv", &proposal.out);
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.only_run().counts(), counts([("applied", rows.len())]));
}
