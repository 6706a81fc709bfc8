//! Who else may write a configuration, or read a secret. A user who may write it decides where the token is sent.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::StatVfsMountFlags;

/// Why `./quotakeeper.toml` is not used: in a folder of others it may have been put there for us.
pub(crate) fn why_untrusted(path: &Path) -> Option<String> {
    let us = rustix::process::geteuid().as_raw();
    for part in parts(path) {
        let Ok(metadata) = fs_err::metadata(&part) else {
            return Some(format!("{} cannot be checked", part.display()));
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
    writable_by(path, 0o002)
}

/// Who besides its owner may write a configuration, as `check` reports it.
pub(crate) fn writable_by_others(path: &Path) -> Option<String> {
    writable_by(path, 0o022)
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

fn writable_by(path: &Path, mask: u32) -> Option<String> {
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
pub(crate) fn readable_by_others(path: &Path, group: Option<u32>) -> Option<String> {
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
mod tests;
