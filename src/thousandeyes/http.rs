//! Makes the HTTP client that all requests go through, and refuses settings that would give the token away.

use std::error::Error as _;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use reqwest::{ClientBuilder, NoProxy, Proxy, Url, redirect};
use rustls::CertificateError;
use rustls::pki_types::UnixTime;

use super::ca_file::certificates;
use super::error::Error;
use super::proxy::{self, ConfiguredProxy};
use super::retry::Event;
use super::settings::Settings;
use crate::config::loopback::{self, is_loopback};
use crate::files;

const USER_AGENT: &str = concat!("quotakeeper/", env!("CARGO_PKG_VERSION"));

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Below the minute after which common load balancers drop an idle connection: a write on a dropped one has an
/// unknown outcome.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// An HTTP client without redirects: a redirected write would arrive as something else, or elsewhere. And the proxy that it
/// goes through, if any.
pub(super) fn client(settings: &Settings) -> Result<(reqwest::Client, Option<ConfiguredProxy>), Error> {
    install_tls();
    let plain = check_base_url(&settings.base_url)?;
    let accept = HeaderValue::from_static("application/hal+json, application/json");
    let mut builder = ClientBuilder::new()
        .user_agent(USER_AGENT)
        .default_headers(HeaderMap::from_iter([(ACCEPT, accept)]))
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT.min(settings.timeout))
        .pool_idle_timeout(IDLE_TIMEOUT)
        .https_only(!plain);
    builder = builder.no_proxy();
    let mut in_use = None;
    if plain {
        // This machine is reached directly (a proxy would take the token over the network in the open), and needs
        // no certificates of the system.
        builder = builder.tls_certs_only([]);
    } else if let Some(url) = &settings.proxy {
        builder = builder.proxy(proxy_to(url)?);
        in_use = Some(ConfiguredProxy { url: url.clone(), from: "api.proxy" });
    } else if let Some(proxy) = from_environment(&settings.base_url)? {
        builder = builder.proxy(proxy_to(&proxy.url)?.no_proxy(NoProxy::from_env()));
        in_use = Some(proxy);
    }
    Ok((build_client(builder, settings.ca_file.as_deref())?, in_use))
}

fn from_environment(url: &Url) -> Result<Option<ConfiguredProxy>, Error> {
    proxy::from_environment(url, |name| std::env::var(name).ok()).map_err(Error::Settings)
}

/// A client for what is called besides the API, a heartbeat or a Pushgateway: with the same proxy and certificates. A
/// host that `NO_PROXY` names, and this machine, are reached directly; plain HTTP needs no certificates of the system.
pub(crate) fn other_client(
    url: &Url,
    proxy: Option<&Url>,
    ca_file: Option<&Path>,
) -> Result<reqwest::Client, Error> {
    install_tls();
    let mut builder = ClientBuilder::new()
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(0)
        .no_proxy();
    if url.scheme() == "http" {
        builder = builder.tls_certs_only([]);
    }
    if !url.host_str().is_some_and(is_loopback) {
        let from_environment = if proxy.is_none() { from_environment(url)? } else { None };
        if let Some(proxy) = proxy.or(from_environment.as_ref().map(|through| &through.url)) {
            builder = builder.proxy(proxy_to(proxy)?.no_proxy(NoProxy::from_env()));
        }
    }
    build_client(builder, ca_file)
}

fn proxy_to(proxy: &Url) -> Result<Proxy, Error> {
    let fix = "api.proxy cannot be used: write http://proxy.example:3128";
    Proxy::all(proxy.clone()).map_err(|_| Error::Settings(fix.into()))
}

fn build_client(mut builder: ClientBuilder, ca_file: Option<&Path>) -> Result<reqwest::Client, Error> {
    if let Some(path) = ca_file {
        let bytes = files::read(path, files::TEXT)
            .map_err(|error| Error::Settings(format!("api.ca_file: {error}")))?;
        let certificates = certificates(&bytes)
            .map_err(|problem| Error::Settings(format!("api.ca_file: {} {problem}", path.display())))?;
        builder = builder.tls_certs_merge(certificates);
    }
    // For the API, a proxy and a Pushgateway. The port is that of the URL.
    let localhost = loopback::addresses("localhost").into_iter().flatten();
    let localhost: Vec<_> = localhost.map(|address| SocketAddr::new(address, 0)).collect();
    builder.resolve_to_addrs("localhost", &localhost).build().map_err(|error| {
        Error::Settings(format!(
            "TLS cannot be set up: {}. {}",
            deepest(&error),
            match ca_file {
                Some(path) => format!("Is api.ca_file whole ({})?", path.display()),
                None =>
                    "Does this machine have its CA certificates (the package ca-certificates)?".to_owned(),
            }
        ))
    })
}

