//! A text that lies in memory, or in a file without a name where it is too large to lie there for months: the metrics of a million
//! account groups.

use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use fs_err::File;

/// More than this is not kept in memory.
const MOST: usize = 256 << 10;

/// One that all who are sent it share.
#[derive(Clone, Debug)]
pub(crate) enum Text {
    Memory(Bytes),
    /// So many bytes from the beginning. Nobody changes them.
    File(Arc<File>, u64),
}

impl Text {
    /// Appends all of it, for those who take no parts.
    pub(super) fn append_to(&self, all: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Memory(bytes) => all.extend_from_slice(bytes),
            Self::File(file, length) => {
                let begin = all.len();
                all.resize(begin + usize::try_from(*length).map_err(io::Error::other)?, 0);
                file.file().read_exact_at(&mut all[begin..], 0)?;
            }
        }
        Ok(())
    }
}

/// One that is being written, piece by piece.
pub(super) struct Writing<'f> {
    /// Where a large one lies.
    folder: &'f Path,
    file: Option<(File, u64)>,
}

impl<'f> Writing<'f> {
    pub(super) fn new(folder: &'f Path) -> Self {
        Self { folder, file: None }
    }

    /// Takes what was written since, once it is much.
    pub(super) fn take(&mut self, written: &mut String) -> io::Result<()> {
        if written.len() < MOST {
            return Ok(());
        }
        self.write(written.as_bytes())?;
        written.clear();
        Ok(())
    }

    /// The whole text, of which this comes last.
    pub(super) fn finish(mut self, last: String) -> io::Result<Text> {
        if self.file.is_some() {
            self.write(last.as_bytes())?;
        }
        Ok(match self.file {
            Some((file, length)) => Text::File(Arc::new(file), length),
            None => Text::Memory(last.into_boxed_str().into_boxed_bytes().into()),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (file, length) = match &mut self.file {
            Some(file) => file,
            none => {
                let file = tempfile::tempfile_in(self.folder)?;
                none.insert((File::from_parts(file, self.folder.join("(a file without a name)")), 0))
            }
        };
        file.write_all(bytes)?;
        *length += bytes.len() as u64;
        Ok(())
    }
}
