//! What owners get: their own, whatever stands beside it, and nothing of anybody else.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use mail_parser::{MessageParser, MimeHeaders};
use tempfile::TempDir;

use super::*;
use crate::change::{Outcome, PlanRow, RowResult, RunState, RunSummary};
use crate::config::{Alerts, Config, Data, Mail, Recipients, Transport};
use crate::domain::quota::UsageRule;
use crate::domain::top_consumers::TopConsumer;
use crate::report::fixtures::{alert_news, at, changed, done_summary, held_summary, realistic, terms};
use crate::report::{AlertTiming, Audience, Level, Slopes};

struct Post {
    folder: TempDir,
    mailer: Mailer,
}

/// One message as it lies in the outbox.
struct Got {
    to: BTreeSet<String>,
    raw: String,
    subject: String,
    text: String,
    html: String,
    attached: String,
}

impl Post {
    fn new(routes: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("routes.csv");
        fs_err::write(&file, routes).unwrap();
        let to = || vec!["admin@example.com".to_owned()];
        let config = Config {
            mail: Mail {
                transport: Transport::Directory,
                from: Some("quotakeeper <quotas@example.com>".into()),
                to: Recipients { changes: to(), alerts: to(), usage: to(), ..Recipients::default() },
                routes_file: Some(file),
                ..Mail::default()
            },
            data: Data { dir: folder.path().to_owned(), ..Data::default() },
            schedule: crate::config::Schedule { timezone: chrono_tz::Europe::Berlin, ..Default::default() },
            ..Config::default()
        };
        let identity = r#"{"version": 1, "id": "4f2a90c1d7e3"}"#;
        fs_err::write(folder.path().join("installation.json"), identity).unwrap();
        Self { folder, mailer: Mailer::new(&config, "nms-01") }
    }

    fn run(&self, summary: &RunSummary, held: Option<&RunSummary>) {
        self.run_at(summary, held, at("11-22T07:00"));
    }

    fn run_at(&self, summary: &RunSummary, held: Option<&RunSummary>, now: DateTime<Utc>) {
        let (summary, held) = (summary.clone(), held.cloned());
        self.mailer
            .send_run_notice(
                &RunNotice { summary, held, files: Vec::new(), is_for_owners: true, by: String::new() },
                now,
            )
            .unwrap();
    }

    fn drift(&self, seen: &Diff, latest: &Snapshot) {
        self.mailer.send_drift(seen, latest, at("11-22T07:00")).unwrap();
        self.mailer.drift_to_owners(seen, latest, at("11-22T07:00")).unwrap();
    }

    fn alerts(&self, occasion: AlertTiming, news: &[report::AlertEvent], latest: &Snapshot) {
        let input = AlertInput {
            occasion,
            news,
            latest,
            slopes: &Slopes::default(),
            alerts: &Alerts::default(),
            terms: terms(),
            audience: Audience::Administrators,
        };
        self.mailer.alerts(&input, at("11-22T07:00")).unwrap();
        self.mailer.alerts_to_owners(&input, at("11-22T07:00")).unwrap();
    }

    fn closing(&self, closed: &[report::ClosedCycles], latest: &Snapshot) {
        let diffs = [changed()];
        let input = ClosingInput { closed, diffs: &diffs, latest, rule: &UsageRule::default() };
        let report = report::closing_report(&input, &self.mailer.context(at("11-22T07:00")));
        self.mailer.closing(report, at("11-22T07:00")).unwrap();
        self.mailer.closing_to_owners(&input, at("11-22T07:00")).unwrap();
    }

    /// All messages, in the order of their recipients.
    fn got(&self) -> Vec<Got> {
        let Ok(entries) = fs_err::read_dir(self.folder.path().join("outbox/new")) else { return Vec::new() };
        let paths = entries.map(|entry| entry.unwrap().path());
        let messages = paths.filter(|path| path.extension().is_some_and(|is| is == "eml"));
        let mut got: Vec<Got> = messages.map(|path| read(&fs_err::read(path).unwrap())).collect();
        got.sort_by(|a, b| a.to.cmp(&b.to));
        got
    }

    /// The only message to this owner.
    fn to(&self, address: &str) -> Got {
        let mut got: Vec<Got> = self.got().into_iter().filter(|got| got.to.contains(address)).collect();
        assert_eq!(got.len(), 1, "{address}");
        got.remove(0)
    }
}

