//! The outbox against refusals, dropped connections and crashes.

use std::time::Duration;

use chrono::TimeDelta;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::round::SILENT_IN_A_ROW;
use super::*;
use crate::config::Smtp;
use crate::mail::fixtures::{Server, ServerFault, email, mail};
use crate::mail::record::Outcome;
use crate::mail::retry::wait_after;
use crate::mail::transport::Transport;

const DUE: DeliveryScope = DeliveryScope::Due { patience: Duration::MAX };

fn now() -> DateTime<Utc> {
    "2026-11-22T08:00:00Z".parse().unwrap()
}

fn outbox() -> (TempDir, Outbox) {
    let dir = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(dir.path().join("outbox")).unwrap();
    (dir, outbox)
}

/// Every file of the outbox, with the hash of its name left out: the tests use few messages.
fn files(outbox: &Outbox) -> Vec<String> {
    let mut files = Vec::new();
    for folder in [MailFolder::New, MailFolder::Sent, MailFolder::Dead] {
        for name in names(&outbox.folder(folder)).unwrap() {
            let extension = name.rsplit('.').next().unwrap();
            files.push(format!(
                "{}/{extension}",
                outbox.folder(folder).file_name().unwrap().to_str().unwrap()
            ));
        }
    }
    files.sort();
    files
}

async fn deliver(outbox: &Outbox, server: &Server) -> Summary {
    let smtp = Smtp { timeout: Duration::from_secs(2), ..server.smtp() };
    let transport = Transport::new(&mail(), &smtp, None).unwrap().unwrap();
    outbox.deliver(&transport, now(), DeliveryScope::All, &CancellationToken::new()).await.summary.unwrap()
}

#[tokio::test]
async fn a_message_is_queued_once_wherever_it_is() {
    let (_dir, outbox) = outbox();
    let message = email("<a@b>", &["ann@example.com"]);
    let Queued::Now(path) = outbox.queue(&message, now()).unwrap() else { panic!("it is new") };
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    assert!(
        name.starts_with("20261122T080000Z-") && name.len() == "20261122T080000Z-.eml".len() + 16,
        "{name}"
    );
    assert_eq!(fs::read(&path).unwrap(), message.bytes);
    let tomorrow = now() + TimeDelta::days(1);
    assert_eq!(outbox.queue(&message, tomorrow).unwrap(), Queued::AlreadyThere(path));

    outbox.deliver(&Transport::Directory, now(), DUE, &CancellationToken::new()).await.summary.unwrap();
    assert_eq!(files(&outbox), ["sent/eml", "sent/json"]);
    assert!(matches!(outbox.queue(&message, tomorrow).unwrap(), Queued::AlreadyThere(_)));
    assert_eq!(files(&outbox), ["sent/eml", "sent/json"]);
}

#[tokio::test]
async fn one_refused_recipient_stops_none_of_the_others() {
    let (_dir, outbox) = outbox();
    outbox.queue(&email("<a@b>", &["a@x.org", "b@x.org", "bad@x.org", "d@x.org", "e@x.org"]), now()).unwrap();
    let server = Server::start(Some(ServerFault::Recipient("bad", "550 no such user"))).await;
    let summary = deliver(&outbox, &server).await;
    assert_eq!((summary.sent, summary.dead, summary.waiting), (0, 1, 0));
    assert_eq!(server.accepted(), ["a@x.org <a@b>", "b@x.org <a@b>", "d@x.org <a@b>", "e@x.org <a@b>"]);
    assert_eq!(files(&outbox), ["dead/eml", "dead/json"]);
    assert!(!summary.problems[0].error.contains('@'), "{:?}", summary.problems);
}

