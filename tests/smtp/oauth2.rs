//! A mail server that takes access tokens only, and the token server that gives them: what goes well, what does not, and whose
//! fault it is said to be.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Command;

use crate::aiosmtpd::{Plan, Server};
use crate::certificates::CERTIFICATES;
use crate::installation::Installation;
use crate::support::Ran;
use crate::token_server::{CLIENT_SECRET, Says, TOKEN, TokenServer, token};

const MAILBOX: &str = "quotas@example.com";
/// As long as those of large providers: they do not fit behind the command.
const LONG: usize = 1800;

/// One mail waits for these; the mail server and the token server are those.
fn installation(to: &[&str], server: &Server, tokens: &TokenServer) -> Installation {
    let mut installation = Installation::with_mail_to(to)
        .with("QUOTAKEEPER__SMTP__USERNAME", MAILBOX)
        .with("QUOTAKEEPER__SMTP__OAUTH2__TOKEN_URL", &tokens.url)
        .with("QUOTAKEEPER__SMTP__OAUTH2__CLIENT_ID", "the application")
        .with("QUOTAKEEPER__SMTP__OAUTH2__SCOPE", "https://mail.example.com/.default")
        .with("QUOTAKEEPER__SMTP__OAUTH2__CLIENT_SECRET", CLIENT_SECRET);
    installation.through(server.port);
    installation
}

/// Accepts the first so many tokens.
fn taking(count: usize, padding: usize) -> Plan {
    let tokens: Vec<String> = (1..=count).map(|number| token(number, padding)).collect();
    Plan::plain().with_tokens(MAILBOX, &tokens)
}

/// The client secret and the tokens as they are, and as they travel.
fn assert_no_secret(text: &str, place: &str) {
    let escaped = "Cl1ent%7ESecret";
    // Whatever stands before it in base64, one of these is in it.
    let encoded = [
        "QWNjZXNzLVRva2VuLTVlMjEtb2YtYS10ZXN0",
        "FjY2Vzcy1Ub2tlbi01ZTIxLW9mLWEtdGVzd",
        "BY2Nlc3MtVG9rZW4tNWUyMS1vZi1hLXRlc3",
    ];
    for secret in [&["Cl1ent~Secret", escaped, TOKEN][..], &encoded].concat() {
        assert!(!text.contains(secret), "{secret} shows in {place}: {text}");
    }
}

/// `outbox` with all that can be logged. Neither that nor a file says a secret.
fn send(installation: &Installation) -> Ran {
    let ran = installation.run(&["outbox", "-vv"]);
    assert_no_secret(&ran.stderr, "the log");
    assert_no_secret(&ran.stdout, "the output");
    for (path, content) in installation.files() {
        assert_no_secret(&String::from_utf8_lossy(&content), &path.display().to_string());
    }
    ran
}

/// `check` with all that can be logged.
fn check(installation: &Installation, arguments: &[&str]) -> Ran {
    let ran = installation.run(&[&["check", "-vv"], arguments].concat());
    assert_no_secret(&ran.stderr, "the log of the check");
    assert_no_secret(&ran.stdout, "the output of the check");
    ran
}

/// What the log says of the one mail, which still waits.
fn complaint(installation: &Installation) -> String {
    let ran = send(installation);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert_eq!(installation.only().place, "new", "{}", ran.stderr);
    let warnings: Vec<serde_json::Value> = ran
        .stderr
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &serde_json::Value| line["level"] == "WARN")
        .collect();
    let [warning] = &warnings[..] else { panic!("said once: {}", ran.stderr) };
    assert_eq!(warning["message"], "a mail is not sent");
    warning["error"].as_str().unwrap().to_owned()
}

fn assert_sent(installation: &Installation) {
    let ran = send(installation);
    assert_eq!((ran.code, installation.only().place.as_str()), (Some(0), "sent"), "{}", ran.stderr);
}

