//! Whatever goes wrong: the mail is kept or is dead, the sentence says how to fix it, and once fixed the mail arrives once.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use crate::aiosmtpd::{LOGIN, Plan, Server, WRONG_PASSWORD};
use crate::certificates::CERTIFICATES;
use crate::installation::Installation;

/// A server that misbehaves, and the settings that reach it.
struct BadServer {
    name: &'static str,
    plan: Plan,
    settings: Vec<(&'static str, &'static str)>,
    /// Where the message ends.
    ends_in: &'static str,
}

fn bad_server(name: &'static str, plan: Plan) -> BadServer {
    BadServer { name, plan, settings: vec![("QUOTAKEEPER__SMTP__TIMEOUT", "60s")], ends_in: "new" }
}

impl BadServer {
    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.settings.push((name, value));
        self
    }

    fn over_starttls(self) -> Self {
        self.with("QUOTAKEEPER__SMTP__TLS", "starttls")
    }

    fn with_login(self, password: &'static str) -> Self {
        self.with("QUOTAKEEPER__SMTP__USERNAME", LOGIN[0]).with("QUOTAKEEPER__SMTP__PASSWORD", password)
    }

    fn kills(mut self) -> Self {
        self.ends_in = "dead";
        self
    }

    /// What the outbox and the check say of it; none without a server.
    fn reports(self) -> Option<String> {
        let (bad, good) = (Server::start(self.plan)?, Server::start(Plan::plain())?);
        let mut installation = Installation::with_mail_to(&["ann@example.com"]);
        for (name, value) in &self.settings {
            installation.set(name, value);
        }
        installation.through(bad.port);
        let checked = installation.run(&["check", "--send-test-mail", "ann@example.com"]);
        assert_eq!(checked.code, Some(1), "{}: {}", self.name, checked.stdout);
        let complaint =
            checked.stdout.lines().find_map(|line| line.strip_prefix("✗ the test mail was not accepted: "));
        let complaint = complaint.unwrap_or_else(|| panic!("{}: {}", self.name, checked.stdout));
        assert_eq!(checked.stdout.matches('✗').count(), 1, "{}: {}", self.name, checked.stdout);

        let sent = installation.send();
        let stored = installation.only();
        assert_eq!(stored.place, self.ends_in, "{}: {}", self.name, sent.stderr);
        let logged = serde_json::to_string(complaint).unwrap();
        assert!(
            sent.stderr.contains(logged.trim_matches('"')),
            "{}: {complaint}\n{}",
            self.name,
            sent.stderr
        );
        let complaints = ["\"WARN\"", "\"ERROR\""].map(|level| sent.stderr.matches(level).count());
        assert_eq!(complaints, [1, 0], "{}: reported once: {}", self.name, sent.stderr);
        let arrived = bad.taken().len();

        for (name, _) in &self.settings {
            installation.set(name, "");
        }
        installation.with("QUOTAKEEPER__SMTP__TLS", "off").through(good.port).send();
        let ids: Vec<String> = good.taken().into_iter().map(|taken| taken.message_id).collect();
        if self.ends_in == "dead" {
            assert_eq!((ids.len(), arrived), (0, 0), "{}: refused is refused", self.name);
        } else {
            assert_eq!(ids, [stored.message_id], "{}: it arrives once it can", self.name);
        }
        let port = |port: u16| port.to_string();
        Some(format!("{}: {}\n", self.name, complaint.replace(&port(bad.port), "PORT")))
    }
}

