//! Host headers that are ours, and those that only look so.

use super::*;

fn admits(request: &[(&str, &str)], target: &str, version: Version) -> Result<(), RefusedRequest> {
    let url = Url::parse("https://Quotas.Example.com:8443/q").unwrap();
    let mut asked = Request::builder().uri(target).version(version);
    for (name, value) in request {
        asked = asked.header(*name, *value);
    }
    Hosts::new(Some(&url), "Node-7\n".trim()).admit(&asked.body(()).unwrap())
}

fn host(host: &str) -> Result<(), RefusedRequest> {
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
        "localhost@localhost",
        "[::1]x",
        "[::1]:9464x",
        "127.0.0.1:evil",
        "[evil.example]",
        "2130706433",
        "0x7f.0.0.1",
        "localhost evil.example",
        "127.0.0.1, evil.example",
    ] {
        assert_eq!(host(unknown), Err(RefusedRequest::Unknown), "{unknown}");
    }
    let whole = |target| admits(&[("Host", "localhost")], target, Version::HTTP_11);
    assert_eq!(whole("http://evil.example/metrics"), Err(RefusedRequest::Unknown));
    assert_eq!(whole("http://localhost:9464/metrics"), Ok(()));
}

#[test]
fn a_host_is_named_once_and_only_http_1_0_may_leave_it_out() {
    assert_eq!(admits(&[], "/metrics", Version::HTTP_11), Err(RefusedRequest::Malformed));
    assert_eq!(admits(&[], "/metrics", Version::HTTP_10), Ok(()));
    let twice = [("Host", "localhost"), ("Host", "evil.example")];
    assert_eq!(admits(&twice, "/metrics", Version::HTTP_11), Err(RefusedRequest::Malformed));
    assert_eq!(admits(&[("Host", "evil.example")], "/", Version::HTTP_10), Err(RefusedRequest::Unknown));
}
