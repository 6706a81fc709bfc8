//! Who gets the mail, how often, and over what.

use chrono::TimeDelta;

use crate::aiosmtpd::{LOGIN, Plan, Server};
use crate::certificates::CERTIFICATES;
use crate::installation::Installation;

const FIVE: [&str; 5] =
    ["a@example.com", "b@example.com", "bad@example.com", "d@example.com", "e@example.com"];

fn to(server: &Server) -> Vec<String> {
    server.taken().into_iter().map(|taken| taken.to).collect()
}

#[test]
fn mail_goes_over_starttls_and_over_tls_from_the_first_byte_with_a_login() {
    for (kind, tls) in [("starttls", "starttls"), ("implicit", "required")] {
        let plan = Plan::plain().with_tls(kind, &CERTIFICATES.good).with_login();
        let Some(server) = Server::start(plan) else { return };
        let mut installation = Installation::with_mail_to(&["ann@example.com"])
            .with_login(LOGIN[1])
            .with("QUOTAKEEPER__SMTP__TLS", tls);
        installation.through(server.port).send();
        let [taken] = &server.taken()[..] else { panic!("{:?}", server.taken()) };
        assert_eq!(
            (taken.to.as_str(), taken.tls, taken.login.as_deref()),
            ("ann@example.com", true, Some(LOGIN[0]))
        );
        let stored = installation.only();
        assert_eq!((stored.place.as_str(), &stored.message_id), ("sent", &taken.message_id));
        let checked = installation.run(&["check", "--send-test-mail", "ann@example.com"]);
        assert_eq!(checked.code, Some(0), "{}", checked.stdout);
        assert!(checked.stdout.contains("✓ the mail server accepted the test mail"), "{}", checked.stdout);
        assert_eq!(server.taken().len(), 2);
    }
}

#[test]
fn mail_waits_while_the_certificate_of_the_server_is_expired_and_goes_once_when_it_has_a_new_one() {
    let plan = |certificate| Plan::plain().with_tls("starttls", certificate);
    let Some(server) = Server::start(plan(&CERTIFICATES.expired)) else { return };
    let installation = Installation::with_mail_to(&["ann@example.com"]);
    let mut installation = installation.with("QUOTAKEEPER__SMTP__TLS", "starttls");
    for _ in 0..2 {
        let said = installation.through(server.port).send().stderr;
        assert!(said.contains("expired"), "{said}");
        assert_eq!((installation.only().place.as_str(), server.taken().len()), ("new", 0));
    }
    let Some(renewed) = Server::start(plan(&CERTIFICATES.good)) else { return };
    installation.through(renewed.port).send();
    installation.send();
    let message_id = installation.only().message_id;
    assert_eq!(installation.only().place, "sent");
    assert_eq!(renewed.taken().iter().map(|taken| &taken.message_id).collect::<Vec<_>>(), [&message_id]);
}

#[test]
fn one_refused_recipient_among_five_and_the_others_have_it_once() {
    let plan = Plan::plain().with_fault_about("rcpt", "bad@", "550 5.1.1 <bad@example.com> unknown");
    let Some(server) = Server::start(plan) else { return };
    let mut installation = Installation::with_mail_to(&FIVE);
    let log = installation.through(server.port).send().stderr;
    let four = ["a@example.com", "b@example.com", "d@example.com", "e@example.com"];
    assert_eq!(to(&server), four);
    let stored = installation.only();
    assert_eq!(stored.place, "dead");
    assert_eq!(stored.states()[2], ("bad@example.com", "refused"));
    assert_eq!(stored.states().iter().filter(|one| one.1 == "accepted").count(), 4);
    assert!(
        log.contains(
            "1 of 5 recipients refused it: 550 5.1.1 (address) unknown: check the recipient's address"
        ),
        "{log}"
    );
    installation.send();
    assert_eq!(to(&server), four, "never again");
}

#[test]
fn one_deferred_recipient_among_five_gets_it_later_and_nobody_twice() {
    let plan = Plan::plain().with_fault_once("rcpt", "451 4.7.1 greylisted");
    let Some(server) = Server::start(plan) else { return };
    let mut installation = Installation::with_mail_to(&FIVE);
    installation.through(server.port).send();
    assert_eq!(to(&server), FIVE[1..]);
    assert_eq!(installation.only().states()[0], ("a@example.com", "waiting"));
    installation.send();
    assert_eq!(to(&server), [&FIVE[1..], &FIVE[..1]].concat());
    assert_eq!(installation.only().place, "sent");
}

