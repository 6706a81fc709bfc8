//! Health, metrics and pages over HTTP: `/healthz`, `/readyz`, `/metrics`, and what [`super::pages`] has.
//!
//! It runs beside the jobs. Health and metrics are answered from memory, and from a file that is open where there are very many
//! targets: no job is waited for. It speaks HTTP/1.1 and 1.0 alone,
//! with a parser that is set to that: a server that guesses would serve HTTP/2 if ever it came into the build, with a body for
//! each of hundreds of streams. Connections are few and short, one request each ([`connections`]). The metrics of all targets are
//! texts that all who ask share ([`body`]). Who asks by a name that is not ours is refused ([`hosts`]).
//! When the daemon stops it is not waited for.

mod body;
mod connections;
mod hosts;
mod places;
mod upload;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use fs_err::File;
use hyper::body::Incoming;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_NONE_MATCH, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use tokio::net::TcpListener;
use tracing::info;

use self::body::Parts;
use self::connections::Connections;
use self::hosts::{Hosts, RefusedRequest};
use self::places::Places;
use crate::daemon::health::probes::{JUST_STARTED, Probes};
use crate::daemon::metrics::{FORMAT, Text};
use crate::daemon::pages::address::Address;
use crate::daemon::pages::{Answer, Pages};
use crate::files::csv_cell::MARK;
use crate::files::lock::hostname;
use crate::page::policy;

/// Listens from now on, until the process ends. An address that is taken is an error now, not later.
pub(crate) async fn start(probes: Probes, listen: SocketAddr) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("server.listen: cannot listen on {listen} (is it in use, or not an address of this machine?)")
    })?;
    info!(listen = %listener.local_addr()?, "health, metrics and pages");
    let probes = Arc::new(probes);
    let asked = Arc::new(Handler {
        hosts: Hosts::new(probes.public_url(), &hostname()),
        pages: Pages::new(Arc::clone(&probes)),
        probes,
        uploads: Places::new(),
    });
    let service = service_fn(move |request: Request<Incoming>| {
        let asked = Arc::clone(&asked);
        async move { Ok::<_, Infallible>(asked.answer(request).await) }
    });
    tokio::spawn(Connections::default().serve(listener, service));
    Ok(())
}

/// What answers.
struct Handler {
    probes: Arc<Probes>,
    hosts: Hosts,
    pages: Pages,
    uploads: Places,
}

impl Handler {
    /// Only pages are waited for: all else is there already.
    async fn answer(&self, request: Request<Incoming>) -> Response<Parts> {
        if let Err(refused) = self.hosts.admit(&request) {
            let status = match refused {
                RefusedRequest::Malformed => StatusCode::BAD_REQUEST,
                RefusedRequest::Unknown => StatusCode::MISDIRECTED_REQUEST,
            };
            return plain_response(status, format!("{refused}\n"));
        }
        let is_upload = *request.method() == Method::POST && request.uri().path() == upload::PATH;
        if is_upload && self.pages.are_served() {
            return self.preview(request).await;
        }
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        let known: Option<fn(&Probes) -> Response<Parts>> = match path.strip_suffix('/').unwrap_or(path) {
            "/healthz" => Some(healthz),
            "/readyz" => Some(readyz),
            "/metrics" => Some(metrics),
            _ => None,
        };
        let address = Address::parse(path, query).filter(|_| self.pages.are_served());
        let is_asked = matches!(*request.method(), Method::GET | Method::HEAD);
        match (known, address) {
            (None, None) if !self.pages.are_served() || !is_asked => plain_response(
                StatusCode::NOT_FOUND,
                "Available here: /healthz, /readyz and /metrics.\n".to_owned(),
            ),
            _ if !is_asked => {
                let mut refused =
                    plain_response(StatusCode::METHOD_NOT_ALLOWED, "Use GET or HEAD.\n".to_owned());
                refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
                refused
            }
            (Some(known), _) => known(&self.probes),
            (None, address) => {
                let stamp = request.headers().get(IF_NONE_MATCH).and_then(|stamp| stamp.to_str().ok());
                page(self.pages.answer(address, stamp).await)
            }
        }
    }
}

