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
pub(super) enum Refused {
    #[error("A request names its host once: `Host: …`.")]
    Malformed,
    #[error(
        "This host name is not known here. Use the address, localhost, this machine's own name, or the host of `server.public_url`."
    )]
    Unknown,
}

impl Hosts {
    pub(super) fn new(public_url: Option<&Url>, machine: &str) -> Self {
        let public = public_url.and_then(Url::host_str);
        let names = public.into_iter().chain([machine]).map(|name| bare(name).to_ascii_lowercase());
        Self(names.filter(|name| !name.is_empty()).collect())
    }

    /// Whether a request may be answered: by the host of its target, if that is a whole URL, and by its `Host`.
    pub(super) fn admit<B>(&self, request: &Request<B>) -> Result<(), Refused> {
        let mut headers = request.headers().get_all(HOST).iter();
        let header = headers.next();
        if headers.next().is_some() {
            return Err(Refused::Malformed);
        }
        match header {
            Some(header) => {
                let authority = Authority::try_from(header.as_bytes()).map_err(|_| Refused::Unknown)?;
                self.knows(&authority)?;
            }
            // Older ones need none; what asks like that is no browser.
            None if request.version() < Version::HTTP_11 => {}
            None => return Err(Refused::Malformed),
        }
        request.uri().authority().map_or(Ok(()), |authority| self.knows(authority))
    }

    fn knows(&self, authority: &Authority) -> Result<(), Refused> {
        let host = bare(authority.host()).to_ascii_lowercase();
        let is_address = host.parse::<IpAddr>().is_ok()
            || host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).is_some_and(is_v6);
        let is_local = host == "localhost" || host.ends_with(".localhost");
        let is_plain = !authority.as_str().contains('@');
        if is_plain && (is_address || is_local || self.0.contains(&host)) {
            Ok(())
        } else {
            Err(Refused::Unknown)
        }
    }
}

fn is_v6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}

/// A name without the dot that may end it.
fn bare(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(request: &[(&str, &str)], target: &str, version: Version) -> Result<(), Refused> {
        let url = Url::parse("https://Quotas.Example.com:8443/q").unwrap();
        let mut asked = Request::builder().uri(target).version(version);
        for (name, value) in request {
            asked = asked.header(*name, *value);
        }
        Hosts::new(Some(&url), "Node-7\n".trim()).admit(&asked.body(()).unwrap())
    }

    fn host(host: &str) -> Result<(), Refused> {
        admits(&[("Host", host)], "/metrics", Version::HTTP_11)
    }

    #[test]
    fn addresses_and_names_of_ours_are_let_through_with_any_port() {
        for known in [
            "127.0.0.1:9464",
            "10.1.2.3:8080",
            "[::1]:9464",
            "[fd00::7]",
            "localhost",
            "LOCALHOST:9464",
            "localhost.",
            "quotakeeper.localhost:1",
            "node-7",
            "Node-7:9464",
            "quotas.example.com",
            "QUOTAS.example.com.:80",
        ] {
            assert_eq!(host(known), Ok(()), "{known}");
        }
    }

    #[test]
    fn any_other_host_name_is_refused_even_one_that_resembles_ours() {
        for unknown in [
            "evil.example",
            "x",
            "",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "quotas.example.com.evil.example",
            "evil.quotas.example.com",
            "node-7.evil.example",
            "127.0.0.1@evil.example",
            "localhost@evil.example",
            "evil.example@localhost",
            "[evil.example]",
            "2130706433",
            "0x7f.0.0.1",
            "localhost evil.example",
            "127.0.0.1, evil.example",
        ] {
            assert_eq!(host(unknown), Err(Refused::Unknown), "{unknown}");
        }
        let whole = |target| admits(&[("Host", "localhost")], target, Version::HTTP_11);
        assert_eq!(whole("http://evil.example/metrics"), Err(Refused::Unknown));
        assert_eq!(whole("http://localhost:9464/metrics"), Ok(()));
    }

    #[test]
    fn a_host_is_named_once_and_only_http_1_0_may_leave_it_out() {
        assert_eq!(admits(&[], "/metrics", Version::HTTP_11), Err(Refused::Malformed));
        assert_eq!(admits(&[], "/metrics", Version::HTTP_10), Ok(()));
        let twice = [("Host", "localhost"), ("Host", "evil.example")];
        assert_eq!(admits(&twice, "/metrics", Version::HTTP_11), Err(Refused::Malformed));
        assert_eq!(admits(&[("Host", "evil.example")], "/", Version::HTTP_10), Err(Refused::Unknown));
    }
}
