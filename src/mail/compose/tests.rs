//! Whole mails as people get them, and names that try to break them.

mod headers;

use mail_parser::{MessageParser, MimeHeaders};

use super::*;
use crate::change::RunState;
use crate::domain::quota::Snapshot;
use crate::report::closing::fixtures::{closed_with, closings, one_closing, report_on, with_a_year};
use crate::report::fixtures::{
    alerts, at, changed, context, done_summary, group, group_of, held_summary, many_alerts, organization,
    realistic, report_from, report_of, usage,
};
use crate::report::{AlertTiming, GatheredFiles, Unlisted, drift_report, examples, run_report};
use crate::text::width::columns;

fn compose_with(mail: &Mail, report: &Report, to: &[&str], attachments: Vec<Attachment>) -> Email {
    let templates = Templates::load(None).answered_at(mail.reply_to.clone());
    let composer = Composer { mail, templates: &templates, installation: "prod on nms-01" };
    let to: Vec<String> = to.iter().map(|address| (*address).to_owned()).collect();
    composer.compose(report, &to, attachments, &[], at("11-22T07:00")).unwrap().unwrap()
}

fn mail() -> Mail {
    Mail {
        from: Some("Quotakeeper <quotas@example.com>".into()),
        reply_to: Some("nms@example.com".into()),
        subject_prefix: "[quotas] ".into(),
        ..Mail::default()
    }
}

fn compose(report: &Report) -> Email {
    compose_with(&mail(), report, &["Ann <ann@example.com>", "bob@example.com"], Vec::new())
}

fn text(email: &Email) -> String {
    MessageParser::default().parse(&email.bytes).unwrap().body_text(0).unwrap().into_owned()
}

fn html(email: &Email) -> String {
    MessageParser::default().parse(&email.bytes).unwrap().body_html(0).unwrap().into_owned()
}

