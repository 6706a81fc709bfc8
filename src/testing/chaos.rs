//! A thousand seeded runs against the separate stand-in of `testkit`, with its faults, people who change quotas
//! meanwhile, and kills; what must hold of each is in `checks`.
//!
//! The whole inbox job runs, in this process, on a clock that is not the machine's: a kill drops it at a request without
//! an answer, and a fresh `App` on the same folder takes over. `QUOTAKEEPER_CHAOS_SEED=17` runs one seed alone and prints
//! what happened in it; `QUOTAKEEPER_CHAOS_SEEDS=20000` runs more.

mod checks;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tempfile::TempDir;
use testkit::scenario::{Choice, Scenario};
use testkit::standin::{Fault, StandIn, TOKEN};

use crate::change::RunState;
use crate::change::run::{Decision, Run};
use crate::config;
use crate::jobs::{App, Job};
use crate::testing::testbed::noon;

/// What the seeds really met, by name.
type Tally = BTreeMap<&'static str, usize>;

/// So often a run is taken up again, and it must have ended.
const ATTEMPTS: usize = 24;

#[test]
fn a_thousand_runs_in_chaos_end_as_planned_or_say_which_rows_did_not() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("QUOTAKEEPER_CHAOS_SEED") {
        let mut tally = Tally::new();
        run(seed, true, &mut tally);
        eprintln!("{tally:#?}");
        return;
    }
    let seeds = number("QUOTAKEEPER_CHAOS_SEEDS").unwrap_or(1_000);
    let (next, total, failed) = (AtomicU64::new(0), Mutex::new(Tally::new()), Mutex::new(Vec::new()));
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                let mut tally = Tally::new();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        break;
                    }
                    if catch_unwind(AssertUnwindSafe(|| run(seed, false, &mut tally))).is_err() {
                        eprintln!("this was seed {seed}: QUOTAKEEPER_CHAOS_SEED={seed} runs it alone");
                        failed.lock().unwrap().push(seed);
                    }
                }
                let mut total = total.lock().unwrap();
                for (name, count) in tally {
                    *total.entry(name).or_default() += count;
                }
            });
        }
    });
    let total = total.into_inner().unwrap();
    eprintln!("{seeds} seeds: {total:#?}");
    assert_eq!(failed.into_inner().unwrap(), [0; 0], "these seeds failed");
    for name in checks::MET {
        assert!(total.get(name).is_some_and(|count| *count > 0), "no seed met: {name}");
    }
}

/// One seed, on a runtime whose clock only the driver moves.
fn run(seed: u64, is_verbose: bool, tally: &mut Tally) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let scenario = Scenario::from_seed(seed);
        if is_verbose {
            eprintln!("{scenario:#?}");
        }
        let bench = Bench::new(&scenario);
        bench.live(&scenario, tally).await;
        if is_verbose {
            bench.print_log();
        }
        checks::check(&bench, &scenario, tally);
    });
}

struct Bench {
    folder: TempDir,
    standin: StandIn,
    environment: BTreeMap<String, String>,
    /// The run that was rejected, and how many requests had come by then.
    rejected: Mutex<Vec<(String, usize)>>,
}

