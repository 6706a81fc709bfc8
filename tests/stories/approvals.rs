//! What a guard holds is sent only as it was approved, and once.

use crate::standin::{Fault, World, key};
use crate::testbed::{Bench, Run, counts};

/// The helpdesk's 3 400 projected units, and a quota below them.
const CUT: &str = "org_id,aid,value\n10,101,3000\n";

fn held() -> (Bench, Run) {
    let bench = Bench::new(World::small());
    bench.drop_file("cut.csv", CUT);
    bench.run(&["inbox"]).ends_with(5);
    let run = bench.only_run();
    assert_eq!(run.state(), "held");
    assert_eq!(bench.posts(), 0);
    (bench, run)
}

fn helpdesk(bench: &Bench) -> Option<i64> {
    bench.standin.world(|world| world.quota(&key("10", "101")))
}

#[test]
fn a_cut_below_use_is_held_and_applied_once_it_is_approved() {
    let (bench, run) = held();
    bench.run(&["inbox"]).ends_with(5);
    assert_eq!(bench.posts(), 0);
    bench.run(&["approve", &run.id()]).ends_with(0);
    assert_eq!(helpdesk(&bench), Some(3_000));
    assert_eq!(run.counts(), counts([("applied", 1)]));
    bench.run(&["approve", &run.id()]).ends_with(1);
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.posts(), 1);
}

#[test]
fn a_held_row_names_the_largest_tests_and_agents_that_would_stop() {
    let (_bench, run) = held();
    let plan = String::from_utf8(run.read("plan.csv")).unwrap();
    let largest = "Largest: Helpdesk 1 (Web - Page Load) 2 500, Helpdesk agent 1 (enterprise agent) 700, \
                   Helpdesk 2 (Web - Page Load) 200";
    assert!(plan.contains("3 000 is below the 3 400 projected") && plan.contains(largest), "{plan}");
}

#[test]
fn an_approval_of_another_plan_is_refused() {
    let (bench, run) = held();
    let log = bench.run(&["approve", &run.id(), "--plan", &"0".repeat(64)]).ends_with(1).log;
    let plan = run.record()["plan_sha256"].as_str().unwrap().to_owned();
    assert!(log.contains(&plan), "{log}");
    assert_eq!((run.state().as_str(), bench.posts()), ("held", 0));
    bench.run(&["approve", &run.id(), "--plan", &plan]).ends_with(0);
    assert_eq!(helpdesk(&bench), Some(3_000));
}

#[test]
fn an_approval_is_stale_once_somebody_else_changed_the_quota() {
    let (bench, run) = held();
    bench.standin.world(|world| world.set(&key("10", "101"), Some(4_321)));
    let out = bench.run(&["approve", &run.id()]).ends_with(1).out;
    assert!(out.contains("5 000") && out.contains("4 321"), "{out}");
    assert_eq!((run.state().as_str(), bench.posts()), ("stale", 0));
    assert_eq!(helpdesk(&bench), Some(4_321));
    assert_eq!(run.counts(), counts([("stale", 1)]));
}

#[test]
fn usage_that_moves_does_not_void_an_approval() {
    let (bench, run) = held();
    bench.standin.world(|world| {
        let helpdesk = world.organizations.get_mut("10").unwrap().groups.get_mut("101").unwrap();
        helpdesk.tests.push((10, Some(20)));
    });
    bench.run(&["approve", &run.id()]).ends_with(0);
    assert_eq!(helpdesk(&bench), Some(3_000));
}

#[test]
fn a_rejected_run_sends_nothing_ever() {
    let (bench, run) = held();
    bench.run(&["reject", &run.id()]).ends_with(0);
    assert_eq!(run.state(), "rejected");
    bench.run(&["approve", &run.id()]).ends_with(1);
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.posts(), 0);
    assert_eq!(run.counts(), counts([("rejected", 1)]));
}

#[test]
fn the_first_of_two_decisions_wins() {
    let (bench, run) = held();
    // While another instance is at work, decisions are only recorded.
    let lock = fs_err::File::options().write(true).open(bench.data().join("lock")).unwrap().into_file();
    lock.try_lock().unwrap();
    bench.run(&["reject", &run.id()]).ends_with(0);
    let log = bench.run(&["approve", &run.id()]).ends_with(1).log;
    assert!(log.contains("already rejected"), "{log}");
    drop(lock);
    bench.run(&["inbox"]).ends_with(0); // done as decided
    assert_eq!((run.state().as_str(), bench.posts()), ("rejected", 0));
}

