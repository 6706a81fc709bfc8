//! Usage that grows: one mail when it becomes critical, one digest of the warnings, and the end of both.

use crate::standin::World;
use crate::testbed::Bench;

/// Mails to the alerts' address only, in the order of their names, without the breaks of their lines.
fn alerts(bench: &Bench) -> Vec<String> {
    bench.run(&["outbox"]).ends_with(0);
    let mails = bench.delivered().into_iter().filter(|mail| mail.contains("To: alerts@example.com"));
    let plain = |mail: String| mail.replace("=\r\n", "").split_whitespace().collect::<Vec<_>>().join(" ");
    mails.map(plain).collect()
}

fn bench() -> Bench {
    Bench::new(World::small())
        .with_mail()
        .with("QUOTAKEEPER__MAIL__TO__ALERTS", r#"["alerts@example.com"]"#)
        // Whatever the day, only what a test lets grow is near its end.
        .with("QUOTAKEEPER__ALERTS__CRITICAL_WITHIN", "0s")
}

/// What the account group 101 of organization 10 used, and what is projected, of 5 000.
fn uses(bench: &Bench, used: i64, projected: i64) {
    bench.standin.world(|world| {
        let own = world.organizations.get_mut("10").unwrap();
        let group = own.groups.get_mut("101").unwrap();
        (group.tests, group.agents) = (vec![(used, Some(projected))], Vec::new());
        own.add_up();
    });
}

#[test]
fn a_target_that_becomes_critical_is_reported_once_by_the_next_snapshot() {
    let bench = bench();
    uses(&bench, 100, 4_000);
    bench.run(&["snapshot"]).ends_with(0);
    assert_eq!(alerts(&bench).len(), 0);
    uses(&bench, 4_800, 4_900);
    for _ in 0..3 {
        bench.run(&["snapshot"]).ends_with(0);
    }
    let mails = alerts(&bench);
    assert_eq!(mails.len(), 1, "{mails:?}");
    for part in [
        "Subject: [Critical] Helpdesk (",
        "has used 96 % of its quota",
        "5 000 =E2=86=92 5 390",
        "(critical: from 95 %)",
    ] {
        assert!(mails[0].contains(part), "{part}: {}", mails[0]);
    }
    uses(&bench, 4_800, 5_600);
    bench.run(&["snapshot"]).ends_with(0);
    assert_eq!(alerts(&bench).len(), 1);
}

#[test]
fn warnings_and_what_is_back_to_normal_come_in_one_digest_a_day() {
    let bench = bench();
    uses(&bench, 100, 4_000);
    bench.run(&["snapshot"]).ends_with(0);
    // Snapshots know their time to the second, and two in one second take the next: the run must not fall before them.
    bench.make_the_snapshot_old();
    uses(&bench, 4_000, 5_500);
    bench.run(&["snapshot"]).ends_with(0);
    assert_eq!(alerts(&bench).len(), 0, "a warning waits");
    // The digest never was: it is due.
    bench.run(&["once"]).ends_with(0);
    let mails = alerts(&bench);
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(mails[0].contains("(warning: above 100 %)"), "{}", mails[0]);
    bench.run(&["once"]).ends_with(0);
    assert_eq!(alerts(&bench).len(), 1);

    // A raise ends it: the next digest says so, and by which run.
    bench.drop_file("raise.csv", "org_id,aid,value\n10,101,7000\n");
    bench.run(&["inbox"]).ends_with(0);
    bench.run(&["snapshot"]).ends_with(0);
    fs_err::remove_file(bench.data().join("state.json")).unwrap();
    bench.run(&["once"]).ends_with(0);
    let mails = alerts(&bench);
    assert_eq!(mails.len(), 2);
    let digest = mails.iter().find(|mail| mail.contains("back to normal")).unwrap();
    let why = format!("was raised from 5 000 to 7 000 by run {}", bench.only_run().id());
    assert!(
        digest.contains("is back to normal")
            && digest.contains("Helpdesk (Northwind")
            && digest.contains(&why),
        "{digest}"
    );
}

#[test]
fn a_muted_group_raises_no_alert_and_stays_in_the_usage_report() {
    let bench = bench().with(
        "QUOTAKEEPER__ALERTS__MUTES",
        r#"[{ name = "help*", reason = "load test", until = "9000-01-01" }]"#,
    );
    uses(&bench, 100, 4_000);
    bench.run(&["snapshot"]).ends_with(0);
    uses(&bench, 4_800, 4_900);
    bench.run(&["snapshot"]).ends_with(0);
    assert_eq!(alerts(&bench).len(), 0);
    let page = bench.data().join("usage.html");
    bench.run(&["report", "usage", "--out", page.to_str().unwrap()]).ends_with(0);
    assert!(fs_err::read_to_string(page).unwrap().contains("Helpdesk"));
}

#[test]
fn a_lost_record_loses_no_warning_that_waits_and_mails_nothing_twice() {
    let bench = bench();
    uses(&bench, 100, 4_000);
    bench.run(&["once"]).ends_with(0); // with a digest, which has nothing to say
    bench.run(&["snapshot"]).ends_with(0);
    uses(&bench, 4_800, 4_900);
    bench.run(&["snapshot"]).ends_with(0);
    assert_eq!(alerts(&bench).len(), 1, "of what is critical");
    fs_err::write(bench.data().join("alerts.json"), "{").unwrap();
    bench.run(&["snapshot"]).ends_with(0);
    assert_eq!(alerts(&bench).len(), 1);
}

#[test]
fn a_crash_between_the_mail_and_the_record_reports_nothing_twice() {
    let bench = bench();
    uses(&bench, 100, 4_000);
    bench.run(&["snapshot"]).ends_with(0);
    let before = fs_err::read(bench.data().join("alerts.json")).unwrap();
    uses(&bench, 4_800, 4_900);
    bench.run(&["snapshot"]).ends_with(0);
    assert_eq!(alerts(&bench).len(), 1);
    fs_err::write(bench.data().join("alerts.json"), before).unwrap();
    bench.run(&["snapshot"]).ends_with(0);
    assert_eq!(alerts(&bench).len(), 1);
}

#[test]
fn an_answer_that_shows_less_usage_than_before_does_not_end_an_alert() {
    let bench = bench();
    uses(&bench, 100, 4_000);
    bench.run(&["snapshot"]).ends_with(0);
    uses(&bench, 4_800, 4_900);
    bench.run(&["snapshot"]).ends_with(0);
    assert_eq!(alerts(&bench).len(), 1);
    uses(&bench, 0, 0);
    bench.run(&["snapshot"]).ends_with(0);
    bench.run(&["once"]).ends_with(0); // with a digest
    assert_eq!(alerts(&bench).len(), 1);
}
