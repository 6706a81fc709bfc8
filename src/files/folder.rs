//! A folder that is opened once; everything in it is then reached through that descriptor, one name at a time, and never
//! through a link.
//!
//! Others may write into some of these folders (the inbox, its answers). Between a look at a path and its use they could
//! exchange the file for a link, a FIFO or another file. So a file is opened first, without following links and without
//! waiting for anybody, and it is the open file that is looked at and read ([`Folder::open_file`]).
//!
//! What is written here is written whole under a temporary name, synced, renamed, and the folder synced.

mod beneath;
mod flags;
mod in_place;
mod moves;
mod open_file;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

use self::flags::{file_flags, folder_flags};
use self::open_file::ignore_unsupported;
pub(crate) use self::open_file::{OpenFile, Unfit};

/// What begins the name of a file that is still being written. What a kill leaves of them is swept.
pub(crate) const TEMPORARY: &str = ".new-";

/// An open folder.
#[derive(Debug)]
pub(crate) struct Folder {
    descriptor: OwnedFd,
    /// For messages only.
    path: PathBuf,
}

/// Whether a file may be reached through links that stay within the folder, as a mounted `ConfigMap` has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// None of any kind, in a folder that others may write into.
    Refused,
    /// No symbolic one; a second name (a hard link) is fine, in a folder that only we write into.
    Hard,
    Within,
}

