//! What a server can do to a write, and the truth about each row afterwards.

use crate::standin::{Fault, Key, World, key};
use crate::testbed::{Bench, assigns, counts};

const ASSIGN: &str = "POST /quotas/account-groups/assign";
const TWO_RAISES: &str = "org_id,aid,value\n10,101,6000\n10,102,9000\n";

fn after_two_raises(bench: &Bench) -> [Option<i64>; 2] {
    bench.standin.world(|world| [world.quota(&key("10", "101")), world.quota(&key("10", "102"))])
}

/// One account group of the only organization after the other, each raised by 5 %.
fn thousand(world: World) -> (Bench, Vec<Key>) {
    let bench =
        Bench::new(World { limit: 100_000, ..world }).with("QUOTAKEEPER__API__REQUESTS_PER_MINUTE", "100000");
    let targets: Vec<Key> = bench.quotas().into_keys().filter(|key| key.1.is_some()).collect();
    bench.drop_file("all.csv", assigns(targets.iter().map(|key| (key, 1_050))));
    (bench, targets)
}

#[track_caller]
fn all_but_the_bad_rows_are_raised(bench: &Bench, targets: &[Key], bad: &[usize]) {
    let run = bench.only_run();
    let quotas = bench.quotas();
    for (index, target) in targets.iter().enumerate() {
        let is_bad = bad.contains(&index);
        assert_eq!(quotas[target], if is_bad { 1_000 } else { 1_050 }, "{target:?}");
    }
    let named: Vec<String> = run.errors().iter().map(|row| row["aid"].clone()).collect();
    let expected: Vec<String> = bad.iter().map(|index| targets[*index].1.clone().unwrap()).collect();
    assert_eq!(named, expected);
    assert_eq!(run.counts(), counts([("applied", targets.len() - bad.len()), ("refused", bad.len())]));
}

#[test]
fn one_bad_row_among_a_thousand_is_found_alone_in_at_most_40_writes() {
    let (bench, targets) = thousand(World::wide(1, 1_000));
    bench.standin.world(|world| world.bad.insert(targets[777].clone()));
    bench.run(&["inbox"]).ends_with(4);
    all_but_the_bad_rows_are_raised(&bench, &targets, &[777]);
    println!("one bad row of 1,000, not named: {} POSTs", bench.posts());
    assert!(bench.posts() <= 40, "{}", bench.posts());
}

#[test]
fn a_bad_row_that_the_server_names_is_found_at_once() {
    let (bench, targets) = thousand(World { names_fields: true, ..World::wide(1, 1_000) });
    bench.standin.world(|world| world.bad.insert(targets[777].clone()));
    bench.run(&["inbox"]).ends_with(4);
    all_but_the_bad_rows_are_raised(&bench, &targets, &[777]);
    println!("one bad row of 1,000, named: {} POSTs", bench.posts());
    assert!(bench.posts() <= 5, "{}", bench.posts());
}

#[test]
fn five_bad_rows_among_a_thousand_are_found_and_no_other_falls_with_them() {
    let (bench, targets) = thousand(World::wide(1, 1_000));
    let bad = [0, 333, 334, 640, 999];
    bench.standin.world(|world| world.bad.extend(bad.map(|index| targets[index].clone())));
    bench.run(&["inbox"]).ends_with(4);
    all_but_the_bad_rows_are_raised(&bench, &targets, &bad);
    println!("five bad rows of 1,000, not named: {} POSTs", bench.posts());
    assert!(bench.posts() <= 100, "{}", bench.posts());
}

#[test]
fn good_rows_that_a_refused_batch_set_anyway_are_applied() {
    let (bench, targets) = thousand(World { partial: true, ..World::wide(1, 1_000) });
    bench.standin.world(|world| world.bad.insert(targets[5].clone()));
    bench.run(&["inbox"]).ends_with(4);
    all_but_the_bad_rows_are_raised(&bench, &targets, &[5]);
    println!("one bad row of 1,000, the others done: {} POSTs", bench.posts());
}

#[test]
fn a_server_that_takes_few_rows_at_a_time_gets_few_rows_at_a_time() {
    let (bench, targets) = thousand(World { most_rows: 300, ..World::wide(1, 1_000) });
    bench.run(&["inbox"]).ends_with(0);
    all_but_the_bad_rows_are_raised_of(&bench, &targets);
    println!("1,000 rows, 300 at a time: {} POSTs", bench.posts());
    assert!(bench.posts() <= 10, "{}", bench.posts());
}

