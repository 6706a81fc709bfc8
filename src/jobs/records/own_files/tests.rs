//! Our own files, damaged or of a later version.

use std::collections::BTreeSet;

use super::*;
use crate::jobs::Job;
use crate::testing::testbed::{Bench, noon};

const DAMAGED: [&str; 3] = ["state.json", "alerts.json", "closings.json"];

/// The mails that say so, queued or delivered.
fn mails_that_say(bench: &Bench, words: &str) -> usize {
    let folders = ["outbox/new", "outbox/sent"].map(|folder| bench.folder.path().join(folder));
    let files = folders.iter().flat_map(|folder| fs_err::read_dir(folder).into_iter().flatten());
    let texts = files.map(|file| fs_err::read_to_string(file.unwrap().path()).unwrap());
    texts.filter(|text| text.lines().any(|line| line.starts_with("Subject:") && line.contains(words))).count()
}

#[tokio::test]
async fn damaged_files_are_set_aside_reported_once_and_stop_nothing() {
    let bench = Bench::new(&[]).await;
    Job::Snapshot.run(&bench.app, noon()).await.unwrap();
    Job::ClosingReport.run(&bench.app, noon()).await.unwrap();
    for file in DAMAGED {
        fs_err::write(bench.folder.path().join(file), [0; 40]).unwrap();
    }
    assert_eq!(problems(bench.folder.path(), noon()).unwrap().len(), 3);
    for hours in 1..4 {
        let now = noon() + TimeDelta::hours(hours);
        for job in Job::ALL.iter().copied() {
            job.run(&bench.app, now).await.unwrap();
        }
    }
    let found = problems(bench.folder.path(), noon()).unwrap();
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|problem| problem.kind == ProblemKind::SetAside), "{found:?}");
    for file in DAMAGED {
        assert_eq!(mails_that_say(&bench, file), 1, "{file}");
    }
    let now = noon() + TimeDelta::hours(3);
    assert!(
        Job::Snapshot
            .due(&bench.app.config.schedule, &bench.app.history, &bench.app.state(now), now)
            .is_none()
    );
}

#[tokio::test]
async fn a_newer_file_stops_what_needs_it_and_its_mail_goes_out() {
    let bench = Bench::new(&[]).await;
    let newer = DAMAGED.into_iter().chain(["not_taken.json"]);
    fs_err::create_dir_all(bench.folder.path().join("inbox")).unwrap();
    fs_err::write(bench.folder.path().join("inbox/notes.dat"), "not taken").unwrap();
    for file in newer.clone() {
        fs_err::write(bench.folder.path().join(file), r#"{"version": 9}"#).unwrap();
    }
    for job in [Job::Inbox, Job::Snapshot, Job::Outbox, Job::Outbox] {
        job.run(&bench.app, noon()).await.unwrap();
    }
    Job::Digest.run(&bench.app, noon()).await.unwrap_err();
    assert_eq!(bench.app.history.list().unwrap().len(), 1, "a snapshot on demand needs none of them");
    for file in newer {
        assert_eq!(mails_that_say(&bench, file), 1, "{file}");
        assert_eq!(fs_err::read_to_string(bench.folder.path().join(file)).unwrap(), r#"{"version": 9}"#);
    }
}

#[test]
fn each_small_file_of_ours_can_be_begun_again() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut names = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs_err::read_to_string(path).unwrap();
                let kinds = text.split(": Kind = Kind {\n    name: \"").skip(1);
                names.extend(kinds.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
            }
        }
    }
    let known = ALL.iter().map(|(kind, _)| *kind).chain([&installation::FILE]);
    assert_eq!(names, known.map(|kind| kind.name.to_owned()).collect());
}
