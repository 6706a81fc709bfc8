//! Names in a folder that change, move elsewhere or go.

use std::ffi::OsStr;
use std::io;

use rustix::fs::{self, AtFlags, RenameFlags};
use rustix::io::Errno;

use super::{Folder, not_durable, single_part, with_path};

impl Folder {
    /// Gives a file another name in this folder, in place of whatever has that name.
    pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        self.rename_into(from, self, to)?;
        self.sync().map_err(not_durable)
    }

    /// Gives a file another name in this folder unless that one is taken; whether it did. Never by a second name, which a
    /// crash would leave: where a mount cannot refuse a taken name itself, the name is looked at first.
    pub(crate) fn rename_to_free(&self, from: &OsStr, to: &OsStr) -> io::Result<bool> {
        let here = &self.descriptor;
        let renamed =
            single_part(from).and_then(|from| Ok((from, single_part(to)?))).and_then(|(from, to)| {
                match fs::renameat_with(here, from, here, to, RenameFlags::NOREPLACE) {
                    Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                        self.rename_if_nothing_is_there(from, to)
                    }
                    done => done,
                }
            });
        match renamed {
            Ok(()) => self.sync().map(|()| true).map_err(not_durable),
            Err(Errno::EXIST) => Ok(false),
            Err(error) => Err(with_path(&self.path.join(from), error)),
        }
    }

    /// For mounts that cannot refuse a taken name themselves: what takes the name after the look is replaced.
    pub(super) fn rename_if_nothing_is_there(&self, from: &OsStr, to: &OsStr) -> Result<(), Errno> {
        let here = &self.descriptor;
        match fs::statat(here, to, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => fs::renameat(here, from, here, to),
            Ok(_) => Err(Errno::EXIST),
            Err(error) => Err(error),
        }
    }

    /// Moves a file to another folder of the same file system, in place of whatever has that name there.
    pub(crate) fn move_to(&self, from: &OsStr, folder: &Self, to: &OsStr) -> io::Result<()> {
        self.rename_into(from, folder, to)?;
        folder.sync().and_then(|()| self.sync()).map_err(not_durable)
    }

    /// Moves files to another folder in this order. A power cut leaves those moved that came first.
    pub(crate) fn move_all_to(&self, names: &[&OsStr], folder: &Self) -> io::Result<()> {
        names.iter().try_for_each(|name| self.rename_into(name, folder, name))?;
        folder.sync().and_then(|()| self.sync()).map_err(not_durable)
    }

    fn rename_into(&self, from: &OsStr, folder: &Self, to: &OsStr) -> io::Result<()> {
        single_part(from)
            .and_then(|from| fs::renameat(&self.descriptor, from, &folder.descriptor, single_part(to)?))
            .map_err(|error| with_path(&self.path.join(from), error))
    }

    /// Removes a file or a link (never what it leads to). That it is gone already is fine.
    pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
        if self.drop_name(name)? { self.sync().map_err(not_durable) } else { Ok(()) }
    }

    /// The same for what may be there again after a power cut, because it is removed again then. Whether it was there.
    pub(crate) fn drop_name(&self, name: &OsStr) -> io::Result<bool> {
        match single_part(name).and_then(|name| fs::unlinkat(&self.descriptor, name, AtFlags::empty())) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(with_path(&self.path.join(name), error)),
        }
    }

    /// Removes an empty folder of this one.
    pub(crate) fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        single_part(name)
            .and_then(|name| fs::unlinkat(&self.descriptor, name, AtFlags::REMOVEDIR))
            .map_err(|error| with_path(&self.path.join(name), error))?;
        self.sync().map_err(not_durable)
    }
}