#[tokio::test]
async fn who_has_it_does_not_get_it_again_when_the_rest_is_tried_later() {
    let (_dir, outbox) = outbox();
    outbox.queue(&email("<a@b>", &["a@x.org", "busy@x.org"]), now()).unwrap();
    let busy = Server::start(Some(ServerFault::Recipient("busy", "450 later"))).await;
    assert_eq!(deliver(&outbox, &busy).await.waiting, 1);
    assert_eq!(files(&outbox), ["new/eml", "new/json"]);
    let willing = Server::start(None).await;
    assert_eq!(deliver(&outbox, &willing).await.sent, 1);
    assert_eq!(willing.accepted(), ["busy@x.org <a@b>"]);
}

#[tokio::test]
async fn the_back_off_is_kept_only_where_it_is_asked_for() {
    let (_dir, outbox) = outbox();
    outbox.queue(&email("<a@b>", &["a@x.org"]), now()).unwrap();
    deliver(&outbox, &Server::start(Some(ServerFault::Message("451 later"))).await).await;
    let try_at = async |at| {
        outbox.deliver(&Transport::Directory, at, DUE, &CancellationToken::new()).await.summary.unwrap()
    };
    let next = now() + wait_after(1);
    assert_eq!(try_at(next - TimeDelta::seconds(1)).await.waiting, 1);
    assert_eq!(try_at(next).await.sent, 1);
}

#[tokio::test]
async fn a_connection_that_drops_after_the_dot_repeats_the_same_message_id_and_loses_nothing() {
    let (_dir, outbox) = outbox();
    outbox.queue(&email("<a@b>", &["a@x.org"]), now()).unwrap();
    let dropping = Server::start(Some(ServerFault::DropAfterFinalDot)).await;
    assert_eq!(deliver(&outbox, &dropping).await.waiting, 1);
    let willing = Server::start(None).await;
    assert_eq!(deliver(&outbox, &willing).await.sent, 1);
    assert_eq!(dropping.accepted(), willing.accepted());
}

#[tokio::test]
async fn a_server_that_is_down_costs_two_messages_time_and_not_all() {
    let (_dir, outbox) = outbox();
    for number in 0..5 {
        outbox.queue(&email(&format!("<{number}@b>"), &["a@x.org", "b@x.org"]), now()).unwrap();
    }
    let summary = deliver(&outbox, &Server::start(Some(ServerFault::Silence)).await).await;
    assert_eq!(summary.waiting, 5);
    let tried = summary.problems.iter().filter(|problem| problem.error.contains("no answer")).count();
    assert_eq!(tried, SILENT_IN_A_ROW);
    assert_eq!(deliver(&outbox, &Server::start(None).await).await.sent, 5);
}

#[tokio::test]
async fn one_recipient_at_whom_the_server_falls_silent_keeps_the_message_from_no_other() {
    let (_dir, outbox) = outbox();
    let everybody = ["a@x.org", "b-slow@x.org", "c@x.org", "d-slow@x.org", "e-slow@x.org", "f@x.org"];
    outbox.queue(&email("<a@b>", &everybody), now()).unwrap();
    let server = Server::start(Some(ServerFault::SilentRecipient("slow"))).await;
    assert_eq!(deliver(&outbox, &server).await.waiting, 1);
    assert_eq!(server.accepted(), ["a@x.org <a@b>", "c@x.org <a@b>"], "two in a row, and the round ends");
    assert_eq!(deliver(&outbox, &server).await.waiting, 1);
    assert_eq!(server.accepted(), ["a@x.org <a@b>", "c@x.org <a@b>", "f@x.org <a@b>"]);
}

#[tokio::test]
async fn messages_at_which_the_server_falls_silent_hold_up_no_others() {
    let (_dir, outbox) = outbox();
    for (number, to) in ["slow@x.org", "slow@x.org", "a@x.org"].into_iter().enumerate() {
        let later = now() + TimeDelta::seconds(i64::try_from(number).unwrap());
        outbox.queue(&email(&format!("<{number}@b>"), &[to]), later).unwrap();
    }
    let server = Server::start(Some(ServerFault::SilentRecipient("slow"))).await;
    assert_eq!(deliver(&outbox, &server).await.waiting, 3);
    let summary = deliver(&outbox, &server).await;
    assert_eq!((summary.sent, summary.waiting), (1, 2));
    assert_eq!(server.accepted(), ["a@x.org <2@b>"]);
}

