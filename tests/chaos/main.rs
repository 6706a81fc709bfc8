//! Chaos with the real binary: real SIGKILLs at requests and at any moment, in the scenarios that `src/testing/chaos.rs` plays a
//! thousand of in one process. Its waits are real too, so these are few. `QUOTAKEEPER_CHAOS_SEED=17` runs one alone.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use testkit::scenario::{Mishap, Scenario};
use testkit::standin::{Fault, Key, Logged, key};
use testkit::testbed::{Bench, Run, table};

const SEEDS: u64 = 32;

/// Most of their time is waiting, so many go side by side.
const THREADS: usize = 8;

#[test]
fn killed_at_any_moment_the_next_start_ends_each_run_as_planned_or_says_which_rows_did_not() {
    let kills = AtomicUsize::new(0);
    if let Some(seed) = std::env::var("QUOTAKEEPER_CHAOS_SEED").ok().and_then(|text| text.parse().ok()) {
        run(seed, &kills);
        return;
    }
    let (next, failed) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|threads| {
        for _ in 0..THREADS {
            threads.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= SEEDS {
                        break;
                    }
                    if catch_unwind(AssertUnwindSafe(|| run(seed, &kills))).is_err() {
                        eprintln!("this was seed {seed}: QUOTAKEEPER_CHAOS_SEED={seed} runs it alone");
                        failed.lock().unwrap().push(seed);
                    }
                }
            });
        }
    });
    let kills = kills.into_inner();
    eprintln!("{SEEDS} seeds, {kills} kills");
    assert_eq!(failed.into_inner().unwrap(), [0; 0], "these seeds failed");
    assert!(kills >= 32, "only {kills} kills came in time");
}

fn run(seed: u64, kills: &AtomicUsize) {
    let scenario = Scenario::from_seed(1_000_000 + seed);
    let bench = Bench::new(scenario.world())
        .with("QUOTAKEEPER__API__REQUESTS_PER_MINUTE", "100000")
        .with("QUOTAKEEPER__INBOX__MODE", scenario.mode)
        .with("QUOTAKEEPER__GUARD__UNASSIGN", "allow")
        .with("QUOTAKEEPER__GUARD__FLOOR_ROWS", "1000");
    for (call, skip, fault) in scenario.faults() {
        bench.standin.at(call, skip, fault);
    }
    bench.drop_file("chaos.csv", scenario.file());
    let mut dice = fastrand::Rng::with_seed(seed);
    for _ in 0..dice.usize(1..=4) {
        let stalled = bench.standin.stalled();
        let at_a_request = dice.bool();
        if at_a_request {
            let fault = if dice.bool() { Fault::ActThenStall } else { Fault::Stall };
            bench.standin.at("", dice.usize(..12), fault);
        }
        let mut child = bench.start(&["inbox"]);
        // At any moment of it, or when the stand-in leaves that request without an answer.
        let moment = Duration::from_millis(dice.u64(5..300));
        let began = std::time::Instant::now();
        while child.try_wait().unwrap().is_none() {
            let due =
                if at_a_request { bench.standin.stalled() > stalled } else { began.elapsed() >= moment };
            if due {
                child.kill().unwrap();
                child.wait().unwrap();
                kills.fetch_add(1, Ordering::Relaxed);
                break;
            }
            std::thread::sleep(Duration::from_millis(1)); // how finely the moment is met
        }
    }
    for _ in 0..12 {
        let stalled = bench.standin.stalled();
        let mut child = bench.start(&["inbox"]);
        // A stall that no attempt came to yet would be waited out.
        while child.try_wait().unwrap().is_none() {
            if bench.standin.stalled() > stalled {
                child.kill().unwrap();
                child.wait().unwrap();
                kills.fetch_add(1, Ordering::Relaxed);
                break;
            }
            std::thread::sleep(Duration::from_millis(5)); // how soon it is seen
        }
        let runs = bench.runs();
        if !runs.is_empty() && runs.iter().all(|run| matches!(run.state().as_str(), "done" | "held")) {
            check(&bench, &scenario, &runs);
            return;
        }
    }
    panic!("after 12 more starts there is still something to do: {:?}", bench.runs());
}