#[test]
fn held_rows_are_split_off_and_the_rest_applies_now() {
    let bench = Bench::new(World::small());
    bench.drop_file("both.csv", "org_id,aid,value\n20,201,4500\n10,101,3000\n");
    bench.run(&["inbox"]).ends_with(5);
    let runs = bench.runs();
    assert_eq!(runs.iter().map(Run::state).collect::<Vec<_>>(), ["done", "held"]);
    assert_eq!(runs[0].counts(), counts([("applied", 1), ("held", 1)]));
    bench.run(&["approve", &runs[1].id()]).ends_with(0);
    assert_eq!(runs[1].endings(), [(3, "applied".to_owned())].into());
    assert_eq!(helpdesk(&bench), Some(3_000));
}

#[test]
fn a_run_can_be_named_by_any_unique_part_of_its_id() {
    let bench = Bench::new(World::small());
    bench.drop_file("both-q4.csv", "org_id,aid,value\n20,201,4500\n10,101,3000\n");
    bench.run(&["inbox"]).ends_with(5);
    let (first, held) = (bench.runs()[0].id(), bench.runs()[1].id());
    let shown = bench.run(&["runs", "both-q4"]).ends_with(0).out;
    assert!(shown.starts_with(&format!("{first} · done")), "{shown}");
    for command in ["runs", "approve", "reject"] {
        let log = bench.run(&[command, "both"]).ends_with(1).log;
        assert!(log.contains(&format!("is part of 2 runs: {held} (held) and {first} (done)")), "{log}");
    }
    let log = bench.run(&["approve", "both-q4"]).ends_with(1).log;
    assert!(log.contains(&format!("its held rows wait as {held}")), "{log}");
    // The process that holds the lock gets the whole id.
    let lock = fs_err::File::options().write(true).open(bench.data().join("lock")).unwrap().into_file();
    lock.try_lock().unwrap();
    bench.run(&["approve", "q4.held"]).ends_with(0);
    assert!(bench.data().join(format!("requests/{held}.decided")).exists());
    drop(lock);
    let out = bench.run(&["approve", "q4.held"]).ends_with(0).out;
    assert!(out.contains(&format!("{held}: done")), "{out}");
    assert_eq!(helpdesk(&bench), Some(3_000));
}

#[test]
fn runs_are_listed_by_their_state() {
    let bench = Bench::new(World::small());
    let none = bench.run(&["runs", "--state", "held"]).ends_with(0).out;
    assert!(none.starts_with("No runs yet"), "{none}");
    bench.drop_file("both.csv", "org_id,aid,value\n20,201,4500\n10,101,3000\n");
    bench.run(&["inbox"]).ends_with(5);
    let (done, held) = (bench.runs()[0].id(), bench.runs()[1].id());
    let listed = |more: &[&str]| {
        let out = bench.run(&[&["runs", "--format", "json"], more].concat()).ends_with(0).out;
        let runs: Vec<serde_json::Value> = serde_json::from_str(&out).unwrap();
        runs.iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed(&["--state", "held"]), [held.as_str()]);
    assert_eq!(listed(&["--state", "done", "--state", "held"]), [done.as_str(), held.as_str()]);
    let text = bench.run(&["runs", "--state", "done"]).ends_with(0).out;
    assert!(text.contains(&format!("{done} ")) && !text.contains(&held), "{text}");
    let text = bench.run(&["runs", "--state", "failed", "--state", "stale"]).ends_with(0).out;
    assert_eq!(text, "No run is failed or stale.\n");
    let log = bench.run(&["runs", "--state", "open"]).ends_with(2).log;
    assert!(log.contains("planned, held, scheduled, applying, done, failed, rejected, stale"), "{log}");
    bench.run(&["runs", &done, "--state", "done"]).ends_with(2);
}

