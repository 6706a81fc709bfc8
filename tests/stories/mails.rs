//! One mail for a run, one for what somebody else did, none twice.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use mail_parser::{MessageParser, MimeHeaders};

use crate::standin::{Fault, World, key};
use crate::testbed::{self, Bench, counts, table};

const RAISE: &str = "org_id,aid,value,comment\n10,101,6000,more\n";

#[test]
fn a_run_is_reported_in_one_mail_however_often_the_jobs_run() {
    let bench = Bench::new(World::small()).with_mail();
    bench.drop_file("raise.csv", RAISE);
    for _ in 0..2 {
        bench.run(&["inbox"]).ends_with(0);
        bench.run(&["outbox"]).ends_with(0);
        let mails = bench.delivered();
        assert_eq!(mails.len(), 1);
        assert!(mails[0].contains("changes@example.com") && mails[0].contains("Helpdesk"), "{}", mails[0]);
    }
    bench.run(&["once"]).ends_with(0);
    assert_eq!(bench.delivered().len(), 1);
}

#[test]
fn a_mail_about_several_files_brings_what_is_to_be_corrected_of_each() {
    let bench = Bench::new(World::small()).with_mail();
    bench.drop_file("raise.csv", RAISE);
    bench.drop_file("typo.csv", "org_id,aid,value\n10,101,12x\n");
    bench.drop_file("north.csv", "org_id,aid,value\n10,999,5\n");
    bench.run(&["inbox"]).ends_with(4);
    bench.run(&["outbox"]).ends_with(0);
    let [mail] = bench.delivered().try_into().unwrap();
    let mail: String = mail;
    let message = MessageParser::default().parse(mail.as_bytes()).unwrap();
    let files: BTreeMap<String, String> = message
        .attachments()
        .map(|part| (part.attachment_name().unwrap().to_owned(), part.text_contents().unwrap().to_owned()))
        .collect();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["north.error.csv", "typo.error.csv"]);
    assert!(
        files["typo.error.csv"].contains("12x") && files["north.error.csv"].contains("unknown_target"),
        "{files:?}"
    );
}

#[test]
fn a_change_by_somebody_else_is_reported_once_and_recorded() {
    let bench = Bench::new(World::small()).with_mail();
    bench.run(&["snapshot"]).ends_with(0);
    bench.standin.world(|world| world.set(&key("10", "101"), Some(5_555)));
    bench.run(&["snapshot"]).ends_with(0);
    bench.run(&["snapshot"]).ends_with(0);
    bench.run(&["outbox"]).ends_with(0);

    let files = bench.csv_files("changes");
    assert_eq!(files.len(), 1);
    let rows = table(&fs_err::read(&files[0]).unwrap());
    assert_eq!(rows.len(), 1);
    let cells = ["org_id", "aid", "before", "after", "made_by"].map(|column| rows[0][column].as_str());
    assert_eq!(cells, ["10", "101", "5000", "5555", "outside"]);
    let mails = bench.delivered();
    assert_eq!(mails.len(), 1);
    // What it asks for comes along.
    let message = MessageParser::default().parse(mails[0].as_bytes()).unwrap();
    let file = message.attachments().find(|part| part.attachment_name() == Some("restore.csv")).unwrap();
    bench.drop_file("restore.csv", file.text_contents().unwrap());
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.quotas()[&key("10", "101")], 5_000);
}

#[test]
fn a_runs_change_is_recorded_as_its_own_and_is_no_drift() {
    let bench = Bench::new(World::small()).with_mail();
    bench.run(&["snapshot"]).ends_with(0);
    bench.drop_file("raise.csv", RAISE);
    bench.run(&["inbox"]).ends_with(0);
    bench.run(&["snapshot"]).ends_with(0);
    bench.run(&["outbox"]).ends_with(0);

    let files = bench.csv_files("changes");
    assert_eq!(files.len(), 1);
    let rows = table(&fs_err::read(&files[0]).unwrap());
    let run = bench.only_run().id();
    let cells = ["before", "after", "made_by", "run", "comment"].map(|column| rows[0][column].as_str());
    assert_eq!(cells, ["5000", "6000", "run", run.as_str(), "more"]);
    assert_eq!(bench.delivered().len(), 1, "the run's own mail and no other");
}