#[test]
fn once_keeps_the_back_off_that_outbox_ignores() {
    let plan = Plan::plain().with_fault_once("dot", "451 disk full").with_fault_once("dot", "451 disk full");
    let Some(server) = Server::start(plan) else { return };
    // The other mails of `once` have nobody to go to.
    let mut installation = Installation::with_mail_to(&["ann@example.com"]);
    installation.through(server.port).send();
    assert_eq!(installation.only().record["attempts"], 1);
    installation.only().wait_for(TimeDelta::hours(3));
    assert_eq!(installation.run(&["once"]).code, Some(0));
    assert_eq!(installation.only().record["attempts"], 1, "not yet");
    installation.send();
    assert_eq!(installation.only().record["attempts"], 2, "a person asked for it");
    installation.only().wait_for(TimeDelta::zero());
    assert_eq!(installation.run(&["once"]).code, Some(0));
    assert_eq!(installation.only().place, "sent");
    assert_eq!(server.taken().len(), 1);
}

#[test]
fn a_message_whose_answer_was_lost_comes_again_under_the_same_id_and_no_other_does() {
    for lost in ["drop", "silence"] {
        let Some(server) = Server::start(Plan::plain().with_fault_once("taken", lost)) else { return };
        let mut installation = Installation::with_mail_to(&["ann@example.com", "bob@example.com"])
            .with("QUOTAKEEPER__SMTP__TIMEOUT", "5s");
        let log = installation.through(server.port).send().stderr;
        assert!(log.contains("whether it arrived is unknown"), "{log}");
        assert_eq!(to(&server), ["ann@example.com", "bob@example.com"]);
        installation.send();
        assert_eq!(to(&server), ["ann@example.com", "bob@example.com", "ann@example.com"]);
        let stored = installation.only();
        assert_eq!(stored.place, "sent");
        assert!(server.taken().iter().all(|taken| taken.message_id == stored.message_id));
    }
}

#[test]
fn a_server_that_is_silent_at_the_goodbye_gets_nothing_again() {
    let Some(server) = Server::start(Plan::plain().with_fault("quit", "silence")) else { return };
    let mut installation = Installation::with_mail_to(&["ann@example.com"]);
    installation.through(server.port).send();
    assert_eq!(installation.only().place, "sent");
    installation.send();
    assert_eq!(server.taken().len(), 1);
}

#[test]
fn killed_when_the_server_had_the_message_and_before_that_was_recorded_it_comes_once_more_to_that_recipient_alone()
 {
    // The server has the second recipient's message, and the process that sent it will not live to hear so.
    let plan = Plan::plain().with_fault_about("taken", "bob", "silence");
    let (Some(deaf), Some(server)) = (Server::start(plan), Server::start(Plan::plain())) else { return };
    let mut installation =
        Installation::with_mail_to(&["ann@example.com", "bob@example.com", "eve@example.com"]);
    let mut process = installation.through(deaf.port).start_sending();
    while deaf.taken().len() < 2 {
        assert!(process.try_wait().unwrap().is_none(), "it waits for the answer");
        std::thread::yield_now();
    }
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(to(&deaf), ["ann@example.com", "bob@example.com"]);

    installation.through(server.port).run(&["once"]);
    assert_eq!(to(&server), Vec::<String>::new(), "the try was counted: not at once");
    installation.send();
    assert_eq!(to(&server), ["bob@example.com", "eve@example.com"]);
    let stored = installation.only();
    assert_eq!(stored.place, "sent");
    let ids = deaf.taken().into_iter().chain(server.taken()).map(|taken| taken.message_id);
    assert!(ids.into_iter().all(|id| id == stored.message_id));
}

#[test]
fn a_slow_server_keeps_no_other_work_waiting_until_everybody_has_the_mail() {
    const EIGHT: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let Some(server) = Server::start(Plan::plain().with_fault("dot", "slow")) else { return };
    let addresses = EIGHT.map(|name| format!("{name}@example.com"));
    let mut installation = Installation::with_mail_to(&addresses.each_ref().map(String::as_str));
    installation.through(server.port);
    let mut daemon = installation.start_daemon();
    std::thread::spawn({
        let log = daemon.stderr.take().unwrap();
        move || std::io::copy(&mut { log }, &mut std::io::sink())
    });
    while server.taken().is_empty() {
        assert!(daemon.try_wait().unwrap().is_none(), "it delivers");
        std::thread::yield_now();
    }
    let handed_over = installation.drop_file("other.csv", "no header here either");
    assert!(handed_over.stderr.contains("done by the running"), "{}", handed_over.stderr);
    assert!(server.taken().len() < EIGHT.len(), "{:?}", server.taken());
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}
