//! One account group as a row of a table, and the cells that an organization's row has too. A page may have 50,000 of them, so they
//! are written here: by a template most of the time of a page went into them.
//!
//! A row omits what HTML lets it omit.

use std::fmt::{Arguments, Write};

use minijinja::{HtmlEscape, Value, context};

use crate::domain::quota::Units;
use crate::report::{Bar, Level, QuotaStatus, UsageRow};
use crate::text::edge;
use crate::text::template_filters::{isolated_text, kept_together};
use crate::text::words::push_grouped;

/// The cells that the row of an organization has too: `state`, and `share` of its quota.
pub(super) fn common_cells(status: &QuotaStatus) -> Value {
    let [mut state, mut share] = [const { String::new() }; 2];
    Html(&mut state).state(status);
    Html(&mut share).share(status);
    context! { state => Value::from_safe_string(state), share => Value::from_safe_string(share) }
}

/// Writes the row of an account group. On a page that is served its name leads to a page of its own.
pub(super) fn push_row(html: &mut String, row: &UsageRow, many_organizations: bool, is_served: bool) {
    let status = &row.status;
    let mut html = Html(html);
    html.made(format_args!("<tr class={} data-o={}", row.state, row.organization));
    if let Some(out) = row.out {
        html.made(format_args!(" data-x={out}"));
    }
    if !row.owned_by.is_empty() {
        html.tags(" data-w=\"").tags(&row.owned_by).tags("\"");
    }
    if !row.trend.is_empty() {
        html.tags(" data-t=").tags(&row.trend);
    }
    if !status.estimates.is_empty() {
        html.tags(" data-e=\"").text(&status.estimates).tags("\"");
    }
    html.tags("><th scope=row class=name>");
    if is_served {
        html.tags("<a href=\"/organizations/")
            .text(status.target.org_id.as_str())
            .tags("/groups/")
            .text(&status.id)
            .tags("\">");
        html.text(&status.name).tags("</a>");
    } else {
        html.text(&status.name);
    }
    html.tags(" <small>").text(&status.id).tags("</small>");
    if many_organizations {
        html.tags("<small>").text(&status.org_name).tags("</small>");
    }
    html.tags("<td class=state>").state(status);
    html.tags("<td class=use>").share(status);
    html.tags("<td class=used>").units_or(status.used, "unknown");
    html.tags("<td class=projected>").units_or(status.projected, "unknown");
    html.tags("<td class=quota>").units_or(status.quota, "no quota");
    html.tags("<td class=left>").left(status);
    html.tags("</tr>\n");
}

/// Markup in the making.
struct Html<'h>(&'h mut String);

impl Html<'_> {
    /// What we write ourselves.
    fn tags(&mut self, tags: &str) -> &mut Self {
        *self.0 += tags;
        self
    }

    /// The same with figures.
    fn made(&mut self, tags: Arguments<'_>) -> &mut Self {
        let _ = self.0.write_fmt(tags); // memory takes all that is written
        self
    }

    /// What others wrote, as text.
    fn text(&mut self, text: &str) -> &mut Self {
        let text = edge::lines(text);
        let text = isolated_text(&text);
        if text.bytes().any(|byte| matches!(byte, b'<' | b'>' | b'&' | b'"' | b'\'' | b'/')) {
            self.made(format_args!("{}", HtmlEscape(&text)));
        } else {
            *self.0 += &text;
        }
        self
    }

    fn units(&mut self, units: Units) -> &mut Self {
        push_grouped(self.0, units, "\u{202f}");
        self
    }

    fn units_or(&mut self, units: Option<Units>, none: &str) -> &mut Self {
        match units {
            Some(units) => self.units(units),
            None => self.tags(none),
        }
    }

    /// How bad it is, and the day it runs out.
    fn state(&mut self, status: &QuotaStatus) {
        match status.level {
            Level::Critical => self.tags("<b class=badge>Critical</b> "),
            Level::Warning => self.tags("<b class=badge>Warning</b> "),
            Level::Fine => self,
        };
        let is_within =
            status.level == Level::Fine && status.percent_projected.is_some() && status.runs_out_at.is_none();
        if is_within {
            self.tags("<span>within quota</span>");
        } else {
            self.text(&kept_together(&status.status));
        }
        if !status.sureness.is_empty() {
            self.tags(" <small>").text(&status.sureness).tags("</small>");
        }
    }

    /// The share of the quota that is needed, as a bar and a figure.
    fn share(&mut self, status: &QuotaStatus) {
        if let Some(Bar { used, projected, over, rest: _ }) = status.bar {
            self.tags("<svg class=bar aria-hidden=true>");
            if used > 0.0 {
                self.made(format_args!("<rect class=used width={used:?}% />"));
            }
            if projected > 0.0 {
                self.made(format_args!("<rect class=next x={used:?}% width={projected:?}% />"));
            }
            if over > 0.0 {
                let begin = 100.0 - over;
                self.made(format_args!("<rect class=over x={begin:?}% width={over:?}% />"));
                self.made(format_args!("<rect class=mark x={begin:?}% width=2 />"));
            }
            self.tags("</svg>");
        }
        if let Some(percent) = status.percent_projected {
            self.tags("<span>").units(percent).tags("&#8239;%</span>");
        }
    }

    fn left(&mut self, status: &QuotaStatus) -> &mut Self {
        match (status.over, status.headroom) {
            (Some(over), _) if over != 0 => self.tags("<b class=short>").units(over).tags("</b> over"),
            (_, Some(headroom)) => self.units(headroom).tags(" left"),
            _ => self.tags("–"),
        }
    }
}

#[cfg(test)]
mod tests;