fn check(bench: &Bench, scenario: &Scenario, runs: &[Run]) {
    let log = bench.standin.log();
    let mut befores: BTreeMap<Key, BTreeSet<Option<i64>>> = BTreeMap::new();
    let mut named: BTreeSet<usize> = BTreeSet::new();
    for run in runs {
        let plan = table(&run.read("plan.csv"));
        let quota = |text: &str| text.parse::<i64>().ok();
        for row in plan.iter().filter(|row| !row["org_id"].is_empty()) {
            befores.entry(key(&row["org_id"], &row["aid"])).or_default().insert(quota(&row["before"]));
        }
        let rows: BTreeSet<usize> = plan.iter().map(|row| row["row"].parse().unwrap()).collect();
        named.extend(&rows);
        if run.state() == "held" {
            continue;
        }
        let endings = run.endings();
        assert!(endings.keys().eq(&rows), "each row has one result: {endings:?}");
        let mut applied = BTreeSet::new();
        for row in plan.iter().filter(|row| !row["org_id"].is_empty()) {
            let target = key(&row["org_id"], &row["aid"]);
            let ending = endings[&row["row"].parse().unwrap()].as_str();
            ends_as_reported(bench, &log, &target, ending, quota(&row["after"]));
            if ending == "applied" {
                applied.insert(target);
            } else if ending == "changed_meanwhile" {
                assert!(log.iter().any(|logged| edits(logged, &target)), "{target:?} was changed by nobody");
            }
        }
        let mut undone = BTreeSet::new();
        if applied.is_empty() {
            assert!(run.record()["undo_sha256"].is_null());
        } else {
            undone =
                table(&run.read("undo.csv")).iter().map(|row| key(&row["org_id"], &row["aid"])).collect();
        }
        assert_eq!(applied, undone);
    }
    assert_eq!(named.len(), scenario.rows.len(), "every row of the file is listed");
    let mut shown: Option<&BTreeMap<Key, i64>> = None;
    for logged in &log {
        shown = logged.shown.as_ref().or(shown);
        for (target, _) in &logged.rows {
            let seen = shown.unwrap().get(target).copied();
            assert!(
                befores[target].contains(&seen),
                "{seen:?} of {target:?} is overwritten, planned {befores:?}"
            );
        }
    }
    assert!(runs.len() <= 2, "one file is one run, and one of what is held: {runs:?}");
}

fn edits(logged: &Logged, target: &Key) -> bool {
    logged.edits.iter().any(|(edited, _)| edited == target)
}

/// What is reported as done is done, unless somebody changed it since; and a read showed it.
fn ends_as_reported(bench: &Bench, log: &[Logged], target: &Key, ending: &str, after: Option<i64>) {
    if !matches!(ending, "applied" | "unchanged") {
        return;
    }
    let live = bench.standin.world(|world| world.quota(target));
    let shows =
        |logged: &Logged| logged.shown.as_ref().is_some_and(|shown| shown.get(target).copied() == after);
    assert!(log.iter().any(shows), "{target:?} is {ending}, and was never read as {after:?}");
    let edited = log.iter().any(|logged| edits(logged, target));
    assert!(live == after || edited, "{target:?} is {ending}, but {live:?} instead of {after:?}");
}

#[test]
fn the_scenarios_have_edits_and_lost_answers() {
    let count = |is: fn(&Mishap) -> bool| {
        let all = (0..SEEDS).flat_map(|seed| Scenario::from_seed(1_000_000 + seed).mishaps);
        all.filter(|(_, _, mishap)| is(mishap)).count()
    };
    assert!(count(|mishap| matches!(mishap, Mishap::Edit(..))) > 10);
    assert!(count(|mishap| matches!(mishap, Mishap::ActThenDrop | Mishap::HalfThenDrop)) > 3);
}