#[test]
fn one_token_serves_all_messages_whether_or_not_it_fits_behind_the_command() {
    for (padding, tls) in [(0, false), (LONG, false), (LONG, true)] {
        let plan = taking(1, padding);
        let plan = if tls { plan.with_tls("starttls", &CERTIFICATES.good) } else { plan };
        let Some(server) = Server::start(plan) else { return };
        let tokens = TokenServer::start(Says::Tokens { padding });
        let installation = installation(&["ann@example.com", "bob@example.com"], &server, &tokens)
            .with("QUOTAKEEPER__SMTP__TLS", if tls { "starttls" } else { "off" });
        assert_sent(&installation);
        let taken = server.taken();
        assert_eq!(taken.len(), 2);
        assert!(
            taken.iter().all(|taken| taken.login.as_deref() == Some(MAILBOX) && taken.tls == tls),
            "{taken:?}"
        );
        let [request] = &tokens.requests()[..] else { panic!("{:?}", tokens.requests()) };
        let (head, form) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /oauth2/token HTTP/1.1\r\n"), "{head}");
        assert!(
            head.to_ascii_lowercase().contains("content-type: application/x-www-form-urlencoded"),
            "{head}"
        );
        assert_eq!(
            form,
            "grant_type=client_credentials&client_id=the+application&client_secret=Cl1ent%7ESecret%2B7%267%3Daf%2520%C3%A9\
             &scope=https%3A%2F%2Fmail.example.com%2F.default"
        );
    }
}