impl Folder {
    /// Opens a folder by its path. Links on the way are the operator's own and are followed.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let descriptor =
            fs::open(path, folder_flags(), Mode::empty()).map_err(|error| with_path(path, error))?;
        Ok(Self { descriptor, path: path.to_owned() })
    }

    /// Opens a folder of this one, which must not be a link.
    pub(crate) fn open_folder(&self, name: &OsStr) -> io::Result<Self> {
        let path = self.path.join(name);
        let flags = folder_flags() | OFlags::NOFOLLOW;
        let opened =
            single_part(name).and_then(|name| fs::openat(&self.descriptor, name, flags, Mode::empty()));
        Ok(Self { descriptor: opened.map_err(|error| with_path(&path, error))?, path })
    }

    /// Opens a folder of this one, and makes it first where it is missing.
    pub(crate) fn create_folder(&self, name: &OsStr) -> io::Result<Self> {
        match self.new_folder(name)? {
            Some(folder) => Ok(folder),
            None => self.open_folder(name),
        }
    }

    /// Makes a folder in this one; none where the name is taken.
    pub(crate) fn new_folder(&self, name: &OsStr) -> io::Result<Option<Self>> {
        let made = self.stage_folder(name)?;
        if made.is_some() {
            self.sync()?;
        }
        Ok(made)
    }

    /// The same, durable with the next sync of this folder.
    pub(super) fn stage_folder(&self, name: &OsStr) -> io::Result<Option<Self>> {
        // With all rights that it may have in the end: where the 2 of a shared folder was inherited and the umask leaves
        // these, nothing is left to set, which a service with `RestrictSUIDSGID=` could not.
        let mode = if is_shared(&fs::fstat(&self.descriptor)?) { 0o770 } else { 0o700 };
        match single_part(name)
            .and_then(|name| fs::mkdirat(&self.descriptor, name, Mode::from_raw_mode(mode)))
        {
            Ok(()) => {
                let folder = self.open_folder(name)?;
                self.hand_over(&folder.descriptor, Kind::Folder)?;
                Ok(Some(folder))
            }
            Err(Errno::EXIST) => Ok(None),
            Err(error) => Err(with_path(&self.path.join(name), error)),
        }
    }

    /// Opens a file for reading, and looks at what was opened: a regular file with one name, or nothing.
    pub(crate) fn open_file(&self, name: &OsStr, links: Links) -> Result<OpenFile, Unfit> {
        let opened = single_part(name).and_then(|name| match links {
            Links::Refused | Links::Hard => fs::openat(&self.descriptor, name, file_flags(), Mode::empty()),
            Links::Within => beneath::open(&self.descriptor, name),
        });
        let descriptor = opened.map_err(|error| match error {
            Errno::NOENT => Unfit::Missing,
            Errno::LOOP | Errno::XDEV => Unfit::Link,
            Errno::NXIO | Errno::NODEV => Unfit::NotRegular, // a socket, or a device that is not there
            other => Unfit::Io(with_path(&self.path.join(name), other)),
        })?;
        let stat =
            fs::fstat(&descriptor).map_err(|error| Unfit::Io(with_path(&self.path.join(name), error)))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Unfit::NotRegular);
        }
        // Whoever may write into a folder may give a second name in it to some files of others.
        if links == Links::Refused && stat.st_nlink > 1 {
            return Err(Unfit::SeveralNames);
        }
        Ok(OpenFile { file: File::from(descriptor), stat })
    }

    /// What lies under a name, without following it; none where there is nothing.
    pub(crate) fn stat(&self, name: &OsStr) -> io::Result<Option<Stat>> {
        match single_part(name).and_then(|name| fs::statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW))
        {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(with_path(&self.path.join(name), error)),
        }
    }

    /// Whether a file in the folder is of a kind that this program makes in it: its own user's or, by root, the folder's owner's.
    pub(crate) fn is_ours(&self, file: &Stat) -> io::Result<bool> {
        let me = rustix::process::geteuid();
        let handed_over = me.is_root() && file.st_uid == fs::fstat(&self.descriptor)?.st_uid;
        Ok(handed_over || file.st_uid == me.as_raw())
    }

    /// Whether it is on another device than the folder that it was opened in: a mount of its own.
    pub(crate) fn is_mounted_in(&self, above: &Self) -> io::Result<bool> {
        Ok(fs::fstat(&self.descriptor)?.st_dev != fs::fstat(&above.descriptor)?.st_dev)
    }

    /// All names in the folder, in order.
    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        let of = |error| with_path(&self.path, error);
        let mut names = Vec::new();
        for entry in fs::Dir::read_from(&self.descriptor).map_err(of)? {
            let name = OsString::from_vec(entry.map_err(of)?.file_name().to_bytes().to_vec());
            if name != *"." && name != *".." {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Writes a file, in place of whatever has that name.
    pub(crate) fn write(&self, name: &OsStr, bytes: &[u8]) -> io::Result<()> {
        self.replace(name, bytes, Kind::File)
    }

    /// Writes a file that everybody on the machine may read, in place of whatever has that name.
    pub(crate) fn publish(&self, name: &OsStr, bytes: &[u8]) -> io::Result<()> {
        self.replace(name, bytes, Kind::PublicFile)
    }

    /// Writes a file, in place of whatever has that name: its content is on the disk, and its name is with the next sync of this
    /// folder. Changes within one folder survive a power cut in the order in which they were made, so for several that belong
    /// together the sync after the last is enough.
    pub(crate) fn stage(&self, name: &OsStr, bytes: &[u8]) -> io::Result<()> {
        self.stage_as(name, bytes, Kind::File)
    }

    fn stage_as(&self, name: &OsStr, bytes: &[u8], kind: Kind) -> io::Result<()> {
        let temporary = self.write_temporary(name, kind, |file| file.write_all(bytes))?;
        let renamed = single_part(name)
            .and_then(|name| fs::renameat(&self.descriptor, temporary.as_os_str(), &self.descriptor, name));
        self.settle_write(name, &temporary, renamed).map(drop)
    }

    fn replace(&self, name: &OsStr, bytes: &[u8], kind: Kind) -> io::Result<()> {
        self.stage_as(name, bytes, kind)?;
        self.sync().map_err(not_durable)
    }

    /// Writes a file unless the name is taken, which leaves what has it as it was; whether it was written.
    pub(crate) fn create(
        &self,
        name: &OsStr,
        content: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<bool> {
        let temporary = self.write_temporary(name, Kind::File, content)?;
        let renamed =
            single_part(name).and_then(|name| self.rename_to_free_name(temporary.as_os_str(), name));
        let written = self.settle_write(name, &temporary, renamed)?;
        if written {
            self.sync().map_err(not_durable)?;
        }
        Ok(written)
    }

    /// Makes renames and removals in the folder survive a power cut, as far as its file system can.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match fs::fsync(&self.descriptor) {
            // Network and FUSE mounts that sync no folder say so like this; they can do no better.
            Ok(()) | Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(()),
            Err(error) => Err(with_path(&self.path, error)),
        }
    }

    /// Opens a file that is kept and written in place (a lock, a journal), and makes it first where it is missing.
    pub(crate) fn open_or_create(&self, name: &OsStr) -> io::Result<File> {
        let name = single_part(name)?;
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        loop {
            match fs::openat(&self.descriptor, name, flags, Mode::empty()) {
                Err(Errno::NOENT) => {}
                opened => return Ok(File::from(opened?)),
            }
            let new = flags | OFlags::CREATE | OFlags::EXCL;
            match fs::openat(&self.descriptor, name, new, Mode::from_raw_mode(0o600)) {
                Err(Errno::EXIST) => {} // somebody was faster
                opened => {
                    let opened = opened?;
                    self.hand_over(&opened, Kind::File)?;
                    return Ok(File::from(opened));
                }
            }
        }
    }

    fn write_temporary(
        &self,
        name: &OsStr,
        kind: Kind,
        content: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<OsString> {
        let temporary = OsString::from(format!("{TEMPORARY}{:016x}", fastrand::u64(..)));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let written = fs::openat(&self.descriptor, &temporary, flags, Mode::from_raw_mode(0o600))
            .map_err(io::Error::from);
        let written = written.and_then(|descriptor| {
            self.hand_over(&descriptor, kind)?;
            let mut file = File::from(descriptor);
            content(&mut file)?;
            file.sync_all()
        });
        match written {
            Ok(()) => Ok(temporary),
            Err(error) => {
                let _ = fs::unlinkat(&self.descriptor, &temporary, AtFlags::empty());
                Err(cannot_write(&self.path.join(name), &error))
            }
        }
    }

    fn settle_write(&self, name: &OsStr, temporary: &OsStr, renamed: Result<(), Errno>) -> io::Result<bool> {
        let failed = match renamed {
            Ok(()) => return Ok(true),
            Err(error) => error,
        };
        let _ = fs::unlinkat(&self.descriptor, temporary, AtFlags::empty());
        if failed == Errno::EXIST {
            return Ok(false);
        }
        Err(cannot_write(&self.path.join(name), &failed.into()))
    }

    fn rename_to_free_name(&self, from: &OsStr, to: &OsStr) -> Result<(), Errno> {
        let here = &self.descriptor;
        match fs::renameat_with(here, from, here, to, RenameFlags::NOREPLACE) {
            // Older kernels and some mounts cannot do it in one step: a second name is refused where it is taken.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                match fs::linkat(here, from, here, to, AtFlags::empty()) {
                    Ok(()) => fs::unlinkat(here, from, AtFlags::empty()),
                    Err(Errno::EXIST) => Err(Errno::EXIST),
                    // Nor does exFAT, or a bucket mounted as a folder, give a file a second name.
                    Err(_) => self.rename_if_nothing_is_there(from, to),
                }
            }
            done => done,
        }
    }

    /// Gives what was just made here the mode that it should have, whatever the umask; and, where root made it in the
    /// folder of a service, the service's owner, so that the service can read what a command of root's left.
    fn hand_over(&self, new: &OwnedFd, kind: Kind) -> io::Result<()> {
        let folder = fs::fstat(&self.descriptor)?;
        if rustix::process::geteuid().is_root() && (folder.st_uid != 0 || folder.st_gid != 0) {
            let owner = Some(rustix::fs::Uid::from_raw(folder.st_uid));
            ignore_unsupported(fs::fchown(new, owner, Some(rustix::fs::Gid::from_raw(folder.st_gid))))?;
        }
        let mode = match (kind, is_shared(&folder)) {
            (Kind::File, false) => 0o640,
            (Kind::File, true) => 0o660,
            (Kind::PublicFile, _) => 0o644,
            (Kind::Folder, false) => 0o750,
            (Kind::Folder, true) => 0o770 | (folder.st_mode & 0o2000),
        };
        if fs::fstat(new)?.st_mode & 0o7777 == mode {
            return Ok(());
        }
        ignore_unsupported(fs::fchmod(new, Mode::from_raw_mode(mode)))
    }
}

