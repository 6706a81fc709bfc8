//! Answers that cannot be written, and what others put where they belong.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Duration, Utc};

use super::*;
use crate::change::{AnswerFolders, RunState};
use crate::files::durable;
use crate::jobs::Job;
use crate::testing::pipe::make_pipe;
use crate::testing::testbed::{Bench, Group, file, noon};

async fn pass(bench: &Bench, at: DateTime<Utc>) {
    Job::Inbox.run(&bench.app, at).await.unwrap();
}

fn drop_file(bench: &Bench, name: &str, group: &Group, value: i64) {
    durable::write(&bench.app.config.inbox_dir().join(name), file([(group, value)]).as_bytes()).unwrap();
}

fn answers(bench: &Bench) -> PathBuf {
    bench.app.config.answers_dir()
}

fn text(path: &Path) -> String {
    fs_err::read_to_string(path).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs_err::read_dir(folder).unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn runs(bench: &Bench) -> Vec<Run> {
    Run::list(&bench.app.runs()).unwrap().0
}

fn owed(run: &Run) -> Option<&Owed> {
    run.record.answers.as_ref().and_then(|answers| answers.owed.as_ref())
}

#[tokio::test]
async fn answers_that_cannot_be_written_come_with_a_later_pass_even_after_a_restart() {
    let mut bench = Bench::new(&[]).await;
    let group = bench.groups(0).remove(0);
    let inbox = bench.app.config.inbox_dir();
    fs_err::create_dir_all(&inbox).unwrap();
    fs_err::write(inbox.join("answers"), "in the way").unwrap();
    drop_file(&bench, "a.csv", &group, group.quota + 1);
    fs_err::write(inbox.join("b.xlsx"), "a workbook").unwrap();
    pass(&bench, noon()).await;
    let run = runs(&bench).remove(0);
    assert_eq!(run.record.state, RunState::Done, "it ends anyway");
    let since = owed(&run).unwrap().since;
    assert!(not_taken_files(&bench.app.config.data.dir)["b.xlsx"].owed.is_some());

    bench.app.answer_folders = AnswerFolders::default();
    pass(&bench, noon() + Duration::hours(1)).await;
    assert_eq!(owed(&runs(&bench)[0]).unwrap().since, since);

    fs_err::remove_file(inbox.join("answers")).unwrap();
    pass(&bench, noon() + Duration::hours(2)).await;
    let run = runs(&bench).remove(0);
    assert_eq!(owed(&run), None);
    let folder = answers(&bench).join("a.csv");
    assert_eq!(names(&folder), ["error.csv", "plan.csv", "status.txt", "success.csv", "undo.csv"]);
    assert!(text(&folder.join("status.txt")).contains(&run.record.id));
    assert!(text(&answers(&bench).join("b.xlsx/status.txt")).contains("This is a workbook"));
    assert!(not_taken_files(&bench.app.config.data.dir)["b.xlsx"].owed.is_none());
}

#[tokio::test]
async fn a_second_file_of_a_name_overwrites_nothing_as_long_as_the_first_waits() {
    let bench = Bench::new(&[]).await;
    let groups = bench.groups(0);
    drop_file(&bench, "q.csv", &groups[0], 1);
    pass(&bench, noon()).await;
    drop_file(&bench, "Q.csv", &groups[1], 1);
    pass(&bench, noon() + Duration::hours(1)).await;
    let (first, second) = (runs(&bench).remove(0), runs(&bench).remove(1));
    assert_eq!((first.record.state, second.record.state), (RunState::Held, RunState::Held));
    assert_eq!(names(&answers(&bench)), ["Q.csv (2)", "q.csv"]);
    let status = |folder: &str| text(&answers(&bench).join(folder).join("status.txt"));
    assert!(status("q.csv").contains(&first.record.id) && status("Q.csv (2)").contains(&second.record.id));

    // The first comes to its end: into its own folder, and that is free from then on.
    let mut first = first;
    let at = noon() + Duration::days(8);
    bench.advance_at(&mut first, at).await.unwrap();
    assert_eq!(first.record.state, RunState::Rejected);
    assert!(status("q.csv").contains("rejected") && status("Q.csv (2)").contains("held for approval"));
    drop_file(&bench, "q.csv", &groups[2], groups[2].quota + 1);
    pass(&bench, noon() + Duration::hours(2)).await;
    let third = runs(&bench).into_iter().find(|run| run.record.state == RunState::Done).unwrap();
    assert_eq!(third.record.answers.unwrap().folder, "q.csv");
    assert!(status("q.csv").contains(&third.record.id));
}

#[tokio::test]
async fn nothing_that_others_put_there_is_followed_waited_for_or_lost() {
    let bench = Bench::new(&[]).await;
    let groups = bench.groups(0);
    let elsewhere = tempfile::tempdir().unwrap();
    fs_err::write(elsewhere.path().join("plan.csv"), "of another run").unwrap();
    fs_err::create_dir_all(answers(&bench).join("b.csv")).unwrap();
    symlink(elsewhere.path(), answers(&bench).join("a.csv")).unwrap();
    let fifo = answers(&bench).join("b.csv/status.txt");
    make_pipe(&fifo);
    symlink("/dev/zero", answers(&bench).join("b.csv/error.csv")).unwrap();
    fs_err::write(answers(&bench).join("b.csv/mine.txt"), "of a person").unwrap();
    for (name, group) in [("a.csv", &groups[0]), ("b.csv", &groups[1])] {
        drop_file(&bench, name, group, group.quota + 1);
    }
    pass(&bench, noon()).await;
    assert_eq!(text(&elsewhere.path().join("plan.csv")), "of another run");
    assert_eq!(names(&answers(&bench)), ["a.csv", "a.csv (2)", "b.csv"]);
    let all = ["error.csv", "plan.csv", "status.txt", "success.csv", "undo.csv"];
    assert_eq!(names(&answers(&bench).join("a.csv (2)")), all);
    assert_eq!(text(&answers(&bench).join("b.csv/mine.txt")), "of a person");
    assert!(text(&fifo).contains("1 applied"));
    assert!(fs_err::symlink_metadata(answers(&bench).join("b.csv/error.csv")).unwrap().is_file());
}

#[tokio::test]
async fn a_link_in_place_of_the_answers_folder_is_not_followed() {
    let bench = Bench::new(&[]).await;
    let group = bench.groups(0).remove(0);
    let elsewhere = tempfile::tempdir().unwrap();
    fs_err::create_dir_all(bench.app.config.inbox_dir()).unwrap();
    symlink(elsewhere.path(), answers(&bench)).unwrap();
    drop_file(&bench, "a.csv", &group, group.quota + 1);
    pass(&bench, noon()).await;
    assert!(names(elsewhere.path()).is_empty());
    let run = runs(&bench).remove(0);
    assert!(owed(&run).unwrap().error.contains("set inbox.answers_dir"), "{:?}", owed(&run));
}

#[tokio::test]
async fn an_incomplete_set_left_by_a_kill_is_swept_at_the_next_start_and_nothing_else_is() {
    let bench = Bench::new(&[]).await;
    let group = bench.groups(0).remove(0);
    let left = answers(&bench).join(".new-0123456789abcdef");
    durable::write(&left.join("undo.csv"), b"of a run that was killed").unwrap();
    durable::write(&answers(&bench).join(".new-ideas/status.txt"), b"of a person").unwrap();
    drop_file(&bench, "a.csv", &group, group.quota + 1);
    pass(&bench, noon()).await;
    assert_eq!(names(&answers(&bench)), [".new-ideas", "a.csv"]);
}

#[tokio::test]
async fn a_run_that_could_not_be_read_once_keeps_its_folder() {
    let mut bench = Bench::new(&[]).await;
    let groups = bench.groups(0);
    drop_file(&bench, "q.csv", &groups[0], 0); // held
    pass(&bench, noon()).await;
    let held = runs(&bench).remove(0);
    assert_eq!(held.record.state, RunState::Held);
    let record = text(&held.path("run.json"));
    bench.app.answer_folders = AnswerFolders::default();
    fs_err::write(held.path("run.json"), "unreadable").unwrap();
    fs_err::write(bench.app.config.inbox_dir().join("x.xlsx"), "a workbook").unwrap();
    pass(&bench, noon() + Duration::minutes(1)).await; // the folders' owners are looked up
    fs_err::write(held.path("run.json"), record).unwrap();
    drop_file(&bench, "q.csv", &groups[1], groups[1].quota + 1);
    pass(&bench, noon() + Duration::minutes(2)).await;
    assert!(text(&answers(&bench).join("q.csv/status.txt")).contains("held for approval"));
    assert!(text(&answers(&bench).join("q.csv (2)/status.txt")).contains("1 applied"));
}

#[tokio::test]
async fn each_pass_reports_some_of_thousands_of_files_that_are_not_taken_and_a_good_file_never_waits() {
    let bench = Bench::new(&[]).await;
    let inbox = bench.app.config.inbox_dir();
    fs_err::create_dir_all(&inbox).unwrap();
    for number in 0..450 {
        fs_err::write(inbox.join(format!("{number}.bak")), "").unwrap();
    }
    let group = bench.groups(0).remove(0);
    drop_file(&bench, "z.csv", &group, group.quota + 1);
    for (hour, named) in [200, 400, 450, 450].into_iter().enumerate() {
        pass(&bench, noon() + Duration::hours(i64::try_from(hour).unwrap())).await;
        assert_eq!(runs(&bench)[0].record.state, RunState::Done);
        assert_eq!(not_taken_files(&bench.app.config.data.dir).len(), named);
    }
    assert_eq!(names(&answers(&bench)).len(), 451);
}

mod places;