impl Bench {
    fn new(scenario: &Scenario) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let standin = StandIn::start(scenario.world());
        for (call, skip, fault) in scenario.faults() {
            standin.at(call, skip, fault);
        }
        let base_url = standin.base_url();
        let environment = [
            ("TE_BASE_URL", base_url.as_str()),
            ("TE_TOKEN", TOKEN),
            ("QUOTAKEEPER__API__REQUESTS_PER_MINUTE", "100000"),
            ("QUOTAKEEPER__API__TIMEOUT", "9m"),
            ("QUOTAKEEPER__DATA__DIR", folder.path().to_str().unwrap()),
            ("QUOTAKEEPER__INBOX__SETTLE", "0s"),
            ("QUOTAKEEPER__INBOX__MODE", scenario.mode),
            ("QUOTAKEEPER__GUARD__UNASSIGN", "allow"),
            ("QUOTAKEEPER__GUARD__FLOOR_ROWS", "1000"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        fs_err::create_dir_all(folder.path().join("inbox")).unwrap();
        fs_err::write(folder.path().join("inbox/chaos.csv"), scenario.file()).unwrap();
        Self { folder, standin, environment, rejected: Mutex::default() }
    }

    fn app(&self) -> App {
        App::named(config::load(None, &self.environment).unwrap(), "chaos")
    }

    fn runs(&self) -> Vec<Run> {
        let (runs, broken) = Run::list(&self.folder.path().join("runs")).unwrap();
        assert_eq!(broken, []);
        runs
    }

    /// Starts the job again and again until there is nothing left to do.
    async fn live(&self, scenario: &Scenario, tally: &mut Tally) {
        let began = tokio::time::Instant::now();
        let mut kills = scenario.kills.iter();
        for _ in 0..ATTEMPTS {
            if let Some((skip, acts)) = kills.next() {
                self.standin.at("", *skip, if *acts { Fault::ActThenStall } else { Fault::Stall });
            }
            let now = noon() + began.elapsed();
            let app = self.app();
            match self.until_killed(Job::Inbox.run(&app, now)).await {
                None => {
                    *tally.entry("kills").or_default() += 1;
                    self.tear_journals(scenario, tally);
                    continue;
                }
                Some(Err(_)) => *tally.entry("interrupted by errors").or_default() += 1,
                Some(Ok(_)) => {}
            }
            let decided = self.decide(scenario, now, tally);
            let waits = |run: &Run| run.record.state == RunState::Held && !decided;
            let runs = self.runs();
            if !runs.is_empty() && runs.iter().all(|run| !run.is_open() || waits(run)) {
                return;
            }
        }
        panic!("after {ATTEMPTS} attempts there is still something to do");
    }

    /// The future's result; none where a request was left without an answer, which is when the process is killed.
    ///
    /// Time stands still while anything is done, and goes on by a second whenever nothing was for a millisecond.
    async fn until_killed<T>(&self, job: impl Future<Output = T>) -> Option<T> {
        let stalled = self.standin.stalled();
        // While a blocking task runs, tokio does not move the clock by itself.
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let still = tokio::task::spawn_blocking(move || ended.recv().is_err());
        let mut job = Box::pin(job);
        let done = loop {
            let idle = tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(1)));
            tokio::select! {
                biased;
                done = &mut job => break Some(done),
                _ = idle => {}
            }
            if self.standin.stalled() > stalled {
                break None;
            }
            tokio::time::advance(Duration::from_secs(1)).await;
        };
        drop(job);
        drop(end);
        still.await.unwrap();
        done
    }

    /// A kill may come while a line is written: what the server did not get to see the effect of may be half there.
    fn tear_journals(&self, scenario: &Scenario, tally: &mut Tally) {
        let at_a_read = self.standin.log().last().is_some_and(|last| last.call.starts_with("GET"));
        for run in self.runs() {
            let path = run.path("journal.jsonl");
            let Ok(journal) = fs_err::read_to_string(&path) else { continue };
            let last = journal.lines().last().unwrap_or_default();
            let is_intent = last.contains("\"event\":\"intent\"");
            if scenario.tears
                && at_a_read
                && run.record.state == RunState::Applying
                && !last.is_empty()
                && !is_intent
            {
                let cut = journal.len() - 1 - last.len() / 2;
                fs_err::write(&path, &journal[..cut]).unwrap();
                *tally.entry("torn journals").or_default() += 1;
            }
        }
    }

    /// Decides on the held run, if there is one that waits; whether it did.
    fn decide(&self, scenario: &Scenario, now: DateTime<Utc>, tally: &mut Tally) -> bool {
        let mut decided = false;
        for run in self.runs().iter().filter(|run| run.record.state == RunState::Held) {
            let approve = match scenario.choice {
                Choice::Wait => continue,
                Choice::Approve => true,
                Choice::Reject => false,
            };
            if run.decision().unwrap().is_none() {
                let plan_sha256 = run.record.plan_sha256.clone().unwrap();
                run.decide(&Decision::new(approve, plan_sha256, "ann".into(), now)).unwrap();
                *tally.entry(if approve { "approvals" } else { "rejections" }).or_default() += 1;
                if !approve {
                    let requests = self.standin.log().len();
                    self.rejected.lock().unwrap().push((run.record.id.clone(), requests));
                }
            }
            decided = true;
        }
        decided
    }

    fn print_log(&self) {
        for (index, logged) in self.standin.log().iter().enumerate() {
            eprintln!("{index} {} {:?}", logged.call, logged.status);
            for (what, rows) in [("edit", &logged.edits), ("row", &logged.rows)] {
                for (key, value) in rows {
                    eprintln!("      {what} {key:?} {value:?}");
                }
            }
        }
        for run in self.runs() {
            eprintln!("{:#?}", run.record);
            for name in ["plan.csv", "journal.jsonl", "success.csv", "error.csv"] {
                let text = fs_err::read_to_string(run.path(name)).unwrap_or_default();
                eprintln!("--- {name}\n{text}");
            }
        }
    }
}