#[test]
fn a_change_on_top_of_a_runs_change_is_drift_from_the_runs_value() {
    let bench = Bench::new(World::small()).with_mail();
    bench.run(&["snapshot"]).ends_with(0);
    bench.drop_file("raise.csv", RAISE);
    bench.run(&["inbox"]).ends_with(0);
    bench.standin.world(|world| world.set(&key("10", "101"), Some(6_500)));
    bench.run(&["snapshot"]).ends_with(0);
    bench.run(&["outbox"]).ends_with(0);
    let rows = table(&fs_err::read(&bench.csv_files("changes")[0]).unwrap());
    let reported: Vec<_> = rows.iter().map(|row| [&row["before"], &row["after"], &row["made_by"]]).collect();
    assert_eq!(reported, [["5000", "6000", "run"], ["6000", "6500", "outside"]]);
    assert_eq!(bench.delivered().len(), 2);
}

#[test]
fn a_snapshot_that_keeps_failing_is_reported_once_until_it_succeeds() {
    let bench = Bench::new(World::small()).with_mail();
    // Failures are distinguished by the second, so it fails for more than one.
    let fail_often = || {
        bench.standin.world(|world| world.broken = Some(("GET /quotas", 403)));
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(1) {
            bench.run(&["snapshot"]).ends_with(1);
        }
        bench.run(&["snapshot"]).ends_with(1);
        bench.run(&["outbox"]).ends_with(0);
    };
    fail_often();
    let mails = bench.delivered();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("ops@example.com"), "{}", mails[0]);

    bench.standin.world(|world| world.broken = None);
    bench.run(&["snapshot"]).ends_with(0);
    fail_often();
    // Another outage is another mail; between them one says that the job works again.
    assert_eq!(bench.delivered().len(), 3);
}

#[test]
fn a_continuing_outage_is_reported_again_once_a_day() {
    let bench = Bench::new(World::small()).with_mail();
    bench.standin.world(|world| world.broken = Some(("GET /quotas", 403)));
    let fail = || {
        for _ in 0..3 {
            bench.run(&["snapshot"]).ends_with(1);
        }
        bench.run(&["outbox"]).ends_with(0);
        bench.delivered().len()
    };
    assert_eq!(fail(), 1);
    for day in 1..3 {
        // As if it had begun a day earlier.
        let path = bench.data().join("state.json");
        let mut state: serde_json::Value = serde_json::from_slice(&fs_err::read(&path).unwrap()).unwrap();
        let since: chrono::DateTime<chrono::Utc> =
            state["failing"]["snapshot"].as_str().unwrap().parse().unwrap();
        state["failing"]["snapshot"] = (since - chrono::Duration::days(1)).to_rfc3339().into();
        fs_err::write(&path, state.to_string()).unwrap();
        assert_eq!(fail(), 1 + day);
    }
}

#[test]
fn a_run_in_the_same_second_as_a_snapshot_is_no_drift_then_or_later() {
    let bench = Bench::new(World::small()).with_mail();
    bench.run(&["snapshot"]).ends_with(0);
    bench.make_the_snapshot_old();
    bench.drop_file("raise.csv", RAISE);
    bench.run(&["inbox"]).ends_with(0);
    for _ in 0..2 {
        bench.run(&["snapshot"]).ends_with(0);
    }
    bench.run(&["outbox"]).ends_with(0);
    assert_eq!(made_by(&bench), ["run"]);
    assert_eq!(bench.delivered().len(), 1, "the run's own mail and no other");
}

#[test]
fn changes_that_an_interrupted_run_sent_are_its_own_and_no_drift() {
    let bench = Bench::new(World::small()).with_mail();
    bench.run(&["snapshot"]).ends_with(0);
    bench.make_the_snapshot_old();
    bench.drop_file("raise.csv", "org_id,aid,value\n10,101,6000\n10,102,7000\n");
    // The raise is sent, and the token is refused before the decrease.
    bench.standin.at("POST", 1, Fault::Fail(401));
    bench.standin.at("POST", 1, Fault::Fail(401));
    bench.run(&["inbox"]).ends_with(1);
    assert_eq!(bench.only_run().state(), "applying");
    bench.run(&["snapshot"]).ends_with(0);
    assert_eq!(made_by(&bench), ["run"]);

    bench.standin.forget_faults();
    bench.run(&["inbox"]).ends_with(0);
    bench.run(&["snapshot"]).ends_with(0);
    bench.run(&["outbox"]).ends_with(0);
    assert_eq!(made_by(&bench), ["run", "run"], "each row in the snapshot that showed it first");
    assert_eq!(
        bench.delivered().len(),
        3,
        "the failure, the run, and that the job works again; none of drift"
    );
}

