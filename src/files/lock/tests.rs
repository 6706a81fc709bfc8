//! Who holds the lock, and how it is lost.

use super::*;

#[test]
fn a_lock_of_an_earlier_version_says_no_time() {
    let holder = Holder::parse("process 812 on nms-01\n");
    assert_eq!(holder, Holder { process: Some(812), host: "nms-01".into(), since: None });
    assert_eq!(Holder::parse("").process, None);
}

#[test]
fn a_lock_whose_file_or_folder_was_removed_or_replaced_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let removals: [fn(&Path); 3] = [
        |data| fs_err::remove_file(data.join("lock")).unwrap(),
        |data| fs_err::remove_dir_all(data).unwrap(),
        |data| fs_err::rename(data.join("lock"), data.join("old")).unwrap(),
    ];
    for remove in removals {
        let (first, second) = (HeldLock::default(), HeldLock::default());
        first.take(&data).unwrap();
        first.check().unwrap();
        remove(&data);
        let lost = anyhow::Error::from(first.check().unwrap_err()).context("the inbox job failed");
        assert!(is_lost(&lost), "{lost:#}");
        second.take(&data).unwrap();
        assert!(first.check().is_err(), "another file has the name now");
        second.check().unwrap();
    }
}

#[test]
fn a_lock_that_cannot_be_checked_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let lock = HeldLock::default();
    lock.take(&data).unwrap();
    // A way that leads nowhere, as a look at a failing disk does.
    let aside = folder.path().join("aside");
    fs_err::rename(&data, &aside).unwrap();
    std::os::unix::fs::symlink("data", &data).unwrap();
    let error = anyhow::Error::from(lock.check().unwrap_err());
    assert!(!is_lost(&error) && error.to_string().contains("cannot check whether"), "{error:#}");
    lock.is_not_lost().unwrap();
    fs_err::remove_file(&data).unwrap();
    fs_err::rename(&aside, &data).unwrap();
    lock.check().unwrap();
}

#[test]
fn a_second_process_sees_who_holds_the_lock_and_gets_it_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let first = Lock::take(folder.path()).unwrap();
    let error = Lock::take(folder.path()).unwrap_err().to_string();
    assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    let seen = holder(folder.path()).unwrap();
    assert_eq!((seen.process, seen.host), (Some(std::process::id()), hostname()));
    assert!(seen.since.is_some());
    drop(first);
    assert_eq!(holder(folder.path()), None);
    Lock::take(folder.path()).unwrap();
}
