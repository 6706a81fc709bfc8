//! Through exim4, which looks at every line and header: names from all over the world, and hostile ones, arrive as they were meant.

use std::path::Path;

use mail_parser::{Message, MessageParser, MimeHeaders};

use crate::aiosmtpd::{LOGIN, WRONG_PASSWORD};
use crate::exim::Exim;
use crate::installation::Installation;
use crate::standin::{Group, Organization, StandIn, TOKEN, World};
use crate::support::Ran;

fn through(exim: &Exim, installation: Installation) -> Installation {
    let mut installation = installation.with_login(LOGIN[1]).with("QUOTAKEEPER__SMTP__TLS", "starttls");
    installation.through(exim.port);
    installation
}

fn check(installation: &Installation, address: &str) -> Ran {
    installation.run(&["check", "--send-test-mail", address])
}

#[test]
fn exim_delivers_to_each_recipient_once_and_refuses_a_stranger() {
    let Some(exim) = Exim::start(1 << 20) else { return };
    let to = ["ann@example.com", "bob@example.com", "eve@example.com", "ann@elsewhere.example"];
    let installation = through(&exim, Installation::with_mail_to(&to));
    let ran = installation.send().stderr;
    assert!(
        ran.contains("2 of 4 recipients refused it: 550 relay not permitted: check the recipient"),
        "{ran}{}",
        exim.log()
    );
    let stored = installation.only();
    assert_eq!(stored.place, "dead");
    for user in ["ann", "bob"] {
        let [mail] = &exim.mailbox(user)[..] else { panic!("{user}: {}", exim.log()) };
        let mail = MessageParser::default().parse(mail).unwrap();
        assert_eq!(mail.message_id(), Some(stored.message_id.as_str()));
    }
    assert!(exim.mailbox("eve").is_empty());
    installation.send();
    assert_eq!(exim.mailbox("ann").len(), 1, "never again");
}

#[test]
fn exim_reports_a_wrong_password_a_size_and_a_missing_login_and_a_corrected_mail_goes_out() {
    let (Some(exim), Some(small)) = (Exim::start(1 << 20), Exim::start(1000)) else { return };
    let mut installation = through(&exim, Installation::with_mail_to(&["ann@example.com"]));
    let ran = check(&installation, "Ann <ann@example.com>");
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, exim.log());

    installation.set("QUOTAKEEPER__SMTP__PASSWORD", WRONG_PASSWORD);
    for ran in [check(&installation, "ann@example.com").stdout, installation.send().stderr] {
        assert!(
            ran.contains("535 Incorrect authentication data: check smtp.username and the password"),
            "{ran}"
        );
    }
    assert_eq!(installation.only().place, "new");

    installation.set("QUOTAKEEPER__SMTP__PASSWORD", LOGIN[1]);
    let ran = check(installation.through(small.port), "ann@example.com");
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.contains("raise the mail server's size limit"), "{}", ran.stdout);

    installation.through(exim.port).send();
    assert_eq!(installation.only().place, "sent");
    assert_eq!(exim.mailbox("ann").len(), 2, "the test mail and the mail");
}

#[test]
fn a_test_mail_to_an_invalid_address_is_not_tried() {
    let installation = Installation::with_mail_to(&["ann@example.com"]);
    for (address, sentence) in [
        ("ann", "`ann` is not an address such as"),
        (
            "j\u{f6}rg@b\u{fc}cher.example",
            "has an address with non-ASCII characters: write its domain in the xn-- form",
        ),
        ("ann@x.example\r\nRCPT TO:<eve@x.example>", "is not an address such as"),
    ] {
        let ran = installation.run(&["check", "--send-test-mail", address]);
        assert_eq!(ran.code, Some(1));
        assert!(ran.stdout.contains(sentence), "{}", ran.stdout);
    }
}

const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "=HYPERLINK(\"http://evil.example\")",
    "\u{202e}desrever",
    "🦀👩‍👩‍👧 Équipe 東京",
    "a\r\nBcc: eve@elsewhere.example\r\n\r\nb",
    "=?utf-8?q?=0D=0ABcc:_eve=40elsewhere.example?=",
];

/// An organization and its account groups that are called so, each at a quarter of its quota but the first, which runs out.
fn world(organization: &str, long: &str) -> World {
    let group = |(number, name): (usize, &str)| {
        let projected = if number == 0 { 5_000 } else { 1_000 };
        let tests = vec![(900, Some(projected))];
        (format!("10{number}"), Group { name: name.into(), quota: Some(4_000), tests, agents: vec![] })
    };
    let groups = HOSTILE.into_iter().chain([long]).enumerate().map(group).collect();
    let organization = Organization {
        name: organization.into(),
        quota: Some(40_000),
        plan: 50_000,
        cloud: (6_300, Some(11_000)),
        groups,
        ..Organization::default()
    };
    World { organizations: [("10".to_owned(), organization)].into(), ..World::default() }
}

/// What a person sees of a message.
#[derive(Debug, PartialEq)]
struct Seen {
    subject: String,
    bodies: String,
    files: Vec<(String, String)>,
}

