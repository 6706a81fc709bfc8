//! A body of parts, each shared by all who are sent it: they lie in memory already, or in a file, which is read as it is sent.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tracing::warn;

use crate::daemon::metrics::Text;

/// What is still to be sent.
#[derive(Debug)]
pub(super) struct Parts(VecDeque<Text>);

impl Parts {
    pub(super) fn new(texts: impl IntoIterator<Item = Text>) -> Self {
        Self(texts.into_iter().filter(|text| text.length() > 0).collect())
    }

    pub(super) fn of_bytes(bytes: Bytes) -> Self {
        Self::new([Text::Memory(bytes)])
    }

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        let text = self.0.front_mut()?;
        let piece = text.next_piece();
        if let Err(error) = &piece {
            // The other side sees that the length is not what was said.
            warn!(%error, "an answer is cut off: a file cannot be read");
            self.0.clear();
        } else if text.length() == 0 {
            self.0.pop_front();
        }
        Some(piece)
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
        SizeHint::with_exact(self.0.iter().map(Text::length).sum())
    }
}