fn read(bytes: &[u8]) -> Got {
    let mail = MessageParser::default().parse(bytes).unwrap();
    let to = mail.to().unwrap().iter().map(|to| to.address().unwrap().to_owned()).collect();
    let attached = mail.attachments().map(|part| {
        let name = part.attachment_name().unwrap_or_default();
        format!("{name}\n{}", String::from_utf8_lossy(part.contents()))
    });
    Got {
        to,
        raw: String::from_utf8(bytes.to_vec()).unwrap(),
        subject: mail.subject().unwrap().to_owned(),
        text: mail.body_text(0).unwrap().replace("\r\n", "\n"),
        html: mail.body_html(0).unwrap().replace("\r\n", "\n"),
        attached: attached.collect(),
    }
}

impl Got {
    /// Headers and bodies as a mail program shows them.
    fn whole(&self) -> String {
        let headers = self.raw.split("\r\n\r\n").next().unwrap().replace("\r\n", "\n");
        assert!(self.text.lines().all(|line| line.chars().count() <= 78), "{}", self.text);
        format!("{headers}\n\n{}\n{}", self.text, self.html).replace(env!("CARGO_PKG_VERSION"), "VERSION")
    }

    fn everything(&self) -> String {
        let parts = [&self.raw, &self.subject, &self.text, &self.html, &self.attached];
        // Whatever kind of blank, or break of a line, stands between the digits of a number.
        let words = parts.iter().flat_map(|part| part.split_whitespace());
        words.collect::<Vec<_>>().join(" ")
    }
}

const TEAM: &str = "org_id,aid,emails\n\
    10452,20415*,\"Retail <retail@example.com>; trading@example.com\"\n\
    10452,204133,voice@example.com\n\
    10452,,bank@example.com\n";

/// The run with every outcome, with columns of its author's.
fn done() -> RunSummary {
    let mut summary = done_summary();
    let cells = [("ticket", "CHG-8841"), ("asked by", "Ann <script>")];
    let cells = cells.map(|(header, text)| (header.to_owned(), text.to_owned())).to_vec();
    summary.carried = BTreeMap::from([(3, cells.clone()), (17, cells.clone()), (2, cells)]);
    summary
}

#[test]
fn the_mail_of_a_run_to_the_owners_of_two_of_its_rows() {
    let post = Post::new(TEAM);
    post.run(&done(), Some(&held_summary()));
    let got = post.to("retail@example.com");
    assert_eq!(got.to.len(), 2, "they share it");
    insta::assert_snapshot!(got.whole());
    let text = got.everything();
    let commands = ["quotakeeper approve", "quotakeeper reject", "quotakeeper runs"];
    for other in
        ["EMEA", "Voice", "Lab", "voice@", "bank@", "admin@", "88 000", "92 000"].iter().chain(&commands)
    {
        assert!(!text.contains(other), "{other}: {}", got.text);
    }
    assert!(post.to("admin@example.com").text.contains("quotakeeper approve"));
}

#[test]
fn who_owns_the_organization_itself_sees_what_a_run_does_to_it_and_no_account_group() {
    let post = Post::new(TEAM);
    let mut summary = done();
    let own = PlanRow {
        row: 30,
        target: Some(Target::organization("10452")),
        account_group_name: String::new(),
        warnings: vec!["the account groups would have 1 500 more than their organization".into()],
        ..summary.plan.rows[0].clone()
    };
    summary
        .results
        .push(RowResult { row: 30, outcome: Outcome::Applied { before: own.before, after: own.after } });
    summary.plan.rows.push(own);
    post.run(&summary, None);
    let text = post.to("bank@example.com").everything();
    for part in ["Acme Bank", "93 500", "1 500 more than their organization"] {
        assert!(text.contains(part), "{part}");
    }
    assert!(!text.contains("EMEA") && !text.contains("204117"), "{text}");
}

#[test]
fn the_mail_of_drift_to_an_owner() {
    let post =
        Post::new("org_id,aid,emails\n10452,204120,pay@example.com\n10452,204150,trading@example.com\n");
    post.drift(&changed(), &realistic());
    insta::assert_snapshot!(post.to("pay@example.com").whole());
    assert_eq!(post.got().len(), 2, "what a run changed, the run's mail has text");
}

/// The largest tests of an account group whose names try to break a mail.
fn largest() -> Vec<TopConsumer> {
    let test = |label: &str, projected| TopConsumer { label: label.to_owned(), projected };
    vec![
        test("portal.acme.example (Page Load)", 4_900),
        test("<b>VPN</b> gateways (Agent to Server)", 2_150),
        test("branch-17 (enterprise agent)", 900),
        test("DNS (DNS Server)", 310),
        test("mail (FTP)", 12),
    ]
}

