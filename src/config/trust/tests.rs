//! Files that others may read or write, or could replace.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

fn set(path: &Path, mode: u32) {
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("quotakeeper.toml");
    fs_err::write(&path, "").unwrap();
    set(folder.path(), 0o755);
    set(&path, 0o644);
    (folder, path)
}

#[test]
fn a_file_that_only_we_may_write_is_trusted() {
    let (_folder, path) = file();
    assert_eq!((why_untrusted(&path), writable_by_others(&path)), (None, None));
}

#[test]
fn a_file_or_folder_that_others_may_write_is_not_trusted() {
    for (file_mode, folder_mode, by_all) in
        [(0o646, 0o755, true), (0o664, 0o755, false), (0o644, 0o777, true), (0o644, 0o775, false)]
    {
        let (folder, path) = file();
        set(&path, file_mode);
        set(folder.path(), folder_mode);
        assert!(why_untrusted(&path).unwrap().contains("others may write"));
        assert!(writable_by_others(&path).unwrap().contains("chmod go-w"));
        assert_eq!(writable_by_all(&path).is_some(), by_all);
    }
    let (folder, path) = file();
    set(folder.path(), 0o1777);
    assert!(why_untrusted(&path).is_some() && writable_by_others(&path).is_none(), "as in /tmp");
}

#[test]
fn a_link_counts_by_what_it_leads_to_and_by_its_own_folder() {
    let (_good, good) = file();
    let (open, bad) = file();
    set(open.path(), 0o777);
    let (folder, link) = file();
    fs_err::remove_file(&link).unwrap();
    symlink(&good, &link).unwrap();
    assert_eq!(why_untrusted(&link), None);
    set(folder.path(), 0o777);
    assert!(why_untrusted(&link).is_some());
    set(folder.path(), 0o755);
    fs_err::remove_file(&link).unwrap();
    symlink(&bad, &link).unwrap();
    assert!(why_untrusted(&link).is_some());
    assert_eq!(owned_by_another(&good), None);
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&good, Some(12_345), None).unwrap();
        assert!(why_untrusted(&good).unwrap().contains("another user"));
        assert!(owned_by_another(&good).unwrap().contains("uid 12345"));
    }
}

#[test]
fn a_secret_is_for_its_owner_and_the_group_of_the_service() {
    let (_folder, path) = file();
    let group = fs_err::metadata(&path).unwrap().gid();
    assert!(readable_by_others(&path, Some(group)).unwrap().contains("every user"));
    for mode in [0o640, 0o600, 0o400] {
        set(&path, mode);
        assert_eq!(readable_by_others(&path, Some(group)), None);
    }
    assert_eq!(readable_by_others(Path::new("/nowhere"), None), None);
}
