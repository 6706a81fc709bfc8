//! The shipped templates, and a user's own in front of them, broken ones too.

use std::collections::BTreeSet;

use super::*;
use crate::report::fixtures::{context, done_summary, report_from, usage, week_before, with_names_after};
use crate::report::run_report;
use crate::testing::fuzz::fuzzed;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, source) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, source).unwrap();
    }
    dir
}

fn report() -> Report {
    Report::Usage(Box::new(usage()))
}

/// Reports with more in them than the examples have.
fn reports() -> [Report; 2] {
    [report(), Report::Changes(Box::new(run_report(&done_summary(), None, &context())))]
}

#[test]
fn every_shipped_template_renders_every_kind_of_report() {
    let templates = Templates::load(None);
    for report in report::examples(&context()) {
        assert!(!templates.subject(&report).unwrap().is_empty());
        assert!(!templates.text(&report, &[]).unwrap().contains("</"));
        assert!(templates.html(&report, &[]).unwrap().contains("</html>"));
    }
    assert_eq!(check_templates(folder(&[]).path()), Vec::<String>::new());
}

#[test]
fn no_line_begins_with_the_dot_between_two_facts() {
    for report in report::examples(&context()).into_iter().chain(reports()) {
        let html = Templates::load(None).html(&report, &[]).unwrap();
        let (_, body) = html.split_once("</title>").unwrap();
        assert!(!body.contains(" · "), "{}: a line may break before it", report.kind());
    }
}

#[test]
fn the_html_loads_nothing_from_anywhere() {
    let html = Templates::load(None).html(&report(), &[]).unwrap();
    let html = html.replace("src=\"cid:", "").replace("src=cid:", "");
    for foreign in ["http:", "https:", "src=", "url(", "@import", "<link"] {
        assert!(!html.contains(foreign), "{foreign}");
    }
}