impl Seen {
    fn of(message: &Message) -> Self {
        let unix = |text: &str| text.replace("\r\n", "\n");
        let bodies = unix(&format!("{}{}", message.body_text(0).unwrap(), message.body_html(0).unwrap()));
        let files = message.attachments().map(|part| {
            let content = unix(&String::from_utf8_lossy(part.contents()));
            (part.attachment_name().unwrap_or_default().to_owned(), content)
        });
        Self { subject: message.subject().unwrap().to_owned(), bodies, files: files.collect() }
    }
}

fn headers(message: &Message) -> Vec<String> {
    message.headers().iter().map(|header| header.name().to_owned()).collect()
}

#[test]
fn names_from_everywhere_and_hostile_ones_arrive_as_they_were_meant() {
    let Some(exim) = Exim::start(10 << 20) else { return };
    let long = "Süd & Nord ".repeat(30);
    let standin = StandIn::start(world("<b>Équipe</b>\r\nX: 東京 🦀", long.trim()));
    let installation = through(&exim, Installation::new(&["Ann Ängström <ann@example.com>"]))
        .with("QUOTAKEEPER__MAIL__TO__USAGE", r#"["Ann Ängström <ann@example.com>"]"#)
        .with("TE_BASE_URL", &standin.base_url())
        .with("TE_TOKEN", TOKEN);
    assert_eq!(installation.run(&["snapshot"]).code, Some(0));
    assert_eq!(installation.run(&["report", "usage"]).code, Some(0));
    let file = "<script>\r\nBcc: eve@elsewhere.example\r\n\r\n=HYPERLINK(\"x\")\u{202e}🦀 東京.csv";
    let rows: Vec<_> = (0..7).map(|number| format!("assign,10,10{number},4500,=1+1\n")).collect();
    installation.drop_file(file, &format!("action,org_id,aid,value,comment\n{}", rows.concat()));
    installation.drop_file("less.csv", "action,org_id,aid,value,comment\nunassign,10,101,,=1+1\n");
    let waiting = installation.stored();
    assert_eq!(waiting.len(), 3, "{:?}", waiting.iter().map(|stored| &stored.record).collect::<Vec<_>>());
    installation.send();

    let delivered = exim.mailbox("ann");
    assert_eq!(delivered.len(), 3, "{}", exim.log());
    let (mut subjects, mut attached) = (Vec::new(), Vec::new());
    let mut stored = installation.stored();
    stored.sort_by(|a, b| a.message_id.cmp(&b.message_id)); // the runs' before the usage report
    for stored in stored {
        assert_eq!(stored.place, "sent", "{}", exim.log());
        let raw = std::str::from_utf8(&stored.bytes).unwrap();
        assert!(raw.is_ascii() && !raw.replace("\r\n", "").contains(['\r', '\n']), "{raw}");
        assert!(raw.split("\r\n").all(|line| line.len() <= 998));
        let sent = MessageParser::default().parse(&stored.bytes).unwrap();
        let delivered = delivered.iter().map(|bytes| MessageParser::default().parse(bytes).unwrap());
        let delivered: Vec<Message> =
            delivered.filter(|message| message.message_id() == Some(&stored.message_id)).collect();
        let [delivered] = &delivered[..] else { panic!("{} is there once", stored.message_id) };

        let seen = Seen::of(&sent);
        assert_eq!(seen, Seen::of(delivered));
        // What exim adds comes first.
        let (all, own) = (headers(delivered), headers(&sent));
        assert!(all.ends_with(&own), "{own:?} {all:?}");
        let Seen { subject, bodies, files } = seen;
        assert!(delivered.bcc().is_none() && delivered.header("X").is_none());
        assert!(!subject.contains(['\r', '\n', '\u{202e}']), "{subject}");
        assert!(
            !bodies.contains('\u{202e}') && !delivered.body_html(0).unwrap().contains("<script>alert"),
            "{bodies}"
        );
        assert_eq!(delivered.to().unwrap().first().unwrap().name(), Some("Ann Ängström"));
        subjects.push(subject);
        let is_table = |name: &str| Path::new(name).extension().is_some_and(|kind| kind == "csv");
        attached.extend(files.into_iter().filter(|(name, _)| is_table(name)));
    }
    for part in [
        "<script>alert(1)</script>",
        "<script> Bcc: eve@elsewhere.example =HYPERLINK(\"x\")🦀 東京.csv",
        "1 row of less.csv waits for approval",
    ] {
        assert!(subjects.iter().any(|subject| subject.contains(part)), "{part}: {subjects:?}");
    }
    let [plan, usage, _rebalance] = &attached[..] else {
        panic!("{:?}", attached.iter().map(|file| &file.0).collect::<Vec<_>>())
    };
    assert!(plan.0 == "plan.csv" && usage.0.starts_with("usage-"), "{} {}", plan.0, usage.0);
    assert!(plan.1.contains("'=1+1"), "{}", plan.1);
    for name in ["<script>alert(1)</script>", "'=HYPERLINK", "desrever", "🦀👩‍👩‍👧 Équipe 東京", "Süd & Nord"]
    {
        assert!(usage.1.contains(name), "{name}: {}", usage.1);
    }
}
