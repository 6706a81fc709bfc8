//! Connections that break, hang, or lead elsewhere.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use quotakeeper::thousandeyes::{Client, Error, Secret, Settings};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;

use crate::support::{Script, Step, TOKEN, answer, client, settings, text};

const EMPTY: &str = r#"{"quotas":[]}"#;

fn cut_in_the_middle() -> Step {
    Step::Answer("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"quotas\":[{\"organiz".into())
}

#[tokio::test]
async fn a_read_is_repeated_after_a_body_that_was_cut() {
    let script = Script::play(vec![cut_in_the_middle(), answer(200, "", EMPTY)]).await;
    assert!(client(&script.url).quotas().await.unwrap().is_empty());
    assert_eq!(script.requests().len(), 2);
}

#[tokio::test]
async fn a_body_without_a_length_that_ends_too_early_is_noticed() {
    let cut = Step::Answer("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"quotas\":[{\"organiz".into());
    let script = Script::play(vec![cut, answer(200, "", EMPTY)]).await;
    assert!(client(&script.url).quotas().await.unwrap().is_empty());
    assert_eq!(script.requests().len(), 2);
}

#[tokio::test]
async fn a_read_is_repeated_after_a_dropped_connection_and_given_up_after_three() {
    let steps = vec![Step::CloseAfterReading, Step::Close, answer(200, "", EMPTY)];
    let script = Script::play(steps).await;
    assert!(client(&script.url).quotas().await.unwrap().is_empty());

    let script = Script::play(vec![cut_in_the_middle(), cut_in_the_middle(), cut_in_the_middle()]).await;
    let error = client(&script.url).quotas().await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { status: None, .. }), "{error:?}");
    assert!(text(&error).contains("no complete answer"), "{error}");
    assert_eq!(script.requests().len(), 3);
}

#[tokio::test]
async fn a_write_without_a_whole_answer_is_unknown_and_never_sent_again() {
    for step in [Step::CloseAfterReading, Step::Close, cut_in_the_middle()] {
        let script = Script::play(vec![step, answer(200, "", "{}")]).await;
        let error = client(&script.url).assign_organizations(&[("71".into(), 5)]).await.unwrap_err();
        assert!(error.outcome_unknown(), "{error:?}");
        assert!(text(&error).contains("compare with the live quotas"), "{error}");
        assert!(script.requests().len() <= 1);
    }
}

