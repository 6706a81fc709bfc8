//! Billing cycles that end: one mail for all that closed, once, whatever happens in between.

use crate::standin::World;
use crate::testbed::{Bench, table};

/// Two of the three organizations have cycles that these stories move; the third's runs on.
fn bench() -> Bench {
    let bench = Bench::new(World::small())
        .with_mail()
        .with("QUOTAKEEPER__MAIL__TO__USAGE", r#"["usage@example.com"]"#)
        .with("QUOTAKEEPER__SCHEDULE__USAGE_REPORT", "")
        .with("QUOTAKEEPER__SCHEDULE__DIGEST", "0 0 * * *");
    moves(&bench, &["10", "20"], [-25, 5]);
    bench.run(&["snapshot"]).ends_with(0);
    bench.run(&["report", "closing"]).ends_with(0);
    bench
}

fn moves(bench: &Bench, org_ids: &[&str], days: [i64; 2]) {
    bench.standin.world(|world| {
        for org_id in org_ids {
            world.organizations.get_mut(*org_id).unwrap().cycle = Some(days);
        }
    });
}

/// The last snapshot becomes one of four days ago, then the cycles of these organizations end, and another one is taken.
fn closes(bench: &Bench, org_ids: &[&str]) {
    bench.age_the_last_snapshot(4);
    moves(bench, org_ids, [-1, 29]);
    bench.run(&["snapshot"]).ends_with(0);
}

/// The closing reports that were delivered, without the breaks of their lines.
fn closing_mails(bench: &Bench) -> Vec<String> {
    bench.run(&["outbox"]).ends_with(0);
    let mails = bench.delivered().into_iter().filter(|mail| mail.contains("List-Id: <closing."));
    let plain = |mail: String| mail.replace("=\r\n", "").split_whitespace().collect::<Vec<_>>().join(" ");
    mails.map(plain).collect()
}

fn record(bench: &Bench) -> std::path::PathBuf {
    bench.data().join("closings.json")
}

#[test]
fn a_closed_cycle_is_reported_once_with_its_usage() {
    let bench = bench();
    assert_eq!(closing_mails(&bench).len(), 0, "the first sight is a baseline");
    closes(&bench, &["10"]);
    for _ in 0..3 {
        bench.run(&["report", "closing"]).ends_with(0);
    }
    let mails = closing_mails(&bench);
    assert_eq!(mails.len(), 1, "{mails:?}");
    for part in [
        "To: usage@example.com",
        "used 6 % of its quota in the",
        "2 500 used of 40 000",
        " days before the end",
        "Contracted plan",
        "filename=\"closing-",
    ] {
        assert!(mails[0].contains(part), "{part}: {}", mails[0]);
    }
    bench.run(&["snapshot"]).ends_with(0);
    bench.run(&["report", "closing"]).ends_with(0);
    assert_eq!(closing_mails(&bench).len(), 1);
}

#[test]
fn two_organizations_that_close_on_a_day_are_one_mail_at_the_daily_slot() {
    let bench = bench();
    fs_err::remove_file(bench.data().join("state.json")).unwrap();
    closes(&bench, &["10", "20"]);
    bench.run(&["once"]).ends_with(0);
    bench.run(&["once"]).ends_with(0);
    let mails = closing_mails(&bench);
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(mails[0].contains("Subject: [OK] 2 organizations closed their cycle"), "{}", mails[0]);
    assert!(mails[0].contains("Contoso") && mails[0].contains("Northwind"), "{}", mails[0]);
    assert!(!mails[0].contains("Fabrikam"), "{}", mails[0]);
}

#[test]
fn a_kill_before_or_after_the_closing_mail_still_reports_once() {
    let bench = bench();
    closes(&bench, &["10", "20"]);
    // Killed before the mail: nothing can be queued where a file lies.
    let outbox = bench.data().join("outbox");
    let aside = bench.data().join("aside");
    if outbox.exists() {
        fs_err::rename(&outbox, &aside).unwrap();
    }
    fs_err::write(&outbox, "").unwrap();
    bench.run(&["report", "closing"]).ends_with(1);
    let pending = fs_err::read_to_string(record(&bench)).unwrap();
    assert!(pending.contains(r#""pending": ["#), "{pending}");
    fs_err::remove_file(&outbox).unwrap();
    if aside.exists() {
        fs_err::rename(&aside, &outbox).unwrap();
    }
    // What else closes meanwhile waits for the next mail, or this one would be another message after the next kill.
    moves(&bench, &["9"], [-1, 29]);
    bench.run(&["snapshot"]).ends_with(0);
    bench.run(&["report", "closing"]).ends_with(0);
    assert_eq!(closing_mails(&bench).len(), 1);
    // Killed after the mail: the record is what it was before.
    fs_err::write(record(&bench), pending).unwrap();
    bench.run(&["report", "closing"]).ends_with(0);
    assert_eq!(closing_mails(&bench).len(), 1);
    bench.run(&["report", "closing"]).ends_with(0);
    let mails = closing_mails(&bench);
    assert_eq!(mails.len(), 2);
    assert_eq!(mails.iter().filter(|mail| mail.contains("Fabrikam")).count(), 1);
}

#[test]
fn the_last_cycle_can_be_shown_and_its_snapshot_outlives_the_thinning() {
    let bench = bench().with("QUOTAKEEPER__DATA__KEEP", "{ hourly = 1, daily = 1, monthly = 1 }");
    closes(&bench, &["10"]);
    let page = bench.data().join("closing.html");
    bench.run(&["report", "closing", "--out", page.to_str().unwrap()]).ends_with(0);
    let shown = fs_err::read_to_string(&page).unwrap();
    assert!(shown.contains("Northwind") && shown.contains("Fabrikam"), "{shown}");
    assert_eq!(closing_mails(&bench).len(), 0);
    bench.run(&["report", "closing"]).ends_with(0);
    let closed = bench.csv_files("history").remove(0);
    for _ in 0..3 {
        bench.run(&["snapshot"]).ends_with(0);
    }
    bench.run(&["prune"]).ends_with(0);
    let left = bench.csv_files("history");
    assert!(left.contains(&closed) && left.len() == 3, "{left:?}");
    assert_eq!(table(&fs_err::read(&closed).unwrap()).len(), 10);
}

#[test]
fn a_lost_record_loses_no_cycle_that_closed() {
    let bench = bench();
    closes(&bench, &["10"]);
    fs_err::write(record(&bench), "{").unwrap();
    bench.run(&["report", "closing"]).ends_with(0);
    assert_eq!(
        closing_mails(&bench).len(),
        0,
        "without a report before it, the cycles that run now are the first"
    );
    fs_err::write(record(&bench), "{").unwrap();
    bench.run(&["report", "closing"]).ends_with(0);
    assert_eq!(closing_mails(&bench).len(), 0);
}
