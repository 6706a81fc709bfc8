//! Snapshots are found where they lie, whatever else lies there.

use super::*;
use crate::domain::quota::{SnapshotRow, Target};

/// Writes a snapshot of that time, and says under which it lies.
fn write(history: &History, time: &str) -> DateTime<Utc> {
    let rows = [SnapshotRow::new(Target::organization("1"))];
    history.write(&Snapshot::new(time.parse().unwrap(), rows)).unwrap().0
}

fn history() -> (tempfile::TempDir, History) {
    let folder = tempfile::tempdir().unwrap();
    let history = History::new(folder.path());
    (folder, history)
}

#[test]
fn a_snapshot_lies_under_its_year_and_month() {
    let (folder, history) = history();
    write(&history, "2026-11-22T18:00:00.7Z");
    assert!(folder.path().join("history/year=2026/month=11/2026-11-22T18-00-00Z.csv").is_file());
}

#[test]
fn the_same_second_again_takes_the_next_one_and_says_so_in_its_rows() {
    let (_folder, history) = history();
    let first = write(&history, "2026-11-22T18:00:00Z");
    let second = write(&history, "2026-11-22T18:00:00Z");
    assert_eq!(second - first, Duration::seconds(1));
    assert_eq!(history.list().unwrap(), [first, second]);
    let text = fs_err::read_to_string(history.path(second)).unwrap();
    assert!(text.contains("2026-11-22T18:00:01Z,organization"));
}

#[test]
fn a_time_finds_the_last_snapshot_before_it_and_an_earlier_one_is_answered_with_what_is_there() {
    let (_folder, history) = history();
    let refusal = || history.find("2020-01-01T00:00:00Z".parse().unwrap()).unwrap_err().to_string();
    assert!(refusal().starts_with("the history is empty"), "{}", refusal());
    let early = write(&history, "2026-10-31T23:00:00Z");
    assert_eq!(refusal(), "no snapshot is that old: the only one is 2026-10-31T23-00-00Z");
    let late = write(&history, "2026-11-22T18:00:00Z");
    let find = |time: &str| history.find(time.parse().unwrap());
    assert_eq!(find("2026-11-22T18:00:00Z").unwrap(), late);
    assert_eq!(find("2026-11-22T19:00:00+02:00").unwrap(), early);
    assert_eq!(
        refusal(),
        "no snapshot is that old: the 2 snapshots go from 2026-10-31T23-00-00Z to 2026-11-22T18-00-00Z, and `quotakeeper history list` \
         lists them"
    );
}

#[test]
fn the_format_file_replaces_whatever_was_there_and_readers_of_the_tree_skip_it() {
    let (folder, history) = history();
    let path = |name: &str| folder.path().join("history").join(name);
    fs_err::create_dir_all(path("")).unwrap();
    fs_err::write(path("VERSION"), "1\n").unwrap();
    history.list().unwrap();
    write(&history, "2026-11-22T18:00:00Z");
    assert!(!path("VERSION").exists());
    for damage in ["", "\0\0\0", "one"] {
        fs_err::write(path("_VERSION"), damage).unwrap();
        assert_eq!(history.list().unwrap().len(), 1, "{damage:?}");
        write(&history, "2026-11-22T18:00:00Z");
        assert_eq!(fs_err::read_to_string(path("_VERSION")).unwrap(), "1\n");
        fs_err::remove_dir_all(path("year=2026")).unwrap();
        write(&history, "2026-11-22T18:00:00Z");
    }
    for name in ["_VERSION", "VERSION"] {
        fs_err::write(path(name), "2\n").unwrap();
        let again = History::new(folder.path()); // as the next command does
        assert!(again.list().unwrap_err().to_string().contains("newer"), "{name}");
        let snapshot = Snapshot::new("2026-11-22T18:00:00Z".parse().unwrap(), []);
        assert!(history.write(&snapshot).unwrap_err().to_string().contains("newer"), "{name}");
        fs_err::remove_file(path(name)).unwrap();
    }
    fs_err::create_dir(path("_VERSION")).unwrap();
    write(&history, "2026-11-22T19:00:00Z");
}

#[test]
fn readers_check_the_format_once_and_a_writer_checks_it_again() {
    let (folder, history) = history();
    write(&history, "2026-11-22T18:00:00Z");
    let reader = history.clone();
    reader.list().unwrap();
    fs_err::write(folder.path().join("history/_VERSION"), "2\n").unwrap();
    assert_eq!(reader.list().unwrap().len(), 1);
    assert_eq!(history.list().unwrap().len(), 1, "a clone shares what was seen");
    let snapshot = Snapshot::new("2026-11-22T19:00:00Z".parse().unwrap(), []);
    assert!(reader.write(&snapshot).unwrap_err().to_string().contains("newer"));
}

#[test]
fn an_unreadable_entry_is_an_error_and_not_a_shorter_history() {
    let (folder, history) = history();
    write(&history, "2026-11-22T18:00:00Z");
    let circle = folder.path().join("history/year=2025");
    std::os::unix::fs::symlink("year=2025", &circle).unwrap();
    assert!(history.list().unwrap_err().to_string().contains("year=2025"));
    fs_err::remove_file(&circle).unwrap();
    let circle = folder.path().join("history/year=2026/month=11/2026-11-22T19-00-00Z.csv");
    std::os::unix::fs::symlink("2026-11-22T19-00-00Z.csv", circle).unwrap();
    assert!(history.list().unwrap_err().to_string().contains("2026-11-22T19-00-00Z.csv"));
}

#[test]
fn a_year_that_was_moved_elsewhere_and_linked_is_of_the_history() {
    let (folder, history) = history();
    write(&history, "2026-11-22T18:00:00Z");
    let year = folder.path().join("history/year=2026");
    fs_err::rename(&year, folder.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", &year).unwrap();
    assert_eq!(history.list().unwrap().len(), 1);
}

#[test]
fn files_of_others_in_the_tree_are_passed_over() {
    let (folder, history) = history();
    write(&history, "2026-11-22T18:00:00Z");
    fs_err::write(folder.path().join("history/_SIMULATED"), "").unwrap();
    fs_err::write(folder.path().join("history/year=2026/month=11/notes.csv"), "").unwrap();
    let at = folder.path().join("history/year=2026/month=11");
    std::os::unix::fs::symlink("nowhere", at.join("2026-11-22T19-00-00Z.csv")).unwrap();
    fs_err::create_dir(at.join("2026-11-22T20-00-00Z.csv")).unwrap();
    // One that leads in a circle would have to be opened to be recognized.
    std::os::unix::fs::symlink("lost+found", folder.path().join("history/lost+found")).unwrap();
    assert_eq!(history.list().unwrap().len(), 1);
}
