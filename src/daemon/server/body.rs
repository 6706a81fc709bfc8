//! A body of parts that lie in memory already, each shared by all who are sent it, or of a file, which is read as it is sent.

use std::io::Read;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use fs_err::File;
use hyper::body::{Body, Frame, SizeHint};

/// So much of a file is read at once, which on a disk of this machine takes no time worth waiting for.
const PIECE: u64 = 256 << 10;

/// What is still to be sent.
#[derive(Debug)]
pub(super) enum Parts {
    Memory(std::vec::IntoIter<Bytes>),
    /// What is still to be read of a file that nobody changes.
    File(File, u64),
}

impl Parts {
    pub(super) fn new(parts: impl IntoIterator<Item = Bytes>) -> Self {
        Self::Memory(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().into_iter())
    }

    pub(super) fn of_file(file: File) -> std::io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self::File(file, length))
    }

    fn next(&mut self) -> Option<std::io::Result<Bytes>> {
        match self {
            Self::Memory(parts) => parts.next().map(Ok),
            Self::File(_, 0) => None,
            Self::File(file, left) => {
                let mut piece = Vec::new();
                let read = file.take(PIECE.min(*left)).read_to_end(&mut piece);
                *left = match &read {
                    // Cut off: the other side sees that the length is not what was said.
                    Ok(0) | Err(_) => 0,
                    Ok(read) => left.saturating_sub(*read as u64),
                };
                Some(read.map(|_| Bytes::from(piece)))
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
        match self {
            Self::Memory(parts) => parts.as_slice().is_empty(),
            Self::File(_, left) => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Memory(parts) => parts.as_slice().iter().map(|part| part.len() as u64).sum(),
            Self::File(_, left) => *left,
        })
    }
}
