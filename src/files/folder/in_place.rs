//! A folder that takes the place of another one of that name, whole.

use std::ffi::{OsStr, OsString};
use std::io;

use rustix::fs::{self, RenameFlags};
use rustix::io::Errno;

use super::{Folder, TEMPORARY, named, single, unsure};

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
        let done = single(new).and_then(|new| Ok((new, single(to)?))).and_then(|(new, to)| {
            match fs::renameat_with(here, new, here, to, RenameFlags::EXCHANGE) {
                Ok(()) => Ok(true),
                Err(Errno::NOENT) => fs::renameat(here, new, here, to).map(|()| false),
                // Older kernels and some mounts cannot exchange two names.
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => self.put_in_steps(new, to),
                Err(error) => Err(error),
            }
        });
        let done = done.map_err(|error| named(&self.path.join(to), error))?;
        self.sync().map_err(unsure)?;
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
mod tests {
    use super::*;

    fn set(folder: &Folder, name: &str, content: &[u8]) {
        folder.create_folder(OsStr::new(name)).unwrap().write(OsStr::new("x"), content).unwrap();
    }

    #[test]
    fn a_folder_takes_the_place_of_another_or_of_nothing_with_all_that_is_in_it() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        let read = |name: &str| fs_err::read(root.path().join(name).join("x")).ok();
        set(&folder, "new", b"1");
        assert!(!folder.put_in_place(OsStr::new("new"), OsStr::new("a.csv")).unwrap());
        assert_eq!((read("a.csv"), read("new")), (Some(b"1".to_vec()), None));
        set(&folder, "new", b"2");
        assert!(folder.put_in_place(OsStr::new("new"), OsStr::new("a.csv")).unwrap());
        assert_eq!((read("a.csv"), read("new")), (Some(b"2".to_vec()), Some(b"1".to_vec())));
        // And where it takes steps.
        assert!(folder.put_in_steps(OsStr::new("new"), OsStr::new("a.csv")).unwrap());
        assert_eq!((read("a.csv"), read("new")), (Some(b"1".to_vec()), Some(b"2".to_vec())));
        assert!(!folder.put_in_steps(OsStr::new("new"), OsStr::new("b.csv")).unwrap());
        assert_eq!(read("b.csv"), Some(b"2".to_vec()));
        assert!(folder.put_in_steps(OsStr::new("gone"), OsStr::new("a.csv")).is_err());
        assert_eq!(read("a.csv"), Some(b"1".to_vec()), "put back");
    }
}
