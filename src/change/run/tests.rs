//! Runs as folders: their names, what is read back, and what is not ours.

use super::*;

fn now() -> DateTime<Utc> {
    "2026-11-22T18:05:00Z".parse().unwrap()
}

#[test]
fn a_run_is_named_by_its_second_and_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let first = Run::create(folder.path(), now(), "Raise EMEA (Q4).csv", |record| record).unwrap();
    let second = Run::create(folder.path(), now(), "Raise EMEA (Q4).csv", |record| record).unwrap();
    assert_eq!(first.record.id, "20261122T180500Z-raise-emea-q4");
    assert_eq!(second.record.id, "20261122T180501Z-raise-emea-q4");
}

#[test]
fn many_files_whose_names_give_the_same_one_take_one_second_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    for count in 0..70 {
        let run = Run::create(folder.path(), now(), "文書.csv", |record| record).unwrap();
        assert_eq!(run.record.id, id::of_file("文書.csv", now() + chrono::Duration::seconds(count)));
    }
}

#[test]
fn a_run_reads_back_and_an_id_never_leaves_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = Run::create(folder.path(), now(), "a.csv", |record| record).unwrap();
    run.record.notes.push("why".into());
    run.set_state(RunState::Held, now()).unwrap();
    assert_eq!(Run::open(folder.path(), &run.record.id).unwrap().record, run.record);
    for id in ["../x", "", ".", "a/b"] {
        assert!(Run::open(folder.path(), id).is_err(), "{id}");
    }
}

#[test]
fn a_folder_of_somebody_else_stays_where_a_run_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let [mixed, plain] =
        ["a.csv", "b.csv"].map(|file| Run::create(folder.path(), now(), file, |record| record).unwrap());
    for run in [&mixed, &plain] {
        run.write("input.csv", b"x").unwrap();
    }
    fs_err::create_dir(mixed.path("@eaDir")).unwrap();
    for run in [&mixed, &plain] {
        Run::remove(folder.path(), &run.record.id).unwrap();
    }
    assert!(mixed.path("@eaDir").is_dir() && !mixed.path("input.csv").exists());
    assert!(!plain.path("").exists());
    let (found, broken) = Run::list(folder.path()).unwrap();
    assert_eq!((found.len(), broken.len()), (0, 0));
}

#[test]
fn a_run_without_its_record_is_reported_and_a_folder_that_a_crash_left_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let [copied, begun] =
        ["a.csv", "b.csv"].map(|file| Run::create(folder.path(), now(), file, |record| record).unwrap());
    copied.write("input.csv", b"x").unwrap();
    for run in [&copied, &begun] {
        fs_err::remove_file(run.path("run.json")).unwrap();
    }
    let (found, broken) = Run::list(folder.path()).unwrap();
    assert_eq!((found.len(), broken.len()), (0, 1));
    assert_eq!(broken[0].id, copied.record.id);
    assert!(broken[0].problem.contains("run.json is missing"), "{}", broken[0].problem);
}

#[test]
fn a_record_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = Run::create(folder.path(), now(), "a.csv", |record| record).unwrap();
    run.record.version = VERSION + 1;
    run.save().unwrap();
    assert!(Run::open(folder.path(), &run.record.id).unwrap_err().to_string().contains("newer"));
    let (found, broken) = Run::list(folder.path()).unwrap();
    assert_eq!((found.len(), broken.len()), (0, 1));
}

#[test]
fn an_unreadable_run_is_named_and_other_folders_are_skipped() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::create_dir(folder.path().join("20261122T180500Z-cut-off")).unwrap();
    fs_err::write(folder.path().join("notes.txt"), "of a person").unwrap();
    assert_eq!(Run::list(folder.path()).unwrap(), (Vec::new(), Vec::new()));
    // A link that leads to itself cannot be looked through, whoever asks.
    let id = "20261122T180501Z-loop";
    fs_err::os::unix::fs::symlink(id, folder.path().join(id)).unwrap();
    let (found, broken) = Run::list(folder.path()).unwrap();
    assert!(found.is_empty() && broken[0].problem.contains(id), "{broken:?}");
    assert_eq!(broken[0].id, id);
}
