//! The plan for a pull request or a ticket: totals, organizations, then what is held and refused before the rest.

use chrono_tz::Tz;

use super::requests::Requests;
use super::style::name_of;
use super::text::unchanged_rows;
use crate::change::{Plan, PlanRow, Verdict};
use crate::domain::quota::Units;
use crate::report::shared::planned::{OrganizationView, organizations, parts};
use crate::report::words::{counted, moment_in, number};
use crate::text::clean::visible;
use crate::text::words::{grouped, quota_text};

/// Hosts cut comments that are longer than some 65 000 characters: up to so many bytes each row is listed that changes, is
/// held or is refused.
const BYTES: usize = 60_000;
/// Of more than that so many rows are listed, and always so many organizations, unless all are asked for.
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
    let requests = Requests::for_plan(plan);
    if requests.total() > 0 {
        text += &format!(
            "{} would be applied in {} ({}).\n\n",
            counted(plan.to_send().count(), "row"),
            counted(requests.total(), "request"),
            requests.by_word()
        );
    }
    text += &organization_table(&organizations(plan), if all { usize::MAX } else { ORGANIZATIONS });
    let room = if all { usize::MAX } else { BYTES.saturating_sub(text.len()) };
    text += &row_table(plan, zone, all, room);
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
            number(view.applies_now),
            number(view.scheduled),
            view.over_allocation()
        );
    }
    if views.len() > limit {
        text += &format!("\nand {}\n", counted(views.len() - limit, "more organization"));
    }
    text + "\n"
}

fn row_table(plan: &Plan, zone: Tz, all: bool, room: usize) -> String {
    let parts = parts(plan);
    let mut rows: Vec<&PlanRow> = parts.iter().flat_map(|part| part.rows.iter().copied()).collect();
    rows.extend(parts.iter().flat_map(|part| part.others.iter().copied()));
    let unchanged = if all { None } else { unchanged_rows(plan) };
    let unchanged = unchanged.map_or_else(String::new, |unchanged| format!("Unchanged: {unchanged}.\n"));
    if rows.is_empty() && !(all && plan.counts().unchanged > 0) {
        return format!(
            "Nothing to do.\n{}",
            if unchanged.is_empty() { unchanged } else { format!("\n{unchanged}") }
        );
    }
    if all {
        rows.extend(plan.rows.iter().filter(|row| matches!(row.verdict, Verdict::Unchanged(_))));
    }
    let has_organizations = plan.organizations.len() > 1;
    let organization = if has_organizations { ("organization | ", "---|") } else { ("", "") };
    let mut text = format!(
        "| row | target | {}before | after | used | projected | headroom | |\n|--:|---|{}--:|--:|--:|--:|--:|---|\n",
        organization.0, organization.1
    );
    let (mut listed, mut end_of_first) = (0, text.len());
    for row in &rows {
        text += &row_line(row, zone, has_organizations);
        listed += 1;
        if listed == ROWS {
            end_of_first = text.len();
        }
        if listed > ROWS && text.len() > room {
            listed = ROWS;
            text.truncate(end_of_first);
            break;
        }
    }
    let more = rows.len() - listed;
    if more > 0 {
        text += &format!("\nand {} more (`--all` lists them)\n", number(more));
    }
    if unchanged.is_empty() { text } else { format!("{text}\n{unchanged}") }
}

fn row_line(row: &PlanRow, zone: Tz, has_organizations: bool) -> String {
    let figure = |units: Option<Units>| units.map_or_else(|| "–".to_owned(), grouped);
    let quota = |known: bool, quota| if known { quota_text(quota) } else { "–".to_owned() };
    let organization = row.target.as_ref().filter(|_| has_organizations);
    let organization = organization.map(|target| safe(&name_of(&row.org_name, &target.org_id)));
    format!(
        "| {} | {} | {}{} | {} | {} | {} | {} | {} |\n",
        row.row,
        safe(&row.label()),
        if has_organizations { organization.unwrap_or_default() + " | " } else { String::new() },
        quota(row.target.is_some(), row.before),
        quota(row.is_understood(), row.after),
        figure(row.used),
        figure(row.projected),
        figure(row.headroom()),
        outcome(row, zone)
    )
}

fn outcome(row: &PlanRow, zone: Tz) -> String {
    let mut said = match &row.verdict {
        Verdict::Send => Vec::new(),
        Verdict::Unchanged(why) => vec![format!("unchanged: {}", why.message(row.before))],
        Verdict::Refused(problem) => {
            vec![format!("**refused**: {}", safe(&problem.message))]
        }
        Verdict::Held(tripped) => {
            let why: Vec<String> = tripped
                .iter()
                .map(|tripped| match tripped.guard.limit_key() {
                    None => safe(&tripped.message),
                    Some(key) => safe(&format!("{} ({key})", tripped.message)),
                })
                .collect();
            vec![format!("**held**: {}", why.join("; "))]
        }
    };
    said.extend(row.warnings.iter().map(|warning| safe(warning)));
    if !row.written.is_empty() {
        said.push(safe(&format!("written as {}", row.written)));
    }
    if let Some(due) = row.due {
        said.push(format!("takes effect {}", moment_in(due, zone)));
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
mod tests;
