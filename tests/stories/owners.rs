//! Mail to the owners of single account groups, by a routes file, with the real binary.

use std::collections::BTreeMap;

use mail_parser::{Message, MessageParser};

use crate::standin::{World, key};
use crate::testbed::Bench;

const ROUTES: &str = "org_id,aid,emails\n\
    10,101,helpdesk@example.com\n\
    10,102,emea@example.com\n\
    20,*,contoso@example.com; second@example.com\n";

fn bench() -> Bench {
    let bench = Bench::new(World::small())
        .with_mail()
        .with("QUOTAKEEPER__MAIL__TO__ALERTS", r#"["alerts@example.com"]"#);
    let file = bench.data().join("routes.csv");
    fs_err::write(&file, ROUTES).unwrap();
    let path = file.to_str().unwrap().to_owned();
    bench.with("QUOTAKEEPER__MAIL__ROUTES_FILE", &path).with("QUOTAKEEPER__ALERTS__CRITICAL_WITHIN", "0s")
}

/// The texts that each address got, in the order in which they were queued, each in one line.
fn texts(bench: &Bench) -> BTreeMap<String, Vec<String>> {
    bench.run(&["outbox"]).ends_with(0);
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for raw in bench.delivered() {
        let mail = MessageParser::default().parse(&raw).unwrap();
        let text = mail.body_text(0).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        for to in mail.to().unwrap().iter() {
            texts.entry(to.address().unwrap().to_owned()).or_default().push(text.clone());
        }
    }
    texts
}

/// Contains all of these, and none of those (names, because the name of a run holds any digits).
#[track_caller]
fn has_parts(text: &str, all: &[&str], none: &[&str]) {
    for part in all {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
    for part in none {
        assert!(!text.contains(part), "{part} is listed: {text}");
    }
}

#[test]
fn each_of_three_owners_sees_only_their_rows_and_the_administrators_see_all() {
    let bench = bench();
    bench.drop_file(
        "q4.csv",
        "org_id,aid,value,comment,ticket\n10,101,6000,two branches,CHG-1\n10,102,8500,,CHG-2\n20,201,4500,goes on,\n10,1004,3500,,CHG-3\n",
    );
    bench.run(&["inbox"]).ends_with(0);
    let texts = texts(&bench);
    assert_eq!(texts.len(), 5, "{texts:?}");
    let all = ["Helpdesk", "EMEA retail", "ticket: CHG-3", "5 000 → 6 000"];
    has_parts(&texts["changes@example.com"][0], &all, &["mail.routes_file"]);
    has_parts(
        &texts["helpdesk@example.com"][0],
        &[
            "Helpdesk (Northwind Träders, \"EU\"; Köln): 5 000 → 6 000, applied",
            "“two branches”",
            "ticket: CHG-1",
            "mail.routes_file, row 2 (10, 101)",
        ],
        &["EMEA", "CHG-2", "CHG-3", "Ops", "Idle", "allocated", "example.com"],
    );
    has_parts(&texts["emea@example.com"][0], &["8 000 → 8 500", "CHG-2"], &["Helpdesk", "CHG-1"]);
    has_parts(&texts["contoso@example.com"][0], &["→ 4 500", "“goes on”"], &["Helpdesk", "EMEA", "CHG"]);
    assert_eq!(texts["contoso@example.com"], texts["second@example.com"], "one message to both");
    assert_eq!(bench.delivered().len(), 4);
}

#[test]
fn a_change_by_somebody_else_is_mailed_to_its_owner_and_a_period_report_is_not() {
    let bench = bench();
    bench.run(&["snapshot"]).ends_with(0);
    bench.standin.world(|world| world.set(&key("10", "101"), Some(5_555)));
    bench.run(&["snapshot"]).ends_with(0);
    bench.run(&["report", "changes"]).ends_with(0);
    let texts = texts(&bench);
    assert_eq!(texts["changes@example.com"].len(), 2);
    assert_eq!(texts["helpdesk@example.com"].len(), 1);
    has_parts(
        &texts["helpdesk@example.com"][0],
        &["Helpdesk (Northwind Träders, \"EU\"; Köln): 5 000 → 5 555, outside quotakeeper"],
        &[],
    );
    assert_eq!(texts.len(), 2, "{texts:?}");
}

#[test]
fn a_crossed_limit_is_mailed_to_its_owner_with_the_tests_to_cut() {
    let bench = bench();
    let uses = |aid: &str, used: i64, projected: i64| {
        bench.standin.world(|world| {
            let own = world.organizations.get_mut("10").unwrap();
            let group = own.groups.get_mut(aid).unwrap();
            (group.tests, group.agents) =
                (vec![(used - 300, Some(projected - 300)), (300, Some(300))], Vec::new());
            own.add_up();
        });
    };
    uses("101", 400, 4_000);
    uses("102", 400, 4_000);
    bench.run(&["snapshot"]).ends_with(0);
    uses("101", 4_800, 4_900);
    uses("102", 7_800, 7_900);
    bench.run(&["snapshot"]).ends_with(0);
    let texts = texts(&bench);
    has_parts(&texts["alerts@example.com"][0], &["Helpdesk", "EMEA retail", "8 000 → 8 690"], &[]);
    let helpdesk = &texts["helpdesk@example.com"];
    assert_eq!(helpdesk.len(), 1);
    has_parts(
        &helpdesk[0],
        &["has used 96 % of its quota", "Largest tests: ", "4 600", "ask quotakeeper’s administrators"],
        &["EMEA", "rebalance.csv", "quotakeeper propose"],
    );
    assert_eq!(texts.len(), 3, "{texts:?}");
}

#[test]
fn held_rows_wait_for_administrators_and_their_mails_are_one_thread() {
    let bench = bench();
    bench.drop_file("q4.csv", "org_id,aid,value\n10,101,3000\n20,201,4500\n");
    bench.run(&["inbox"]).ends_with(5);
    let held = bench.runs().pop().unwrap().id();
    let waiting = texts(&bench);
    has_parts(
        &waiting["helpdesk@example.com"][0],
        &[
            "1 change waits for quotakeeper’s administrators",
            "3 000 is below the 3 400 projected",
            "Largest: ",
        ],
        &["quotakeeper approve", "quotakeeper reject", "Ops"],
    );
    has_parts(&waiting["changes@example.com"][0], &["quotakeeper approve"], &[]);

    bench.run(&["approve", &held]).ends_with(0);
    let done = texts(&bench);
    assert_eq!(done["helpdesk@example.com"].len(), 2);
    assert_eq!(done["contoso@example.com"].len(), 1, "nothing of theirs was held");
    are_one_thread(&bench, &["changes@example.com", "helpdesk@example.com"]);
}

#[test]
fn rows_of_another_day_are_of_the_thread_of_their_file() {
    let bench = bench();
    bench.drop_file("q4.csv", "org_id,aid,value,effective\n10,101,6000,2999-01-01\n20,201,4500,\n");
    bench.run(&["inbox"]).ends_with(0);
    let later = bench.runs().pop().unwrap().id();
    bench.run(&["reject", &later]).ends_with(0);
    let texts = texts(&bench);
    // Both may be of one second, and then stand in any order.
    let mails = &texts["helpdesk@example.com"];
    let mail_of = |start: &str| mails.iter().find(|mail| mail.starts_with(start)).unwrap();
    has_parts(
        mail_of("Helpdesk (Northwind Träders, \"EU\"; Köln): 5 000 → 6 000, scheduled"),
        &[],
        &["Ops", "reject"],
    );
    has_parts(
        mail_of("Helpdesk (Northwind Träders, \"EU\"; Köln): 5 000 → 6 000, not sent"),
        &["Rejected by "],
        &["Ops"],
    );
    assert_eq!((texts["changes@example.com"].len(), texts["contoso@example.com"].len()), (2, 1));
    are_one_thread(&bench, &["changes@example.com", "helpdesk@example.com"]);
}

/// Each of these has two mails, and the second answers the first.
#[track_caller]
fn are_one_thread(bench: &Bench, addresses: &[&str]) {
    let raw = bench.delivered();
    let mails: Vec<Message> = raw.iter().map(|raw| MessageParser::default().parse(raw).unwrap()).collect();
    for address in addresses {
        let theirs = || mails.iter().filter(|mail| mail.to().unwrap().contains(address));
        let root = theirs().find(|mail| mail.references().as_text().is_none()).unwrap().message_id();
        let answer = theirs().find(|mail| mail.references().as_text().is_some()).unwrap();
        assert_eq!(answer.references().as_text(), root, "{address}");
        assert_eq!(answer.in_reply_to().as_text(), root, "{address}");
    }
}

#[test]
fn check_names_each_mistake_and_who_has_no_owner_and_a_broken_file_costs_the_administrators_nothing() {
    let bench = bench();
    bench.run(&["snapshot"]).ends_with(0);
    let good = bench.run(&["check"]).ends_with(0);
    has_parts(
        &good.out,
        &[
            "✓ mail.routes_file: 3 routes to 4 owners",
            "account groups of the latest snapshot have no owner: ",
        ],
        &[],
    );
    fs_err::write(bench.data().join("routes.csv"), "org_id,aid,emails\n").unwrap();
    let nobody = bench.run(&["check"]).ends_with(0);
    has_parts(&nobody.out, &["mail.routes_file names no owner"], &["0 routes"]);

    fs_err::write(
        bench.data().join("routes.csv"),
        "org_id,aid,emails\n10,101,helpdesk\n,1,a@x\n10,102,emea@example.com\n",
    )
    .unwrap();
    let bad = bench.run(&["check"]).ends_with(1);
    has_parts(
        &bad.out,
        &[
            "routes.csv: Row 2, column `emails`: `helpdesk`",
            "routes.csv: Row 3, column `org_id`: it is empty",
        ],
        &[],
    );
    bench.drop_file("q4.csv", "org_id,aid,value\n10,101,6000\n10,102,8500\n");
    let ran = bench.run(&["once"]).ends_with(0);
    has_parts(&ran.log, &["mistake in mail.routes_file", r#""mistakes":2"#], &["helpdesk"]);
    let texts = texts(&bench);
    assert_eq!((texts["changes@example.com"].len(), texts["emea@example.com"].len()), (1, 1));
    assert!(!texts.contains_key("helpdesk@example.com"));
    has_parts(&bench.run(&["status"]).ends_with(0).out, &["2 mistakes in mail.routes_file"], &[]);
}