#[test]
fn a_decrease_waits_where_usage_may_not_be_seen_and_a_raise_does_not() {
    for status in [403, 404] {
        let bench = Bench::new(World { broken: Some(("GET /usage", status)), ..World::small() });
        bench.drop_file("both.csv", "org_id,aid,value\n20,201,4500\n10,102,7900\n");
        bench.run(&["inbox"]).ends_with(5);
        assert_eq!(bench.runs()[0].endings(), [(2, "applied".to_owned()), (3, "held".to_owned())].into());
        let plan = String::from_utf8(bench.runs()[1].read("plan.csv")).unwrap();
        assert!(
            plan.contains("its usage is unknown, so quotakeeper cannot tell whether 7 900 is enough"),
            "{plan}"
        );
    }
}

#[test]
fn a_stale_run_is_planned_again_by_one_approve_and_sent_by_the_next() {
    let (bench, run) = held();
    bench.standin.world(|world| world.set(&key("10", "101"), Some(4_321)));
    bench.run(&["approve", &run.id()]).ends_with(1);
    let out = bench.run(&["runs", &run.id()]).ends_with(0).out;
    assert!(out.contains(&format!("quotakeeper approve {}", run.id())), "{out}");

    let out = bench.run(&["approve", &run.id()]).ends_with(5).out;
    let plan = run.record()["plan_sha256"].as_str().unwrap().to_owned();
    assert!(out.contains("4 321") && out.contains(&plan), "{out}");
    assert_eq!((run.state().as_str(), bench.posts()), ("held", 0));
    bench.run(&["approve", &run.id(), "--plan", &plan]).ends_with(0);
    assert_eq!(helpdesk(&bench), Some(3_000));
}

#[test]
fn when_an_approval_and_a_rejection_race_one_wins_and_both_people_see_which() {
    for _ in 0..5 {
        let (bench, run) = held();
        let id = run.id();
        let both = ["approve", "reject"].map(|word| bench.start(&[word, &id]));
        let won = both.map(|child| child.wait_with_output().unwrap().status.success());
        bench.run(&["inbox"]); // what was recorded while the other one held the lock
        let (state, sent) = (run.state(), bench.posts());
        match state.as_str() {
            "done" => assert_eq!((won, sent), ([true, false], 1)),
            "rejected" => assert_eq!((won, sent), ([false, true], 0)),
            state => panic!("{state}"),
        }
    }
}

#[test]
fn a_file_named_by_the_plans_hash_approves_it_also_when_it_was_there_before() {
    let (bench, run) = held();
    let plan = run.record()["plan_sha256"].as_str().unwrap().to_owned();
    let approval = format!("{plan}.approved");
    bench.drop_file(&approval, "");
    bench.run(&["inbox"]).ends_with(5);
    let status =
        fs_err::read_to_string(bench.data().join(format!("inbox/answers/{approval}/status.txt"))).unwrap();
    assert!(status.contains("inbox.approvals"), "off unless it is switched on: {status}");
    assert_eq!((run.state().as_str(), bench.posts()), ("held", 0));

    let bench = bench.with("QUOTAKEEPER__INBOX__APPROVALS", "true");
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!((run.state().as_str(), helpdesk(&bench)), ("done", Some(3_000)));
    assert!(run.record()["approved_by"].as_str().unwrap().contains(&approval));
    assert!(!bench.data().join("inbox").join(&approval).exists(), "used up");

    // Of the same plan again, and with the approval there first.
    bench.standin.world(|world| world.set(&key("10", "101"), Some(5_000)));
    fs_err::remove_dir_all(bench.data().join("runs")).unwrap();
    bench.drop_file(&approval, "");
    bench.run(&["inbox"]).ends_with(0);
    assert!(bench.data().join("inbox").join(&approval).exists(), "it waits for its plan");
    bench.drop_file("cut.csv", CUT);
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(helpdesk(&bench), Some(3_000));
}

