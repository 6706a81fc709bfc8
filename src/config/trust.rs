//! Who else may write a configuration, or read a secret. Whoever may write it decides to whom the token is sent.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::StatVfsMountFlags;

/// Why `./quotakeeper.toml` is not used: in a folder of others it may have been put there for us.
pub(crate) fn planted(path: &Path) -> Option<String> {
    let us = rustix::process::geteuid().as_raw();
    for part in parts(path) {
        let Ok(metadata) = fs_err::metadata(&part) else {
            return Some(format!("{} cannot be looked at", part.display()));
        };
        if metadata.uid() != us && metadata.uid() != 0 {
            return Some(format!("{} belongs to another user (uid {})", part.display(), metadata.uid()));
        }
        if metadata.mode() & 0o022 != 0 && !is_read_only(&part) {
            return Some(format!(
                "others may write {} (mode {:04o})",
                part.display(),
                metadata.mode() & 0o7777
            ));
        }
    }
    None
}

/// Why a configuration is refused: everybody may write it.
pub(super) fn writable_by_all(path: &Path) -> Option<String> {
    refused(path, 0o002)
}

/// Who besides its owner may write a configuration, as `check` reports it.
pub(crate) fn writable_by_others(path: &Path) -> Option<String> {
    refused(path, 0o022)
}

/// Another user who owns a configuration that was named, as `check` notes it: in a container it may be a mount of its owner's.
pub(crate) fn owned_by_another(path: &Path) -> Option<String> {
    let us = rustix::process::geteuid().as_raw();
    let is_another = |part: &PathBuf| {
        let owner = fs_err::metadata(part).ok()?.uid();
        (owner != us && owner != 0 && !is_read_only(part)).then_some(owner)
    };
    let (part, owner) = parts(path).into_iter().find_map(|part| Some((part.clone(), is_another(&part)?)))?;
    Some(format!(
        "{} belongs to another user (uid {owner}), who may write it and so decides where the token is sent",
        part.display()
    ))
}

fn refused(path: &Path, mask: u32) -> Option<String> {
    let open = |part: &PathBuf| {
        let metadata = fs_err::metadata(part).ok()?;
        let is_open = metadata.mode() & mask != 0 && !is_sticky(&metadata) && !is_read_only(part);
        is_open.then(|| metadata.mode() & 0o7777)
    };
    let (part, mode) = parts(path).into_iter().find_map(|part| Some((part.clone(), open(&part)?)))?;
    Some(format!(
        "{}: others may write {} (mode {mode:04o}), and so decide where the token is sent: chmod go-w {}",
        path.display(),
        part.display(),
        part.display()
    ))
}

/// In a folder such as /tmp nobody replaces what is another's.
fn is_sticky(metadata: &Metadata) -> bool {
    metadata.is_dir() && metadata.mode() & 0o1000 != 0
}

/// Nobody writes into a mount such as a `ConfigMap`'s, whatever its modes say.
fn is_read_only(path: &Path) -> bool {
    rustix::fs::statvfs(path).is_ok_and(|mount| mount.f_flag.contains(StatVfsMountFlags::RDONLY))
}

/// The file and its folder; of a link also the folder that it leads to.
fn parts(path: &Path) -> Vec<PathBuf> {
    let folder = |path: &Path| match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut parts = vec![path.to_owned(), folder(path)];
    if let Ok(target) = fs_err::canonicalize(path) {
        parts.push(folder(&target));
    }
    parts
}

/// Who can read a file that holds a secret, besides the service: a sentence, or none. `group` is that of the service.
pub(crate) fn exposed(path: &Path, group: Option<u32>) -> Option<String> {
    let metadata = fs_err::metadata(path).ok().filter(Metadata::is_file)?;
    if is_read_only(path) {
        return None; // a mounted secret: its modes are the mount's
    }
    let path = path.display();
    let mode = metadata.mode();
    if mode & 0o007 != 0 {
        return Some(format!(
            "every user of this machine can read {path} (mode {:04o}): chmod o= {path}",
            mode & 0o7777
        ));
    }
    let is_ours = metadata.gid() == 0
        || Some(metadata.gid()) == group
        || metadata.gid() == rustix::process::getegid().as_raw();
    if mode & 0o070 != 0 && !is_ours {
        return Some(format!(
            "the group {} can read {path} (mode {:04o}): chmod g= {path}, or give it the service's group",
            metadata.gid(),
            mode & 0o7777
        ));
    }
    None
}

#[cfg(test)]
mod tests {
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
        assert_eq!((planted(&path), writable_by_others(&path)), (None, None));
    }

    #[test]
    fn a_file_or_folder_that_others_may_write_is_not_trusted() {
        for (file_mode, folder_mode, by_all) in
            [(0o646, 0o755, true), (0o664, 0o755, false), (0o644, 0o777, true), (0o644, 0o775, false)]
        {
            let (folder, path) = file();
            set(&path, file_mode);
            set(folder.path(), folder_mode);
            assert!(planted(&path).unwrap().contains("others may write"));
            assert!(writable_by_others(&path).unwrap().contains("chmod go-w"));
            assert_eq!(writable_by_all(&path).is_some(), by_all);
        }
        let (folder, path) = file();
        set(folder.path(), 0o1777);
        assert!(planted(&path).is_some() && writable_by_others(&path).is_none(), "as in /tmp");
    }

    #[test]
    fn a_link_counts_by_what_it_leads_to_and_by_its_own_folder() {
        let (_good, good) = file();
        let (open, bad) = file();
        set(open.path(), 0o777);
        let (folder, link) = file();
        fs_err::remove_file(&link).unwrap();
        symlink(&good, &link).unwrap();
        assert_eq!(planted(&link), None);
        set(folder.path(), 0o777);
        assert!(planted(&link).is_some());
        set(folder.path(), 0o755);
        fs_err::remove_file(&link).unwrap();
        symlink(&bad, &link).unwrap();
        assert!(planted(&link).is_some());
        assert_eq!(owned_by_another(&good), None);
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&good, Some(12_345), None).unwrap();
            assert!(planted(&good).unwrap().contains("another user"));
            assert!(owned_by_another(&good).unwrap().contains("uid 12345"));
        }
    }

    #[test]
    fn a_secret_is_for_its_owner_and_the_group_of_the_service() {
        let (_folder, path) = file();
        let group = fs_err::metadata(&path).unwrap().gid();
        assert!(exposed(&path, Some(group)).unwrap().contains("every user"));
        for mode in [0o640, 0o600, 0o400] {
            set(&path, mode);
            assert_eq!(exposed(&path, Some(group)), None);
        }
        assert_eq!(exposed(Path::new("/nowhere"), None), None);
    }
}