/// Headers and bodies as a mail program shows them.
fn read(email: &Email) -> String {
    let raw = String::from_utf8(email.bytes.clone()).unwrap();
    let headers = raw.split("\r\n\r\n").next().unwrap().replace("\r\n", "\n");
    let parsed = MessageParser::default().parse(&email.bytes).unwrap();
    let text = parsed.body_text(0).unwrap().replace("\r\n", "\n");
    format!("{headers}\n\n{text}\n{}", parsed.body_html(0).unwrap().replace("\r\n", "\n"))
        .replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[test]
fn the_usage_mail() {
    insta::assert_snapshot!(read(&compose(&Report::Usage(Box::new(usage())))));
}

#[test]
fn the_mail_of_a_run_with_every_outcome() {
    let report = run_report(&done_summary(), Some(&held_summary()), &context());
    insta::assert_snapshot!(read(&compose(&Report::Changes(Box::new(report)))));
}

#[test]
fn the_mail_of_drift() {
    let report = drift_report(
        &changed(),
        &realistic(),
        &crate::domain::quota::UsageRule::default(),
        Unlisted::Count,
        &context(),
    )
    .unwrap();
    insta::assert_snapshot!(read(&compose(&Report::Changes(Box::new(report)))));
}

#[test]
fn the_mail_of_what_became_critical() {
    insta::assert_snapshot!(read(&compose(&Report::Alerts(Box::new(alerts(AlertTiming::Snapshot))))));
}

#[test]
fn the_daily_digest_of_alerts() {
    let email = compose(&Report::Alerts(Box::new(alerts(AlertTiming::Digest))));
    assert!(text(&email).lines().all(|line| line.chars().count() <= 78), "{}", text(&email));
    insta::assert_snapshot!(read(&email));
}

#[test]
fn the_mail_of_a_cycle_that_closed() {
    let report = one_closing();
    let table = Attachment::csv(&report.table, report.attached.clone());
    let email = compose_with(&mail(), &Report::Closing(Box::new(report)), &["ann@example.com"], vec![table]);
    assert!(text(&email).lines().all(|line| line.chars().count() <= 78), "{}", text(&email));
    insta::assert_snapshot!(read(&email));
}

#[test]
fn the_text_of_three_cycles_that_closed_on_a_day() {
    let plain = text(&compose(&Report::Closing(Box::new(closings())))).replace("\r\n", "\n");
    assert!(plain.lines().all(|line| line.chars().count() <= 78), "{plain}");
    insta::assert_snapshot!(plain.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn four_hundred_cycles_of_ten_thousand_account_groups_that_close_on_a_day_stay_a_small_mail() {
    let long = "<Регион & \"Süd\" ".repeat(20);
    let closed: Vec<_> = (0..400_i64)
        .map(|number| {
            let org_id = (1_000 + number).to_string();
            let groups = (0..25).map(|each| {
                group_of(
                    &org_id,
                    &long,
                    &(number * 25 + each).to_string(),
                    &long,
                    Some(1000),
                    900 + each * 9,
                    0,
                )
            });
            let own = organization(&org_id, &long, Some(20_000), 19_000 + number * 5, 0);
            with_a_year(closed_with(&org_id, groups.chain([own]).collect()))
        })
        .collect();
    let report = report_on(&closed);
    assert_eq!(report.rows, 400 * (26 + 10));
    let email = compose(&Report::Closing(Box::new(report)));
    assert!(html(&email).len() < 90_000, "{}", html(&email).len());
    assert!(text(&email).lines().all(|line| line.chars().count() <= 78), "{}", text(&email));
}

#[test]
fn the_mail_of_a_failure() {
    insta::assert_snapshot!(read(&compose(&examples(&context()).pop().unwrap())));
}

#[test]
fn the_same_report_to_the_same_people_is_the_same_bytes_and_to_others_another_message() {
    let report = Report::Usage(Box::new(usage()));
    assert_eq!(compose(&report).bytes, compose(&report).bytes);
    let other = compose_with(&mail(), &report, &["eve@example.com"], Vec::new());
    assert_ne!(compose(&report).message_id, other.message_id);
}

#[test]
fn the_pictures_are_parts_beside_the_html_that_shows_them() {
    let report = usage();
    let shown: Vec<String> = report.pictures().iter().map(|picture| picture.cid.clone()).collect();
    let table = Attachment::csv(&report.table, report.attached.clone());
    let email =
        compose_with(&mail(), &Report::Usage(Box::new(report)), &["ann@example.com"], vec![table.clone()]);
    let parsed = MessageParser::default().parse(&email.bytes).unwrap();
    let kind = |part: &mail_parser::MessagePart| {
        let kind = part.content_type().unwrap();
        format!("{}/{}", kind.ctype(), kind.subtype().unwrap())
    };
    let kinds: Vec<String> = parsed.parts.iter().map(kind).collect();
    let pictures = vec!["image/png".to_owned(); shown.len()];
    let head = ["multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html"];
    assert_eq!(kinds, [&head.map(str::to_owned)[..], &pictures, &["text/csv".to_owned()]].concat());
    let ids: Vec<&str> = parsed.parts.iter().filter_map(|part| part.content_id()).collect();
    assert_eq!(ids, shown);
    for part in parsed.parts.iter().filter(|part| kind(part) == "image/png") {
        assert!(part.contents().starts_with(b"\x89PNG"));
        assert!(part.content_disposition().unwrap().is_inline());
    }
    assert!(email.bytes.len() < 400_000, "{}", email.bytes.len());
}

#[test]
fn attachments_arrive_as_they_are() {
    let report = usage();
    let table = Attachment::csv(&report.table, report.attached.clone());
    let email =
        compose_with(&mail(), &Report::Usage(Box::new(report)), &["ann@example.com"], vec![table.clone()]);
    let parsed = MessageParser::default().parse(&email.bytes).unwrap();
    let attached = parsed.attachments().last().unwrap();
    assert_eq!(attached.attachment_name(), Some("usage-2026-11-22.csv"));
    let unix = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    assert_eq!(unix(attached.contents()), unix(&table.bytes));
    assert!(text(&email).contains("are in the attached usage-2026-11-22.csv"));
}

#[test]
fn a_hostile_name_breaks_neither_headers_nor_html_nor_text() {
    let long = "x".repeat(300);
    for name in [
        "<script>alert(1)</script>",
        "a\r\nBcc: eve@example.com",
        "=HYPERLINK(\"http://evil\")",
        "\u{202e}desrever",
        "🦀🦀 Équipe 東京",
        long.as_str(),
    ] {
        let report = report_of(vec![group("1", name, Some(1000), 500, 1300)]);
        let email = compose(&Report::Usage(Box::new(report)));
        let parsed = MessageParser::default().parse(&email.bytes).unwrap();
        let subject = parsed.subject().unwrap();
        assert!(subject.starts_with("[quotas] ") && !subject.contains(['\r', '\n']), "{name}");
        assert!(parsed.bcc().is_none(), "{name}");
        assert!(!html(&email).contains("<script"), "{name}");
        assert!(!html(&email).contains('\u{202e}') && !text(&email).contains('\u{202e}'), "{name}");
        assert!(text(&email).lines().all(|line| line.chars().count() <= 78), "{}", text(&email));
    }
}

#[test]
fn ten_thousand_account_groups_stay_below_what_mail_clients_cut() {
    let long = "<Регион & \"Süd\" ".repeat(20);
    let rows =
        (0..10_000).map(|number| group(&number.to_string(), &long, Some(1000), 500, 900 + number % 400));
    let mut rows: Vec<_> = rows.collect();
    rows.extend((0..20).map(|number| organization(&format!("9{number}"), &long, Some(1000), 500, 1300)));
    let latest = Snapshot::new(at("11-22T06:00"), rows);
    let report = report_from(&latest, &[Snapshot::new(at("11-12T06:00"), latest.owned_rows())]);
    assert_eq!(report.pictures().len(), 6);
    let email = compose(&Report::Usage(Box::new(report)));
    assert!(html(&email).len() < 100_000, "{}", html(&email).len());
    assert!(email.bytes.len() < 400_000, "{}", email.bytes.len());
    let email = compose(&Report::Alerts(Box::new(many_alerts(&long))));
    assert!(html(&email).len() < 100_000, "{}", html(&email).len());
    let mut summary = done_summary();
    let row = summary.plan.rows[0].clone();
    summary.plan.rows = (0..10_000)
        .map(|number| crate::change::PlanRow {
            row: number,
            account_group_name: long.clone(),
            comment: long.clone(),
            ..row.clone()
        })
        .collect();
    let email = compose(&Report::Changes(Box::new(run_report(&summary, None, &context()))));
    assert!(html(&email).len() < 100_000, "{}", html(&email).len());
}

#[test]
fn the_text_of_a_held_run_is_all_that_a_person_needs_to_decide() {
    let report = run_report(&held_summary(), None, &context());
    let plain = text(&compose(&Report::Changes(Box::new(report)))).replace("\r\n", "\n");
    assert!(plain.lines().all(|line| line.chars().count() <= 78), "{plain}");
    insta::assert_snapshot!(plain.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn ten_thousand_held_rows_stay_a_small_mail_that_still_says_how_to_decide() {
    let mut summary = held_summary();
    let row = summary.plan.rows[0].clone();
    let own = summary.plan.organizations[0].clone();
    summary.plan.rows = (2..10_002_usize)
        .map(|number| crate::change::PlanRow {
            row: number,
            target: Some(crate::domain::quota::Target::account_group(
                (number % 50).to_string().as_str(),
                number.to_string().as_str(),
            )),
            ..row.clone()
        })
        .collect();
    summary.plan.organizations = (0..50_usize)
        .map(|number| crate::change::PlanOrganization {
            org_id: number.to_string().as_str().into(),
            ..own.clone()
        })
        .collect();
    let email = compose(&Report::Changes(Box::new(run_report(&summary, None, &context()))));
    assert!(html(&email).len() < 60_000, "{}", html(&email).len());
    assert!(text(&email).lines().count() < 200, "{}", text(&email));
    let approve = format!("--plan {}", &summary.plan.sha256[..8]);
    for part in
        [approve.as_str(), "And 9 990 more: quotakeeper runs 20261122T065500Z-q4.held", "And 40 more."]
    {
        assert!(text(&email).contains(part), "{part}: {}", text(&email));
    }
    // No line breaks within the option: `-` and `-plan` are nothing to type.
    let (run, plan) =
        (format!("quotakeeper approve {} <span class=\"option\"", summary.id), &summary.plan.sha256[..8]);
    assert!(html(&email).contains(&run) && html(&email).contains(&format!(">--plan</span> {plan}")));
}

#[test]
fn figures_of_ten_digits_fit_the_lines_of_the_text() {
    let group = group("1", "Lab", Some(9_876_543_120), 6_353_580_183, 9_600_000_000);
    let text = text(&compose(&Report::Usage(Box::new(report_of(vec![group])))));
    assert!(text.lines().all(|line| columns(line) <= 78), "{text}");
    assert!(text.contains("9 600 000 000 projected"), "{text}");
}

#[test]
fn a_mail_about_several_files_is_announced_with_the_reason_of_the_first() {
    let mut files = GatheredFiles::default();
    for _ in 0..2 {
        files.add(run_report(&done_summary(), None, &context()), RunState::Rejected);
    }
    let report = files.report(&context()).unwrap();
    let why = report.files[0].files[0].why.clone();
    let html = html(&compose(&Report::Changes(Box::new(report))));
    let (_, preview) = html.split_once("class=\"preview\"").unwrap();
    let preview = preview.split_once("</div>").unwrap().0;
    assert!(why.starts_with("Row ") && preview.contains(&why[..20]), "{why}: {preview}");
}

#[test]
fn nobody_to_send_to_is_no_message() {
    let (mail, templates) = (mail(), Templates::load(None));
    let composer = Composer { mail: &mail, templates: &templates, installation: "" };
    assert!(
        composer
            .compose(&Report::Usage(Box::new(usage())), &[], Vec::new(), &[], at("11-22T07:00"))
            .unwrap()
            .is_none()
    );
}

#[test]
fn an_instance_name_becomes_a_host_name() {
    assert_eq!(host_name("Prod on nms-01"), "quotakeeper.prod-on-nms-01");
    assert_eq!(host_name("nms.example.com"), "quotakeeper.nms.example.com");
    assert_eq!(host_name(">\r\nX: <é>"), "quotakeeper.x");
    assert_eq!(host_name(""), "quotakeeper.localhost");
}