#[test]
fn a_decision_that_cannot_be_read_stops_no_approval_of_another_run() {
    let (bench, damaged) = held();
    bench.drop_file("other.csv", "org_id,aid,value\n10,102,100\n");
    bench.run(&["inbox"]).ends_with(5);
    let bench = bench.with("QUOTAKEEPER__INBOX__APPROVALS", "true");
    let runs = bench.runs();
    let other = runs.iter().find(|run| run.id() != damaged.id()).unwrap();
    for broken in ["garbage", "folder"] {
        let decision = bench.data().join("runs").join(damaged.id()).join("decision.json");
        let _ = fs_err::remove_file(&decision);
        match broken {
            "folder" => fs_err::create_dir(&decision).unwrap(),
            garbage => fs_err::write(&decision, garbage).unwrap(),
        }
        let plan = |run: &Run| run.record()["plan_sha256"].as_str().unwrap().to_owned();
        bench.drop_file(&format!("{}.approved", plan(&damaged)), "");
        if other.state() == "held" {
            bench.drop_file(&format!("{}.approved", plan(other)), "");
        }
        bench.run(&["inbox"]).ends_with(1);
        assert_eq!((damaged.state().as_str(), other.state().as_str()), ("held", "done"), "{broken}");
        let answer = bench.data().join(format!("inbox/answers/{}.approved/status.txt", plan(&damaged)));
        let status = fs_err::read_to_string(answer).unwrap();
        assert!(status.contains(&damaged.id()) && status.contains("decision.json"), "{status}");
    }
    assert_eq!(bench.posts(), 1);
}

#[test]
fn a_decision_that_cannot_be_read_stops_no_other_run_that_holds_the_same_plan() {
    let (bench, damaged) = held();
    bench.drop_file("again.csv", CUT);
    bench.run(&["inbox"]).ends_with(5);
    let runs = bench.runs();
    let other = runs.iter().find(|run| run.id() != damaged.id()).unwrap();
    let plan = other.record()["plan_sha256"].as_str().unwrap().to_owned();
    assert_eq!(damaged.record()["plan_sha256"], plan.as_str());
    fs_err::write(bench.data().join("runs").join(damaged.id()).join("decision.json"), "garbage").unwrap();
    bench.drop_file(&format!("{plan}.approved"), "");
    let bench = bench.with("QUOTAKEEPER__INBOX__APPROVALS", "true");
    for _ in 0..2 {
        bench.run(&["inbox"]).ends_with(1);
        assert_eq!((damaged.state().as_str(), other.state().as_str()), ("held", "done"));
        let answer = bench.data().join(format!("inbox/answers/{plan}.approved/status.txt"));
        assert!(fs_err::read_to_string(answer).unwrap().contains(&damaged.id()));
        assert!(bench.data().join(format!("inbox/{plan}.approved")).exists(), "it is tried again");
    }
    assert_eq!((helpdesk(&bench), bench.posts()), (Some(3_000), 1));
}

#[test]
fn an_approval_file_that_lay_there_in_time_counts_also_where_the_pass_comes_late() {
    let (bench, run) = held();
    let plan = run.record()["plan_sha256"].as_str().unwrap().to_owned();
    bench.drop_file(&format!("{plan}.approved"), "");
    let bench = bench.with("QUOTAKEEPER__INBOX__APPROVALS", "true").with("QUOTAKEEPER__GUARD__EXPIRE", "1ms");
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!((run.state().as_str(), helpdesk(&bench)), ("done", Some(3_000)));
}

