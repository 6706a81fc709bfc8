//! Reports as pages of their own, which a browser opens from a file, and the same as the daemon serves them: everything is in a
//! page, nothing is loaded from elsewhere.
//!
//! The tables that a template makes are the data; without scripts they are the page. `page/*.js` is one static script, which
//! nothing is inserted into: it reads the tables, and one inert block of JSON. The policy of the page names the script's hash, so
//! that nothing else can run whatever a name holds.

mod dots;
mod target_row;

use std::io::Write;

use anyhow::Context;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, HtmlEscape, UndefinedBehavior, Value, context};
use serde::Serialize;
use sha2::{Digest, Sha256};

use self::dots::with_dots;
use self::target_row::{common_cells, target_row};
use crate::report::{UsagePage, UsageRow};
use crate::text::edge;
use crate::text::template_filters::{add_filters, isolated_text};

const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = concat!(
    include_str!("page/trend.js"),
    include_str!("page/change.js"),
    include_str!("page/page.js"),
    include_str!("page/live.js"),
    include_str!("page/pick.js"),
);
const TEMPLATES: [(&str, &str); 11] = [
    ("page.html", include_str!("page/page.html")),
    ("parts.html", include_str!("page/parts.html")),
    ("usage.html", include_str!("page/usage.html")),
    ("now.html", include_str!("page/now.html")),
    ("group.html", include_str!("page/group.html")),
    ("changes.html", include_str!("page/changes.html")),
    ("runs.html", include_str!("page/runs.html")),
    ("cycles.html", include_str!("page/cycles.html")),
    ("history.html", include_str!("page/history.html")),
    ("health.html", include_str!("page/health.html")),
    ("message.html", include_str!("page/message.html")),
];

/// What stands around a page that the daemon serves.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PageFrame {
    /// Another one whenever the page may show something else.
    pub stamp: String,
    pub views: Vec<View>,
}

/// One of the views that each page leads to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct View {
    pub label: &'static str,
    pub href: &'static str,
    /// How much there waits for somebody.
    pub count: usize,
    /// Whether the page belongs to it.
    pub is_here: bool,
}

/// The usage report with the account groups that are in it.
pub(crate) fn usage(page: UsagePage, live: Option<&PageFrame>) -> anyhow::Result<String> {
    render("usage.html", values_of(page, live.is_some())?, live)
}

/// The same, written to a file: with thousands of account groups it is never in memory as a whole.
pub(crate) fn write_usage(page: UsagePage, out: &mut dyn Write) -> anyhow::Result<()> {
    write("usage.html", values_of(page, false)?, None, out)
}

/// The same as the first page: what is wrong or waits, `now`, beside the organizations and the worst account groups.
pub(crate) fn overview_page(
    page: UsagePage,
    now: &impl Serialize,
    live: &PageFrame,
) -> anyhow::Result<String> {
    let now = Value::from(Serde(edge::values(serde_json::to_value(now)?)));
    render("now.html", context! { now, ..values_of(page, true)? }, Some(live))
}

/// A page that is its template and plain values.
pub(crate) fn plain_page(
    template: &'static str,
    view: &impl Serialize,
    live: Option<&PageFrame>,
) -> anyhow::Result<String> {
    render(template, Value::from(Serde(edge::values(serde_json::to_value(view)?))), live)
}

fn values_of(page: UsagePage, is_served: bool) -> anyhow::Result<Value> {
    let UsagePage { report, beside, rows, data } = page;
    let many_organizations = report.many_organizations;
    let rows = Value::make_object_iterable(rows, move |rows: &Vec<UsageRow>| {
        let written =
            move |row: &UsageRow| Value::from_safe_string(target_row(row, many_organizations, is_served));
        Box::new(rows.iter().map(written))
    });
    let own_cells: Vec<Value> = report.organizations.iter().map(|seen| common_cells(&seen.own)).collect();
    let report = Value::from(Serde(edge::values(serde_json::to_value(&report)?)));
    let data = inert_script(&edge::values(serde_json::to_value(&data)?).to_string());
    let beside = Value::from(Serde(beside));
    Ok(context! { data => Value::from_safe_string(data), rows, own_cells, beside, ..report })
}

fn render(template: &'static str, values: Value, live: Option<&PageFrame>) -> anyhow::Result<String> {
    let mut page = Vec::new();
    write(template, values, live, &mut page)?;
    Ok(String::from_utf8(page)?)
}

fn write(
    template: &'static str,
    values: Value,
    live: Option<&PageFrame>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let values = context! {
        policy => policy(live.is_some()),
        style => Value::from_safe_string(STYLE.to_owned()),
        script => Value::from_safe_string(SCRIPT.to_owned()),
        live => live.map(Serde),
        ..values
    };
    let written = environment()
        .and_then(|pages| pages.get_template(template)?.render_captured_to(values, out).map(|_| ()));
    written.with_context(|| format!("the page {template} fails"))
}

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    let blocks = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?;
    environment.set_syntax(blocks);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    add_filters(&mut environment);
    environment.add_filter("dots", |text: &Value| Value::from_safe_string(with_dots(&html_of(text))));
    for (name, template) in TEMPLATES {
        environment.add_template_owned(name, with_dots(template))?;
    }
    Ok(environment)
}

fn html_of(text: &Value) -> String {
    let written = text.as_str().unwrap_or_default();
    if text.is_safe() { written.to_owned() } else { HtmlEscape(&isolated_text(written)).to_string() }
}

/// What a page may do: run its one script, show its one style, and nothing else. One that is served asks where it came from for what
/// is new.
pub(crate) fn policy(is_served: bool) -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
    let own = if is_served { "connect-src 'self'; form-action 'self'" } else { "form-action 'none'" };
    format!(
        "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; {own}",
        hash(SCRIPT),
        hash(STYLE)
    )
}

/// JSON that ends no script element and no line of a script, whatever its texts hold.
fn inert_script(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => safe += &format!("\\u{:04x}", u32::from(letter)),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests;
