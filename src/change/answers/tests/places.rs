//! Answers whose place is away, or another one than it was.

use super::*;
use crate::change::mounts;
use crate::change::run::Decision;

/// As if the inbox had been on a share of its own.
fn unmount(bench: &Bench) {
    let inbox = bench.app.config.inbox_dir();
    mounts::tests::was_on(&bench.app.config.data.dir, &inbox, &inbox);
}

fn mount(bench: &Bench) {
    fs_err::remove_file(bench.app.config.data.dir.join("mounts.json")).unwrap();
}

fn approve(run: &Run) {
    let plan = run.record.plan_sha256.clone().unwrap();
    run.decide(&Decision::new(true, plan, "ann".to_owned(), noon())).unwrap();
}

#[tokio::test]
async fn an_approved_run_goes_on_while_the_share_of_the_inbox_is_away_and_its_answers_come_when_it_is_back() {
    let bench = Bench::new(&[]).await;
    let group = bench.groups(0).remove(0);
    drop_file(&bench, "a.csv", &group, 1);
    pass(&bench, noon()).await;
    let status = answers(&bench).join("a.csv/status.txt");
    assert!(text(&status).contains("held for approval"));

    let (inbox, away) = (bench.app.config.inbox_dir(), bench.folder.path().join("away"));
    fs_err::rename(&inbox, &away).unwrap();
    fs_err::create_dir(&inbox).unwrap(); // the mount point
    unmount(&bench);
    approve(&runs(&bench)[0]);
    for _ in 0..2 {
        let error = Job::Inbox.run(&bench.app, noon()).await.unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains("is not mounted"), "{error}");
    }
    let run = runs(&bench).remove(0);
    assert_eq!((run.record.state, bench.quota(&group)), (RunState::Done, Some(1)));
    assert!(owed(&run).unwrap().error.contains("is not mounted"));
    assert!(names(&inbox).is_empty());

    fs_err::remove_dir(&inbox).unwrap();
    fs_err::rename(&away, &inbox).unwrap();
    mount(&bench);
    pass(&bench, noon() + Duration::hours(1)).await;
    assert_eq!(owed(&runs(&bench)[0]), None);
    assert!(text(&status).contains("1 applied"));
}

#[tokio::test]
async fn nothing_of_an_inbox_that_is_away_is_taken_or_pruned() {
    let bench = Bench::new(&[]).await;
    let group = bench.groups(0).remove(0);
    drop_file(&bench, "a.csv", &group, group.quota + 1);
    pass(&bench, noon()).await;
    drop_file(&bench, "b.csv", &group, 1);
    unmount(&bench);
    let later = noon() + Duration::days(500);
    bench.clock.set(later);
    Job::Inbox.run(&bench.app, later).await.unwrap_err();
    Job::Prune.run(&bench.app, later).await.unwrap_err();
    assert_eq!(runs(&bench).len(), 1);
    assert!(answers(&bench).join("a.csv/status.txt").exists());
    mount(&bench);
    Job::Prune.run(&bench.app, later).await.unwrap();
    assert!(runs(&bench).is_empty() && !answers(&bench).join("a.csv").exists());
}

#[tokio::test]
async fn the_answers_of_a_run_stay_where_its_first_ones_are_when_another_place_is_configured() {
    let mut bench = Bench::new(&[]).await;
    let groups = bench.groups(0);
    drop_file(&bench, "a.csv", &groups[0], 1);
    drop_file(&bench, "b.csv", &groups[1], 1);
    pass(&bench, noon()).await;
    let (old, new) = (answers(&bench), bench.folder.path().join("elsewhere/answers"));
    bench.app.config.inbox.dir = Some(bench.folder.path().join("elsewhere"));
    assert_eq!(answers(&bench), new);

    // The answers of the second were moved away with their folder.
    fs_err::remove_dir_all(old.join("b.csv")).unwrap();
    runs(&bench).iter().for_each(approve);
    pass(&bench, noon()).await;
    assert!(runs(&bench).iter().all(|run| run.record.state == RunState::Done && owed(run).is_none()));
    assert!(text(&old.join("a.csv/status.txt")).contains("1 applied"));
    assert!(text(&new.join("b.csv/status.txt")).contains("1 applied"));
    assert_eq!((names(&old).len(), names(&new).len()), (1, 1));

    let later = noon() + Duration::days(500);
    bench.clock.set(later);
    Job::Prune.run(&bench.app, later).await.unwrap();
    assert!(names(&old).is_empty() && names(&new).is_empty());
}

