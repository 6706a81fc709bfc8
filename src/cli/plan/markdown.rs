//! The plan for a pull request or a ticket: totals, organizations, then what is held and refused before the rest.

use chrono_tz::Tz;

use super::requests::Requests;
use super::style::moment;
use super::text::unchanged;
use crate::change::{Plan, PlanRow, Verdict};
use crate::domain::quota::{Units, grouped, quota_text};
use crate::report::shared::planned::{OrganizationView, organizations, parts};
use crate::report::words::{counted, number};
use crate::text::clean::visible;

/// Hosts cut long comments: so many rows are listed, and so many organizations, unless all are asked for.
const ROWS: usize = 100;
const ORGANIZATIONS: usize = 50;

pub(super) fn markdown(name: &str, plan: &Plan, zone: Tz, all: bool) -> String {
    let counts = plan.counts();
    let mut text = format!(
        "### {}\n\n{}: {}, {}, {}, {}, {} unchanged, {} refused; {} held{}\n\n",
        safe(name),
        counted(plan.rows.len(), "row"),
        counted(counts.raises, "raise"),
        counted(counts.decreases, "decrease"),
        counted(counts.new, "first quota"),
        counted(counts.removed, "unassign"),
        number(counts.unchanged),
        number(counts.refused),
        number(counts.held),
        if plan.is_empty() { String::new() } else { format!(" · plan `{}`", plan.sha256) }
    );
    let requests = Requests::of(plan);
    if requests.total() > 0 {
        text += &format!(
            "{} would be sent in {} ({}).\n\n",
            counted(plan.to_send().count(), "row"),
            counted(requests.total(), "request"),
            requests.by_word()
        );
    }
    text += &organization_table(&organizations(plan), if all { usize::MAX } else { ORGANIZATIONS });
    text += &row_table(plan, zone, all);
    text
}

fn organization_table(views: &[OrganizationView<'_>], limit: usize) -> String {
    if views.is_empty() {
        return String::new();
    }
    let mut text = "| organization | allocated | of quota | held | refused | applied now | scheduled | |\n\
                    |---|--:|--:|--:|--:|--:|--:|---|\n"
        .to_owned();
    for view in views.iter().take(limit) {
        let totals = view.totals;
        text += &format!(
            "| {} {} | {} → {} | {} | {} | {} | {} | {} | {} |\n",
            safe(&totals.name),
            totals.org_id,
            grouped(totals.allocated_before),
            grouped(totals.allocated_after),
            quota_text(totals.quota),
            number(view.held),
            number(view.refused),
            number(view.flows),
            number(view.scheduled),
            view.over_allocation()
        );
    }
    if views.len() > limit {
        text += &format!("\nand {}\n", counted(views.len() - limit, "more organization"));
    }
    text + "\n"
}

fn row_table(plan: &Plan, zone: Tz, all: bool) -> String {
    let parts = parts(plan);
    let mut rows: Vec<&PlanRow> = parts.iter().flat_map(|part| part.rows.iter().copied()).collect();
    let mut others: Vec<&PlanRow> = parts.iter().flat_map(|part| part.others.iter().copied()).collect();
    let unchanged = if all { None } else { unchanged(plan) };
    let unchanged = unchanged.map_or_else(String::new, |unchanged| format!("Unchanged: {unchanged}.\n"));
    if rows.is_empty() && others.is_empty() && !(all && plan.counts().unchanged > 0) {
        return format!(
            "Nothing to do.\n{}",
            if unchanged.is_empty() { unchanged } else { format!("\n{unchanged}") }
        );
    }
    if all {
        rows.append(&mut others);
        rows.extend(plan.rows.iter().filter(|row| matches!(row.verdict, Verdict::Unchanged(_))));
    }
    let mut text =
        "| row | target | before | after | used | projected | headroom | |\n|--:|---|--:|--:|--:|--:|--:|---|\n"
            .to_owned();
    let figure = |units: Option<Units>| units.map_or_else(|| "–".to_owned(), grouped);
    let quota = |known: bool, quota| if known { quota_text(quota) } else { "–".to_owned() };
    let limit = if all { rows.len() } else { ROWS };
    for row in rows.iter().take(limit) {
        text += &format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} |\n",
            row.row,
            safe(&row.label()),
            quota(row.target.is_some(), row.before),
            quota(row.is_understood(), row.after),
            figure(row.used),
            figure(row.projected),
            figure(row.headroom()),
            told(row, zone)
        );
    }
    let more = rows.len().saturating_sub(limit) + others.len();
    if more > 0 {
        text += &format!("\nand {} more (`--all` lists them)\n", number(more));
    }
    if unchanged.is_empty() { text } else { format!("{text}\n{unchanged}") }
}

fn told(row: &PlanRow, zone: Tz) -> String {
    let mut said = match &row.verdict {
        Verdict::Send => Vec::new(),
        Verdict::Unchanged(why) => vec![format!("unchanged: {}", why.message(row.before))],
        Verdict::Refused(problem) => {
            vec![format!("**refused**: {}", safe(&problem.message))]
        }
        Verdict::Held(tripped) => {
            let why: Vec<String> = tripped
                .iter()
                .map(|tripped| format!("{} ({})", safe(&tripped.message), safe(tripped.guard.as_str())))
                .collect();
            vec![format!("**held**: {}", why.join("; "))]
        }
    };
    said.extend(row.warnings.iter().map(|warning| safe(warning)));
    if !row.written.is_empty() {
        said.push(safe(&format!("written as {}", row.written)));
    }
    if let Some(due) = row.due {
        said.push(format!("takes effect {}", moment(due, zone)));
    }
    said.join("; ")
}

/// Text that stays text: no column, no markup, no tag, and nothing that a terminal or a browser acts on.
fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in visible(text).chars() {
        match letter {
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '&' => out += "&amp;",
            '\\' | '`' | '|' | '*' | '_' | '[' | ']' | '~' | '#' => out.extend(['\\', letter]),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_becomes_markup() {
        assert_eq!(
            safe("a|b `c` <img src=x> [d](e)\n*f* \\|"),
            "a\\|b \\`c\\` &lt;img src=x&gt; \\[d\\](e) \\*f\\* \\\\\\|"
        );
    }
}