#[test]
fn a_batch_size_that_was_refused_once_is_not_tried_again_whatever_the_status() {
    for too_many in [413, 400] {
        let world = World { most_rows: 700, too_many, limit: 100_000, ..World::wide(5, 2_000) };
        let bench = Bench::new(world).with("QUOTAKEEPER__API__REQUESTS_PER_MINUTE", "100000");
        let targets: Vec<Key> = bench.quotas().into_keys().filter(|key| key.1.is_some()).collect();
        bench.drop_file("all.csv", assigns(targets.iter().map(|key| (key, 1_050))));
        bench.run(&["inbox"]).ends_with(0);
        all_but_the_bad_rows_are_raised_of(&bench, &targets);
        // 2 500 and 1 250 are refused, then sixteen portions of 625.
        assert_eq!(bench.posts(), 18, "{too_many}");
    }
}

#[test]
fn answers_that_are_lost_halve_the_batches_that_follow() {
    let world = World { limit: 100_000, ..World::wide(5, 2_000) };
    let bench = Bench::new(world).with("QUOTAKEEPER__API__REQUESTS_PER_MINUTE", "100000");
    let targets: Vec<Key> = bench.quotas().into_keys().filter(|key| key.1.is_some()).collect();
    bench.standin.at(ASSIGN, 0, Fault::HalfThenDrop);
    bench.drop_file("all.csv", assigns(targets.iter().map(|key| (key, 1_050))));
    bench.run(&["inbox"]).ends_with(0);
    all_but_the_bad_rows_are_raised_of(&bench, &targets);
    let sizes: Vec<usize> =
        bench.standin.log().iter().map(|one| one.rows.len()).filter(|rows| *rows > 0).collect();
    assert_eq!(sizes, [2_500, 1_250, 1_250, 1_250, 1_250, 1_250, 1_250, 1_250]);
}

#[test]
fn bad_rows_that_nobody_names_are_found_within_what_halving_needs() {
    for (bad, most) in [(1, 21), (2, 39), (5, 86), (20, 265)] {
        let (bench, targets) = thousand(World::wide(1, 1_000));
        // Spread evenly, which is the worst for halving.
        let bad: Vec<usize> = (0..bad).map(|each| each * 1_000 / bad + 7).collect();
        bench.standin.world(|world| world.bad.extend(bad.iter().map(|index| targets[*index].clone())));
        bench.run(&["inbox"]).ends_with(4);
        all_but_the_bad_rows_are_raised(&bench, &targets, &bad);
        // 2k·log2(n/k), and the way down to where the bad rows part.
        println!("{} bad rows of 1,000, not named: {} POSTs", bad.len(), bench.posts());
        assert!(bench.posts() <= most, "{}", bench.posts());
        let gets = bench.standin.count("GET");
        assert!(gets <= bench.posts() + 7, "one read a write: {gets}");
    }
}

#[track_caller]
fn all_but_the_bad_rows_are_raised_of(bench: &Bench, targets: &[Key]) {
    assert_eq!(bench.only_run().counts(), counts([("applied", targets.len())]));
}

#[test]
fn an_answer_that_is_lost_after_the_write_ends_with_the_truth_and_no_second_write() {
    for fault in
        [Fault::ActThenDrop, Fault::ActThenFail(500), Fault::ActThenFail(503), Fault::ActThenFail(408)]
    {
        let bench = Bench::new(World::small());
        bench.standin.at(ASSIGN, 0, fault);
        bench.drop_file("raise.csv", TWO_RAISES);
        bench.run(&["inbox"]).ends_with(0);
        assert_eq!(bench.only_run().counts(), counts([("applied", 2)]));
        assert_eq!(after_two_raises(&bench), [Some(6_000), Some(9_000)]);
        assert_eq!(bench.posts(), 1);
    }
}

#[test]
fn a_write_that_was_lost_on_its_way_is_sent_again() {
    for fault in [Fault::Drop, Fault::Fail(500), Fault::Fail(502)] {
        let bench = Bench::new(World::small());
        bench.standin.at(ASSIGN, 0, fault);
        bench.drop_file("raise.csv", TWO_RAISES);
        bench.run(&["inbox"]).ends_with(0);
        assert_eq!(bench.only_run().counts(), counts([("applied", 2)]));
        assert_eq!((after_two_raises(&bench), bench.posts()), ([Some(6_000), Some(9_000)], 2));
    }
}