#[test]
fn the_mail_of_a_held_run_says_what_would_happen_why_it_waits_and_what_to_do() {
    let bench = Bench::new(World::small()).with_mail();
    let rows = "10,101,3000,less\n10,102,,none\n10,1004,60000,more\n20,201,4500,goes on\n";
    let rows = rows.lines().map(|row| {
        let action = if row.contains(",,") { "unassign" } else { "assign" };
        format!("{action},{row}\n")
    });
    bench.drop_file("q4.csv", format!("action,org_id,aid,value,comment\n{}", rows.collect::<String>()));
    bench.run(&["inbox"]).ends_with(5);
    bench.run(&["outbox"]).ends_with(0);
    let held = bench.runs().pop().unwrap();
    assert_eq!(held.state(), "held");
    let id = held.id();
    let reported = bench.delivered().into_iter().find(|mail| mail.contains("reject")).unwrap();
    let mail = MessageParser::default().parse(&reported).unwrap();
    let text = mail.body_text(0).unwrap().replace('\r', "");
    let html = mail.body_html(0).unwrap().into_owned();
    // Lines are wrapped, and a command goes on behind its backslash.
    let one_line = text.replace("\\\n", " ").split_whitespace().collect::<Vec<_>>().join(" ");

    for row in table(&held.read("plan.csv")) {
        let what = [
            (
                "101",
                "Helpdesk 101",
                "5 000 → 3 000",
                "1 500 used, 3 400 projected; 400 short of the 3 400 needed",
            ),
            ("102", "EMEA retail 102", "8 000 → no quota", "900 used, 2 000 projected"),
            ("1004", "Idle 1004", "3 000 → 60 000", "0 used, 0 projected"),
        ];
        let (_, name, change, figures) = what.into_iter().find(|what| what.0 == row["aid"]).unwrap();
        for part in [name, change, figures, &format!("row {}", row["row"]), &format!("“{}”", row["comment"])]
        {
            assert!(one_line.contains(part), "{part}: {text}");
        }
        for reason in row["message"].split(" · ") {
            // As a sentence of its own it begins with a capital letter.
            let is_said = one_line.to_lowercase().contains(&reason.to_lowercase());
            assert!(is_said, "{reason}: {text}");
        }
    }
    let plan = held.record()["plan_sha256"].as_str().unwrap().to_owned();
    let (approve, reject) =
        (format!("quotakeeper approve {id} --plan {}", &plan[..8]), format!("quotakeeper reject {id}"));
    for part in
        [approve.as_str(), &reject, "if nobody decides by then", "1 other row has already been applied"]
    {
        assert!(one_line.contains(part), "{part}: {text}");
    }
    for part in [&plan[..8], "Helpdesk", "reject"] {
        assert!(html.contains(part), "{part}: {html}");
    }
    let typed: Vec<&str> = approve.split(' ').skip(1).collect();
    bench.run(&typed).ends_with(0);
    assert_eq!(held.counts(), counts([("applied", 3)]));
}

#[test]
fn the_mail_of_a_held_file_of_twelve_thousand_rows_is_one_that_mail_servers_take() {
    let bench = Bench::new(World::wide(12, 1_000)).with_mail().with("QUOTAKEEPER__GUARD__APPROVAL", "always");
    let comment = "the regional office moves, CHG-8841. ".repeat(8);
    let rows = bench
        .quotas()
        .into_keys()
        .filter_map(|(org_id, aid)| Some(format!("{org_id},{},1050,\"{comment}\"\n", aid?)));
    bench.drop_file("all.csv", format!("org_id,aid,value,comment\n{}", rows.collect::<String>()));
    bench.run(&["inbox"]).ends_with(5);
    assert!(bench.only_run().read("plan.csv").len() > 4 << 20);
    bench.run(&["outbox"]).ends_with(0);
    let mails = bench.delivered();
    let asks = mails.iter().find(|mail| mail.contains("quotakeeper approve")).unwrap();
    assert!(asks.len() < 10_000_000, "{}", asks.len());
    let mail = MessageParser::default().parse(asks).unwrap();
    let text = mail.body_text(0).unwrap();
    assert!(!text.contains("Attached") && text.contains("--format json"), "{text}");
}

/// Who made each change that the snapshots showed.
fn made_by(bench: &Bench) -> Vec<String> {
    let files = bench.csv_files("changes").into_iter();
    let rows = files.flat_map(|path| table(&fs_err::read(path).unwrap()));
    rows.map(|row| row["made_by"].clone()).collect()
}