impl Handler {
    /// What a change file would do, which is never more than looked at.
    async fn preview(&self, request: Request<Incoming>) -> Response<Parts> {
        match self.uploads.receive(upload::read(request)).await {
            Ok((picked, _place)) => page(self.pages.preview(picked).await),
            Err(refused) => plain_response(refused.status(), format!("{refused}\n")),
        }
    }
}

const TOO_LATE: &str = "This page takes too long right now: try again in a minute. On its host, `quotakeeper report usage --out usage.html` writes one.\n";

/// A page, or a table to download. Nobody keeps a copy, and nobody frames it.
fn page(answer: Answer) -> Response<Parts> {
    const HTML: &str = "text/html; charset=utf-8";
    let html = |status, page: String| response(status, HTML, Parts::of_bytes(page.into()));
    let mut response = match answer {
        Answer::Page(page, stamp) => {
            let mut response = html(StatusCode::OK, page);
            if let Ok(stamp) = HeaderValue::try_from(stamp) {
                response.headers_mut().insert(ETAG, stamp);
            }
            response
        }
        Answer::Unchanged => {
            let mut response = Response::new(Parts::of_bytes(Bytes::new()));
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        }
        Answer::Table(file) => table(Some(Text::Memory(Bytes::from_static(MARK))), file),
        Answer::AsDropped(file) => table(None, file),
        Answer::Missing(page) => html(StatusCode::NOT_FOUND, page),
        Answer::Failed(page) => html(StatusCode::INTERNAL_SERVER_ERROR, page),
        Answer::TooLate => plain_response(StatusCode::SERVICE_UNAVAILABLE, TOO_LATE.to_owned()),
    };
    guard(response.headers_mut());
    response
}

fn table(mark: Option<Text>, file: File) -> Response<Parts> {
    match Text::of_file(file.into_file()) {
        Ok(text) => {
            response(StatusCode::OK, "text/csv; charset=utf-8", Parts::new(mark.into_iter().chain([text])))
        }
        Err(_) => plain_response(StatusCode::INTERNAL_SERVER_ERROR, "The file cannot be read.\n".to_owned()),
    }
}

fn guard(headers: &mut HeaderMap) {
    let policy = format!("{}; frame-ancestors 'none'", policy(true));
    let fixed = [
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    headers.extend(HeaderValue::try_from(policy).ok().map(|policy| (CONTENT_SECURITY_POLICY, policy)));
}

/// Alive: the loop of the daemon turns.
fn healthz(probes: &Probes) -> Response<Parts> {
    match probes.stuck_for() {
        None => plain_response(StatusCode::OK, "ok\n".to_owned()),
        Some(silence) => {
            let reason = format!("The daemon has been stuck for {} s: restart it.\n", silence.as_secs());
            plain_response(StatusCode::SERVICE_UNAVAILABLE, reason)
        }
    }
}

/// Ready: it does what it is for.
fn readyz(probes: &Probes) -> Response<Parts> {
    let reasons = probes.not_ready();
    if reasons.is_empty() {
        plain_response(StatusCode::OK, "ok\n".to_owned())
    } else {
        plain_response(StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n")
    }
}

fn metrics(probes: &Probes) -> Response<Parts> {
    match probes.metrics() {
        Some(metrics) => {
            let parts = [Text::Memory(metrics.sheet.into())].into_iter().chain(metrics.targets);
            response(StatusCode::OK, FORMAT, Parts::new(parts))
        }
        None => plain_response(StatusCode::SERVICE_UNAVAILABLE, format!("{JUST_STARTED}\n")),
    }
}

fn plain_response(status: StatusCode, text: String) -> Response<Parts> {
    response(status, "text/plain; charset=utf-8", Parts::of_bytes(text.into()))
}

fn response(status: StatusCode, content_type: &'static str, body: Parts) -> Response<Parts> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
