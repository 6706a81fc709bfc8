//! By which names the endpoints may be asked for.
//!
//! A page in somebody's browser can be made to ask this machine under the page's own name (DNS rebinding), and would then
//! read the quotas. It needs a name for that: addresses are let through, and of names only those that are ours.

use std::net::{IpAddr, Ipv6Addr};

use hyper::header::HOST;
use hyper::http::uri::Authority;
use hyper::{Request, Version};
use reqwest::Url;

/// The names that are ours, in small letters.
#[derive(Debug)]
pub(super) struct Hosts(Vec<String>);

/// Why a request is not answered.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RefusedRequest {
    #[error("Send exactly one `Host` header.")]
    Malformed,
    #[error(
        "This host name is not known here. Use the address, localhost, this machine's own name, or the host of `server.public_url`."
    )]
    Unknown,
}

impl Hosts {
    pub(super) fn new(public_url: Option<&Url>, machine: &str) -> Self {
        let public = public_url.and_then(Url::host_str);
        let names =
            public.into_iter().chain([machine]).map(|name| without_final_dot(name).to_ascii_lowercase());
        Self(names.filter(|name| !name.is_empty()).collect())
    }

    /// Whether a request may be answered: by the host of its target, if that is a whole URL, and by its `Host`.
    pub(super) fn admit<B>(&self, request: &Request<B>) -> Result<(), RefusedRequest> {
        let mut headers = request.headers().get_all(HOST).iter();
        let header = headers.next();
        if headers.next().is_some() {
            return Err(RefusedRequest::Malformed);
        }
        match header {
            Some(header) => {
                let authority =
                    Authority::try_from(header.as_bytes()).map_err(|_| RefusedRequest::Unknown)?;
                self.check_host(&authority)?;
            }
            // Older ones need none; what asks like that is no browser.
            None if request.version() < Version::HTTP_11 => {}
            None => return Err(RefusedRequest::Malformed),
        }
        request.uri().authority().map_or(Ok(()), |authority| self.check_host(authority))
    }

    fn check_host(&self, authority: &Authority) -> Result<(), RefusedRequest> {
        let host = without_final_dot(authority.host()).to_ascii_lowercase();
        let is_address = host.parse::<IpAddr>().is_ok()
            || host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).is_some_and(is_v6);
        let is_local = host == "localhost" || host.ends_with(".localhost");
        // A name before an `@`, or anything else around the host, is nobody's way to ask.
        let is_plain = authority.as_str().strip_prefix(authority.host()).is_some_and(is_port_or_nothing);
        if is_plain && (is_address || is_local || self.0.contains(&host)) {
            Ok(())
        } else {
            Err(RefusedRequest::Unknown)
        }
    }
}

fn is_port_or_nothing(after_host: &str) -> bool {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    after_host.is_empty() || after_host.strip_prefix(':').is_some_and(is_port)
}

fn is_v6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}

/// A name without the dot that may end it.
fn without_final_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests;
