//! Reports as pages of their own, which a browser opens from a file: everything is in it, nothing is loaded from elsewhere.
//!
//! The table that the template makes is the data; without scripts it is the page. `page/*.js` is one static script, which
//! nothing is inserted into: it reads that table, and one inert block of JSON. The policy of the page names the script's hash, so
//! that nothing else can run whatever a name holds.

use anyhow::Context;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value, context};
use sha2::{Digest, Sha256};

use crate::mail::add_filters;
use crate::report::UsagePage;
use crate::text::edge;

const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str =
    concat!(include_str!("page/trend.js"), include_str!("page/change.js"), include_str!("page/page.js"),);
const USAGE: &str = include_str!("page/usage.html");

/// The usage report with every account group.
pub(crate) fn usage(page: UsagePage) -> anyhow::Result<String> {
    let UsagePage { report, beside, rows, data } = page;
    let rows = Value::make_object_iterable(rows, |rows| {
        Box::new(rows.iter().map(|row| {
            let trend = row.trend.as_str();
            match serde_json::to_value(row).map(edge::values) {
                Ok(row) => context! { trend, ..Value::from(Serde(row)) },
                Err(error) => Value::from(minijinja::Error::new(
                    minijinja::ErrorKind::BadSerialization,
                    error.to_string(),
                )),
            }
        }))
    });
    let report = Value::from(Serde(edge::values(serde_json::to_value(&report)?)));
    let values = context! {
        policy => policy(),
        style => Value::from_safe_string(STYLE.to_owned()),
        script => Value::from_safe_string(SCRIPT.to_owned()),
        data => Value::from_safe_string(inert(&edge::values(serde_json::to_value(&data)?).to_string())),
        rows,
        beside => Value::from(Serde(beside)),
        ..report
    };
    render(values).context("the page of the usage report fails")
}

fn render(values: Value) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    let blocks = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?;
    environment.set_syntax(blocks);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    add_filters(&mut environment);
    environment.add_template("usage.html", USAGE)?;
    environment.get_template("usage.html")?.render(values)
}

/// What the page may do: run its one script, show its one style, and nothing else.
fn policy() -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
}

/// JSON that ends no script element and no line of a script, whatever its texts hold.
fn inert(json: &str) -> String {
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