#[test]
fn the_alert_to_an_owner_names_the_five_largest_tests_and_no_command() {
    let post =
        Post::new("org_id,aid,emails\n10452,204117,emea@example.com\n10452,204150,trading@example.com\n");
    let mut rows = realistic().owned_rows();
    for row in rows.iter_mut().filter(|row| row.account_group_name == "EMEA Branches") {
        row.usage.cloud_used = Some(8_820);
    }
    let latest = Snapshot::new(at("11-22T06:00"), rows);
    let group = |aid: &str, level| alert_news(&Target::account_group("10452", aid), level);
    let critical = report::AlertEvent { largest: largest(), ..group("204117", Level::Critical) };
    post.alerts(
        AlertTiming::Snapshot,
        &[critical, group("204133", Level::Critical), group("204150", Level::Fine)],
        &latest,
    );
    let got = post.to("emea@example.com");
    insta::assert_snapshot!(got.whole());
    assert!(!got.text.contains("quotakeeper report") && !got.text.contains("expected_value"), "{}", got.text);
    let recovered = post.to("trading@example.com");
    assert_eq!(
        recovered.subject, "[OK] Trading Floor (Acme Bank) is back to normal",
        "also beside what is critical for others"
    );
}

#[test]
fn an_owner_of_many_changed_quotas_has_them_all_in_a_table() {
    let post = Post::new("org_id,aid,emails\n10452,*,all@example.com\n");
    let mut summary = done_summary();
    let row = summary.plan.rows[0].clone();
    summary.plan.rows = (0..50)
        .map(|number| PlanRow {
            row: number + 2,
            target: Some(Target::account_group("10452", (300_000 + number).to_string().as_str())),
            account_group_name: "=HYPERLINK(\"http://x\")".into(),
            ..row.clone()
        })
        .collect();
    let applied = Outcome::Applied { before: row.before, after: row.after };
    summary.results = (2..52).map(|row| RowResult { row, outcome: applied.clone() }).collect();
    post.run(&summary, None);
    let got = post.to("all@example.com");
    assert!(got.text.contains("And 30 more: they are in the attached changes.csv."), "{}", got.text);
    assert!(got.attached.starts_with("changes.csv\n\u{feff}org_id,org_name,"), "{}", got.attached);
    assert_eq!(got.attached.lines().count(), 52, "{}", got.attached);
    assert!(got.attached.contains("'=HYPERLINK"), "{}", got.attached);
}

#[test]
fn administrators_get_all_and_good_rows_count_whatever_the_file_holds() {
    for (routes, owners) in
        [("org_id,aid,emails\n10452,204150,t@x\n10452,x,t@\n", 1), ("garbage", 0), ("", 0)]
    {
        let post = Post::new(routes);
        post.run(&done(), Some(&held_summary()));
        assert_eq!(post.got().len(), 1 + owners, "{routes}");
        assert!(post.to("admin@example.com").text.contains("quotakeeper approve"), "{routes}");
    }
    let post = Post::new("");
    fs_err::remove_file(post.folder.path().join("routes.csv")).unwrap();
    post.run(&done(), None);
    assert_eq!(post.got().len(), 1);
}

#[test]
fn a_report_that_is_made_again_after_a_crash_is_the_same_message() {
    let post = Post::new(TEAM);
    for _ in 0..2 {
        post.run(&done(), Some(&held_summary()));
    }
    assert_eq!(post.got().len(), 3);
}

#[test]
fn the_mails_of_one_file_are_a_thread_for_each_who_has_them_and_no_other() {
    let post = Post::new(TEAM);
    post.run(&done(), Some(&held_summary()));
    let later = RunSummary { state: RunState::Rejected, at: at("11-22T07:30"), ..held_summary() };
    post.run_at(&later, None, at("11-22T07:30"));
    post.drift(&changed(), &realistic());

    let header = |got: &Got, name: &str| {
        let mail = MessageParser::default().parse(got.raw.as_bytes()).unwrap();
        mail.header_raw(name).map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let mails = |address: &str| -> Vec<Got> {
        let mut mails: Vec<Got> = post.got().into_iter().filter(|got| got.to.contains(address)).collect();
        mails.sort_by_key(|got| header(got, "Date"));
        mails.sort_by_key(|got| got.subject.contains("outside quotakeeper"));
        mails
    };
    for (address, count) in [("admin@example.com", 3), ("retail@example.com", 2)] {
        let mails = mails(address);
        assert_eq!(mails.len(), count, "{address}");
        let root = header(&mails[0], "Message-ID");
        assert!(header(&mails[0], "References").is_none());
        assert_eq!(header(&mails[1], "References"), root, "{address}");
        assert_eq!(header(&mails[1], "In-Reply-To"), root, "{address}");
        assert!(
            mails.get(2).is_none_or(|drift| header(drift, "References").is_none()),
            "drift is another matter"
        );
    }
}

mod property;
