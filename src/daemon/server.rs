//! Health and metrics over HTTP: `/healthz`, `/readyz`, `/metrics`.
//!
//! It runs beside the jobs and answers from memory. It speaks HTTP/1.1 and 1.0 alone, with a parser that is set to that: the
//! client of the API brings HTTP/2 into the build, and a server that guesses would serve it, with a body for each of
//! hundreds of streams. Connections are few and short, one request each ([`connections`]). The metrics of all targets are
//! one body that all who ask share ([`body`]). Who asks by a name that is not ours is refused ([`hosts`]).
//! When the daemon stops it is not waited for.

mod body;
mod connections;
mod hosts;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use tokio::net::TcpListener;
use tracing::info;

use self::body::Parts;
use self::connections::Connections;
use self::hosts::{Hosts, Refused};
use crate::daemon::health::probes::{JUST_STARTED, Probes};
use crate::daemon::health::publish::FORMAT;
use crate::files::lock::hostname;

/// Listens from now on, until the process ends.
pub(crate) async fn start(probes: Probes, listen: SocketAddr) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!(
            "server.listen: {listen} cannot be listened on (is it taken, or not an address of this machine?)"
        )
    })?;
    info!(listen = %listener.local_addr()?, "health and metrics");
    let hosts = Arc::new(Hosts::new(probes.public_url(), &hostname()));
    let probes = Arc::new(probes);
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = answer(&probes, &hosts, &request);
        async { Ok::<_, Infallible>(answer) }
    });
    tokio::spawn(Connections::default().serve(listener, service));
    Ok(())
}

/// All is in memory, so that nothing here waits.
fn answer<B>(probes: &Probes, hosts: &Hosts, request: &Request<B>) -> Response<Parts> {
    if let Err(refused) = hosts.admit(request) {
        let status = match refused {
            Refused::Malformed => StatusCode::BAD_REQUEST,
            Refused::Unknown => StatusCode::MISDIRECTED_REQUEST,
        };
        return plain(status, format!("{refused}\n"));
    }
    let path = request.uri().path();
    let known = match path.strip_suffix('/').unwrap_or(path) {
        "/healthz" => healthz,
        "/readyz" => readyz,
        "/metrics" => metrics,
        _ => return plain(StatusCode::NOT_FOUND, "Here are /healthz, /readyz and /metrics.\n".to_owned()),
    };
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return known(probes);
    }
    let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "Ask with GET or HEAD.\n".to_owned());
    refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    refused
}

/// Alive: the loop of the daemon turns.
fn healthz(probes: &Probes) -> Response<Parts> {
    match probes.stuck_for() {
        None => plain(StatusCode::OK, "ok\n".to_owned()),
        Some(silence) => {
            let reason = format!("The daemon has been stuck for {} s: start it again.\n", silence.as_secs());
            plain(StatusCode::SERVICE_UNAVAILABLE, reason)
        }
    }
}

/// Ready: it does what it is for.
fn readyz(probes: &Probes) -> Response<Parts> {
    let reasons = probes.not_ready();
    if reasons.is_empty() {
        plain(StatusCode::OK, "ok\n".to_owned())
    } else {
        plain(StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n")
    }
}

fn metrics(probes: &Probes) -> Response<Parts> {
    match probes.metrics() {
        Some(metrics) => {
            let parts = Parts::new([metrics.sheet.into(), metrics.targets]);
            typed(StatusCode::OK, FORMAT, parts)
        }
        None => plain(StatusCode::SERVICE_UNAVAILABLE, format!("{JUST_STARTED}\n")),
    }
}

fn plain(status: StatusCode, text: String) -> Response<Parts> {
    typed(status, "text/plain; charset=utf-8", Parts::new([text.into()]))
}

fn typed(status: StatusCode, content_type: &'static str, body: Parts) -> Response<Parts> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
