//! What the files of a run are good for, whatever the run was: `undo.csv` restores the state exactly, and `error.csv`,
//! fixed, finishes the job. Random change files in all modes, against the simulator.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tokio::runtime::Runtime;

use crate::change::run::{Decision, Run};
use crate::change::{Code, Guard, RunState, Verdict};
use crate::domain::quota::{Target, Units};
use crate::simulator::World;
use crate::testing::testbed::{Bench, noon};

/// Every target that there is, with its quota.
type Quotas = BTreeMap<Target, Option<Units>>;

fn quotas(world: &World) -> Quotas {
    let mut quotas = Quotas::new();
    for own in &world.organizations {
        quotas.insert(Target::organization(own.id.as_str()), own.quota);
        for group in &own.account_groups {
            quotas.insert(Target::account_group(own.id.as_str(), group.aid.as_str()), group.quota);
        }
    }
    quotas
}

fn now(bench: &Bench) -> Quotas {
    quotas(&bench.world.state().world())
}

fn set(bench: &Bench, target: &Target, quota: Option<Units>) {
    let aid = target.aid.as_ref().map(crate::domain::quota::Aid::as_str);
    bench.world.state().set_quota(target.org_id.as_str(), aid, quota);
}

/// What a row asks for.
#[derive(Clone, Debug)]
enum Ask {
    /// So many percent of what it has; of 1 000 where it has none.
    Percent(i64),
    Unassign,
    /// What it has already.
    Same,
    /// A value that is none.
    Unreadable,
    /// What somebody saw who looked at something else.
    WrongExpectation,
    /// An account group that there is not.
    Nowhere,
}

fn asks() -> impl Strategy<Value = Ask> {
    prop_oneof![
        24 => (50_i64..200).prop_map(Ask::Percent),
        2 => (0_i64..1_200).prop_map(Ask::Percent),
        2 => Just(Ask::Unassign),
        1 => Just(Ask::Same),
        1 => Just(Ask::Unreadable),
        1 => Just(Ask::WrongExpectation),
        1 => Just(Ask::Nowhere),
    ]
}

const MODES: [&str; 3] = ["organization", "file", "row"];

/// A mode and the rows of a file; the numbers choose targets, and may choose one twice.
fn files() -> impl Strategy<Value = (&'static str, Vec<(usize, Ask)>)> {
    (prop::sample::select(&MODES[..]), prop::collection::vec((0_usize..63, asks()), 1..16))
}

fn percent(quota: Option<Units>, percent: i64) -> Units {
    quota.unwrap_or(1_000) * percent / 100
}

fn file(rows: &[(usize, Ask)], world: &Quotas) -> String {
    let mut text = "action,org_id,aid,value,expected_value,comment\n".to_owned();
    for (number, ask) in rows {
        let (target, quota) = world.iter().nth(number % world.len()).unwrap();
        let aid = target.aid.as_ref().map_or("", |aid| aid.as_str());
        let org_id = &target.org_id;
        let seen = quota.map_or_else(|| "none".to_owned(), |quota| quota.to_string());
        text += &match ask {
            Ask::Percent(p) => {
                format!("assign,{org_id},{aid},{},{seen},\"=why, {p}\"\n", percent(*quota, *p))
            }
            Ask::Unassign => format!("unassign,{org_id},{aid},,,\n"),
            Ask::Same => format!("assign,{org_id},{aid},{},,\n", quota.unwrap_or(0)),
            Ask::Unreadable => format!("assign,{org_id},{aid},12.5,,\n"),
            Ask::WrongExpectation => format!("assign,{org_id},{aid},77,78,\n"),
            Ask::Nowhere => format!("assign,{org_id},99{number},5,,\n"),
        };
    }
    text
}

