//! Stored plans, inputs and journals that are not what was written: nothing is sent by them.

use super::calm;
use crate::change::RunState;
use crate::change::run::{Decision, Run};
use crate::change::stored::stored_plan;
use crate::change::summary::summarize_for_display;
use crate::testing::testbed::{Bench, Group, file, noon};

/// What somebody makes of a file.
type Edit = fn(&str) -> String;

fn edit(run: &Run, name: &str, edit: impl FnOnce(&str) -> String) {
    let text = String::from_utf8(run.read(name).unwrap()).unwrap();
    let edited = edit(&text);
    assert_ne!(text, edited);
    fs_err::write(run.path(name), edited).unwrap();
}

fn without_last_line(text: &str) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines[..lines.len() - 1].concat()
}

async fn held(bench: &Bench, groups: &[Group]) -> Run {
    let mut run = bench.run(&file(groups.iter().map(|group| (group, 1))));
    bench.advance(&mut run).await.unwrap();
    assert_eq!(run.record.state, RunState::Held);
    run
}

fn approve(run: &Run) {
    let plan_sha256 = run.record.plan_sha256.clone().unwrap();
    run.decide(&Decision::new(true, plan_sha256, "ann".into(), noon())).unwrap();
}

#[tokio::test]
async fn an_approval_lets_nothing_through_that_was_not_planned() {
    let bench = Bench::new(&[]).await;
    let groups = bench.groups(0);
    // A value that a guard would hold is now in both files; a guard that nobody approved; and half of either file is gone.
    let edits: [&[(&str, Edit)]; 6] = [
        &[
            ("plan.csv", |text| text.replace(",1,", ",2,")),
            ("input.csv", |text| text.replace(",1\n", ",2\n")),
        ],
        &[("plan.csv", |text| text.replace("below_use", "unassign"))],
        &[("plan.csv", without_last_line)],
        &[("input.csv", without_last_line)],
        &[("plan.csv", |_| "damaged\n".into())],
        &[("plan.csv", |_| String::new())],
    ];
    for edits in edits {
        let mut run = held(&bench, &groups[..2]).await;
        for (name, change) in edits {
            edit(&run, name, *change);
        }
        approve(&run);
        bench.advance(&mut run).await.unwrap();
        assert_eq!(run.record.state, RunState::Failed, "{:?}", edits[0].0);
        assert!(
            run.record.notes[0].contains("is not what quotakeeper wrote there"),
            "{:?}",
            run.record.notes
        );
        assert!(summarize_for_display(&run).is_ok(), "it can still be shown");
    }
    assert_eq!(bench.world.state().calls("POST"), 0);
}

#[tokio::test]
async fn a_plan_that_was_cut_or_edited_while_it_was_sent_is_not_resumed() {
    let bench = Bench::new(&[]).await;
    let groups = calm(&bench, 0).await;
    let mut run = bench.run(&file(groups.iter().take(3).map(|group| (group, group.quota + 1))));
    bench.advance(&mut run).await.unwrap();
    let whole = String::from_utf8(run.read("plan.csv").unwrap()).unwrap();
    run.set_state(RunState::Applying, noon()).unwrap();
    let posts = bench.world.state().calls("POST");
    for change in [without_last_line as Edit, |text| text.replacen(",send,", ",held,", 1)] {
        edit(&run, "plan.csv", change);
        let error = bench.advance(&mut run).await.unwrap_err().to_string();
        assert!(error.contains("these rows may have been sent: rows 2, 3 and 4"), "{error}");
        assert_eq!(run.record.state, RunState::Applying);
        run.write("plan.csv", whole.as_bytes()).unwrap();
    }
    // Its journal too.
    let journal = run.read("journal.jsonl").unwrap();
    edit(&run, "journal.jsonl", |text| text.replacen("[2,3,4]", "[2,3]", 1));
    assert!(bench.advance(&mut run).await.unwrap_err().to_string().contains("was changed at line 1"));
    run.write("journal.jsonl", &journal).unwrap();
    bench.advance(&mut run).await.unwrap();
    assert_eq!((run.record.state, run.record.counts["applied"]), (RunState::Done, 3));

    // Where nothing was sent yet, it just ends.
    run.write("journal.jsonl", b"").unwrap();
    run.set_state(RunState::Applying, noon()).unwrap();
    edit(&run, "plan.csv", without_last_line);
    bench.advance(&mut run).await.unwrap();
    assert_eq!(run.record.state, RunState::Failed);
    assert_eq!(bench.world.state().calls("POST"), posts);
}