#[test]
fn half_of_a_batch_done_before_the_answer_was_lost_ends_with_the_truth_of_each_row() {
    let bench = Bench::new(World::small());
    bench.standin.world(|world| world.ignored.insert(key("10", "102")));
    bench.standin.at(ASSIGN, 0, Fault::ActThenDrop);
    // Healed before it is read back, so that the second try takes.
    bench.standin.at("GET /quotas", 2, Fault::Edit(Box::new(|world| world.ignored.clear())));
    bench.drop_file("raise.csv", TWO_RAISES);
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.only_run().counts(), counts([("applied", 2)]));
    let writes = bench.standin.world(|world| world.writes.clone());
    let second: Vec<_> = writes.iter().skip(2).map(|(key, _)| key.clone()).collect();
    assert_eq!(second, [key("10", "102")], "only the row that was not done is sent again");
}

#[test]
fn a_write_that_the_server_silently_ignored_is_not_confirmed() {
    let mut world = World::small();
    world.ignored.insert(key("10", "102"));
    let bench = Bench::new(world);
    bench.drop_file("raise.csv", TWO_RAISES);
    bench.run(&["inbox"]).ends_with(4);
    let run = bench.only_run();
    assert_eq!(run.endings(), [(2, "applied".to_owned()), (3, "not_confirmed".to_owned())].into());
    let undo = String::from_utf8(run.read("undo.csv")).unwrap();
    assert!(undo.contains(",101,") && !undo.contains(",102,"), "{undo}");
}

#[test]
fn a_write_that_shows_only_at_the_third_read_is_applied() {
    let bench = Bench::new(World { late_reads: 2, ..World::small() });
    bench.drop_file("raise.csv", TWO_RAISES);
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.only_run().counts(), counts([("applied", 2)]));
    assert_eq!(bench.posts(), 1);
}

#[test]
fn a_late_write_whose_answer_was_lost_is_applied() {
    let bench = Bench::new(World { late_reads: 1, ..World::small() });
    bench.standin.at(ASSIGN, 0, Fault::ActThenDrop);
    bench.drop_file("raise.csv", TWO_RAISES);
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.only_run().counts(), counts([("applied", 2)]));
}

/// Two raises, of which somebody sets the second quota just before this reading: what its row says.
fn set_by_somebody_before_reading(bench: &Bench, reading: usize) -> String {
    let edit = |world: &mut World| world.set(&key("10", "102"), Some(8_765));
    bench.standin.at("GET /quotas", reading, Fault::Edit(Box::new(edit)));
    bench.drop_file("raise.csv", TWO_RAISES);
    bench.run(&["inbox"]).ends_with(4);
    let run = bench.only_run();
    assert_eq!(run.endings(), [(2, "applied".to_owned()), (3, "changed_meanwhile".to_owned())].into());
    assert_eq!(after_two_raises(bench), [Some(6_000), Some(8_765)]);
    run.errors()[0]["message"].clone()
}

#[test]
fn a_quota_changed_by_somebody_else_after_the_plan_is_left_alone() {
    // The first read is the plan's, the second one comes just before the write.
    let message = set_by_somebody_before_reading(&Bench::new(World::small()), 1);
    assert!(message.contains("8 000") && message.contains("8 765"), "{message}");
}

#[test]
fn a_quota_set_by_somebody_else_while_a_write_waits_for_the_rate_limit_is_left_alone() {
    let bench = Bench::new(World::small());
    bench.standin.at(ASSIGN, 0, Fault::RateLimit { reset_in: 1 });
    // The third one comes after the plan's and the one just before the write that was refused.
    let message = set_by_somebody_before_reading(&bench, 2);
    assert!(message.starts_with("not sent: "), "a refusal for the rate does nothing: {message}");
}

