//! What each answer of a mail server means for the message.

use std::time::Duration;

use super::*;
use crate::mail::fixtures::{Server, ServerFault, mail};

async fn outcome(fault: Option<ServerFault>) -> (Outcome, Vec<String>) {
    let server = Server::start(fault).await;
    let smtp = Smtp { timeout: Duration::from_secs(2), ..server.smtp() };
    let transport = Transport::new(&mail(), &smtp, None).unwrap().unwrap();
    let message = b"Message-ID: <a@b>\r\n\r\ntext\r\n";
    let outcome = transport.send("quotas@example.com", "ann@example.com", message).await;
    (outcome, server.accepted())
}

#[tokio::test]
async fn a_message_that_the_server_takes_is_accepted() {
    assert_eq!(outcome(None).await, (Outcome::Accepted, vec!["ann@example.com <a@b>".to_owned()]));
}

#[tokio::test]
async fn a_5xx_refuses_and_a_4xx_defers_at_each_point() {
    for (fault, refused) in [
        (ServerFault::Recipient("ann", "550 no such user"), true),
        (ServerFault::Recipient("ann", "450 greylisted"), false),
        (ServerFault::Message("554 looks like spam"), true),
        (ServerFault::Message("451 disk full"), false),
    ] {
        let (outcome, accepted) = outcome(Some(fault)).await;
        assert_eq!(matches!(outcome, Outcome::Refused(_)), refused, "{fault:?}: {outcome:?}");
        assert_eq!(matches!(outcome, Outcome::Later(_)), !refused, "{fault:?}: {outcome:?}");
        assert_eq!(accepted, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_dropped_connection_leaves_the_outcome_unknown_before_and_after_the_final_dot() {
    assert!(matches!(outcome(Some(ServerFault::DropBeforeFinalDot)).await.0, Outcome::Silent(_)));
    let (after, accepted) = outcome(Some(ServerFault::DropAfterFinalDot)).await;
    assert!(matches!(after, Outcome::Silent(_)), "{after:?}");
    assert_eq!(accepted.len(), 1);
}

#[tokio::test]
async fn a_server_that_never_answers_is_left_after_the_timeout() {
    let (outcome, _) = outcome(Some(ServerFault::Silence)).await;
    let Outcome::NoServer(error) = outcome else { panic!("{outcome:?}") };
    assert!(
        error.starts_with("no answer within smtp.timeout (2s) to the greeting: see the log of 127"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_no_server() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let smtp = Smtp { host: Some("127.0.0.1".into()), port: Some(port), tls: Tls::Off, ..Smtp::default() };
    let transport = Transport::new(&mail(), &smtp, None).unwrap().unwrap();
    let outcome = transport.send("quotas@example.com", "ann@example.com", b"x").await;
    let Outcome::NoServer(error) = outcome else { panic!("{outcome:?}") };
    assert!(error.contains("cannot be reached (Connection refused"), "{error}");
}

#[tokio::test]
async fn localhost_is_reached_at_whichever_of_its_addresses_answers() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(listener) = tokio::net::TcpListener::bind(address).await else { continue }; // a machine without IPv6
        let server = Server::start_on(listener, None);
        for host in ["localhost", "LocalHost"] {
            let smtp = Smtp { host: Some(host.into()), ..server.smtp() };
            let transport = Transport::new(&mail(), &smtp, None).unwrap().unwrap();
            let message = b"Message-ID: <a@b>\r\n\r\ntext\r\n";
            let outcome = transport.send("quotas@example.com", "ann@example.com", message).await;
            assert_eq!(outcome, Outcome::Accepted, "{host} at {address}");
        }
    }
}

#[tokio::test]
async fn a_server_that_is_silent_at_the_goodbye_has_taken_the_message() {
    let (outcome, accepted) = outcome(Some(ServerFault::SilentGoodbye)).await;
    assert_eq!((outcome, accepted.len()), (Outcome::Accepted, 1));
}

#[tokio::test]
async fn an_answer_to_another_question_is_no_yes() {
    let (outcome, accepted) = outcome(Some(ServerFault::OutOfStep)).await;
    let Outcome::Silent(error) = outcome else { panic!("{outcome:?}") };
    assert!(error.contains("gave the unexpected answer 250 to DATA"), "{error}");
    assert_eq!(accepted, Vec::<String>::new());
}

#[tokio::test]
async fn a_greeting_shows_whether_the_server_is_there_and_sends_nothing() {
    let (there, silent) = (Server::start(None).await, Server::start(Some(ServerFault::Silence)).await);
    let from: Address = "quotas@example.com".parse().unwrap();
    let greet =
        async |smtp: Smtp| Transport::new(&mail(), &smtp, None).unwrap().unwrap().greet(from.clone()).await;
    greet(there.smtp()).await.unwrap();
    assert!(there.accepted().is_empty());
    let picky =
        Server::start(Some(ServerFault::Sender("553 5.7.1 <quotas@example.com>: not owned by you"))).await;
    let error = greet(picky.smtp()).await.unwrap_err().to_string();
    assert!(error.contains("553") && error.contains("mail.from") && !error.contains("quotas@"), "{error}");
    let smtp = Smtp { timeout: Duration::from_millis(300), ..silent.smtp() };
    let error = greet(smtp).await.unwrap_err().to_string();
    assert!(error.starts_with("no answer within smtp.timeout (300ms)"), "{error}");
}

#[tokio::test]
async fn a_refused_login_is_to_be_fixed_and_kills_no_message() {
    let (outcome, _) = outcome(Some(ServerFault::Recipient("ann", "530 authentication required"))).await;
    let Outcome::Later(error) = outcome else { panic!("{outcome:?}") };
    assert!(error.contains("set smtp.username"), "{error}");
}

#[tokio::test]
async fn an_error_repeats_no_address() {
    let (outcome, _) =
        outcome(Some(ServerFault::Recipient("ann", "550 <ann@example.com>: no such user"))).await;
    let Outcome::Refused(error) = outcome else { panic!("{outcome:?}") };
    assert!(!error.contains("ann@") && error.contains("no such user"), "{error}");
}