#[tokio::test]
async fn a_login_that_is_refused_is_tried_twice_in_a_round_and_not_for_everybody() {
    let (_dir, outbox) = outbox();
    for number in 0..5 {
        outbox.queue(&email(&format!("<{number}@b>"), &["a@x.org", "b@x.org"]), now()).unwrap();
    }
    let server = Server::start(Some(ServerFault::Login("535 bad login"))).await;
    let smtp = Smtp {
        username: Some("quotas".into()),
        password: Some(crate::config::Secret::Value("Correct-Horse-Battery".into())),
        ..server.smtp()
    };
    let transport = Transport::new(&mail(), &smtp, None).unwrap().unwrap();
    let summary = outbox
        .deliver(&transport, now(), DeliveryScope::All, &CancellationToken::new())
        .await
        .summary
        .unwrap();
    let tried = summary.problems.iter().filter(|problem| problem.error.contains("535 bad login")).count();
    assert_eq!((summary.waiting, tried), (5, 2), "{:?}", summary.problems);
    assert!(
        summary.problems[0].error.ends_with("check smtp.username and the password"),
        "{:?}",
        summary.problems
    );
}

#[tokio::test]
async fn a_crash_while_queueing_leaves_nothing_and_the_message_can_be_queued_again() {
    let (_dir, outbox) = outbox();
    let message = email("<a@b>", &["a@x.org"]);
    let Queued::Now(path) = outbox.queue(&message, now()).unwrap() else { panic!("it is new") };
    fs::remove_file(&path).unwrap(); // the .eml had not appeared yet
    let summary =
        outbox.deliver(&Transport::Directory, now(), DUE, &CancellationToken::new()).await.summary.unwrap();
    assert_eq!(summary, Summary::default());
    assert_eq!(files(&outbox), Vec::<String>::new());
    assert!(matches!(outbox.queue(&message, now()).unwrap(), Queued::Now(_)));
}

#[tokio::test]
async fn a_crash_before_the_move_is_finished_without_sending_again() {
    let (_dir, outbox) = outbox();
    let Queued::Now(path) = outbox.queue(&email("<a@b>", &["a@x.org"]), now()).unwrap() else {
        panic!("it is new")
    };
    let stem = path.file_stem().unwrap().to_str().unwrap();
    let record = outbox.record(MailFolder::New, stem).unwrap().with_outcome(0, &Outcome::Accepted, now());
    write_record(&path.with_extension("json"), &record).unwrap();
    let server = Server::start(None).await;
    assert_eq!(deliver(&outbox, &server).await.sent, 1);
    assert_eq!(server.accepted(), Vec::<String>::new());
    assert_eq!(files(&outbox), ["sent/eml", "sent/json"]);
}

#[tokio::test]
async fn a_crash_in_the_middle_of_the_move_is_repaired() {
    for folder in [MailFolder::Sent, MailFolder::Dead] {
        let (_dir, outbox) = outbox();
        let Queued::Now(path) = outbox.queue(&email("<a@b>", &["a@x.org"]), now()).unwrap() else {
            panic!("it is new")
        };
        fs::rename(&path, outbox.folder(folder).join(path.file_name().unwrap())).unwrap();
        outbox.deliver(&Transport::Directory, now(), DUE, &CancellationToken::new()).await.summary.unwrap();
        let name = outbox.folder(folder).file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(files(&outbox), [format!("{name}/eml"), format!("{name}/json")]);
    }
}

