//! A body of parts, each shared by all who are sent it: they lie in memory already, or in a file, which is read as it is sent.

use std::collections::VecDeque;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use fs_err::File;
use hyper::body::{Body, Frame, SizeHint};

use crate::daemon::metrics::Text;

/// So much of a file is read at once, which on a disk of this machine takes no time worth waiting for.
const PIECE: u64 = 256 << 10;

/// What is still to be sent.
#[derive(Debug)]
pub(super) struct Parts(VecDeque<Part>);

#[derive(Debug)]
enum Part {
    Memory(Bytes),
    /// What is still to be read of a file that nobody changes.
    File {
        file: Arc<File>,
        from: u64,
        to: u64,
    },
}

impl Parts {
    pub(super) fn new(texts: impl IntoIterator<Item = Text>) -> Self {
        let part = |text| match text {
            Text::Memory(bytes) => Part::Memory(bytes),
            Text::File(file, to) => Part::File { file, from: 0, to },
        };
        Self(texts.into_iter().map(part).filter(|part| part.length() > 0).collect())
    }

    pub(super) fn of_bytes(bytes: Bytes) -> Self {
        Self::new([Text::Memory(bytes)])
    }

    pub(super) fn of_file(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self::new([Text::File(Arc::new(file), length)]))
    }

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        let mut part = self.0.pop_front()?;
        let piece = part.next_piece();
        // What is cut off ends: the other side sees that the length is not what was said.
        match &piece {
            Ok(_) if part.length() > 0 => self.0.push_front(part),
            Ok(_) => {}
            Err(_) => self.0.clear(),
        }
        Some(piece)
    }
}

impl Part {
    fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File { from, to, .. } => to - from,
        }
    }

    /// Takes what is sent next.
    fn next_piece(&mut self) -> io::Result<Bytes> {
        match self {
            Self::Memory(bytes) => Ok(std::mem::take(bytes)),
            Self::File { file, from, to } => {
                let length = PIECE.min(*to - *from);
                let mut piece = vec![0; usize::try_from(length).map_err(io::Error::other)?];
                file.file().read_exact_at(&mut piece, *from)?;
                *from += length;
                Ok(piece.into())
            }
        }
    }
}

impl Body for Parts {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.next().map(|part| part.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(Part::length).sum())
    }
}