#[test]
fn a_person_who_approves_while_a_run_expires_is_heard() {
    let (bench, run) = held();
    let bench = bench.with("QUOTAKEEPER__GUARD__EXPIRE", "1ms");
    let plan = run.record()["plan_sha256"].as_str().unwrap().to_owned();
    let decision = bench.data().join("runs").join(run.id()).join("decision.json");
    let word = format!(r#"{{"approve":true,"plan_sha256":"{plan}","by":"ann","at":"2026-11-22T18:05:00Z"}}"#);
    // The API's clock is asked before anything expires.
    let approve = move |_: &mut World| fs_err::write(&decision, &word).unwrap();
    bench.standin.forget_log();
    bench.standin.at("", 0, Fault::Edit(Box::new(approve)));
    bench.run(&["inbox"]);
    assert_eq!(run.state(), "held");
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!((run.state().as_str(), helpdesk(&bench)), ("done", Some(3_000)));
}

#[test]
fn a_run_that_nobody_decides_on_expires_and_says_so() {
    let (bench, run) = held();
    let bench = bench.with("QUOTAKEEPER__GUARD__EXPIRE", "1ms");
    bench.run(&["inbox"]);
    assert_eq!((run.state().as_str(), bench.posts()), ("rejected", 0));
    let error = String::from_utf8(run.read("error.csv")).unwrap();
    assert!(error.contains("Nobody approved it within 1ms (guard.expire)"), "{error}");
    let log = bench.run(&["approve", &run.id()]).ends_with(1).log;
    assert!(log.contains("is rejected"), "{log}");
}

#[test]
fn an_approval_that_comes_too_late_is_answered() {
    for (is_stale, word) in [(false, "was rejected"), (true, "is stale because the quotas changed")] {
        let (bench, run) = held();
        let plan = run.record()["plan_sha256"].as_str().unwrap().to_owned();
        if is_stale {
            bench.standin.world(|world| world.set(&key("10", "101"), Some(4_321)));
            bench.run(&["approve", &run.id()]).ends_with(1);
        } else {
            bench.run(&["reject", &run.id()]).ends_with(0);
        }
        let bench = bench.with("QUOTAKEEPER__INBOX__APPROVALS", "true");
        bench.drop_file(&format!("{plan}.approved"), "");
        for _ in 0..2 {
            bench.run(&["inbox"]);
            let answer = bench.data().join(format!("inbox/answers/{plan}.approved/status.txt"));
            let status = fs_err::read_to_string(answer).unwrap();
            assert!(status.contains(&run.id()) && status.contains(word), "{status}");
            assert!(bench.data().join(format!("inbox/{plan}.approved")).exists(), "nothing vanishes");
            assert_eq!(bench.posts(), 0);
        }
    }
}

#[test]
fn a_reviewed_commit_approves_itself_where_the_inbox_is_a_read_only_mount() {
    let bench = Bench::new(World::small())
        .with("QUOTAKEEPER__INBOX__READ_ONLY", "true")
        .with("QUOTAKEEPER__INBOX__APPROVALS", "true");
    bench.drop_file("cut.csv", CUT);
    bench.run(&["inbox"]).ends_with(5);
    let plan = bench.only_run().record()["plan_sha256"].as_str().unwrap().to_owned();
    bench.drop_file("cut.csv", format!("# approved: {plan}\n{CUT}"));
    for _ in 0..2 {
        bench.run(&["inbox"]);
        assert_eq!((helpdesk(&bench), bench.posts()), (Some(3_000), 1));
    }
}

#[test]
fn a_row_of_another_day_waits_and_can_be_dropped_until_then() {
    let bench = Bench::new(World::small());
    bench.drop_file("later.csv", "org_id,aid,value,effective\n10,101,6000,2199-01-01\n");
    bench.run(&["inbox"]).ends_with(0);
    let run = bench.only_run();
    assert_eq!((run.state().as_str(), bench.posts()), ("scheduled", 0));
    let out = bench.run(&["status"]).ends_with(0).out;
    assert!(out.contains(&run.id()) && out.contains("2199"), "{out}");
    let log = bench.run(&["approve", &run.id()]).ends_with(1).log;
    assert!(log.contains("scheduled"), "{log}");
    bench.run(&["reject", &run.id()]).ends_with(0);
    assert_eq!((run.state().as_str(), run.counts()), ("rejected", counts([("rejected", 1)])));
}

#[test]
fn while_nothing_is_to_be_sent_neither_an_approval_nor_what_was_under_way_is() {
    let (bench, run) = held();
    let stopped = bench.with("QUOTAKEEPER__INBOX__APPLY", "false");
    let log = stopped.run(&["approve", &run.id()]).ends_with(1).log;
    assert!(log.contains("nothing that was dropped is sent while inbox.apply is false"), "{log}");
    // An approval from elsewhere, such as a file, waits.
    let plan = run.record()["plan_sha256"].as_str().unwrap().to_owned();
    let approving = stopped.with("QUOTAKEEPER__INBOX__APPROVALS", "true");
    approving.drop_file(&format!("{plan}.approved"), "");
    approving.run(&["inbox"]).ends_with(5);
    assert_eq!((approving.posts(), run.state()), (0, "held".to_owned()));
    let going_on = approving.with("QUOTAKEEPER__INBOX__APPLY", "true");
    going_on.run(&["inbox"]).ends_with(0);
    assert_eq!((helpdesk(&going_on), run.state()), (Some(3_000), "done".to_owned()));
}