#[tokio::test]
async fn a_message_whose_record_is_damaged_is_kept_and_said() {
    let (_dir, outbox) = outbox();
    let Queued::Now(path) = outbox.queue(&email("<a@b>", &["a@x.org"]), now()).unwrap() else {
        panic!("it is new")
    };
    let record = path.with_extension("json");
    let newer = fs::read_to_string(&record).unwrap().replacen('{', "{\"version\": 2,", 1);
    for (text, why) in [("{", "is damaged"), (&newer, "was written by a newer quotakeeper")] {
        fs::write(&record, text).unwrap();
        let summary = outbox
            .deliver(&Transport::Directory, now(), DeliveryScope::All, &CancellationToken::new())
            .await
            .summary
            .unwrap();
        assert_eq!(summary.waiting, 1);
        let error = &summary.problems[0].error;
        assert!(error.contains("its recipients are unknown") && error.contains(why), "{error}");
        assert_eq!(files(&outbox), ["new/eml", "new/json"]);
        assert_eq!(fs::read_to_string(&record).unwrap(), text);
    }
}

#[test]
fn records_that_cannot_be_read_are_known_of_mail_that_waits_and_of_mail_that_is_dead() {
    let (dir, outbox) = outbox();
    let queue = |id: &str| match outbox.queue(&email(id, &["a@x.org"]), now()).unwrap() {
        Queued::Now(path) => path,
        Queued::AlreadyThere(path) => panic!("{path:?}"),
    };
    let (waiting, dead, unread) = (queue("<1@b>"), queue("<2@b>"), queue("<3@b>"));
    for (path, folder) in [(&dead, MailFolder::Dead), (&unread, MailFolder::Dead)] {
        outbox.finish(stem(path), folder).unwrap();
    }
    let unsent = || Outbox::unsent(dir.path().join("outbox")).unwrap();
    assert_eq!((unsent().waiting, unsent().dead, unsent().unreadable.len()), (1, 2, 0));
    let record = |path: &Path, folder| outbox.folder(folder).join(format!("{}.json", stem(path)));
    let last_dead = if stem(&dead) > stem(&unread) { &dead } else { &unread };
    let record_of_dead = record(last_dead, MailFolder::Dead);
    fs::write(&record_of_dead, "\0\0").unwrap();
    let seen = unsent();
    assert_eq!(seen.unreadable.len(), 1, "{seen:?}");
    assert!(seen.unreadable[0].contains(stem(last_dead)), "{seen:?}");
    assert!(seen.refusal.is_some(), "that of the other one");
    // A folder in its place cannot be read either, whoever looks.
    let record_of_waiting = record(&waiting, MailFolder::New);
    fs::remove_file(&record_of_waiting).unwrap();
    fs::create_dir(&record_of_waiting).unwrap();
    let seen = unsent();
    assert_eq!((seen.waiting, seen.unreadable.len(), seen.error), (1, 2, None));
    assert!(seen.unreadable[0].contains("its recipients are unknown"), "{:?}", seen.unreadable);
}

#[tokio::test]
async fn a_message_that_cannot_be_read_keeps_no_other_from_being_sent() {
    let (_dir, outbox) = outbox();
    let Queued::Now(bad) = outbox.queue(&email("<1@b>", &["ann@example.com"]), now()).unwrap() else {
        panic!()
    };
    outbox.queue(&email("<2@b>", &["ann@example.com"]), now() + TimeDelta::seconds(1)).unwrap();
    fs::remove_file(&bad).unwrap();
    fs::create_dir(&bad).unwrap();
    let error = outbox
        .deliver(&Transport::Directory, now(), DeliveryScope::All, &CancellationToken::new())
        .await
        .summary
        .unwrap_err();
    assert!(format!("{error:#}").contains(".eml"), "{error:#}");
    assert!(files(&outbox).contains(&"sent/eml".to_owned()), "{:?}", files(&outbox));
}

