//! kill -9 at each request of a run in turn: what is taken up again afterwards is done once, and reported once.

use std::collections::BTreeMap;

use crate::standin::{Fault, Key, World, key};
use crate::testbed::{Bench, Run, counts};

/// A raise, an unassign, and after them a decrease with a first quota: three writes, one after the other.
const FILE: &str = "action,org_id,aid,value\n\
    assign,10,101,6000\n\
    unassign,10,1004,\n\
    assign,10,102,7000\n\
    assign,20,202,500\n";

fn bench() -> Bench {
    let bench = Bench::new(World::small()).with("QUOTAKEEPER__GUARD__UNASSIGN", "allow");
    bench.drop_file("mixed.csv", FILE);
    bench
}

fn wanted() -> BTreeMap<Key, i64> {
    let mut quotas = World::small().quotas();
    quotas.insert(key("10", "101"), 6_000);
    quotas.insert(key("10", "102"), 7_000);
    quotas.insert(key("20", "202"), 500);
    quotas.remove(&key("10", "1004"));
    quotas
}

/// The requests of a run that nobody disturbs.
fn calls() -> Vec<String> {
    let bench = bench();
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.quotas(), wanted());
    bench.standin.log().into_iter().map(|logged| logged.call).collect()
}

/// Kills the binary while its request number `index` is without an answer.
fn killed_at(index: usize, fault: Fault) -> Bench {
    let bench = bench();
    kill_at_request(&bench, index, fault, &["inbox"]);
    bench
}

#[track_caller]
fn each_row_was_sent_once(bench: &Bench, case: &str) {
    let mut times: BTreeMap<Key, usize> = BTreeMap::new();
    for (key, _) in bench.standin.world(|world| world.writes.clone()) {
        *times.entry(key).or_default() += 1;
    }
    assert!(times.len() == 4 && times.values().all(|times| *times == 1), "{case}: {times:?}");
}