#[test]
fn a_check_asks_both_servers_and_says_which_one_is_wrong() {
    let Some(server) = Server::start(taking(1, LONG)) else { return };
    let tokens = TokenServer::start(Says::Tokens { padding: LONG });
    let mut installation = installation(&["ann@example.com"], &server, &tokens);
    let checked = check(&installation, &["--online", "--send-test-mail", "ann@example.com"]);
    assert_eq!(checked.code, Some(0), "{}", checked.stdout);
    assert!(checked.stdout.contains("✓ the token server 127.0.0.1 gives an access token for mail\n"));
    assert!(checked.stdout.contains("✓ the mail server localhost accepts the login"), "{}", checked.stdout);
    assert_eq!((tokens.requests().len(), server.taken().len()), (1, 1));

    tokens.says(Says::Answer("400 Bad Request", "", r#"{"error":"invalid_scope"}"#.into()));
    let checked = check(&installation, &["--online"]);
    let reported = "✗ mail cannot be sent: the token server 127.0.0.1 gives no access token (400 invalid_scope): check smtp.oauth2.scope\n";
    assert!(checked.code == Some(1) && checked.stdout.contains(reported), "{}", checked.stdout);
    assert!(!checked.stdout.contains("mail server"), "it was not asked: {}", checked.stdout);

    tokens.says(Says::Tokens { padding: LONG });
    installation.set("QUOTAKEEPER__SMTP__USERNAME", "other@example.com");
    let checked = check(&installation, &["--online"]);
    assert!(
        checked.stdout.contains("✓ the token server")
            && checked.stdout.contains("✗ the mail server localhost cannot be used: 535"),
        "{}",
        checked.stdout
    );
}

#[test]
fn a_token_that_has_expired_is_renewed_once_and_the_mail_arrives() {
    for padding in [0, LONG] {
        let Some(server) = Server::start(taking(9, padding).with_uses_of_a_token(1)) else { return };
        let tokens = TokenServer::start(Says::Tokens { padding });
        let installation =
            installation(&["ann@example.com", "bob@example.com", "eve@example.com"], &server, &tokens);
        assert_sent(&installation);
        assert_eq!((server.taken().len(), tokens.requests().len()), (3, 3));
    }
}

#[test]
fn a_daemon_keeps_its_token_from_one_round_of_deliveries_to_the_next() {
    let Some(server) = Server::start(taking(2, LONG).with_uses_of_a_token(2)) else { return };
    let tokens = TokenServer::start(Says::Tokens { padding: LONG });
    let installation = installation(&["ann@example.com"], &server, &tokens);
    let mut daemon = installation.start_daemon();
    let mut lines = BufReader::new(daemon.stderr.take().unwrap()).lines().map(Result::unwrap);
    // The last of what it does at its start.
    let started: Vec<String> = lines.by_ref().take_while(|line| !line.contains("history thinned")).collect();
    let rest = std::thread::spawn(move || lines.collect::<Vec<_>>());
    for (number, requests) in [(1, 1), (2, 1), (3, 2)] {
        if number > 1 {
            installation.drop_file(&format!("nonsense-{number}.csv"), &format!("no header in {number}"));
        }
        let handed_over = send(&installation);
        assert_eq!(handed_over.code, Some(0), "{}", handed_over.stderr);
        assert_eq!((server.taken().len(), tokens.requests().len()), (number, requests));
    }
    let ended = Command::new("kill").args(["-TERM", &daemon.id().to_string()]).status().unwrap();
    assert!(ended.success() && daemon.wait().unwrap().success());
    let log = [started, rest.join().unwrap()].concat().join("\n");
    assert!(log.contains("a new access token for mail") && log.contains("handed over by a command"), "{log}");
    assert_no_secret(&log, "the daemon's log");
}

#[test]
fn a_mailbox_that_takes_no_token_keeps_the_mail_and_asks_for_one_token_in_a_try() {
    for padding in [0, LONG] {
        let Some(server) = Server::start(taking(0, padding)) else { return };
        let tokens = TokenServer::start(Says::Tokens { padding });
        let mut installation = installation(&["ann@example.com"], &server, &tokens);
        assert_eq!(
            complaint(&installation),
            "535 5.7.3 Authentication unsuccessful (login): it refuses a new access token for the mailbox smtp.username: switch SMTP \
             AUTH on for that mailbox, and let the application send mail as it (Microsoft 365: SMTP.SendAsApp with admin consent, \
             and access to the mailbox); check smtp.oauth2.scope"
        );
        assert_eq!(tokens.requests().len(), 1);
        let Some(server) = Server::start(taking(2, padding)) else { return };
        installation.through(server.port);
        assert_sent(&installation);
        assert_eq!(server.taken().len(), 1);
    }
}

#[test]
fn a_secret_that_is_revoked_keeps_the_mail_until_its_file_has_a_valid_one() {
    let Some(server) = Server::start(taking(9, LONG)) else { return };
    let refusal = format!(
        r#"{{"error":"invalid_client","error_description":"the secret {CLIENT_SECRET} has expired"}}"#
    );
    let tokens = TokenServer::start(Says::Answer("401 Unauthorized", "", refusal));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("smtp_client_secret");
    std::fs::write(&file, format!("{CLIENT_SECRET}\n")).unwrap();
    let installation = installation(&["ann@example.com"], &server, &tokens)
        .with("QUOTAKEEPER__SMTP__OAUTH2__CLIENT_SECRET", "")
        .with("QUOTAKEEPER__SMTP__OAUTH2__CLIENT_SECRET_FILE", file.to_str().unwrap());
    assert_eq!(
        complaint(&installation),
        format!(
            "the token server 127.0.0.1 gives no access token (401 invalid_client: the secret [redacted] has expired): \
             smtp.oauth2.client_id or the client secret is wrong, or the secret has expired: put a valid one into the file {}",
            file.display()
        )
    );
    let record = installation.only().record;
    assert!(record["last_error"].as_str().unwrap().contains("invalid_client"), "`status` shows it: {record}");
    std::fs::write(&file, "").unwrap();
    let reported = complaint(&installation);
    assert!(
        reported.starts_with("the client secret (smtp.oauth2.client_secret_file) cannot be read: "),
        "{reported}"
    );
    assert_eq!(tokens.requests().len(), 1, "without a secret nobody is asked");

    std::fs::write(&file, "another-secret").unwrap();
    tokens.says(Says::Tokens { padding: LONG });
    assert_sent(&installation);
    assert!(tokens.requests()[1].contains("client_secret=another-secret"));
}

#[test]
fn a_token_server_that_is_down_keeps_the_mail_until_it_is_up() {
    let Some(server) = Server::start(taking(9, LONG)) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let elsewhere = TokenServer::start(Says::Silence);
    let installation = installation(&["ann@example.com"], &server, &elsewhere)
        .with("QUOTAKEEPER__SMTP__OAUTH2__TOKEN_URL", &format!("http://{address}/oauth2/token"));
    assert_eq!(
        complaint(&installation),
        "the token server 127.0.0.1 cannot be reached (Connection refused (os error 111)): quotakeeper asks again; if this continues, check \
         smtp.oauth2.token_url and api.proxy"
    );
    let _up = TokenServer::start_on(TcpListener::bind(address).unwrap(), Says::Tokens { padding: LONG });
    assert_sent(&installation);
}

#[test]
fn a_token_comes_over_https_from_whom_this_machine_trusts_and_from_nobody_else() {
    let Some(server) = Server::start(taking(1, LONG)) else { return };
    let says = || Says::Tokens { padding: LONG };
    let mut reported = String::new();
    for (name, certificate) in [
        ("stranger", &CERTIFICATES.stranger),
        ("expired", &CERTIFICATES.expired),
        ("other name", &CERTIFICATES.other_name),
    ] {
        let tokens = TokenServer::start_tls(certificate, says());
        let installation = installation(&["ann@example.com"], &server, &tokens);
        let complaint = complaint(&installation);
        // When it ended, and for whom it is, differ from run to run.
        let (cause, fix) = complaint.split_once("): ").unwrap();
        assert!(
            cause.starts_with("the token server localhost cannot be reached (invalid peer certificate"),
            "{cause}"
        );
        reported += &format!("{name}: {fix}\n");
        assert!(tokens.requests().is_empty(), "{name}: no secret went there");
    }
    insta::assert_snapshot!(reported);
    let tokens = TokenServer::start_tls(&CERTIFICATES.good, says());
    assert_sent(&installation(&["ann@example.com"], &server, &tokens));
}

#[test]
fn a_mail_server_without_logins_by_token_is_said_to_have_none() {
    let Some(server) = Server::start(Plan::plain().with_login()) else { return };
    let tokens = TokenServer::start(Says::Tokens { padding: LONG });
    let installation = installation(&["ann@example.com"], &server, &tokens);
    let reported = complaint(&installation).replace(&server.port.to_string(), "PORT");
    assert_eq!(
        reported,
        "localhost:PORT offers no login by access token (XOAUTH2): check smtp.host, smtp.port and smtp.tls, or log in by \
         smtp.password_file instead of smtp.oauth2"
    );
}

#[test]
fn a_sender_that_is_not_the_mailbox_is_named_as_what_to_change() {
    let refusal =
        "554 5.2.252 SendAsDenied; quotas@example.com not allowed to send as quotakeeper@example.com";
    let Some(server) = Server::start(taking(1, LONG).with_fault("dot", refusal)) else { return };
    let tokens = TokenServer::start(Says::Tokens { padding: LONG });
    let installation = installation(&["ann@example.com"], &server, &tokens);
    let ran = send(&installation);
    assert_eq!(installation.only().place, "dead", "{}", ran.stderr);
    let reported = "SendAsDenied; (address) not allowed to send as (address): set mail.from to the mailbox smtp.username";
    assert!(ran.stderr.contains(reported), "{}", ran.stderr);
}

#[test]
fn a_challenge_that_is_followed_by_anything_but_a_refusal_is_no_login() {
    for answer in ["235 2.7.0 welcome", "334 eyJzdGF0dXMiOiI0MDAifQ=="] {
        let plan = taking(0, LONG).with_answer_to_the_empty_line(answer);
        let Some(server) = Server::start(plan) else { return };
        let tokens = TokenServer::start(Says::Tokens { padding: LONG });
        let installation = installation(&["ann@example.com"], &server, &tokens);
        let reported = complaint(&installation);
        assert!(reported.contains("to the login: check"), "{answer}: {reported}");
        assert!(server.taken().is_empty());
    }
}

#[test]
fn no_answer_of_a_hostile_token_server_is_followed_or_read_for_ever() {
    let Some(server) = Server::start(taking(9, LONG)) else { return };
    let tokens = TokenServer::start(Says::Silence);
    let mut installation = installation(&["ann@example.com"], &server, &tokens);
    installation.set("QUOTAKEEPER__SMTP__TIMEOUT", "3s");
    let huge = format!(r#"{{"access_token":"{TOKEN}","x":"{}"}}"#, "x".repeat(70_000));
    let page = format!("<html>{TOKEN} {CLIENT_SECRET}</html>");
    let deep = "[".repeat(60_000);
    let (html, json) = ("Content-Type: text/html\r\n", "Content-Type: application/json\r\n");
    let mut reported = String::new();
    for (name, says) in [
        ("silent", Says::Silence),
        ("endless", Says::ForEver("{\"access_token\":\"")),
        ("endless white space", Says::ForEver("\n")),
        ("huge", Says::Answer("200 OK", json, huge)),
        ("deep", Says::Answer("200 OK", json, deep)),
        ("a page", Says::Answer("200 OK", html, page)),
        (
            "a redirect",
            Says::Answer("307 Temporary Redirect", "Location: /oauth2/elsewhere\r\n", String::new()),
        ),
        ("no gzip", Says::Answer("200 OK", "Content-Encoding: gzip\r\n", "{}".into())),
        (
            "a line of its own",
            Says::Answer("200 OK", json, r#"{"access_token":"a\r\nMAIL FROM:<x@y>"}"#.into()),
        ),
        ("busy", Says::Answer("429 Too Many Requests", "Retry-After: 30\r\n", String::new())),
    ] {
        let before = tokens.requests().len();
        tokens.says(says);
        reported += &format!("{name}: {}\n", complaint(&installation));
        assert_eq!(tokens.requests().len(), before + 1, "{name}: asked once");
    }
    insta::assert_snapshot!(reported);
    assert!(server.taken().is_empty());
    tokens.says(Says::Tokens { padding: LONG });
    // Its tokens are counted by its requests, of which the first ones were in vain.
    let all: Vec<String> = (1..=20).map(|number| token(number, LONG)).collect();
    let Some(server) = Server::start(Plan::plain().with_tokens(MAILBOX, &all)) else { return };
    installation.through(server.port);
    assert_sent(&installation);
}
