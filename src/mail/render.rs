//! Reports laid out by templates: the shipped ones, and the user's own files in front of them.
//!
//! A user's template that does not work never costs a report: the shipped one takes its place, and why is said.

mod dots;

use std::path::Path;
use std::sync::LazyLock;

use anyhow::Context;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use css_inline::CSSInliner;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, context};
use reqwest::Url;
use serde::Serialize;

use self::dots::with_dots;
use crate::files;
use crate::report::{self, Report, ReportContext};
use crate::text::template_filters::add_filters;
use crate::text::{edge, redact};

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../templates/", $name)))),+]
    };
}

/// Every template by the name that a file in `mail.templates_dir` replaces.
const SHIPPED: &[(&str, &str)] = shipped![
    "layout.html",
    "parts.html",
    "parts.txt",
    "usage/subject.txt",
    "usage/body.txt",
    "usage/body.html",
    "changes/subject.txt",
    "changes/body.txt",
    "changes/body.html",
    "alerts/subject.txt",
    "alerts/body.txt",
    "alerts/body.html",
    "closing/subject.txt",
    "closing/body.txt",
    "closing/body.html",
    "failure/subject.txt",
    "failure/body.txt",
    "failure/body.html",
    "notice/subject.txt",
    "notice/body.txt",
    "notice/body.html",
];

/// How many steps a user's template may take: a mail of 10,000 account groups takes a small part of it, and one that loops
/// without end is stopped within seconds.
const FUEL: u64 = 20_000_000;

const PARTS: [&str; 3] = ["subject.txt", "body.txt", "body.html"];

/// The shipped templates. Read with the first mail, because most processes send none.
static SHIPPED_ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(shipped_environment);

/// The templates that are in use.
pub(crate) struct Templates {
    /// The shipped templates with the user's in front; none without a folder.
    user: Option<Environment<'static>>,
    /// Whom those who get a mail can ask; none where nobody reads what they answer.
    reply_to: Option<String>,
    /// Where the daemon's pages are, as people reach them; none where there are none.
    pages: Option<Url>,
}

/// What a mail says beside its report.
#[derive(Clone, Copy)]
struct MailExtras<'a> {
    attachments: &'a [String],
    reply_to: Option<&'a str>,
    pages: Option<&'a Url>,
}

/// What leads from a mail to the page of what it is about.
#[derive(Serialize)]
struct Link {
    url: String,
    label: &'static str,
}

impl Templates {
    /// Reads the user's templates once. What is wrong with them is for [`check_templates`] to say, and for the log
    /// when they are used.
    pub(crate) fn load(dir: Option<&Path>) -> Self {
        let user = dir.map(|dir| {
            let (environment, problems) = user_environment(dir);
            for problem in problems {
                tracing::warn!("{problem}");
            }
            environment
        });
        Self { user, reply_to: None, pages: None }
    }

    /// The same, for mails that are answered at an address.
    pub(crate) fn answered_at(self, reply_to: Option<String>) -> Self {
        Self { reply_to, ..self }
    }

    /// The same, for mails that lead to pages below a URL.
    pub(crate) fn leading_to(self, pages: Option<Url>) -> Self {
        Self { pages, ..self }
    }

    /// One line, whatever the template makes.
    pub(crate) fn subject(&self, report: &Report) -> anyhow::Result<String> {
        Ok(redact::clean(&self.render(report, "subject.txt", &[])?, 250))
    }

    /// The text part.
    pub(crate) fn text(&self, report: &Report, attachments: &[String]) -> anyhow::Result<String> {
        let text = self.render(report, "body.txt", attachments)?;
        let lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
        Ok(lines.join("\n") + "\n")
    }

    /// The HTML part: it loads nothing from anywhere.
    pub(crate) fn html(&self, report: &Report, attachments: &[String]) -> anyhow::Result<String> {
        self.render(report, "body.html", attachments)
    }

    fn render(&self, report: &Report, part: &str, attachments: &[String]) -> anyhow::Result<String> {
        let name = format!("{}/{part}", report.kind());
        let beside =
            MailExtras { attachments, reply_to: self.reply_to.as_deref(), pages: self.pages.as_ref() };
        if let Some(user) = &self.user {
            match render(user, &name, report, beside) {
                Ok(text) => return Ok(text),
                Err(error) => tracing::warn!("{}: the shipped one is used instead", described(&name, &error)),
            }
        }
        render(&SHIPPED_ENVIRONMENT, &name, report, beside)
            .with_context(|| format!("the shipped template {name} fails"))
    }
}

/// What is wrong with the templates in a folder, a sentence each with file, line and cause; empty when all work.
pub(crate) fn check_templates(dir: &Path) -> Vec<String> {
    let (environment, mut problems) = user_environment(dir);
    problems.extend(unknown_files(dir));
    let example = ReportContext {
        now: DateTime::<Utc>::UNIX_EPOCH,
        zone: Tz::UTC,
        instance: "example".to_owned(),
        expire: std::time::Duration::from_secs(3600),
        extent: report::Extent::Mail,
    };
    let example_pages = Url::parse("https://quotas.example.com").ok();
    for report in report::examples(&example) {
        for part in PARTS {
            let name = format!("{}/{part}", report.kind());
            let beside = MailExtras {
                attachments: &["usage.csv".to_owned()],
                reply_to: Some("noc@example.com"),
                pages: example_pages.as_ref(),
            };
            if let Err(error) = render(&environment, &name, &report, beside) {
                problems.push(format!("{}: the shipped one is used instead", described(&name, &error)));
            }
        }
    }
    problems.dedup();
    problems
}