/// Runs a command and kills it when the stand-in has got this request, and has not answered it.
fn kill_at_request(bench: &Bench, index: usize, fault: Fault, command: &[&str]) {
    bench.standin.at("", index, fault);
    let mut child = bench.start(command);
    bench.standin.wait_until("the request to be killed at", |log| log.len() > index);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_kill_at_any_request_leaves_a_run_that_is_finished_with_each_row_done_once() {
    for (index, call) in calls().into_iter().enumerate() {
        let mut faults = vec![("before acting", Fault::Stall)];
        if call.starts_with("POST") {
            faults.push(("after acting", Fault::ActThenStall));
        }
        for (when, fault) in faults {
            let case = format!("killed at request {index}, {call}, {when}");
            let bench = killed_at(index, fault);
            bench.run(&["once"]).ends_with(0);
            let run = bench.only_run();
            assert_eq!((run.state().as_str(), run.counts()), ("done", counts([("applied", 4)])), "{case}");
            assert_eq!(bench.quotas(), wanted(), "{case}");
            each_row_was_sent_once(&bench, &case);
            // And nothing is left to do.
            bench.standin.forget_log();
            bench.run(&["inbox"]).ends_with(0);
            assert_eq!(bench.standin.log().len(), 0, "{case}");
        }
    }
}

#[test]
fn a_quota_set_by_somebody_else_between_a_kill_and_the_restart_is_not_overwritten() {
    let posts = calls().into_iter().enumerate().filter(|(_, call)| call.starts_with("POST"));
    for (index, call) in posts {
        for (when, fault) in [("before acting", Fault::Stall), ("after acting", Fault::ActThenStall)] {
            let case = format!("killed at request {index}, {call}, {when}");
            let bench = killed_at(index, fault);
            bench.standin.world(|world| world.set(&key("10", "102"), Some(7_777)));
            bench.run(&["inbox"]).ends_with(4);
            let endings = bench.only_run().endings();
            assert_eq!(endings.len(), 4, "{case}");
            assert_eq!(endings[&4], "changed_meanwhile", "{case}");
            assert_eq!(endings.values().filter(|ending| *ending == "applied").count(), 3, "{case}");
            let mut wanted = wanted();
            wanted.insert(key("10", "102"), 7_777);
            assert_eq!(bench.quotas(), wanted, "{case}");
        }
    }
}

#[test]
fn usage_that_grew_during_a_crash_holds_what_was_not_sent_yet() {
    let calls = calls();
    let last_post = calls.iter().rposition(|call| call.starts_with("POST")).unwrap();
    let bench = killed_at(last_post, Fault::Stall);
    bench.standin.world(|world| {
        let retail = world.organizations.get_mut("10").unwrap().groups.get_mut("102").unwrap();
        retail.tests.push((7_000, Some(7_500)));
    });
    bench.run(&["inbox"]).ends_with(5);
    let run = bench.runs().remove(0);
    assert_eq!(run.endings()[&4], "held");
    assert_eq!(bench.standin.world(|world| world.quota(&key("10", "102"))), Some(8_000));
}

#[test]
fn a_quota_that_is_another_one_only_while_it_is_guarded_again_is_not_set_without_a_guard() {
    let calls = calls();
    let last_post = calls.iter().rposition(|call| call.starts_with("POST")).unwrap();
    for meanwhile in [Some(7_999), None, Some(9_000)] {
        let bench = killed_at(last_post, Fault::Stall);
        bench.standin.world(|world| {
            let retail = world.organizations.get_mut("10").unwrap().groups.get_mut("102").unwrap();
            retail.tests.push((7_000, Some(7_500)));
        });
        // Each of the three batches is read for, then the guards look, then it is read for the write.
        for (reading, quota) in [(3, meanwhile), (3, Some(8_000))] {
            let edit = move |world: &mut World| world.set(&key("10", "102"), quota);
            bench.standin.at("GET /quotas", reading, Fault::Edit(Box::new(edit)));
        }
        bench.run(&["inbox"]).ends_with(4);
        let run = bench.runs().remove(0);
        assert_eq!(run.endings()[&4], "changed_meanwhile", "{meanwhile:?}");
        let quota = bench.standin.world(|world| world.quota(&key("10", "102")));
        assert_eq!(quota, Some(8_000), "{meanwhile:?}");
    }
}

#[test]
fn a_kill_at_any_request_of_an_approved_run_leaves_it_approved_and_done_once() {
    let held = || {
        let bench = Bench::new(World::small());
        bench.drop_file("cut.csv", "org_id,aid,value\n10,101,3000\n");
        bench.run(&["inbox"]).ends_with(5);
        bench.standin.forget_log();
        bench
    };
    let undisturbed = held();
    undisturbed.run(&["approve", &undisturbed.only_run().id()]).ends_with(0);
    for index in 0..undisturbed.standin.log().len() {
        for fault in [Fault::Stall, Fault::ActThenStall] {
            let bench = held();
            kill_at_request(&bench, index, fault, &["approve", &bench.only_run().id()]);
            bench.run(&["inbox"]).ends_with(0);
            assert_eq!(bench.only_run().counts(), counts([("applied", 1)]), "{index}");
            assert_eq!(bench.standin.world(|world| world.writes.len()), 1, "{index}");
        }
    }
}

#[test]
fn a_kill_at_any_request_of_a_split_file_holds_its_rows_once() {
    let dropped = || {
        let bench = Bench::new(World::small());
        bench.drop_file("both.csv", "org_id,aid,value\n20,201,4500\n10,101,3000\n");
        bench
    };
    let undisturbed = dropped();
    undisturbed.run(&["inbox"]).ends_with(5);
    for index in 0..undisturbed.standin.log().len() {
        let bench = dropped();
        kill_at_request(&bench, index, Fault::Stall, &["inbox"]);
        bench.run(&["inbox"]).ends_with(5);
        let runs = bench.runs();
        assert_eq!(runs.iter().map(Run::state).collect::<Vec<_>>(), ["done", "held"], "{index}");
        assert_eq!(runs[0].counts(), counts([("applied", 1), ("held", 1)]), "{index}");
    }
}

#[test]
fn a_kill_at_any_request_of_a_refused_batch_gives_each_row_one_result() {
    let dropped = || {
        let mut world = World::small();
        world.bad.insert(key("10", "102"));
        let bench = Bench::new(world);
        bench.drop_file("bad.csv", "org_id,aid,value\n10,101,6000\n10,102,9000\n10,1004,3100\n");
        bench
    };
    let undisturbed = dropped();
    undisturbed.run(&["inbox"]).ends_with(4);
    for index in 0..undisturbed.standin.log().len() {
        let bench = dropped();
        kill_at_request(&bench, index, Fault::Stall, &["inbox"]);
        bench.run(&["inbox"]).ends_with(4);
        assert_eq!(bench.only_run().counts(), counts([("applied", 2), ("refused", 1)]), "{index}");
        assert_eq!(bench.standin.world(|world| world.writes.len()), 2, "{index}");
    }
}
