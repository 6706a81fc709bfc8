//! Quotas as they were: a record changes nothing, and the file that restores them does.

use crate::standin::{World, key};
use crate::testbed::{Bench, counts, table};

/// A snapshot, and the name by which it is asked for again.
fn snapshot(bench: &Bench) -> String {
    bench.run(&["snapshot"]).ends_with(0);
    bench.snapshots().pop().unwrap()
}

#[test]
fn a_snapshot_that_lacks_most_quotas_of_an_organization_is_called_doubtful_where_it_is_to_be_restored() {
    let bench = Bench::new(World::wide(1, 6));
    let set = |groups: std::ops::Range<usize>, quota: Option<i64>| {
        bench.standin.world(|world| {
            groups.for_each(|group| world.set(&key("1", &(100_006 + group).to_string()), quota));
        });
    };
    for (missing, is_doubtful) in [(3, false), (5, true)] {
        set(0..missing, None);
        let then = snapshot(&bench);
        set(0..missing, Some(1_000));
        let said = bench.run(&["export", "--at", &then, "--restore"]).ends_with(0).log;
        assert!(said.contains(&format!("{missing} quotas differ from their values")), "{said}");
        let doubt = format!("The snapshot lacks {missing} current quotas of organization 1, and shows");
        assert_eq!(said.contains(&doubt), is_doubtful, "{said}");
        bench.age_the_last_snapshot(1);
    }
}

#[test]
fn what_a_snapshot_saw_is_restored_by_dropping_one_file_and_a_record_of_it_changes_nothing() {
    let mut world = World::small();
    world.set(&key("10", "103"), None);
    let bench = Bench::new(world).with("QUOTAKEEPER__GUARD__UNASSIGN", "allow");
    let (then, before) = (snapshot(&bench), bench.quotas());
    bench.standin.world(|world| {
        world.set(&key("10", "101"), Some(4_100));
        world.set(&key("10", "102"), Some(7_900));
        world.set(&key("10", "103"), Some(9_000));
    });
    let changed = bench.quotas();

    let record = bench.run(&["export", "--at", &then]).ends_with(0);
    assert!(record.log.contains("record") && record.log.contains("--restore"), "{}", record.log);
    bench.drop_file("record.csv", &record.out);
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!((bench.posts(), bench.quotas()), (0, changed));

    let restore = bench.run(&["export", "--at", &then, "--restore"]).ends_with(0);
    let rows = table(restore.out.as_bytes());
    assert_eq!(rows.len(), 3, "{}", restore.out);
    assert!(
        rows.iter()
            .any(|row| row["aid"] == "103" && row["action"] == "unassign" && row["expected_value"] == "9000")
    );
    assert!(restore.log.contains("3 quotas differ from their values"), "{}", restore.log);
    assert_eq!(bench.posts(), 0, "it is never applied by itself");
    bench.drop_file("restore.csv", &restore.out);
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.quotas(), before);

    let again = bench.run(&["export", "--at", &then, "--restore"]).ends_with(0);
    assert_eq!(again.out.lines().count(), 1, "{}", again.out);
    assert!(again.log.contains("Nothing to restore"), "{}", again.log);
}

#[test]
fn a_table_of_what_quotas_were_sets_nothing_back_when_it_is_dropped() {
    let bench = Bench::new(World::small());
    let then = snapshot(&bench);
    let written = |name: &str, arguments: &[&str]| {
        let path = bench.data().join(name).display().to_string();
        bench.run(&[arguments, &["--out", &path]].concat()).ends_with(0);
        std::fs::read_to_string(path).unwrap()
    };
    let printed = |arguments: &[&str]| bench.run(arguments).ends_with(0).out;
    let tables = [
        ("snapshot.csv", printed(&["history", "show", &then])),
        ("target.csv", printed(&["history", "of", "101", "--format", "csv"])),
        ("targets.csv", printed(&["targets", "--format", "csv"])),
        ("usage.csv", written("a.csv", &["report", "usage"])),
        ("closing.csv", written("b.csv", &["report", "closing"])),
    ];
    bench.standin.world(|world| world.set(&key("10", "101"), Some(4_100)));
    let changed = bench.quotas();
    for (name, table) in &tables {
        bench.drop_file(name, table);
        bench.run(&["inbox"]).ends_with(1);
        let status =
            std::fs::read_to_string(bench.data().join("inbox/answers").join(name).join("status.txt"))
                .unwrap();
        assert!(status.contains("This is a table of past quotas"), "{name}: {status}");
    }
    assert_eq!((bench.posts(), bench.quotas()), (0, changed));
}

#[test]
fn targets_that_are_no_longer_visible_are_named_and_one_organization_is_restored_alone() {
    let bench = Bench::new(World::small());
    let then = snapshot(&bench);
    bench.standin.world(|world| {
        world.set(&key("10", "101"), Some(4_100));
        world.organizations.remove("20");
    });
    let restore = bench.run(&["export", "--at", &then, "--restore"]).ends_with(0);
    assert_eq!(table(restore.out.as_bytes()).len(), 1, "{}", restore.out);
    assert!(restore.log.contains("no longer visible"), "{}", restore.log);

    let own = bench.run(&["export", "--at", &then, "--restore", "--org", "10"]).ends_with(0);
    assert_eq!(own.out, restore.out);
    assert!(!own.log.contains("no longer visible"), "{}", own.log);
    let unknown = bench.run(&["export", "--org", "4711"]).ends_with(1);
    assert!(unknown.log.contains("4711"), "{}", unknown.log);
    bench.run(&["export", "--restore"]).ends_with(2);
}

#[test]
fn none_as_the_value_of_a_target_without_a_quota_is_no_change_and_of_any_other_it_is_an_error() {
    let mut world = World::small();
    world.set(&key("10", "103"), None);
    let bench = Bench::new(world);
    bench.drop_file("none.csv", "org_id,aid,value\n10,103,none\n10,101,none\n");
    bench.run(&["inbox"]).ends_with(4);
    assert_eq!((bench.only_run().counts(), bench.posts()), (counts([("bad_row", 1), ("unchanged", 1)]), 0));
}
