//! Health and metrics over HTTP: `/healthz`, `/readyz`, `/metrics`.
//!
//! It runs beside the jobs and answers from memory. Connections are few and short, one request each: whoever opens many, or
//! reads slowly, can keep neither the daemon nor another scraper waiting for long. When the daemon stops it is not waited for.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, CONTENT_TYPE, HeaderName};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tracing::info;

use crate::app::App;
use crate::clock::Clock;
use crate::health;

/// Connections at once; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 16;
/// For a connection from its beginning to its end: a scrape of 10,000 account groups over a slow line.
const LONGEST: Duration = Duration::from_secs(15);

/// Listens from now on, until the process ends.
pub(crate) async fn start(app: Arc<App>, listen: SocketAddr) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!(
            "server.listen: {listen} cannot be listened on (is it taken, or not an address of this machine?)"
        )
    })?;
    info!(listen = %listener.local_addr()?, "health and metrics");
    let router = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .fallback(|| async {
            plain(StatusCode::NOT_FOUND, "Here are /healthz, /readyz and /metrics.\n".into())
        })
        .with_state(app);
    let bounded = Bounded { listener, free: Arc::new(Semaphore::new(CONNECTIONS)) };
    tokio::spawn(async move { axum::serve(bounded, router).await });
    Ok(())
}

/// Alive: the loop of the daemon turns.
async fn healthz(State(app): State<Arc<App>>) -> impl IntoResponse {
    match health::stuck_for(&app) {
        None => plain(StatusCode::OK, "ok\n".into()),
        Some(silence) => {
            let reason = format!("The daemon has been stuck for {} s: start it again.\n", silence.as_secs());
            plain(StatusCode::SERVICE_UNAVAILABLE, reason)
        }
    }
}

/// Ready: it does what it is for.
async fn readyz(State(app): State<Arc<App>>) -> impl IntoResponse {
    let reasons = if app.cancel.is_cancelled() {
        vec!["The daemon is stopping.".to_owned()]
    } else {
        match app.vitals.facts() {
            Some(facts) => facts.not_ready(&app, Clock::read().now()),
            None => vec!["The daemon has just started.".to_owned()],
        }
    };
    if reasons.is_empty() {
        plain(StatusCode::OK, "ok\n".into())
    } else {
        plain(StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n")
    }
}

async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    match app.vitals.facts() {
        Some(facts) => {
            answer(StatusCode::OK, health::FORMAT, facts.metrics(&app, false, Clock::read().now()))
        }
        None => plain(StatusCode::SERVICE_UNAVAILABLE, "The daemon has just started.\n".into()),
    }
}

type Answer = (StatusCode, [(HeaderName, &'static str); 2], String);

fn plain(status: StatusCode, text: String) -> Answer {
    answer(status, "text/plain; charset=utf-8", text)
}

fn answer(status: StatusCode, content_type: &'static str, text: String) -> Answer {
    (status, [(CONTENT_TYPE, content_type), (CONNECTION, "close")], text)
}

/// A listener of few connections at once.
struct Bounded {
    listener: TcpListener,
    free: Arc<Semaphore>,
}

impl Listener for Bounded {
    type Io = Brief;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Brief, SocketAddr) {
        let permit = Arc::clone(&self.free).acquire_owned().await.expect("the semaphore is never closed");
        let (stream, from) = Listener::accept(&mut self.listener).await;
        (Brief { stream, ends: Box::pin(sleep(LONGEST)), _permit: permit }, from)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends in time, whatever the other side does.
struct Brief {
    stream: TcpStream,
    ends: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
}

impl Brief {
    /// Goes on with the stream, unless its time is over.
    fn in_time<T>(
        &mut self,
        context: &mut Context<'_>,
        go_on: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if self.ends.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        go_on(Pin::new(&mut self.stream), context)
    }
}

impl AsyncRead for Brief {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.in_time(context, |stream, context| stream.poll_read(context, buffer))
    }
}

impl AsyncWrite for Brief {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.in_time(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.in_time(context, TcpStream::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.in_time(context, TcpStream::poll_shutdown)
    }
}
