//! Dropped files become changed quotas, in few requests, and can be undone.

use crate::standin::{Key, Shape, World, key};
use crate::testbed::{Bench, assigns, counts};

/// A raise, a no-op, a raise that names no organization and an unassign, as a spreadsheet of some countries saves it.
const FOUR_ROWS: &str = "\u{feff}action;org_id;aid;value;comment\r\n\
    # a word before\r\n\
    assign;10;101;6000;more for the helpdesk\r\n\
    assign;10;102;8000;as it is\r\n\
    # a word between\r\n\
    \r\n\
    assign;;201;4500;whose group is this\r\n\
    unassign;10;1004;;idle\r\n";

#[test]
fn four_rows_take_two_writes_and_their_undo_restores_the_state_exactly() {
    let bench = Bench::new(World::small()).with("QUOTAKEEPER__GUARD__UNASSIGN", "allow");
    let before = bench.quotas();
    bench.drop_file("four.csv", FOUR_ROWS);
    bench.run(&["inbox"]).ends_with(0);

    let run = bench.only_run();
    assert_eq!(run.state(), "done");
    assert_eq!(run.counts(), counts([("applied", 3), ("unchanged", 1)]));
    assert_eq!(bench.posts(), 2);
    let mut wanted = before.clone();
    wanted.insert(key("10", "101"), 6_000);
    wanted.insert(key("20", "201"), 4_500);
    wanted.remove(&key("10", "1004"));
    assert_eq!(bench.quotas(), wanted);

    bench.drop_file("undo.csv", run.read("undo.csv"));
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.quotas(), before);
    assert_eq!(bench.runs().len(), 2);
    assert_eq!(bench.standin.world(|world| world.nameless), 0);
}

#[test]
fn the_undo_of_a_first_quota_waits_for_approval_as_any_unassign() {
    let bench = Bench::new(World::small());
    let before = bench.quotas();
    bench.drop_file("first.csv", "org_id,aid,value\n20,202,500\n");
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.standin.world(|world| world.quota(&key("20", "202"))), Some(500));

    let undo = bench.only_run().read("undo.csv");
    bench.drop_file("undo.csv", undo);
    bench.run(&["inbox"]).ends_with(5);
    let held = bench.runs().pop().unwrap();
    assert_eq!(held.state(), "held");
    bench.run(&["approve", &held.id()]).ends_with(0);
    assert_eq!(bench.quotas(), before);
}

#[test]
fn rows_of_organizations_that_the_quotas_do_not_name_are_applied_too() {
    let mut world = World { shape: Shape::QuotasWithoutOrganization, ..World::small() };
    world.organizations.remove("9");
    let bench = Bench::new(world).with("QUOTAKEEPER__GUARD__UNASSIGN", "allow");
    bench.drop_file(
        "all.csv",
        "action,org_id,aid,value\nassign,10,,45000\nassign,10,101,6000\nassign,20,201,4500\n",
    );
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.only_run().counts(), counts([("applied", 3)]));
}

#[test]
fn an_unassign_that_the_server_ignored_is_not_confirmed_where_the_quotas_name_no_organization() {
    // Contoso has no quota of its own, so nothing in GET /quotas says whose group 201 is.
    let mut world = World::small();
    world.ignored.insert(key("20", "201"));
    let bench = Bench::new(world).with("QUOTAKEEPER__GUARD__UNASSIGN", "allow");
    bench.drop_file("off.csv", "action,org_id,aid\nunassign,20,201\n");
    bench.run(&["inbox"]).ends_with(4);
    assert_eq!(bench.only_run().counts(), counts([("not_confirmed", 1)]));
}

#[test]
fn an_organizations_quota_and_its_groups_change_in_one_run() {
    let bench = Bench::new(World::small());
    bench.drop_file("all.csv", "org_id,aid,value\n10,,45000\n10,101,6000\n10,102,7000\n20,,9000\n");
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.only_run().counts(), counts([("applied", 4)]));
    let quotas = bench.quotas();
    let quota = |org_id, aid| quotas.get(&key(org_id, aid)).copied();
    assert_eq!(
        [quota("10", ""), quota("10", "101"), quota("10", "102"), quota("20", "")],
        [Some(45_000), Some(6_000), Some(7_000), Some(9_000)]
    );
}

#[test]
fn ten_thousand_rows_of_fifty_organizations_take_a_dozen_writes_at_most() {
    let bench = Bench::new(World::wide(50, 200));
    // Three of four are raised, one lowered.
    let targets: Vec<Key> = bench.quotas().into_keys().filter(|key| key.1.is_some()).collect();
    let value = |index: usize| if index.is_multiple_of(4) { 990 } else { 1_050 };
    let rows = targets.iter().enumerate().map(|(index, key)| (key, value(index)));
    bench.drop_file("all.csv", assigns(rows));
    let log = bench.run(&["inbox"]).ends_with(0).log;
    assert_eq!(bench.only_run().counts(), counts([("applied", 10_000)]));
    let (posts, gets) = (bench.posts(), bench.standin.count("GET"));
    let batches: Vec<&str> = log.lines().filter(|line| line.contains(r#""message":"sent""#)).collect();
    assert_eq!(batches.len(), posts, "a line a batch: {log}");
    for part in [r#""rows":2500"#, r#""done":10000"#, r#""of":10000"#, r#""requests":"#, r#""remaining":"#] {
        assert!(batches.last().unwrap().contains(part), "{part}: {batches:?}");
    }
    println!("10,000 rows: {posts} POSTs, {gets} GETs");
    assert!(posts <= 12, "{posts}");
    assert!(gets <= 50 + 2 + posts + 1, "{gets}");
    let quotas = bench.quotas();
    assert!(targets.iter().enumerate().all(|(index, key)| quotas[key] == value(index)));
}