/// Whether a folder is given to its group: it hands its group on and lets it write, or lets the group write and keeps everybody else
/// out, as images for any user of the root group have it. What a lax umask leaves open to the group is not meant so.
fn is_shared(folder: &Stat) -> bool {
    folder.st_mode & 0o2020 == 0o2020 || folder.st_mode & 0o077 == 0o070
}

#[derive(Clone, Copy)]
enum Kind {
    File,
    PublicFile,
    Folder,
}

/// An error after which the change can be seen anyway: the rename was done, and the sync of its folder failed. Whether
/// it survives a power cut is not known.
#[derive(Debug, thiserror::Error)]
#[error("{0} (it was done, but may not survive a power cut)")]
struct NotDurable(io::Error);

/// Whether the change that failed with this error was done, though it may not survive a power cut.
pub(crate) fn is_done(error: &io::Error) -> bool {
    error.get_ref().and_then(|inner| inner.downcast_ref::<NotDurable>()).is_some()
}

fn not_durable(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), NotDurable(error))
}

/// A name of one part: nothing that could lead elsewhere.
fn single_part(name: &OsStr) -> Result<&OsStr, Errno> {
    let bytes = name.as_bytes();
    let leads_elsewhere = bytes.is_empty() || bytes == b"." || bytes == b".." || bytes.contains(&b'/');
    if leads_elsewhere { Err(Errno::INVAL) } else { Ok(name) }
}

fn with_path(path: &Path, error: Errno) -> io::Error {
    let error = io::Error::from(error);
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

pub(crate) fn cannot_write(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