#[test]
fn a_process_that_lost_its_lock_while_a_write_waited_sends_nothing_more() {
    let bench = Bench::new(World::small());
    bench.standin.at(ASSIGN, 0, Fault::RateLimit { reset_in: 1 });
    let lock = bench.data().join("lock");
    let edit = move |_: &mut World| fs_err::remove_file(lock).unwrap();
    bench.standin.at("GET /quotas", 2, Fault::Edit(Box::new(edit)));
    bench.drop_file("raise.csv", TWO_RAISES);
    bench.run(&["inbox"]).ends_with(1);
    assert_eq!(bench.posts(), 1, "the one that was refused");
    assert_eq!(after_two_raises(&bench), [Some(5_000), Some(8_000)]);
}

#[test]
fn the_same_value_set_by_somebody_else_is_not_reported_as_ours() {
    let bench = Bench::new(World::small());
    let edit = |world: &mut World| world.set(&key("10", "102"), Some(9_000));
    bench.standin.at("GET /quotas", 1, Fault::Edit(Box::new(edit)));
    bench.drop_file("raise.csv", TWO_RAISES);
    bench.run(&["inbox"]).ends_with(0);
    let run = bench.only_run();
    assert_eq!(run.endings(), [(2, "applied".to_owned()), (3, "unchanged".to_owned())].into());
    assert!(!String::from_utf8(run.read("undo.csv")).unwrap().contains(",102,"));
}

#[test]
fn a_refused_row_that_was_set_anyway_is_reported_by_what_is_read_back() {
    // A server that does a row and still refuses it: the row's truth is what the API shows.
    let bench = Bench::new(World::small());
    bench.standin.at(ASSIGN, 0, Fault::ActThenFail(400));
    bench.drop_file("raise.csv", "org_id,aid,value\n10,101,6000\n");
    bench.run(&["inbox"]);
    assert_eq!(bench.standin.world(|world| world.quota(&key("10", "101"))), Some(6_000));
    assert_eq!(bench.only_run().counts(), counts([("applied", 1)]));
}

#[test]
fn a_server_that_refuses_everything_is_asked_64_times_at_most() {
    let (bench, targets) = thousand(World::wide(1, 1_000));
    bench.standin.world(|world| world.bad.extend(targets.iter().cloned()));
    bench.run(&["inbox"]).ends_with(4);
    assert_eq!(bench.posts(), 64);
    let run = bench.only_run();
    let endings = run.counts();
    assert_eq!(endings.values().sum::<usize>(), 1_000);
    assert_eq!(endings.keys().map(String::as_str).collect::<Vec<_>>(), ["not_sent", "refused"]);
}

#[test]
fn a_write_that_was_done_although_a_proxy_refused_it_is_ours_and_can_be_undone() {
    for status in [400, 403, 404, 499] {
        let bench = Bench::new(World::small());
        bench.standin.at(ASSIGN, 0, Fault::ActThenPage(status));
        bench.drop_file("raise.csv", TWO_RAISES);
        let log = bench.run(&["inbox"]).ends_with(1).log;
        assert!(log.contains("proxy"), "{log}");
        let run = bench.only_run();
        assert_eq!(run.state(), "applying", "{status}");
        bench.run(&["inbox"]).ends_with(0);
        assert_eq!(run.counts(), counts([("applied", 2)]), "{status}");
        assert_eq!(String::from_utf8(run.read("undo.csv")).unwrap().lines().count(), 3, "{status}");
        assert_eq!(bench.posts(), 1, "{status}");
    }
}

#[test]
fn a_batch_is_halved_until_a_proxy_lets_it_through() {
    let bench = Bench::new(World::small());
    bench.standin.at(ASSIGN, 0, Fault::ActThenPage(413));
    bench.drop_file("raise.csv", TWO_RAISES);
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.only_run().counts(), counts([("applied", 2)]));
}

#[test]
fn a_token_that_stops_working_leaves_the_run_to_be_taken_up_again() {
    let bench = Bench::new(World::small());
    bench.standin.at(ASSIGN, 0, Fault::Fail(401));
    bench.standin.at(ASSIGN, 0, Fault::Fail(401));
    bench.drop_file("raise.csv", TWO_RAISES);
    let log = bench.run(&["inbox"]).ends_with(1).log;
    assert!(log.contains("TE_TOKEN"), "{log}");
    assert_eq!(bench.only_run().state(), "applying");
    while bench.run(&["inbox"]).code != Some(0) {
        assert!(bench.posts() < 4, "it is taken up again");
    }
    assert_eq!(bench.only_run().counts(), counts([("applied", 2)]));
}
