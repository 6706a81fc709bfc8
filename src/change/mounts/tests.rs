//! Facts about folders on mounts. What is mounted is said by the record, because no test can mount anything.

use super::*;

/// As if the folder had been on a mount at this place.
pub(crate) fn was_on(data_dir: &Path, folder: &Path, mount: &Path) {
    let folders = BTreeMap::from([(folder.to_owned(), mount.to_owned())]);
    versioned_json::save(data_dir, &FILE, &Record { folders }).unwrap();
}

#[test]
fn a_folder_is_gone_with_its_mount_and_not_with_another() {
    let gone = |mount: &str, now: &str| is_gone(Path::new(mount), Path::new(now));
    assert!(gone("/mnt/share", "/"));
    assert!(gone("/mnt/share", "/mnt"));
    assert!(!gone("/mnt/share", "/mnt/share"));
    assert!(!gone("/mnt/share", "/mnt/share/deeper"), "something is mounted over it");
    assert!(!gone("/mnt/share", "/srv"), "its path leads elsewhere now");
    assert!(!gone("/mnt/share", "/mnt/sha"));
}

#[test]
fn a_folder_is_made_once_and_never_below_a_mount_point_without_its_mount() {
    let folder = tempfile::tempdir().unwrap();
    let (data, share) = (folder.path().join("data"), folder.path().join("share"));
    fs_err::create_dir_all(&data).unwrap();
    fs_err::create_dir_all(&share).unwrap();
    let inbox = share.join("inbox");
    create_folder(&data, &inbox).unwrap();
    assert!(!data.join(FILE.name).exists(), "it is where the data is");

    fs_err::remove_dir(&inbox).unwrap();
    was_on(&data, &inbox, &share);
    let error = create_folder(&data, &inbox).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("{} is not mounted: {}", share.display(), inbox.display())),
        "{error}"
    );
    assert!(!inbox.exists());

    // The operator says that it is here from now on.
    fs_err::remove_file(data.join(FILE.name)).unwrap();
    create_folder(&data, &inbox).unwrap();
    assert!(inbox.exists());
}

#[test]
fn a_folder_on_another_device_than_the_data_is_remembered_with_its_mount_point() {
    let (data, other) = (tempfile::tempdir().unwrap(), Path::new("/dev/shm"));
    let Ok(shared) = tempfile::tempdir_in(other) else { return };
    let Ok(top) = mount_of(shared.path()) else { return };
    if mount_of(data.path()).unwrap() == top {
        return; // one device here
    }
    let inbox = shared.path().join("inbox");
    create_folder(data.path(), &inbox).unwrap();
    assert_eq!(load(data.path()).unwrap().folders, BTreeMap::from([(inbox.clone(), top)]));
    check(data.path(), &inbox).unwrap();
}

#[test]
fn a_record_that_cannot_be_used_stops_nothing_and_a_newer_one_stays() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["{", r#"{"version": 9}"#] {
        fs_err::write(folder.path().join(FILE.name), text).unwrap();
        create_folder(folder.path(), &folder.path().join("inbox")).unwrap();
        assert_eq!(fs_err::read_to_string(folder.path().join(FILE.name)).unwrap(), text);
    }
}