#[test]
fn a_report_of_no_change_is_sent_only_where_that_is_asked_for() {
    let bench = Bench::new(World::small()).with_mail();
    bench.run(&["snapshot"]).ends_with(0);
    let ran = bench.run(&["report", "changes"]).ends_with(0);
    assert!(ran.log.contains("No quota changed since") && ran.log.contains("no mail"), "{}", ran.log);
    bench.run(&["outbox"]).ends_with(0);
    assert_eq!(bench.delivered().len(), 0);

    let bench = bench.with("QUOTAKEEPER__MAIL__CHANGES_WHEN_EMPTY", "true");
    bench.run(&["report", "changes"]).ends_with(0);
    bench.run(&["outbox"]).ends_with(0);
    let mails = bench.delivered();
    assert!(mails.len() == 1 && mails[0].contains("No quota changed since"), "{mails:?}");
}

#[test]
fn a_report_of_changes_names_the_run_and_the_file_of_each() {
    let bench = Bench::new(World::small()).with_mail();
    bench.run(&["snapshot"]).ends_with(0);
    bench.drop_file("raise.csv", RAISE);
    bench.run(&["inbox"]).ends_with(0);
    bench.run(&["snapshot"]).ends_with(0);
    let page = bench.data().join("changes.html");
    bench.run(&["report", "changes", "--out", page.to_str().unwrap()]).ends_with(0);
    let page = fs_err::read_to_string(page).unwrap();
    let who = format!("raise.csv, run {}", bench.only_run().id());
    assert!(page.contains(&who), "{who}: {page}");
}

#[test]
fn a_report_that_is_asked_for_where_mail_is_off_says_so_and_how_to_read_it() {
    let bench = Bench::new(World::default());
    bench.run(&["snapshot"]).ends_with(0);
    for kind in ["usage", "changes", "closing"] {
        let log = bench.run(&["report", kind]).ends_with(0).log;
        assert!(log.contains(&format!("`quotakeeper report {kind} --out {kind}.html`")), "{log}");
    }
    let log = bench.run(&["outbox"]).ends_with(0).log;
    assert!(log.contains("Mail is off (mail.transport): nothing was sent."), "{log}");
    let log = bench.with_mail().run(&["report", "usage"]).ends_with(0).log;
    assert!(!log.contains("Mail is off"), "{log}");
}

/// A mail server that takes everything.
fn take_mail(mut client: TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(client.try_clone()?).lines();
    client.write_all(b"220 here\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        if line == "DATA" {
            client.write_all(b"354 go on\r\n")?;
            while lines.next().transpose()?.is_some_and(|line| line != ".") {}
        }
        client.write_all(b"250 ok\r\n")?;
    }
    Ok(())
}

#[test]
fn a_report_that_is_asked_for_while_a_pass_delivers_its_mail_is_delivered_by_that_pass() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port().to_string();
    let bench = Bench::new(World::small()).with_mail();
    bench.run(&["snapshot"]).ends_with(0);
    bench.drop_file("raise.csv", RAISE);
    let bench = bench
        .with("QUOTAKEEPER__MAIL__TRANSPORT", "smtp")
        .with("QUOTAKEEPER__SMTP__HOST", "127.0.0.1")
        .with("QUOTAKEEPER__SMTP__PORT", &port)
        .with("QUOTAKEEPER__SMTP__TLS", "off")
        .with("QUOTAKEEPER__SCHEDULE__USAGE_REPORT", "")
        .with("QUOTAKEEPER__MAIL__TO__USAGE", r#"["usage@example.com"]"#);
    let mut pass = bench.start(&["once"]);
    let (client, _) = server.accept().unwrap();
    // It waits for the greeting now; the report waits for it.
    let mut report = bench.command(&["report", "usage"]).spawn().unwrap();
    let requests = bench.data().join("requests");
    let has_request = || fs_err::read_dir(&requests).is_ok_and(|mut there| there.next().is_some());
    while !has_request() {
        assert!(report.try_wait().unwrap().is_none(), "it was handed to nobody");
        std::thread::yield_now();
    }
    std::thread::spawn(move || {
        // Who hangs up has what it wanted.
        let _ = take_mail(client);
        server.incoming().flatten().for_each(|client| drop(take_mail(client)));
    });
    assert!(report.wait().unwrap().success());
    assert!(pass.wait().unwrap().success(), "{}", bench.log());
    let waiting = testbed::files(&bench.data().join("outbox/new"));
    assert!(waiting.is_empty(), "{waiting:?}\n{}", bench.log());
    assert_eq!(bench.delivered().len(), 2, "of the run, and the report");
}
