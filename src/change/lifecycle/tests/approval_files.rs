//! Files in the inbox that approve a whole plan: each part that it showed to be held, and nothing else.

use super::calm;
use super::waiting::{DAY, decide, due, file, reopened, split_off};
use crate::change::RunState;
use crate::change::approvals;
use crate::clock::Clock;
use crate::testing::testbed::{Bench, noon};

#[tokio::test]
async fn a_file_that_approves_the_whole_plan_approves_all_its_held_rows_once() {
    let settings = [("QUOTAKEEPER__INBOX__APPROVALS", "true"), ("QUOTAKEEPER__INBOX__READ_ONLY", "true")];
    let bench = Bench::new(&settings).await;
    let (calm, doubtful) = (calm(&bench, 0).await, bench.groups(1));
    let text = file([(&calm[0], calm[0].quota - 1, ""), (&doubtful[0], 0, ""), (&doubtful[1], 0, DAY)]);
    let mut run = bench.run(&text);
    bench.advance(&mut run).await.unwrap();
    let names = [".20261124T000000Z-held", ".held"];
    let both = names.map(|name| (name.to_owned(), RunState::Held));
    assert_eq!(split_off(&bench, &run.record), both);
    let inbox = bench.app.inbox().open().unwrap();
    let hash = run.record.plan_sha256.clone().unwrap();
    fs_err::write(bench.app.config.inbox_dir().join(format!("{hash}.approved")), "").unwrap();
    let mut taken = approvals::take(&bench.app.change_services(&Clock::starting_at(noon())), &inbox).unwrap();
    assert_eq!(taken.len(), 2);
    bench.set_quota(&doubtful[0], Some(doubtful[0].quota + 1));
    for held in &mut taken {
        bench.advance(held).await.unwrap();
    }
    let states = [(names[0].to_owned(), RunState::Scheduled), (names[1].to_owned(), RunState::Stale)];
    assert_eq!(split_off(&bench, &run.record), states);

    // Nobody has seen the new plan of what went stale, and the file lies there still.
    bench.set_quota(&doubtful[0], Some(doubtful[0].quota));
    decide(&taken[1], true).unwrap();
    bench.advance(&mut taken[1]).await.unwrap();
    assert_eq!(taken[1].record.state, RunState::Held);
    assert!(
        approvals::take(&bench.app.change_services(&Clock::starting_at(noon())), &inbox).unwrap().is_empty()
    );
}

#[tokio::test]
async fn a_file_that_approves_the_whole_plan_approves_no_part_that_does_something_else_by_now() {
    let bench = Bench::new(&[("QUOTAKEEPER__INBOX__APPROVALS", "true")]).await;
    let (calm, doubtful) = (calm(&bench, 0).await, bench.groups(1));
    let mut run = bench.run(&file([(&calm[0], calm[0].quota - 1, ""), (&doubtful[0], 0, "")]));
    bench.advance(&mut run).await.unwrap();
    let mut held = reopened(&bench, &format!("{}.held", run.record.id));
    bench.set_quota(&doubtful[0], Some(doubtful[0].quota + 1));
    for _ in 0..2 {
        decide(&held, true).unwrap(); // stale, then planned again
        bench.advance(&mut held).await.unwrap();
    }
    assert_eq!(held.record.state, RunState::Held);

    let inbox = bench.app.inbox().open().unwrap();
    let file = bench.app.config.inbox_dir().join(format!("{}.approved", run.record.plan_sha256.unwrap()));
    fs_err::write(&file, "").unwrap();
    let services = bench.app.change_services(&Clock::starting_at(noon()));
    assert!(approvals::take(&services, &inbox).unwrap().is_empty());
    assert!(file.exists() && held.decision().unwrap().is_none());

    // As it was when the whole plan was approved, it counts.
    bench.set_quota(&doubtful[0], Some(doubtful[0].quota));
    for _ in 0..2 {
        decide(&held, true).unwrap();
        bench.advance(&mut held).await.unwrap();
    }
    assert_eq!(held.record.state, RunState::Held);
    assert_eq!(approvals::take(&services, &inbox).unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_that_approves_the_whole_plan_approves_no_part_that_no_guard_held_then() {
    let mut bench = Bench::new(&[("QUOTAKEEPER__INBOX__APPROVALS", "true")]).await;
    let (calm, doubtful) = (calm(&bench, 0).await, bench.groups(1));
    let mut run = bench.run(&file([(&calm[0], calm[0].quota * 3, DAY), (&doubtful[0], 0, "")]));
    bench.advance(&mut run).await.unwrap();
    let scheduled =
        [(".20261124T000000Z".to_owned(), RunState::Scheduled), (".held".to_owned(), RunState::Held)];
    assert_eq!(split_off(&bench, &run.record), scheduled);
    bench.app.config.guard.max_raise_factor = 1.5;
    let mut later = reopened(&bench, &format!("{}.20261124T000000Z", run.record.id));
    bench.advance_at(&mut later, due()).await.unwrap();
    assert_eq!(later.record.state, RunState::Held);

    let inbox = bench.app.inbox().open().unwrap();
    let file = bench.app.config.inbox_dir().join(format!("{}.approved", run.record.plan_sha256.unwrap()));
    fs_err::write(&file, "").unwrap();
    let taken = approvals::take(&bench.app.change_services(&Clock::starting_at(noon())), &inbox).unwrap();
    let ids: Vec<&str> = taken.iter().map(|run| run.record.id.as_str()).collect();
    assert_eq!(ids, [format!("{}.held", run.record.id)], "what it showed to be held, and no more");
}