#[tokio::test]
async fn a_refusal_whose_words_were_cut_is_still_a_refusal() {
    let cut = Step::Answer("HTTP/1.1 400 Bad Request\r\nContent-Length: 500\r\n\r\n{\"title\":\"Inv".into());
    let script = Script::play(vec![cut]).await;
    let error = client(&script.url).assign_organizations(&[("71".into(), 5)]).await.unwrap_err();
    assert!(error.is_refusal(), "{error:?}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for_longer_than_the_timeout() {
    let script = Script::play(vec![Step::Silence, Step::Silence, Step::Silence]).await;
    let impatient = || Settings { timeout: Duration::from_millis(200), ..settings(&script.url) };
    let error =
        Client::new(impatient()).unwrap().assign_organizations(&[("71".into(), 5)]).await.unwrap_err();
    assert!(error.outcome_unknown() && text(&error).contains("api.timeout"), "{error}");
    let limited = Settings { max_total: Duration::from_millis(300), ..impatient() };
    let error = Client::new(limited).unwrap().quotas().await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_not_sent_for_a_write_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = client(&url);
    for _ in 0..2 {
        let error = client.assign_organizations(&[("71".into(), 5)]).await.unwrap_err();
        assert!(matches!(error, Error::NotYet { .. }), "{error:?}");
    }
    let error = client.assign_organizations(&[("71".into(), 5)]).await.unwrap_err();
    assert!(matches!(error, Error::NotSent { .. }), "{error:?}");
    assert!(text(&error).contains("cannot connect to 127.0.0.1"), "{error}");
}

#[tokio::test]
async fn the_token_never_travels_in_the_open() {
    for base_url in [
        "http://api.example.com/v7/",
        "http://10.0.0.1/v7/",
        "ftp://127.0.0.1/v7/",
        "https://api.example.com/v7",
    ] {
        let settings = Settings::new(base_url.parse().unwrap(), Secret::Value(TOKEN.into()));
        let error = Client::new(settings).err().expect("refused");
        assert!(matches!(error, Error::Settings(_)) && text(&error).contains("api.base_url"), "{error}");
    }
}

#[tokio::test]
async fn a_proxy_is_asked_for_a_tunnel_and_sees_no_token() {
    let script = Script::play(vec![answer(502, "", ""), answer(502, "", ""), answer(502, "", "")]).await;
    let base_url = "https://api.example.test/v7/".parse().unwrap();
    let settings = Settings {
        proxy: Some(script.url.parse().unwrap()),
        ca_file: Some(tls_file("ca.pem")),
        ..Settings::new(base_url, Secret::Value(TOKEN.into()))
    };
    let error = Client::new(settings).unwrap().quotas().await.unwrap_err();
    assert!(matches!(error, Error::NotSent { .. }) && text(&error).contains("api.proxy"), "{error}");
    let requests = script.requests();
    assert!(requests[0].starts_with("CONNECT api.example.test:443 "), "{}", requests[0]);
    assert!(requests.iter().all(|request| !request.contains(TOKEN)));
}

#[tokio::test]
async fn localhost_is_reached_at_whichever_of_its_addresses_answers_as_the_api_and_as_a_proxy() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(listener) = TcpListener::bind(address).await else { continue }; // a machine without IPv6
        let port = listener.local_addr().unwrap().port();
        let script = Script::play_on(listener, vec![answer(200, "", EMPTY), answer(502, "", "")]);
        let server = format!("http://localhost:{port}");
        assert!(client(&server).quotas().await.unwrap().is_empty(), "{address}");
        let settings = Settings {
            proxy: Some(server.parse().unwrap()),
            ca_file: Some(tls_file("ca.pem")),
            ..Settings::new("https://api.example.test/v7/".parse().unwrap(), Secret::Value(TOKEN.into()))
        };
        Client::new(settings).unwrap().quotas().await.unwrap_err();
        assert!(script.requests()[1].starts_with("CONNECT api.example.test:443 "), "{address}");
    }
}

#[tokio::test]
async fn a_ca_file_is_trusted_and_without_it_the_server_is_not() {
    let port = tls_server();
    let at = |ca_file| Settings {
        ca_file,
        ..Settings::new(format!("https://localhost:{port}/v7/").parse().unwrap(), Secret::Value(TOKEN.into()))
    };
    let trusting = Client::new(at(Some(tls_file("ca.pem")))).unwrap();
    assert!(trusting.quotas().await.unwrap().is_empty());
    // The server's own certificate is no authority: trusting it alone trusts nobody, system certificates or not.
    let error = Client::new(at(Some(tls_file("other.pem")))).unwrap().quotas().await.unwrap_err();
    assert!(matches!(error, Error::NotSent { .. }) && text(&error).contains("api.ca_file"), "{error}");
}

#[tokio::test]
async fn a_ca_file_without_certificates_is_reported() {
    for path in [tls_file("server.key"), tls_file("missing.pem")] {
        let base_url = "https://api.example.test/v7/".parse().unwrap();
        let settings =
            Settings { ca_file: Some(path), ..Settings::new(base_url, Secret::Value(TOKEN.into())) };
        let error = Client::new(settings).err().expect("refused");
        assert!(text(&error).contains("api.ca_file"), "{error}");
    }
}

/// Made by openssl for these tests alone: `localhost` under an authority whose key was thrown away, valid for a century.
fn tls_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/tls").join(name)
}

/// Answers every request over TLS with no quotas, as `localhost` under the test authority.
fn tls_server() -> u16 {
    let certificate = CertificateDer::from_pem_file(tls_file("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(tls_file("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = rustls::Stream::new(&mut connection, &mut stream);
            // A client that does not trust us hangs up instead.
            if tls.read(&mut [0; 4096]).is_ok() {
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{EMPTY}", EMPTY.len());
                let _gone = tls.write_all(answer.as_bytes());
            }
        }
    });
    port
}
