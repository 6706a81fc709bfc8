//! Reports as pages of their own, which a browser opens from a file, and the same as the daemon serves them: everything is in a
//! page, nothing is loaded from elsewhere.
//!
//! The tables that a template makes are the data; without scripts they are the page. `page/*.js` is one static script, which
//! nothing is inserted into: it reads the tables, and one inert block of JSON. The policy of the page names the script's hash, so
//! that nothing else can run whatever a name holds.

mod dots;
mod target_row;

use std::io::Write;
use std::iter;
use std::sync::Mutex;
use std::sync::mpsc::sync_channel;
use std::thread;

use anyhow::Context;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, HtmlEscape, UndefinedBehavior, Value, context};
use serde::Serialize;
use sha2::{Digest, Sha256};

use self::dots::with_dots;
use self::target_row::{common_cells, push_row};
use crate::parallel::Cores;
use crate::report::UsagePage;
use crate::text::edge;
use crate::text::template_filters::{add_filters, isolated_text};

/// So many rows are handed over at once.
const ROWS_AT_ONCE: usize = 64;
/// So many of these wait to be written.
const ROWS_AHEAD: usize = 2;
/// More than most take.
const ROW_BYTES: usize = 640;

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
pub(crate) fn usage(page: UsagePage<'_>, live: Option<&PageFrame>) -> anyhow::Result<String> {
    into_text(|out| write_report("usage.html", (page, context! {}), live, Cores::One, out))
}

/// The same, written to a file: with thousands of account groups it is never in memory as a whole.
pub(crate) fn write_usage(page: UsagePage<'_>, out: &mut dyn Write) -> anyhow::Result<()> {
    write_report("usage.html", (page, context! {}), None, Cores::All, out)
}

/// The same as the first page: what is wrong or waits, `now`, beside the organizations and the worst account groups.
pub(crate) fn overview_page(
    page: UsagePage<'_>,
    now: &impl Serialize,
    live: &PageFrame,
) -> anyhow::Result<String> {
    let now = Value::from(Serde(edge::values(serde_json::to_value(now)?)));
    into_text(|out| write_report("now.html", (page, context! { now }), Some(live), Cores::One, out))
}

/// A page that is its template and plain values.
pub(crate) fn plain_page(
    template: &'static str,
    view: &impl Serialize,
    live: Option<&PageFrame>,
) -> anyhow::Result<String> {
    render(template, Value::from(Serde(edge::values(serde_json::to_value(view)?))), live)
}

/// Writes the page of a report, with `more` values for its template: `rows` are several rows of the table each. Where all cores do that,
/// some are made while others are written.
fn write_report(
    template: &'static str,
    (page, more): (UsagePage<'_>, Value),
    live: Option<&PageFrame>,
    cores: Cores,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let UsagePage { report, beside, rows, data } = page;
    let data = inert_script(&edge::values(serde_json::to_value(&data)?).to_string());
    let values = context! {
        own_cells => report.organizations.iter().map(|seen| common_cells(&seen.own)).collect::<Vec<_>>(),
        data => Value::from_safe_string(data),
        beside => Serde(beside),
        ..context! { ..more, ..Value::from(Serde(edge::values(serde_json::to_value(&report)?))) }
    };
    let places = (0..rows.count()).step_by(ROWS_AT_ONCE);
    let made = |begin: usize| {
        let places = begin..rows.count().min(begin + ROWS_AT_ONCE);
        let mut html = String::with_capacity(ROWS_AT_ONCE * ROW_BYTES);
        for place in places {
            push_row(&mut html, &rows.row(place), report.many_organizations, live.is_some());
        }
        Value::from_safe_string(html)
    };
    thread::scope(|scope| {
        let (sent, received) = sync_channel::<Value>(ROWS_AHEAD);
        let (places, made) = (&places, &made);
        let make_all = move || {
            cores.map_in_order(places.clone(), made, |rows| {
                // Nobody wants the rest where the page cannot be written.
                let _ = rows.map(|rows| sent.send(rows)).find(Result::is_err);
            });
        };
        let has_maker = cores == Cores::All && thread::Builder::new().spawn_scoped(scope, make_all).is_ok();
        let rows = if has_maker {
            let received = Mutex::new(received); // a template's values are for all threads
            Value::make_one_shot_iterator(iter::from_fn(move || received.lock().ok()?.recv().ok()))
        } else {
            places.clone().map(made).collect::<Vec<_>>().into()
        };
        write(template, context! { rows, ..values }, live, out)
    })
}

fn render(template: &'static str, values: Value, live: Option<&PageFrame>) -> anyhow::Result<String> {
    into_text(|out| write(template, values, live, out))
}

fn into_text(write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> anyhow::Result<String> {
    let mut page = Vec::new();
    write(&mut page)?;
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
    environment.set_debug(false); // an error would keep the rows, and who makes them would wait for ever
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
