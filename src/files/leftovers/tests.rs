//! What is removed of earlier work, and what is not ours.

use std::os::unix::fs::symlink;

use super::*;

#[test]
fn only_what_was_made_here_and_is_old_enough_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs_err::create_dir_all(path("a/b/c")).unwrap();
    for name in [
        ".new-0123456789abcdef",
        "a/.new-0123456789abcdef",
        "a/b/.new-0123456789abcdef",
        "a/b/c/.new-0123456789abcdef",
        "a/.new-mine",
        "a/run.json",
    ] {
        fs_err::write(path(name), "half").unwrap();
    }
    let elsewhere = tempfile::tempdir().unwrap();
    fs_err::write(elsewhere.path().join(".new-0123456789abcdef"), "of others").unwrap();
    symlink(elsewhere.path(), path("link")).unwrap();
    // The time of this machine: the files were made a moment ago.
    let made = fs_err::metadata(path("a/run.json")).unwrap().modified().unwrap();
    let (soon, later) = (DateTime::from(made), DateTime::from(made) + TimeDelta::minutes(2));
    assert_eq!(temporary_files(folder.path(), 2, soon).unwrap(), 0);
    assert_eq!(temporary_files(folder.path(), 2, later).unwrap(), 3);
    assert_eq!(temporary_files(folder.path(), 2, later).unwrap(), 0);
    for left in ["a/b/c/.new-0123456789abcdef", "a/.new-mine", "a/run.json", "link/.new-0123456789abcdef"] {
        assert!(path(left).exists(), "{left}");
    }
    assert_eq!(temporary_files(&path("missing"), 2, later).unwrap(), 0);
}

#[test]
fn an_empty_folder_of_ours_goes_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["run-1", "run-2/x", "of-others"] {
        fs_err::create_dir_all(folder.path().join(name)).unwrap();
    }
    fs_err::write(folder.path().join("run-1/.new-0123456789abcdef"), "{").unwrap();
    let made = fs_err::metadata(folder.path().join("run-1")).unwrap().modified().unwrap();
    let is_ours = |name: &str| name.starts_with("run-");
    assert_eq!(empty_folders(folder.path(), is_ours, DateTime::from(made)).unwrap(), 0);
    let later = DateTime::from(made) + TimeDelta::minutes(2);
    assert_eq!(empty_folders(folder.path(), is_ours, later).unwrap(), 1);
    assert!(!folder.path().join("run-1").exists() && folder.path().join("of-others").exists());
}