#[tokio::test]
async fn a_message_that_is_not_what_was_queued_is_not_sent_and_stays() {
    for damaged in ["", "\0\0\0", "From: quota"] {
        let (dir, outbox) = outbox();
        let Queued::Now(bad) = outbox.queue(&email("<1@b>", &["ann@example.com"]), now()).unwrap() else {
            panic!()
        };
        outbox.queue(&email("<2@b>", &["ann@example.com"]), now() + TimeDelta::seconds(1)).unwrap();
        let whole = fs::read(&bad).unwrap();
        fs::write(&bad, damaged).unwrap();
        let deliver = || async {
            let scope = DeliveryScope::All;
            outbox.deliver(&Transport::Directory, now(), scope, &CancellationToken::new()).await.summary
        };
        let error = format!("{:#}", deliver().await.unwrap_err());
        assert!(error.contains("is not what quotakeeper queued"), "{error}");
        assert_eq!(outbox.stems(MailFolder::New).unwrap(), [stem(&bad)]);
        assert_eq!(outbox.stems(MailFolder::Sent).unwrap().len(), 1, "the other one");
        let seen = Outbox::unsent(dir.path().join("outbox")).unwrap();
        assert_eq!((seen.waiting, seen.unreadable.len()), (1, 1));
        fs::write(&bad, whole).unwrap();
        assert_eq!(deliver().await.unwrap().waiting, 0, "put back, it is sent");
    }
}

#[tokio::test]
async fn a_try_is_counted_before_it_is_made() {
    let (_dir, outbox) = outbox();
    let Queued::Now(path) = outbox.queue(&email("<1@b>", &["ann@example.com"]), now()).unwrap() else {
        panic!()
    };
    let server = Server::start(Some(ServerFault::Silence)).await;
    let transport = Transport::new(&mail(), &server.smtp(), None).unwrap().unwrap();
    let cancel = CancellationToken::new();
    tokio::select! {
        // Killed while the server has it: whether it took it is not known.
        _ = outbox.deliver(&transport, now(), DUE, &cancel) => panic!("the server does not answer"),
        () = async { while outbox.record(MailFolder::New, stem(&path)).unwrap().attempts == 0 { tokio::task::yield_now().await; } } => {}
    }
    let record = outbox.record(MailFolder::New, stem(&path)).unwrap();
    assert!(record.next_try > now());
}

/// Rounds of no patience, one after the other, until one comes to its end: what the server had taken after each.
async fn rounds_without_patience(outbox: &Outbox, server: &Server, at: DateTime<Utc>) -> Vec<Vec<String>> {
    let smtp = Smtp { timeout: Duration::from_secs(2), ..server.smtp() };
    let transport = Transport::new(&mail(), &smtp, None).unwrap().unwrap();
    let scope = DeliveryScope::Due { patience: Duration::ZERO };
    let mut taken = Vec::new();
    loop {
        let Delivered { gave_way, .. } =
            outbox.deliver(&transport, at, scope, &CancellationToken::new()).await;
        taken.push(server.accepted());
        if !gave_way {
            return taken;
        }
    }
}

#[tokio::test]
async fn a_round_that_gives_way_goes_on_where_it_stopped_and_nobody_gets_anything_twice() {
    let (_dir, outbox) = outbox();
    outbox.queue(&email("<1@b>", &["a@x.org", "b@x.org"]), now()).unwrap();
    outbox.queue(&email("<2@b>", &["a@x.org"]), now() + TimeDelta::seconds(1)).unwrap();
    let server = Server::start(None).await;
    let taken = rounds_without_patience(&outbox, &server, now() + TimeDelta::hours(1)).await;
    let all = ["a@x.org <1@b>", "b@x.org <1@b>", "a@x.org <2@b>"];
    assert_eq!(taken, [&all[..1], &all[..2], &all[..]]);
    assert_eq!(files(&outbox), ["sent/eml", "sent/eml", "sent/json", "sent/json"]);
}

#[tokio::test]
async fn a_message_that_is_damaged_does_not_end_a_round_that_gave_way() {
    let (_dir, outbox) = outbox();
    let Queued::Now(path) = outbox.queue(&email("<0@b>", &["a@x.org"]), now()).unwrap() else { panic!() };
    fs::write(path, "damaged").unwrap();
    for number in 1..4 {
        outbox
            .queue(&email(&format!("<{number}@b>"), &["a@x.org"]), now() + TimeDelta::seconds(number))
            .unwrap();
    }
    let server = Server::start(None).await;
    let taken = rounds_without_patience(&outbox, &server, now() + TimeDelta::hours(1)).await;
    assert_eq!(taken.last().unwrap()[..], ["a@x.org <1@b>", "a@x.org <2@b>", "a@x.org <3@b>"]);
}