#[tokio::test]
async fn a_plan_of_an_earlier_version_is_known_by_what_it_does() {
    let bench = Bench::new(&[]).await;
    let mut run = held(&bench, &bench.groups(0)[..2]).await;
    run.record.plan_csv_sha256.clear();
    run.save().unwrap();
    stored_plan(&run).unwrap();
    edit(&run, "plan.csv", without_last_line);
    assert!(stored_plan(&run).unwrap_err().to_string().contains("the SHA-256 of its plan differs"));
}

#[tokio::test]
async fn a_quota_that_another_run_of_ours_set_is_not_called_somebody_elses() {
    let bench = Bench::new(&[]).await;
    let groups = calm(&bench, 0).await;
    // Planned, and killed before it sent anything; meanwhile another file does the same, or something else.
    for (group, (other, said)) in groups.iter().zip([(10, "already"), (20, "not sent")]) {
        let text = file([(group, group.quota + 10)]);
        let mut first = bench.run(&text);
        bench.advance(&mut first).await.unwrap();
        bench.set_quota(group, Some(group.quota));
        fs_err::remove_file(first.path("journal.jsonl")).unwrap();
        first.set_state(RunState::Applying, noon()).unwrap();
        let mut second = bench.run(&file([(group, group.quota + other)]));
        bench.advance(&mut second).await.unwrap();
        assert_eq!(second.record.counts["applied"], 1);
        bench.advance(&mut first).await.unwrap();
        let names = if other == 10 { "success.csv" } else { "error.csv" };
        let report = String::from_utf8(first.read(names).unwrap()).unwrap();
        assert!(
            report.contains(said) && report.contains(&format!("run {} set it", second.record.id)),
            "{report}"
        );
        // What somebody exported before that is refused with the name of that run; once somebody else set it, it is theirs.
        let stale =
            format!("org_id,aid,value,expected_value\n{},{},1,{}\n", group.org_id, group.aid, group.quota);
        for (quota, who) in
            [(None, &*second.record.id), (Some(group.quota + 30), "Somebody changed it since")]
        {
            if quota.is_some() {
                bench.set_quota(group, quota);
            }
            let mut run = bench.run(&stale);
            bench.advance(&mut run).await.unwrap();
            let report = String::from_utf8(run.read("error.csv").unwrap()).unwrap();
            assert!(report.contains("stale") && report.contains(who), "{report}");
        }
    }
}

#[tokio::test]
async fn a_planned_file_keeps_its_meaning_when_the_configuration_changes() {
    let mut bench = Bench::new(&[]).await;
    let groups = calm(&bench, 0).await;
    let columns = |name: &str| [(name.to_owned(), "value".to_owned())].into();
    bench.app.config.inbox.columns = columns("in Q4");
    let (group, other) = (&groups[0], &groups[1]);
    let row = |group: &Group, units: i64| {
        let quota = group.quota;
        format!("{},{},{},{},2026-11-24\n", group.org_id, group.aid, quota + units, quota + 90)
    };
    let text = format!("org_id,aid,in Q4,in Q1,effective\n{}{}", row(group, 10), row(other, 20));
    let mut run = bench.run(&text);
    bench.advance(&mut run).await.unwrap();
    assert_eq!(run.record.state, RunState::Scheduled);
    // Another header and fewer rows count for the files that come from now on.
    bench.app.config.inbox.columns = columns("in Q1");
    bench.app.config.inbox.max_rows = 1;
    bench.advance_at(&mut run, "2026-11-24T00:00:00Z".parse().unwrap()).await.unwrap();
    assert_eq!((run.record.state, run.record.counts["applied"]), (RunState::Done, 2));
    assert_eq!((bench.quota(group), bench.quota(other)), (Some(group.quota + 10), Some(other.quota + 20)));

    bench.app.config.inbox.max_rows = 2;
    let mut run = held(&bench, &groups[2..4]).await;
    bench.app.config.inbox.max_rows = 1;
    let plan_sha256 = run.record.plan_sha256.clone().unwrap();
    run.decide(&Decision::new(false, plan_sha256, "ann".into(), noon())).unwrap();
    bench.advance(&mut run).await.unwrap();
    assert_eq!(run.record.state, RunState::Rejected);
}