fn shipped_environment() -> Environment<'static> {
    let mut environment = empty_environment();
    for (name, source) in SHIPPED {
        environment.add_template(name, source).expect("a test renders every shipped template");
    }
    environment
}

/// The shipped templates with the folder's in front, and what is wrong with those that cannot be.
fn user_environment(dir: &Path) -> (Environment<'static>, Vec<String>) {
    let mut environment = shipped_environment();
    environment.set_fuel(Some(FUEL));
    let mut problems = Vec::new();
    if !dir.is_dir() {
        problems.push(format!("mail.templates_dir: {} is not a folder that can be read", dir.display()));
    }
    for (name, shipped) in SHIPPED {
        let path = dir.join(name);
        // One that cannot be looked at, or a link that leads nowhere, was meant to be used.
        if std::fs::symlink_metadata(&path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
            continue;
        }
        let problem = match files::read_text(&path, files::TEXT) {
            Ok(source) => {
                environment.add_template_owned(*name, source).err().map(|error| described(name, &error))
            }
            Err(error) => Some(format!("template {name}: {error}")),
        };
        if let Some(problem) = problem {
            problems.push(format!("{problem}: the shipped one is used instead"));
            environment.add_template(name, shipped).expect("a test renders every shipped template");
        }
    }
    (environment, problems)
}

/// A misspelt file name would never be used and never be missed.
fn unknown_files(dir: &Path) -> Vec<String> {
    let files = |dir: &Path| -> Vec<_> {
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    };
    let mut problems = Vec::new();
    for path in files(dir).into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
    {
        let name = path.strip_prefix(dir).unwrap_or(&path).display().to_string();
        if !SHIPPED.iter().any(|(known, _)| *known == name) {
            let known: Vec<&str> = SHIPPED.iter().map(|(known, _)| *known).collect();
            problems.push(format!("template {name} is never used: the names are {}", known.join(", ")));
        }
    }
    problems.sort();
    problems
}

fn empty_environment() -> Environment<'static> {
    let mut environment = Environment::new();
    let blocks = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(blocks.expect("only whitespace is configured"));
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    add_filters(&mut environment);
    environment
}

fn render(
    environment: &Environment<'_>,
    name: &str,
    report: &Report,
    beside: MailExtras<'_>,
) -> Result<String, Error> {
    let shown = serde_json::to_value(report).map(edge::values).map_err(|error| {
        Error::new(ErrorKind::BadSerialization, format!("the report cannot be laid out: {error}"))
    })?;
    let link = beside.pages.and_then(|pages| link(report, pages));
    // Who may not open the page of all of it may open none.
    let pages = link.as_ref().and(beside.pages).map(|pages| pages.as_str().trim_end_matches('/'));
    let report_fields = minijinja::Value::from(Serde(shown));
    let context = context! {
        attachments => beside.attachments.to_vec(),
        recipients_key => report.recipients_key(),
        tag => report.tag(),
        reply_to => beside.reply_to,
        link => Serde(&link),
        pages,
        ..report_fields
    };
    let text = environment.get_template(name)?.render(context)?;
    if Path::new(name).extension().is_none_or(|kind| kind != "html") {
        return Ok(text);
    }
    let inliner = CSSInliner::options()
        .load_remote_stylesheets(false)
        .keep_style_tags(false)
        .keep_at_rules(true)
        .minify_css(true)
        .build();
    let html = inliner.inline(&text).map_err(|error| {
        Error::new(ErrorKind::InvalidOperation, format!("its CSS cannot be used: {error}"))
    })?;
    // The rules that cannot be inlined now lead the head, but browsers look for the charset in the first 1024 bytes.
    let html = without_tags_in_attributes(&html);
    let html = with_dots(&html);
    Ok(html.replacen("<head>", "<head><meta charset=\"utf-8\">", 1))
}

/// Where the page of a report is; none where there is none for its readers.
fn link(report: &Report, pages: &Url) -> Option<Link> {
    let (path, label) = report.page()?;
    let url = format!("{}{path}", pages.as_str().trim_end_matches('/'));
    Some(Link { url, label })
}

/// In attributes too, no `<` or `>`: the inliner writes them as they are there, which is right for browsers, but programs that
/// clean mails have taken them for tags.
fn without_tags_in_attributes(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        out += &rest[..start];
        rest = &rest[start..];
        // Comments and styles are no text of reports.
        let raw =
            [("<!--", "-->"), ("<style", "</style")].into_iter().find(|(begin, _)| rest.starts_with(begin));
        if let Some((_, end)) = raw {
            let length = rest.find(end).map_or(rest.len(), |at| at + end.len());
            out += &rest[..length];
            rest = &rest[length..];
            continue;
        }
        let mut is_value = false;
        let mut length = rest.len();
        for (at, letter) in rest.char_indices() {
            match letter {
                '"' => is_value = !is_value,
                '<' if is_value => out += "&lt;",
                '>' if is_value => out += "&gt;",
                _ => {}
            }
            if !(is_value && matches!(letter, '<' | '>')) {
                out.push(letter);
            }
            if letter == '>' && !is_value {
                length = at + 1;
                break;
            }
        }
        rest = &rest[length..];
    }
    out + rest
}

/// `template usage/body.html, line 12: undefined value`.
fn described(name: &str, error: &Error) -> String {
    // The error may lie in a template that the named one includes.
    let name = error.name().unwrap_or(name);
    let line = error.line().map(|line| format!(", line {line}")).unwrap_or_default();
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    if error.kind() == ErrorKind::OutOfFuel {
        return format!("template {name}{line} loops too long");
    }
    format!("template {name}{line}: {}{detail}", error.kind())
}

#[cfg(test)]
mod tests;
