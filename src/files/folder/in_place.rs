//! A folder that takes the place of another one of that name, whole.

use std::ffi::{OsStr, OsString};
use std::io;

use rustix::fs::{self, RenameFlags};
use rustix::io::Errno;

use super::{Folder, TEMPORARY, not_durable, single_part, with_path};

impl Folder {
    /// A name that nobody has, for what is not finished yet. What a kill leaves of it is swept.
    fn temporary_name() -> OsString {
        OsString::from(format!("{TEMPORARY}{:016x}", fastrand::u64(..)))
    }

    /// Makes a folder with files in it, under a temporary name that is not durable by itself: `put_in_place` makes it so.
    pub(crate) fn temporary_folder(&self, files: &[(&str, Vec<u8>)]) -> (OsString, io::Result<()>) {
        let name = Self::temporary_name();
        let written = self.stage_folder(&name).and_then(|folder| {
            let folder = folder.ok_or(Errno::EXIST)?;
            files.iter().try_for_each(|(name, bytes)| folder.stage(OsStr::new(name), bytes))?;
            folder.sync()
        });
        (name, written)
    }

    /// Gives the folder `new` the name `to`; what had that name gets the name `new`. Whether anything had.
    pub(crate) fn put_in_place(&self, new: &OsStr, to: &OsStr) -> io::Result<bool> {
        let here = &self.descriptor;
        let done = single_part(new).and_then(|new| Ok((new, single_part(to)?))).and_then(|(new, to)| {
            match fs::renameat_with(here, new, here, to, RenameFlags::EXCHANGE) {
                Ok(()) => Ok(true),
                Err(Errno::NOENT) => fs::renameat(here, new, here, to).map(|()| false),
                // Older kernels and some mounts cannot exchange two names.
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => self.put_in_steps(new, to),
                Err(error) => Err(error),
            }
        });
        let done = done.map_err(|error| with_path(&self.path.join(to), error))?;
        self.sync().map_err(not_durable)?;
        Ok(done)
    }

    /// For a moment nothing has the name; never a mixture of both.
    fn put_in_steps(&self, new: &OsStr, to: &OsStr) -> Result<bool, Errno> {
        let here = &self.descriptor;
        let aside = Self::temporary_name();
        match fs::renameat(here, to, here, aside.as_os_str()) {
            Ok(()) => {}
            Err(Errno::NOENT) => return fs::renameat(here, new, here, to).map(|()| false),
            Err(error) => return Err(error),
        }
        if let Err(error) = fs::renameat(here, new, here, to) {
            let _ = fs::renameat(here, aside.as_os_str(), here, to);
            return Err(error);
        }
        let _ = fs::renameat(here, aside.as_os_str(), here, new);
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
