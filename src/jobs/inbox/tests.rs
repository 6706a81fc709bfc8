//! In which order a pass does its work, and what a reload changes while it is under way.

use crate::change::run::Decision;
use crate::clock::Clock;
use crate::config;
use crate::jobs::{App, Job, Trigger};
use crate::testing::testbed::{Bench, file, noon};

use super::*;

/// Something to take, in the inbox.
fn drop_a_raise(bench: &Bench) -> std::path::PathBuf {
    let groups = bench.groups(0);
    let path = bench.app.config.inbox_dir().join("raise.csv");
    fs_err::create_dir_all(bench.app.config.inbox_dir()).unwrap();
    fs_err::write(&path, file([(&groups[0], groups[0].quota + 1)])).unwrap();
    path
}

async fn to_its_end(mut pass: Pass, services: &Services<'_>, mailer: &Mailer) -> anyhow::Result<()> {
    while pass.step(services, mailer).await? {}
    pass.end(services, mailer).map(drop)
}

#[tokio::test]
async fn of_rows_that_came_due_while_nobody_was_there_those_of_the_later_day_have_the_last_word() {
    let bench = Bench::new(&[]).await;
    let group = &bench.groups(0)[0];
    let drop_for = |name: &str, day: &str, value: i64| {
        let inbox = bench.app.config.inbox_dir();
        fs_err::create_dir_all(&inbox).unwrap();
        let text = format!("aid,value,effective\n{},{value},{day}\n", group.aid);
        fs_err::write(inbox.join(name), text).unwrap();
    };
    let pass = async |at| {
        bench.clock.set(at);
        let mut services = bench.app.change_services(&Clock::starting_at(at));
        services.inbox.settle = Duration::ZERO;
        run_pass(&services, &bench.app.mailer).await.unwrap();
    };
    drop_for("a.csv", "2026-11-25", group.quota + 9);
    pass(noon()).await;
    drop_for("b.csv", "2026-11-24", group.quota + 3);
    pass(noon() + chrono::TimeDelta::minutes(1)).await;
    let runs = || Run::list(&bench.app.runs()).unwrap().0;
    let states = || runs().into_iter().map(|run| run.record.state);
    assert_eq!(states().collect::<Vec<_>>(), [RunState::Scheduled; 2]);
    pass(noon() + chrono::TimeDelta::days(4)).await;
    assert_eq!(states().collect::<Vec<_>>(), [RunState::Done; 2]);
    assert_eq!(bench.quota(group), Some(group.quota + 9));

    // The same of what a person approves when both days are past.
    let much = |times: i64| group.quota * times;
    let rows = format!("{0},{1},\n{0},{2},2026-11-28\n", group.aid, much(100), much(200));
    fs_err::write(bench.app.config.inbox_dir().join("c.csv"), format!("aid,value,effective\n{rows}"))
        .unwrap();
    pass(noon() + chrono::TimeDelta::days(5)).await;
    let now = noon() + chrono::TimeDelta::days(7);
    for held in runs().into_iter().filter(|run| run.record.state == RunState::Held) {
        let plan_sha256 = held.record.plan_sha256.clone().unwrap();
        held.decide(&Decision::new(true, plan_sha256, "ann".into(), now)).unwrap();
    }
    pass(now).await;
    assert!(states().all(|state| state == RunState::Done), "{:?}", states().collect::<Vec<_>>());
    assert_eq!(bench.quota(group), Some(much(200)));
}

#[tokio::test]
async fn files_that_are_not_taken_yet_are_taken_as_the_inbox_is_configured_by_then() {
    let bench = Bench::new(&[]).await;
    let path = drop_a_raise(&bench);
    let mut services = bench.app.change_services(&Clock::starting_at(noon()));
    let pass = Pass::begin(&services, &bench.app.mailer).unwrap();
    services.inbox.read_only = true;
    to_its_end(pass, &services, &bench.app.mailer).await.unwrap();
    assert_eq!(Run::list(&bench.app.runs()).unwrap().0.len(), 1);
    let names: Vec<_> =
        fs_err::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(names.contains(&path), "nothing is renamed in a folder that is read-only: {names:?}");
}

#[tokio::test]
async fn files_are_not_taken_for_another_api_that_is_configured_by_then() {
    let bench = Bench::new(&[]).await;
    crate::jobs::serve(&bench.app, Job::Snapshot, Trigger::Schedule, noon()).await.unwrap();
    let path = drop_a_raise(&bench);
    let pass =
        Pass::begin(&bench.app.change_services(&Clock::starting_at(noon())), &bench.app.mailer).unwrap();
    let data = bench.folder.path().to_str().unwrap();
    let environment =
        [("TE_BASE_URL", "https://other.invalid"), ("TE_TOKEN", "x"), ("QUOTAKEEPER__DATA__DIR", data)];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let other = App::named(config::load(None, &environment).unwrap(), "a test");
    let error = to_its_end(pass, &other.change_services(&Clock::starting_at(noon())), &other.mailer)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("other.invalid"), "{error}");
    assert!(path.exists() && Run::list(&bench.app.runs()).unwrap().0.is_empty());
}