/// Brings a file to its end, approving whatever is held and planning again what is stale. All runs that came of it.
async fn settle(bench: &Bench, text: &str) -> Vec<Run> {
    let mut done = Vec::new();
    let mut open = vec![bench.run(text)];
    while let Some(mut run) = open.pop() {
        bench.advance(&mut run).await.unwrap();
        if run.record.state == RunState::Held {
            let plan_sha256 = run.record.plan_sha256.clone().unwrap();
            run.decide(&Decision::new(true, plan_sha256, "ann".into(), noon())).unwrap();
            bench.advance(&mut run).await.unwrap();
        }
        if run.record.state == RunState::Stale {
            open.push(bench.run(std::str::from_utf8(&run.read("input.csv").unwrap()).unwrap()));
        }
        if let Some(held) = &run.record.held_as {
            open.push(Run::open(&bench.app.runs(), held).unwrap());
        }
        assert!(matches!(run.record.state, RunState::Done | RunState::Stale), "{:?}", run.record);
        done.push(run);
        assert!(done.len() < 20, "it never comes to an end");
    }
    done
}

fn text(run: &Run, name: &str) -> String {
    String::from_utf8(run.read(name).unwrap()).unwrap()
}

/// The undo of a run that applied anything.
fn undo(run: &Run) -> Option<String> {
    run.record.undo_sha256.as_ref().map(|_| text(run, "undo.csv"))
}

fn in_mode<T>(mode: &str, summary: impl AsyncFnOnce(&Bench) -> T) -> T {
    Runtime::new().unwrap().block_on(async {
        let bench = Bench::new(&[("QUOTAKEEPER__INBOX__MODE", mode)]).await;
        summary(&bench).await
    })
}

/// The rows of a file by the names of their columns.
fn table(text: &str) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().collect::<Result<_, _>>().unwrap()
}

fn target(row: &BTreeMap<String, String>) -> Target {
    let aid = Some(row["aid"].as_str()).filter(|aid| !aid.is_empty());
    Target { org_id: row["org_id"].as_str().into(), aid: aid.map(Into::into) }
}

/// Each case is an installation with its files synced to the disk.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, max_shrink_iters: 200, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(30))]

    #[test]
    fn the_undo_of_any_run_restores_the_state_exactly((mode, rows) in files()) {
        in_mode(mode, async |bench: &Bench| {
            let before = now(bench);
            let runs = settle(bench, &file(&rows, &before)).await;
            let after = now(bench);
            let changed = before.iter().filter(|(target, quota)| after[*target] != **quota).count();
            let undone: usize = runs.iter().filter_map(undo).map(|undo| table(&undo).len()).sum();
            prop_assert_eq!(undone, changed, "an undo for each change, and for nothing else");
            for undo in runs.iter().rev().filter_map(undo) {
                // A first quota comes back as an unassign, and waits for approval as any does.
                let plan = bench.plan(&undo, true).await;
                for row in plan.rows.iter().filter(|row| row.after.is_none()) {
                    let is_held = row.held_reasons()
                        .any(|tripped| matches!(tripped.guard, Guard::Unassign | Guard::Organization));
                    prop_assert!(is_held, "{:?}", row);
                }
                settle(bench, &undo).await;
            }
            prop_assert_eq!(now(bench), before);
            Ok(())
        })?;
    }

}