#[test]
fn no_name_becomes_a_tag_anywhere_not_even_in_an_attribute() {
    const NAME: &str = "<script>alert(1)</script>\u{202e}\u{1b}[31m\" onerror=\"x\u{200b}";
    let hostile = with_names_after(NAME);
    let report = Report::Usage(Box::new(report_from(&hostile, &week_before(&hostile))));
    let templates = Templates::load(None);
    let html = templates.html(&report, &["<script>.csv".to_owned()]).unwrap();
    let words: Vec<&str> = html.split("alt=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(!words.is_empty(), "the charts have their words in an attribute");
    assert!(words.iter().all(|words| words.contains("&quot; onerror=&quot;x")), "{words:?}");
    assert!(html.contains("&lt;script&gt;alert(1)") && !html.to_lowercase().contains("<script"), "{html}");
    assert!(!html.contains(['\u{202e}', '\u{1b}', '\u{200b}']));
    for text in [templates.text(&report, &[]).unwrap(), templates.subject(&report).unwrap()] {
        assert!(!text.contains(['\u{202e}', '\u{1b}', '\u{200b}']), "{text}");
    }
}

#[test]
fn tags_are_escaped_in_attributes_and_nowhere_else() {
    let html = "<!DOCTYPE html><html><head><style>a > b {}</style></head><body><!--[if mso]><b a=\"<\"><![endif]-->\
                <img alt=\"a<b>\" title=\"&lt;\">a &lt; b</body></html>";
    let escaped = html.replace("a<b>", "a&lt;b&gt;");
    assert_eq!(without_tags_in_attributes(html), escaped);
}

#[test]
fn a_browser_finds_the_charset_where_it_looks_for_it() {
    let page = Templates::load(None).html(&report(), &[]).unwrap();
    assert!(page[..1024].contains("<meta charset=\"utf-8\">"), "{}", &page[..1024]);
}

#[test]
fn a_mail_says_why_one_gets_it_and_leads_to_what_it_is_about_where_pages_are_served() {
    let templates = Templates::load(None);
    let html = templates.html(&report(), &[]).unwrap();
    assert!(html.contains("You get this because") && !html.contains("href=\"http"));
    let templates = templates.leading_to(Url::parse("https://quotas.example.com/q/").ok());
    for report in report::examples(&context()) {
        let html = templates.html(&report, &[]).unwrap();
        let Some((path, _)) = report.page() else {
            assert!(!html.contains("https://"), "its readers have no access");
            continue;
        };
        let url = format!("https://quotas.example.com/q{path}");
        let urls: Vec<&str> = html.split("href=\"").skip(1).filter(|url| url.starts_with("http")).collect();
        assert!(urls.iter().all(|url| url.starts_with("https://quotas.example.com/q/")), "{html}");
        let rows = match &report {
            Report::Alerts(alerts) => alerts.critical.len() + alerts.warnings.len() + alerts.recovered.len(),
            _ => 0,
        };
        assert_eq!(urls.len(), 1 + rows, "a button, and each target that an alert is about: {html}");
        assert!(html.contains(&format!("href=\"{url}\"")), "{url}");
        assert!(templates.text(&report, &[]).unwrap().contains(&format!(":\n{url}\n")), "{url}");
    }
}

#[test]
fn a_mail_shows_its_pictures_as_parts() {
    let (templates, report) = (Templates::load(None), report());
    let html = templates.html(&report, &[]).unwrap().replace("&nbsp;", " ").replace('\u{202f}', " ");
    assert!(!report.pictures().is_empty());
    for picture in report.pictures() {
        assert!(
            html.contains(&format!("cid:{}", picture.cid)) && html.contains(&picture.alt),
            "{}",
            picture.alt
        );
    }
    assert!(!html.contains("<svg"));
}

#[test]
fn a_users_file_replaces_just_that_one() {
    let dir = folder(&[("usage/subject.txt", "Ours: {{ account_groups | units }}\nsecond line")]);
    let templates = Templates::load(Some(dir.path()));
    assert_eq!(templates.subject(&report()).unwrap(), "Ours: 22 second line");
    assert_eq!(templates.text(&report(), &[]).unwrap(), Templates::load(None).text(&report(), &[]).unwrap());
    assert_eq!(check_templates(dir.path()), Vec::<String>::new());
}

#[test]
fn a_broken_template_falls_back_to_the_shipped_one_and_names_file_line_and_cause() {
    let dir = folder(&[
        ("usage/body.txt", "one\n{% if %}"),
        (
            "usage/body.html",
            "{% extends \"layout.html\" %}\n{% block content %}\n{{ headlin }}{% endblock %}",
        ),
        ("changes/body.txt", "{{ headline | units }}"),
        ("changes/bdy.html", ""),
    ]);
    let templates = Templates::load(Some(dir.path()));
    let shipped = Templates::load(None);
    assert_eq!(templates.text(&report(), &[]).unwrap(), shipped.text(&report(), &[]).unwrap());
    assert_eq!(templates.html(&report(), &[]).unwrap(), shipped.html(&report(), &[]).unwrap());
    insta::assert_snapshot!(check_templates(dir.path()).join("\n"));
}

#[test]
fn a_broken_layout_costs_no_report() {
    let dir = folder(&[("layout.html", "{% block content %}{% endblock %}{{ 1 / 0 }}")]);
    let templates = Templates::load(Some(dir.path()));
    assert!(templates.html(&report(), &[]).unwrap().contains("EMEA Branches"));
    assert!(
        check_templates(dir.path())[0].starts_with("template layout.html, line 1"),
        "{:?}",
        check_templates(dir.path())
    );
}

#[test]
fn a_template_that_loops_without_end_is_an_error_and_the_shipped_one_is_used() {
    let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{{ a }}{% endfor %}{% endfor %}";
    let dir = folder(&[("usage/body.txt", endless)]);
    let (templates, shipped) = (Templates::load(Some(dir.path())), Templates::load(None));
    assert_eq!(templates.text(&report(), &[]).unwrap(), shipped.text(&report(), &[]).unwrap());
    let problems = check_templates(dir.path());
    assert_eq!(problems, ["template usage/body.txt, line 1 loops too long: the shipped one is used instead"]);
}

#[test]
fn a_template_that_cannot_be_looked_at_or_is_a_link_to_nothing_is_named_and_the_shipped_one_is_used() {
    let dir = folder(&[("usage/subject.txt", "Ours")]);
    let link =
        |to: &str, name: &str| std::os::unix::fs::symlink(to, dir.path().join("usage").join(name)).unwrap();
    link("body.txt", "body.txt"); // leads to itself
    link("nowhere", "body.html");
    let (templates, shipped) = (Templates::load(Some(dir.path())), Templates::load(None));
    assert_eq!(templates.text(&report(), &[]).unwrap(), shipped.text(&report(), &[]).unwrap());
    let problems = check_templates(dir.path());
    assert_eq!(problems.len(), 2, "{problems:?}");
    for name in ["usage/body.txt", "usage/body.html"] {
        let is_named = |problem: &String| problem.starts_with(&format!("template {name}: "));
        assert!(problems.iter().any(is_named), "{problems:?}");
    }
}

#[test]
fn a_folder_that_is_not_there_is_said() {
    let problems = check_templates(Path::new("/nowhere/templates"));
    assert_eq!(problems, ["mail.templates_dir: /nowhere/templates is not a folder that can be read"]);
}

/// The names of all fields of a report, also of what it lists.
fn fields(value: &serde_json::Value, names: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(map) => map.iter().for_each(|(name, value)| {
            names.insert(name.clone());
            fields(value, names);
        }),
        serde_json::Value::Array(list) => list.iter().for_each(|value| fields(value, names)),
        _ => {}
    }
}

