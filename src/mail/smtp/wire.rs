//! The connection to a mail server: commands go out, and what comes back counts only if it came after its command.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use super::reply::Assembly;
use super::{Malformed, Reply, Trust};
use crate::config::loopback;

/// Read at once; what is kept of a reply has bounds of its own.
const CHUNK: usize = 4096;
/// So much is quoted of what is no reply.
const QUOTED: usize = 80;
/// A server that goes away may say so whenever it wants (RFC 5321, section 3.8).
const GOING_AWAY: u16 = 421;
const GOODBYE: u16 = 221;

/// Why there is no reply that could be believed.
#[derive(Debug)]
pub(in crate::mail) enum Broken {
    /// The connection, or TLS on it, failed.
    Io(io::Error),
    /// It was closed where a reply was to come.
    HungUp,
    /// It was closed in the middle of a reply.
    Cut,
    /// What came is no reply. The text is how it begins, as it was sent.
    Malformed(Malformed, String),
    /// Something came before it was asked for. The text is how it begins, as it was sent.
    Ahead(String),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// With one server, in the open or through TLS.
pub(in crate::mail) struct Wire {
    stream: Either<TcpStream, Box<TlsStream<TcpStream>>>,
    /// What was read and belongs to no reply yet.
    unread: Vec<u8>,
}

impl Wire {
    /// A name may have several addresses. Each is tried, and one that is silent leaves time for the next, and for the
    /// conversation, of this `timeout` for all of it.
    pub(in crate::mail) async fn connect(host: &str, port: u16, timeout: Duration) -> io::Result<Self> {
        let addresses: Vec<SocketAddr> = match loopback::addresses(host) {
            Some(addresses) => addresses.map(|address| SocketAddr::new(address, port)).to_vec(),
            None => tokio::net::lookup_host((host, port)).await?.collect(),
        };
        let count = u32::try_from(addresses.len().max(2)).unwrap_or(u32::MAX);
        let patience = timeout * 2 / 3 / count;
        let mut last = None;
        for address in addresses {
            match tokio::time::timeout(patience, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(Self { stream: Either::Left(stream), unread: Vec::new() }),
                Ok(Err(error)) => last = Some(error),
                Err(_) => last = Some(io::ErrorKind::TimedOut.into()),
            }
        }
        Err(last.unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address")))
    }

    /// This side's address, as the server may see it.
    pub(in crate::mail) fn local_address(&self) -> io::Result<SocketAddr> {
        match &self.stream {
            Either::Left(stream) => stream.local_addr(),
            Either::Right(stream) => stream.get_ref().0.local_addr(),
        }
    }

    /// TLS from here on. What lies there already was put there in the open and would be read as if it had come through TLS.
    pub(in crate::mail) async fn secure(mut self, trust: &Trust) -> Result<Self, Broken> {
        self.expect_silence().await?;
        let Either::Left(stream) = self.stream else { return Ok(self) };
        let stream = trust.connector.connect(trust.name.clone(), stream).await?;
        Ok(Self { stream: Either::Right(Box::new(stream)), unread: Vec::new() })
    }

    /// Sends a line and reads the reply to it.
    pub(in crate::mail) async fn command(&mut self, line: &str) -> Result<Reply, Broken> {
        if let Some(farewell) = self.expect_silence().await? {
            return Ok(farewell);
        }
        self.write(format!("{line}\r\n").as_bytes()).await?;
        self.reply().await
    }

    /// Sends a message up to its final dot and reads what the server makes of it. A reply that comes before the final dot
    /// is not to the message.
    pub(in crate::mail) async fn message(&mut self, message: &[u8]) -> Result<Reply, Broken> {
        if let Some(farewell) = self.expect_silence().await? {
            return Ok(farewell);
        }
        self.write(&dot_stuffed(message)).await?;
        if let Some(farewell) = self.expect_silence().await? {
            return Ok(farewell);
        }
        self.write(b".\r\n").await?;
        let reply = self.reply().await?;
        // Two replies to one message: nobody can say which one is meant, unless the second says goodbye.
        match self.waiting() {
            None => Ok(reply),
            Some(Ok(second)) if [GOING_AWAY, GOODBYE].contains(&second.code) => Ok(reply),
            Some(_) => Err(self.bytes_ahead_error()),
        }
    }

    /// The next reply, whole.
    pub(in crate::mail) async fn reply(&mut self) -> Result<Reply, Broken> {
        let mut assembly = Assembly::default();
        loop {
            for (at, byte) in self.unread.iter().enumerate() {
                match assembly.push(*byte) {
                    Ok(None) => {}
                    Ok(Some(reply)) => {
                        self.unread.drain(..=at);
                        return Ok(reply);
                    }
                    Err(malformed) => {
                        return Err(Broken::Malformed(malformed, quote_bytes(&self.unread)));
                    }
                }
            }
            self.unread.clear();
            let mut chunk = [0; CHUNK];
            let length = match self.stream.read(&mut chunk).await {
                // TLS that ends without saying so.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
                read => read?,
            };
            if length == 0 {
                return Err(if assembly.is_empty() { Broken::HungUp } else { Broken::Cut });
            }
            self.unread.extend_from_slice(&chunk[..length]);
        }
    }

    /// Nothing may lie there before it is asked for, but the farewell of a server that goes away.
    async fn expect_silence(&mut self) -> Result<Option<Reply>, Broken> {
        // What arrived meanwhile is noticed once the runtime has looked.
        tokio::task::yield_now().await;
        let mut chunk = [0; CHUNK];
        let mut buffer = ReadBuf::new(&mut chunk);
        let stream = &mut self.stream;
        let looked = poll_fn(|context| {
            Poll::Ready(match Pin::new(&mut *stream).poll_read(context, &mut buffer) {
                Poll::Ready(read) => Some(read),
                Poll::Pending => None,
            })
        });
        match looked.await {
            Some(Err(error)) => return Err(error.into()),
            // Closed: the next read or write says so.
            Some(Ok(())) | None => self.unread.extend_from_slice(buffer.filled()),
        }
        match self.waiting() {
            None => Ok(None),
            Some(Ok(reply)) if reply.code == GOING_AWAY => Ok(Some(reply)),
            Some(_) => Err(self.bytes_ahead_error()),
        }
    }

    /// The first reply in what was read, if there is anything.
    fn waiting(&self) -> Option<Result<Reply, ()>> {
        if self.unread.is_empty() {
            return None;
        }
        let mut assembly = Assembly::default();
        for byte in &self.unread {
            match assembly.push(*byte) {
                Ok(None) => {}
                Ok(Some(reply)) => return Some(Ok(reply)),
                Err(_) => break,
            }
        }
        Some(Err(()))
    }

    fn bytes_ahead_error(&self) -> Broken {
        Broken::Ahead(quote_bytes(&self.unread))
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.stream.write_all(bytes).await?;
        Ok(self.stream.flush().await?)
    }
}

fn quote_bytes(bytes: &[u8]) -> String {
    let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    String::from_utf8_lossy(&line[..line.len().min(QUOTED)]).into_owned()
}

/// RFC 5321, section 4.5.2: a line that begins with a dot gets another, so that no line but the last is a dot. A bare line
/// feed counts too, because some servers take it for the end of a line.
fn dot_stuffed(message: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(message.len() + message.len() / 64 + 2);
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    if !stuffed.ends_with(b"\r\n") {
        stuffed.extend_from_slice(b"\r\n");
    }
    stuffed
}

#[cfg(test)]
mod tests;