proptest! {
    #![proptest_config(cases(20))]

    #[test]
    fn an_undo_never_overwrites_what_somebody_changed_since((mode, rows) in files(), which in any::<prop::sample::Index>()) {
        in_mode(mode, async |bench: &Bench| {
            let before = now(bench);
            let runs = settle(bench, &file(&rows, &before)).await;
            let Some((run, undo)) = runs.iter().find_map(|run| Some((run, undo(run)?))) else { return Ok(()) };
            let all = table(&undo);
            let edited = target(&all[which.index(all.len())]);
            let after = now(bench);
            set(bench, &edited, Some(123_457));
            settle(bench, &undo).await;

            let falls = |row: &Target| match mode {
                "organization" => row.org_id == edited.org_id,
                "file" => true,
                _ => *row == edited,
            };
            let mut wanted = after;
            for row in all.iter().map(target).filter(|row| !falls(row)) {
                let quota = before[&row];
                wanted.insert(row, quota);
            }
            wanted.insert(edited.clone(), Some(123_457));
            prop_assert_eq!(now(bench), wanted);

            // The row itself says why, and those that fell with it whom they fell with.
            let plan = bench.plan(&undo, true).await;
            for row in &plan.rows {
                let is_it = row.target.as_ref() == Some(&edited);
                let falls = row.target.as_ref().is_some_and(&falls);
                let code = match &row.verdict {
                    Verdict::Refused(problem) => Some(problem.code),
                    _ => None,
                };
                let expected = if is_it { Some(Code::Stale) } else { falls.then_some(Code::NotSent) };
                prop_assert_eq!(code, expected, "{:?} of {}", row, run.record.id);
            }
            Ok(())
        })?;
    }

    #[test]
    fn error_csv_finishes_the_job_once_it_is_corrected((mode, rows) in correctable()) {
        in_mode(mode, async |bench: &Bench| {
            let before = now(bench);
            // A first quota could wait for approval.
            let capped: Quotas = before.iter().filter(|(_, quota)| quota.is_some()).map(|(t, q)| (t.clone(), *q)).collect();
            let rows: Vec<&Mendable> = rows.iter().filter(|row| row.number < capped.len()).collect();
            prop_assume!(!rows.is_empty());
            let good = |bad: bool| file(&rows.iter().map(|row| (row.number, row.ask(bad))).collect::<Vec<_>>(), &capped);
            let broken = good(true);
            let mut wanted = before.clone();
            for row in table(&good(false)) {
                wanted.insert(target(&row), row["value"].parse().ok());
            }
            let first = settle(bench, &broken).await.remove(0);
            let error = text(&first, "error.csv");
            prop_assert_eq!(table(&error).len() + table(&text(&first, "success.csv")).len(), rows.len());
            if table(&error).is_empty() {
                prop_assert_eq!(now(bench), wanted);
                return Ok(());
            }
            let fixed = fix(&error, &before, &wanted);
            let second = settle(bench, &fixed).await.remove(0);
            prop_assert_eq!(table(&text(&second, "error.csv")), Vec::<BTreeMap<String, String>>::new());
            prop_assert_eq!(now(bench), wanted);
            Ok(())
        })?;
    }
}

/// A row that could be good, and is broken in one way or not at all.
#[derive(Clone, Debug)]
struct Mendable {
    number: usize,
    percent: i64,
    broken: Option<Ask>,
}

impl Mendable {
    fn ask(&self, bad: bool) -> Ask {
        self.broken.clone().filter(|_| bad).unwrap_or(Ask::Percent(self.percent))
    }
}

/// Different targets, raised by so little that nobody has to approve it.
fn correctable() -> impl Strategy<Value = (&'static str, Vec<Mendable>)> {
    let broken = prop_oneof![
        3 => Just(None),
        1 => Just(Some(Ask::Unreadable)),
        1 => Just(Some(Ask::WrongExpectation)),
    ];
    let row = (0_usize..63, 101_i64..107, broken);
    let rows = prop::collection::vec(row, 1..16).prop_map(|rows| {
        let mut taken = BTreeSet::new();
        rows.into_iter()
            .filter(|(number, ..)| taken.insert(*number))
            .map(|(number, percent, broken)| Mendable { number, percent, broken })
            .collect()
    });
    (prop::sample::select(&MODES[..]), rows)
}

/// What a person does with `error.csv`: puts right what its messages name, and leaves its further columns where they are.
fn fix(error: &str, before: &Quotas, wanted: &Quotas) -> String {
    let mut rows = table(error);
    let headers: Vec<String> = error.lines().next().unwrap().split(',').map(str::to_owned).collect();
    for row in &mut rows {
        let target = target(row);
        if row["code"] == "bad_row" {
            row.insert("value".into(), wanted[&target].unwrap().to_string());
        }
        if row["code"] == "stale" {
            row.insert("value".into(), wanted[&target].unwrap().to_string());
            row.insert("expected_value".into(), crate::change::plan::plain_quota(before[&target]));
        }
    }
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(&headers).unwrap();
    for row in &rows {
        csv.write_record(headers.iter().map(|header| row[header].as_str())).unwrap();
    }
    String::from_utf8(csv.into_inner().unwrap()).unwrap()
}