/// Side by side, because most of their time is waiting.
fn reports(servers: Vec<BadServer>) -> Option<String> {
    std::thread::scope(|threads| {
        let threads: Vec<_> = servers.into_iter().map(|server| threads.spawn(|| server.reports())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn bad_certificates_and_missing_tls_are_explained() {
    let starttls = |certificate| Plan::plain().with_tls("starttls", certificate);
    let implicit = |certificate| Plan::plain().with_tls("implicit", certificate);
    let report = reports(vec![
        bad_server("expired", starttls(&CERTIFICATES.expired)).over_starttls(),
        bad_server("unknown CA", starttls(&CERTIFICATES.stranger)).over_starttls(),
        bad_server("wrong host name", starttls(&CERTIFICATES.other_name)).over_starttls(),
        bad_server("expired, TLS from the first byte", implicit(&CERTIFICATES.expired))
            .with("QUOTAKEEPER__SMTP__TLS", "required"),
        bad_server("STARTTLS stripped", Plan::plain()).over_starttls(),
        bad_server("STARTTLS refused", starttls(&CERTIFICATES.good).with_fault("starttls", "454 no TLS now"))
            .over_starttls(),
        bad_server("STARTTLS where TLS from the first byte was expected", starttls(&CERTIFICATES.good))
            .with("QUOTAKEEPER__SMTP__TLS", "required"),
        bad_server("TLS from the first byte where STARTTLS was expected", implicit(&CERTIFICATES.good))
            .over_starttls()
            .with("QUOTAKEEPER__SMTP__TIMEOUT", "5s"),
    ]);
    if let Some(report) = report {
        insta::assert_snapshot!(report);
    }
}

#[test]
fn bad_logins_are_explained() {
    let report = reports(vec![
        bad_server("wrong password", Plan::plain().with_login()).with_login(WRONG_PASSWORD),
        bad_server("no login offered", Plan::plain().with_fault("ehlo", "250 mail.example.com"))
            .with_login(LOGIN[1]),
        bad_server("login out of order", Plan::plain().with_login().with_fault("auth", "454 4.7.0 later"))
            .with_login(LOGIN[1]),
        bad_server("no login given", Plan::plain().with_login()),
    ]);
    if let Some(report) = report {
        insta::assert_snapshot!(report);
    }
}

#[test]
fn a_refusal_at_each_stage() {
    let at = |stage, answer| Plan::plain().with_fault(stage, answer);
    let report = reports(vec![
        bad_server("turned away", at("greeting", "554 5.7.1 you are listed")),
        bad_server("busy", at("greeting", "421 too many connections")),
        bad_server("sender", at("mail", "550 5.7.1 <quotakeeper@example.com> may not")).kills(),
        bad_server("sender, for now", at("mail", "452 no room")),
        bad_server("recipient", at("rcpt", "550 5.1.1 <ann@example.com> unknown")).kills(),
        bad_server("recipient, for now", at("rcpt", "450 4.7.1 greylisted")),
        bad_server("DATA", at("data", "554 no valid recipients")).kills(),
        bad_server("message", at("dot", "554 5.7.1 looks like spam")).kills(),
        bad_server("message, for now", at("dot", "421 4.3.2 going down")),
        bad_server("message, for its size", Plan::plain().with_size(1000)).kills(),
    ]);
    if let Some(report) = report {
        insta::assert_snapshot!(report);
    }
}

/// Every stage at which the server can go away before it has the message; `taken` is a story of `deliveries`.
const STAGES: [&str; 8] = ["greeting", "ehlo", "auth", "mail", "rcpt", "data", "content", "dot"];

fn at_each_stage(does: &str, timeout: &'static str) -> Option<String> {
    let plan = |stage| Plan::plain().with_login().with_fault(stage, does);
    let stages = STAGES.map(|stage| {
        bad_server(stage, plan(stage)).with_login(LOGIN[1]).with("QUOTAKEEPER__SMTP__TIMEOUT", timeout)
    });
    reports(stages.into())
}

#[test]
fn a_connection_that_is_dropped_at_any_stage_before_the_message_is_taken() {
    if let Some(report) = at_each_stage("drop", "60s") {
        insta::assert_snapshot!(report);
    }
}

#[test]
fn a_server_that_never_answers_at_any_stage_is_left_after_the_timeout() {
    if let Some(report) = at_each_stage("silence", "5s") {
        insta::assert_snapshot!(report);
    }
}

#[test]
fn nobody_there() {
    let Some(server) = Server::start(Plan::plain()) else { return };
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut installation =
        Installation::with_mail_to(&["ann@example.com"]).with("QUOTAKEEPER__SMTP__HOST", "127.0.0.1");
    let report = installation.through(gone).send().stderr;
    let sentence = format!(
        "127.0.0.1:{gone} cannot be reached (Connection refused (os error 111)): check smtp.host, smtp.port and smtp.tls"
    );
    assert!(report.contains(&sentence), "{report}");
    installation.through(server.port).send();
    assert_eq!(server.taken().len(), 1);
}

/// Somebody on the way puts an answer of his own behind the server's answer to STARTTLS, where nothing is encrypted yet.
fn meddler(server: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (Ok(mut client), Ok(server)) = (client, std::net::TcpStream::connect(("127.0.0.1", server)))
            else {
                return;
            };
            let (mut up, mut from_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from_client, &mut up));
            std::thread::spawn(move || {
                let mut answers = BufReader::new(server);
                let mut line = String::new();
                while answers.read_line(&mut line).is_ok_and(|length| length > 0) {
                    if line.starts_with("220") && !line.contains("mail.example.com") {
                        line += "250 mail.example.com\r\n250 taken\r\n";
                    }
                    let is_last = line.contains("taken");
                    if client.write_all(line.as_bytes()).is_err() || is_last {
                        break;
                    }
                    line.clear();
                }
                let _ = std::io::copy(&mut answers, &mut client);
            });
        }
    });
    port
}

#[test]
fn an_answer_that_is_slipped_in_before_tls_begins_is_believed_by_nobody() {
    let plan = Plan::plain().with_tls("starttls", &CERTIFICATES.good);
    let Some(server) = Server::start(plan) else { return };
    let mut installation =
        Installation::with_mail_to(&["ann@example.com"]).with("QUOTAKEEPER__SMTP__TLS", "starttls");
    let report = installation.through(meddler(server.port)).send().stderr;
    assert_eq!(installation.only().place, "new");
    assert!(
        report.contains("sent `250 mail.example.com` before it was asked (the TLS handshake)"),
        "{report}"
    );
    installation.through(server.port).send();
    assert_eq!(installation.only().place, "sent");
    assert_eq!(server.taken().len(), 1);
}