/// The variables that tables of the documentation name.
fn documented<'a>(lines: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    lines
        .filter(|line| line.starts_with("| `"))
        .flat_map(|row| row.split('`').skip(1).step_by(2))
        .filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_documentation_names_every_variable_and_no_other() {
    let mut used: BTreeSet<String> =
        ["attachments", "label", "link", "pages", "recipients_key", "reply_to", "tag", "url"]
            .map(str::to_owned)
            .into_iter()
            .collect();
    for report in report::examples(&context()).into_iter().chain(reports()) {
        fields(&serde_json::to_value(&report).unwrap(), &mut used);
    }
    let (_, tables) =
        include_str!("../../../templates/README.md").split_once("## In every template").unwrap();
    let words = documented(tables.lines());
    let missing: Vec<&String> = used.difference(&words).collect();
    // In the tables stand also the values of `level`, and the other kinds of mail.
    let values = ["fine", "warning", "critical", "usage"].map(str::to_owned);
    let unknown: Vec<&String> = words.difference(&used).filter(|word| !values.contains(word)).collect();
    assert_eq!((missing, unknown), (Vec::new(), Vec::new()));
}

#[test]
fn both_parts_of_a_mail_use_each_variable_that_is_documented_for_it() {
    let identifiers = |text: &str| -> BTreeSet<String> {
        text.split(|c: char| !c.is_ascii_lowercase() && c != '_').map(str::to_owned).collect()
    };
    let mut unused = Vec::new();
    for kind in ["usage", "changes", "alerts", "closing", "failure", "notice"] {
        let (_, section) =
            include_str!("../../../templates/README.md").split_once(&format!("\n## `{kind}`\n")).unwrap();
        let words = documented(section.lines().take_while(|line| !line.starts_with("## ")));
        for part in ["txt", "html"] {
            let is_of_part = |name: &str| {
                let folder = name.strip_suffix(part).and_then(|name| name.rsplit_once('/'));
                folder.map_or(name.ends_with(part), |(folder, _)| folder == kind)
                    || name == format!("{kind}/subject.txt")
            };
            let used: BTreeSet<String> = SHIPPED
                .iter()
                .filter(|(name, _)| is_of_part(name))
                .flat_map(|(_, source)| identifiers(source))
                .collect();
            let of_part: Vec<&str> = words.difference(&used).map(String::as_str).collect();
            if !of_part.is_empty() {
                unused.push(format!("{kind} {part}: {}", of_part.join(" ")));
            }
        }
    }
    // A color, the headline or other words say it, or it is there for the templates of users alone.
    let said_elsewhere = [
        "usage txt: critical drawn next_cycle_exceeds table taken_at",
        "usage html: taken_at",
        "changes txt: over_allocated",
        "closing txt: groups more_groups table",
        "failure txt: job last_success since",
        "failure html: job last_success since",
    ];
    assert_eq!(unused, said_elsewhere);
}

#[test]
fn whatever_a_users_fuzzed_template_is_the_mail_goes_out() {
    let shipped = include_bytes!("../../../templates/usage/body.txt");
    fuzzed(
        "templates",
        &[shipped, b"{{ headline }}\n{% for row in worst %}{{ row.name }}{% endfor %}\n"],
        |source| {
            let dir = folder(&[("usage/body.txt", &String::from_utf8_lossy(source))]);
            assert!(!Templates::load(Some(dir.path())).text(&report(), &[]).unwrap().is_empty());
        },
    );
}