#[tokio::test]
async fn a_try_that_gives_way_counts_once_and_who_was_put_off_waits_for_the_next() {
    let (_dir, outbox) = outbox();
    let everybody = ["busy@x.org", "a@x.org", "b@x.org"];
    let Queued::Now(path) = outbox.queue(&email("<1@b>", &everybody), now()).unwrap() else { panic!() };
    let server = Server::start(Some(ServerFault::Recipient("busy", "450 later"))).await;
    let at = now() + TimeDelta::hours(1);
    let taken = rounds_without_patience(&outbox, &server, at).await;
    assert_eq!(taken.last().unwrap()[..], ["a@x.org <1@b>", "b@x.org <1@b>"]);
    let record = outbox.record(MailFolder::New, stem(&path)).unwrap();
    assert_eq!((record.attempts, record.waited_s), (1, 3600));
    assert_eq!(record.next_try, at + wait_after(1));
}

#[tokio::test]
async fn a_round_does_not_give_way_before_it_knows_whether_a_silent_server_is_down() {
    let (_dir, outbox) = outbox();
    for number in 0..5 {
        outbox.queue(&email(&format!("<{number}@b>"), &["a@x.org"]), now()).unwrap();
    }
    let server = Server::start(Some(ServerFault::Silence)).await;
    assert_eq!(rounds_without_patience(&outbox, &server, now()).await.len(), 1);
    let tries = |stem: &String| outbox.record(MailFolder::New, stem).unwrap().attempts;
    let all: u32 = outbox.stems(MailFolder::New).unwrap().iter().map(tries).sum();
    assert_eq!(all, 2);
}

fn stem(path: &Path) -> &str {
    path.file_stem().unwrap().to_str().unwrap()
}

#[test]
fn a_thread_is_what_these_people_have_or_will_get_of_it_oldest_first() {
    let (_dir, outbox) = outbox();
    let queue = |id: &str, thread: &str, to: &[&str], minutes: i64| {
        let email = Email { thread: Some(thread.to_owned()), ..email(id, to) };
        outbox.queue(&email, now() + TimeDelta::minutes(minutes)).unwrap();
    };
    queue("<b@x>", "20261122T075900Z-a", &["ann@x", "bob@x"], 5);
    queue("<a@x>", "20261122T075900Z-a", &["ann@x"], 1);
    queue("<c@x>", "20261122T075900Z-other", &["ann@x"], 2);
    outbox.queue(&email("<d@x>", &["ann@x"]), now()).unwrap();
    let known = |address: &str, read: &mut Threads| {
        outbox.thread("20261122T075900Z-a", &[address.to_owned()], read).unwrap()
    };
    let thread = |address: &str| known(address, &mut Threads::default());
    assert_eq!(thread("ann@x"), ["<a@x>", "<b@x>"]);
    let mut read = Threads::default();
    assert_eq!(known("bob@x", &mut read), ["<b@x>"]);
    queue("<e@x>", "20261122T075900Z-a", &["ann@x"], 7);
    assert_eq!(known("ann@x", &mut read), ["<a@x>", "<b@x>", "<e@x>"], "what came since is read too");
    assert_eq!(thread("bob@x"), ["<b@x>"]);
    assert!(thread("eve@x").is_empty());

    // Who refused a message does not have it.
    for stem in outbox.stems(MailFolder::New).unwrap() {
        let record = outbox.record(MailFolder::New, &stem).unwrap();
        let refused = Outcome::Refused("550".into());
        let path = outbox.folder(MailFolder::New).join(format!("{stem}.json"));
        write_record(&path, &record.with_outcome(0, &refused, now())).unwrap();
        outbox.finish(&stem, MailFolder::Dead).unwrap();
    }
    assert!(thread("ann@x").is_empty());
    assert_eq!(thread("bob@x"), ["<b@x>"]);
}
