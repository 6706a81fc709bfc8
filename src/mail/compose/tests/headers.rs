//! No name gets out of its place: whatever organizations, account groups, files and attachments are called, a message has the
//! same headers, and each part of it too.

use std::path::Path;
use std::sync::LazyLock;

use mail_parser::{MessageParser, MimeHeaders};
use proptest::prelude::*;

use super::super::*;
use crate::change::RunSummary;
use crate::domain::quota::Snapshot;
use crate::report::fixtures::{at, context, done_summary, group_of, report_from};
use crate::report::run_report;

static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| Templates::load(None));

/// The headers of the same messages with ordinary names.
static PLAIN: LazyLock<[Vec<Vec<String>>; 2]> = LazyLock::new(|| messages("plain").each_ref().map(headers));

/// Everything that has a name of somebody else's choice bears this one.
fn messages(name: &str) -> [Email; 2] {
    let mut summary =
        RunSummary { id: name.into(), file: name.into(), notes: vec![name.into()], ..done_summary() };
    summary.plan.organizations[0].name = name.into();
    for row in &mut summary.plan.rows {
        row.account_group_name = name.into();
        row.comment = name.into();
    }
    let latest =
        Snapshot::new(at("11-22T06:00"), vec![group_of("10452", name, "1", name, Some(1000), 500, 1300)]);
    let usage = report_from(&latest, &[]).without_pictures();
    let reports =
        [Report::Changes(Box::new(run_report(&summary, None, &context()))), Report::Usage(Box::new(usage))];
    reports.map(|report| compose(&report, name))
}

fn compose(report: &Report, name: &str) -> Email {
    let mail = Mail {
        from: Some("Quotas <quotas@example.com>".into()),
        subject_prefix: name.into(),
        ..Mail::default()
    };
    let composer = Composer { mail: &mail, templates: &TEMPLATES, installation: name };
    let attachment = Attachment::csv(name, b"a,b\r\n".to_vec());
    let email =
        composer.compose(report, &["Ann <ann@example.com>".into()], vec![attachment], &[], at("11-22T07:00"));
    email.unwrap().unwrap()
}

/// The names of the headers of the message and of each part, as a mail program finds them.
fn headers(email: &Email) -> Vec<Vec<String>> {
    let message = MessageParser::default().parse(&email.bytes).unwrap();
    let names = |part: &mail_parser::MessagePart| {
        part.headers.iter().map(|header| header.name().to_lowercase()).collect::<Vec<_>>()
    };
    message.parts.iter().map(names).collect()
}

/// Any text, and above all what a header could be broken with.
fn names() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        prop::sample::select(vec![
            "\r\nBcc: eve@example.com",
            "\r\n\r\n<script>",
            "\n--=_",
            "\rX: y",
            "\u{2028}X: y",
            "\u{85}X: y",
            "=?utf-8?q?=0D=0AX:_y?=",
            "\"; filename=\"x.exe",
            "../../",
            "\u{202e}vsc.",
            "\u{0}",
            "\u{1b}[2J",
            "🦀👩‍👩‍👧",
            "=HYPERLINK(\"http://evil\")",
            "Équipe 東京",
            "%0d%0aX: y",
            "{{ 7 * 7 }}",
            "a b",
        ])
        .prop_map(str::to_owned),
        ("[a-zé ]{1,8}", 30_usize..60).prop_map(|(text, times)| text.repeat(times)),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_name_adds_no_header_and_no_part_whatever_it_is(name in names()) {
        for (email, plain) in messages(&name).iter().zip(PLAIN.iter()) {
            prop_assert_eq!(&headers(email), plain);
            let raw = std::str::from_utf8(&email.bytes).unwrap();
            prop_assert!(raw.is_ascii(), "every server takes it");
            prop_assert!(!raw.replace("\r\n", "").contains(['\r', '\n']), "no bare line end");
            let longest = raw.split("\r\n").map(str::len).max();
            prop_assert!(longest <= Some(998), "{longest:?}");
            let message = MessageParser::default().parse(&email.bytes).unwrap();
            let subject = message.subject().unwrap();
            prop_assert_eq!(words::clean(subject, usize::MAX), subject, "what is shown is one line with nothing hidden in it");
            let attached = message.attachments().last().unwrap().attachment_name().unwrap();
            prop_assert_eq!(attached, file_name(&name));
        }
    }

    #[test]
    fn a_file_name_keeps_its_kind_and_names_no_folder(name in names()) {
        let made = file_name(&format!("{name}.csv"));
        prop_assert!(Path::new(&made).extension().is_some_and(|kind| kind == "csv") && made.chars().count() <= 80, "{}", made);
        prop_assert!(!made.contains(['/', '\\', '"']) && !made.starts_with('.'), "{}", made);
        prop_assert_eq!(file_name(&made), made.clone(), "nothing is left to be done");
    }
}

#[test]
fn an_attachment_is_called_what_it_was_meant_to_be() {
    for (name, made) in [
        ("usage-2026-11-22.csv", "usage-2026-11-22.csv"),
        ("Équipe 東京 🦀.csv", "Équipe 東京 🦀.csv"),
        ("../../etc/passwd", "_.._etc_passwd.csv"),
        ("a\r\nBcc: eve@example.com.csv", "a Bcc_ eve@example.com.csv"),
        ("\u{202e}vsc.exe", "vsc.exe.csv"),
        ("", "attachment.csv"),
    ] {
        assert_eq!(file_name(name), made, "{name:?}");
    }
    assert_eq!(file_name(&format!("{}.csv", "x".repeat(300))), format!("{}….csv", "x".repeat(75)));
}

#[test]
fn an_address_listed_twice_gets_one_mail() {
    let mail = Mail { from: Some("quotas@example.com".into()), ..Mail::default() };
    let composer = Composer { mail: &mail, templates: &TEMPLATES, installation: "prod" };
    let to = |addresses: &[&str]| {
        let report = Report::Changes(Box::new(run_report(&done_summary(), None, &context())));
        let to: Vec<String> = addresses.iter().map(|address| (*address).to_owned()).collect();
        composer.compose(&report, &to, Vec::new(), &[], at("11-22T07:00")).unwrap().unwrap()
    };
    let twice = to(&["Ann <ann@example.com>", "bob@example.com", "ANN@Example.com"]);
    let once = to(&["Ann <ann@example.com>", "bob@example.com"]);
    assert_eq!(twice.recipients, ["ann@example.com", "bob@example.com"]);
    assert_eq!(twice.bytes, once.bytes);
}