/// Whether the API is on this machine, over plain HTTP.
fn check_base_url(url: &Url) -> Result<bool, Error> {
    let loopback = url.host_str().is_some_and(is_loopback);
    let problem = match url.scheme() {
        "http" if !loopback => "is not https: the token would be sent unencrypted",
        "http" | "https" if !url.path().ends_with('/') => "must end with /v7/",
        "http" | "https" => return Ok(url.scheme() == "http"),
        _ => "is not an https URL",
    };
    Err(Error::Settings(format!("api.base_url: {url} {problem}")))
}

/// One TLS provider for the process; reqwest panics without. Whoever installed one before is welcome.
fn install_tls() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let _already = rustls::crypto::ring::default_provider().install_default();
    });
}

/// What became of a request that failed before its answer was complete, and the fix where there is one.
pub(super) fn explain(
    error: &reqwest::Error,
    timeout: Duration,
    proxy: Option<&ConfiguredProxy>,
) -> (Event, String) {
    let cause = deepest(error);
    if !error.is_connect() {
        let late = || format!("no complete answer within {} s (api.timeout)", timeout.as_secs());
        let reason = if error.is_timeout() { late() } else { format!("no complete answer: {cause}") };
        return (Event::NoAnswer, reason);
    }
    let host = error.url().and_then(Url::host_str).unwrap_or("the server");
    if let Some(bad) = bad_certificate(error) {
        return (Event::Unsendable, format!("{host} is not trusted: {}.", untrusted(bad, &cause)));
    }
    let what = if error.is_timeout() {
        format!("no connection within {} s", CONNECT_TIMEOUT.min(timeout).as_secs())
    } else {
        cause
    };
    let reason = match proxy {
        Some(proxy) => {
            format!("the proxy {} gave no connection to {host}: {what}. {}", proxy.name(), proxy.advice(host))
        }
        None => format!("cannot connect to {host}: {what}. Check the network, api.base_url and api.proxy."),
    };
    (Event::NotConnected, reason)
}

/// What is wrong with a certificate, and the fix: none of a wrong time comes by trusting more.
fn untrusted(bad: &CertificateError, cause: &str) -> String {
    let day = |time: &UnixTime| {
        let time = i64::try_from(time.as_secs()).ok().and_then(|time| DateTime::from_timestamp(time, 0));
        time.unwrap_or_default().format("%-d %b %Y")
    };
    match bad {
        CertificateError::ExpiredContext { not_after, .. } => format!(
            "its certificate was valid until {}. Check this machine's clock; if it is right, the server, or a proxy on the way to it, needs \
             a new certificate",
            day(not_after)
        ),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("its certificate is valid from {} on. Check this machine's clock", day(not_before))
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("{cause}. Check api.base_url")
        }
        _ => format!(
            "{cause}. If your own proxy or CA signed it, set api.ca_file to the certificate of that CA"
        ),
    }
}

/// What is wrong with a server's certificate, if that is why there is no connection. rustls's error comes inside I/O errors, whose
/// `source` skips the error that they hold.
pub(crate) fn bad_certificate(error: &reqwest::Error) -> Option<&CertificateError> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(bad)) = error.downcast_ref() {
            return Some(bad);
        }
        let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = held.map(|held| held as _).or_else(|| error.source());
    }
    None
}

/// The start of what a server answers besides the API, for a message: no more of it is read.
pub(crate) async fn start_of(mut answer: reqwest::Response) -> String {
    const MOST: usize = 4096;
    let mut start = Vec::new();
    while start.len() < MOST
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        start.extend_from_slice(&chunk[..chunk.len().min(MOST - start.len())]);
    }
    String::from_utf8_lossy(&start).into_owned()
}

/// The innermost cause says what happened; those around it only where.
pub(crate) fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    match cause.downcast_ref::<io::Error>() {
        // TLS explains at length, for programmers, that its end was missing.
        Some(error) if error.kind() == io::ErrorKind::UnexpectedEof => "the connection was cut".to_owned(),
        _ => cause.to_string(),
    }
}

#[cfg(test)]
mod tests;