fn copy_folder(from: &Path, to: &Path) {
    fs_err::create_dir(to).unwrap();
    for entry in fs_err::read_dir(from).unwrap().map(Result::unwrap) {
        let copied = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &copied);
        } else {
            fs_err::copy(entry.path(), copied).unwrap();
        }
    }
}

#[tokio::test]
async fn a_copy_of_the_data_answers_in_the_copy() {
    let mut bench = Bench::new(&[]).await;
    let group = bench.groups(0).remove(0);
    drop_file(&bench, "a.csv", &group, 1);
    pass(&bench, noon()).await;
    let (original, copy) = (answers(&bench), tempfile::tempdir().unwrap());
    let copied = copy.path().join("data");
    copy_folder(bench.folder.path(), &copied);
    let mut config = bench.app.config.clone();
    config.data.dir = copied;
    bench.app = crate::jobs::App::named(config, "a copy");
    approve(&runs(&bench)[0]);
    pass(&bench, noon()).await;
    assert!(text(&answers(&bench).join("a.csv/status.txt")).contains("1 applied"));
    assert!(text(&original.join("a.csv/status.txt")).contains("held for approval"));
}

#[tokio::test]
async fn where_earlier_answers_cannot_be_replaced_the_new_ones_go_to_the_place_that_is_configured() {
    let mut bench = Bench::new(&[]).await;
    let group = bench.groups(0).remove(0);
    drop_file(&bench, "a.csv", &group, 1);
    pass(&bench, noon()).await;
    let (old, new) = (answers(&bench), bench.folder.path().join("new"));
    bench.app.config.inbox.answers_dir = Some(new.clone());
    // Whoever may write into the inbox puts a link there.
    let elsewhere = tempfile::tempdir().unwrap();
    fs_err::rename(&old, elsewhere.path().join("answers")).unwrap();
    symlink(elsewhere.path().join("answers"), &old).unwrap();
    approve(&runs(&bench)[0]);
    pass(&bench, noon()).await;
    assert!(text(&new.join("a.csv/status.txt")).contains("1 applied"));
    assert!(text(&elsewhere.path().join("answers/a.csv/status.txt")).contains("held"));
}

#[tokio::test]
async fn answers_on_a_share_of_their_own_below_the_inbox_are_owed_while_it_is_away() {
    let bench = Bench::new(&[]).await;
    let group = bench.groups(0).remove(0);
    let answers = answers(&bench);
    fs_err::create_dir_all(&answers).unwrap(); // the mount point
    mounts::tests::was_on(&bench.app.config.data.dir, &answers, &answers);
    drop_file(&bench, "a.csv", &group, group.quota + 1);
    fs_err::write(bench.app.config.inbox_dir().join("b.xlsx"), "a workbook").unwrap();
    pass(&bench, noon()).await;
    let run = runs(&bench).remove(0);
    assert_eq!(run.record.state, RunState::Done, "what was dropped is done");
    let error = &owed(&run).unwrap().error;
    assert!(error.starts_with(&format!("{} is not mounted. Mount it", answers.display())), "{error}");
    assert!(not_taken_files(&bench.app.config.data.dir)["b.xlsx"].owed.is_some());
    assert!(names(&answers).is_empty());

    mount(&bench);
    pass(&bench, noon() + Duration::hours(1)).await;
    assert_eq!(names(&answers), ["a.csv", "b.xlsx"]);
    assert_eq!(owed(&runs(&bench)[0]), None);
}

#[tokio::test]
async fn a_file_that_was_dropped_after_the_clock_was_set_back_has_its_last_answer_where_its_first_one_was() {
    let mut bench = Bench::new(&[]).await;
    let groups = bench.groups(0);
    drop_file(&bench, "a.csv", &groups[0], groups[0].quota + 1);
    pass(&bench, noon()).await;
    let yesterday = noon() - Duration::days(1);
    bench.clock.set(yesterday);
    drop_file(&bench, "a.csv", &groups[1], 1);
    pass(&bench, yesterday).await;
    let status = answers(&bench).join("a.csv/status.txt");
    assert!(text(&status).contains("held for approval"));

    bench.app.answer_folders = AnswerFolders::default(); // a restart
    approve(&runs(&bench)[0]);
    pass(&bench, yesterday).await;
    assert!(text(&status).contains("1 applied"));
    assert_eq!(names(&answers(&bench)), ["a.csv"]);
}
