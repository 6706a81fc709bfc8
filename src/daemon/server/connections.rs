//! A bounded number of short connections: one request each, read in a few seconds, answered in half a minute.
//!
//! Nobody who opens many connections, sends half a request or reads slowly keeps another one waiting: where all places are
//! taken, the oldest connection that did not ask for anything yet gives way, else the oldest of all.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::body::Parts;

/// Connections at once.
const PLACES: usize = 64;
/// For the head of a request, from the connection's beginning.
const HEAD: Duration = Duration::from_secs(5);
/// For the head's bytes and lines: those of a scraper or a probe are a tenth of it.
const HEAD_BYTES: usize = 16 << 10;
const HEAD_LINES: usize = 64;
/// For a connection from its beginning to its end: a scrape of 10,000 account groups over a slow line.
const WHOLE: Duration = Duration::from_secs(30);

/// The connections that are open, by the order in which they came.
#[derive(Clone, Default)]
pub(super) struct Connections(Arc<Mutex<BTreeMap<u64, OpenConnection>>>);

struct OpenConnection {
    task: AbortHandle,
    has_asked: bool,
}

/// One of the connections; gives its slot back, however it ends.
struct Slot {
    connections: Connections,
    number: u64,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.connections.open().remove(&self.number);
    }
}

impl Connections {
    /// Accepts and answers until the task is dropped.
    pub(super) async fn serve<S, F>(self, listener: TcpListener, service: S)
    where
        S: Service<Request<Incoming>, Response = Response<Parts>, Error = Infallible, Future = F>
            + Clone
            + Send
            + Sync
            + 'static,
        F: Future<Output = Result<Response<Parts>, Infallible>> + Send + 'static,
    {
        for number in 0.. {
            let stream = accept(&listener).await;
            // The lock is held until the connection is in the list, so that it cannot leave before it came.
            let mut open = self.open();
            make_room(&mut open);
            let slot = Slot { connections: self.clone(), number };
            let task = tokio::spawn(serve_one(stream, service.clone(), slot)).abort_handle();
            open.insert(number, OpenConnection { task, has_asked: false });
        }
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<u64, OpenConnection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends connections until there is a place.
fn make_room(open: &mut BTreeMap<u64, OpenConnection>) {
    while open.len() >= PLACES {
        let silent = open.iter().find(|(_, open)| !open.has_asked).map(|(number, _)| *number);
        let Some(oldest) = silent.or_else(|| open.keys().next().copied()) else { return };
        if let Some(open) = open.remove(&oldest) {
            open.task.abort();
        }
    }
}

/// The next connection; a machine that is out of descriptors or memory for it is given a moment.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if is_of_one_connection(&error) => {}
            Err(_) => sleep(Duration::from_millis(200)).await,
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Answers one request; whatever goes wrong on the way is the other side's matter.
async fn serve_one<S, F>(stream: TcpStream, service: S, slot: Slot)
where
    S: Service<Request<Incoming>, Response = Response<Parts>, Error = Infallible, Future = F> + Send + Sync,
    F: Future<Output = Result<Response<Parts>, Infallible>> + Send,
{
    let Slot { connections, number } = &slot;
    let service = service_fn(|request| {
        if let Some(open) = connections.open().get_mut(number) {
            open.has_asked = true;
        }
        service.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_LINES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    let _ = timeout(WHOLE, connection).await;
}
