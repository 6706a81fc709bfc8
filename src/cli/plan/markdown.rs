//! The plan for a pull request or a ticket: totals, organizations, then what is held and refused before the rest.

use chrono_tz::Tz;

use super::requests::Requests;
use super::style::moment;
use crate::change::{Plan, PlanRow, Verdict};
use crate::domain::quota::{Units, grouped, quota_text};
use crate::report::shared::planned::{Kind, OrganizationView, organizations, parts};
use crate::report::words::{counted, number};
use crate::text::clean::visible;

/// Hosts cut long comments: so many rows are listed, and so many organizations.
const ROWS: usize = 100;
const ORGANIZATIONS: usize = 50;

pub(super) fn markdown(name: &str, plan: &Plan, zone: Tz) -> String {
    let counts = plan.counts();
    let mut text = format!(
        "### {}\n\n{}: {}, {}, {}, {}, {} unchanged, {} refused; {} held · plan `{}`\n\n",
        safe(name),
        counted(plan.rows.len(), "row"),
        counted(counts.raises, "raise"),
        counted(counts.decreases, "decrease"),
        counted(counts.new, "first quota"),
        counted(counts.removed, "unassign"),
        number(counts.unchanged),
        number(counts.refused),
        number(counts.held),
        plan.sha256
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
    text += &organization_table(&organizations(plan));
    text += &row_table(plan, zone);
    text
}

fn organization_table(views: &[OrganizationView<'_>]) -> String {
    if views.is_empty() {
        return String::new();
    }
    let mut text = "| organization | allocated | of quota | held | refused | applied now | scheduled | |\n\
                    |---|--:|--:|--:|--:|--:|--:|---|\n"
        .to_owned();
    for view in views.iter().take(ORGANIZATIONS) {
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
    if views.len() > ORGANIZATIONS {
        text += &format!("\nand {}\n", counted(views.len() - ORGANIZATIONS, "more organization"));
    }
    text + "\n"
}

fn row_table(plan: &Plan, zone: Tz) -> String {
    let parts = parts(plan);
    let rows: Vec<(Kind, &PlanRow)> =
        parts.iter().flat_map(|part| part.rows.iter().map(|row| (part.kind, *row))).collect();
    let others: usize = parts.iter().map(|part| part.others.len()).sum();
    if rows.is_empty() && others == 0 {
        return "Nothing to do.\n".to_owned();
    }
    let mut text =
        "| row | target | before | after | used | projected | headroom | |\n|--:|---|--:|--:|--:|--:|--:|---|\n"
            .to_owned();
    let figure = |units: Option<Units>| units.map_or_else(|| "–".to_owned(), grouped);
    let quota = |known: bool, quota| if known { quota_text(quota) } else { "–".to_owned() };
    for (_, row) in rows.iter().take(ROWS) {
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
    let more = rows.len().saturating_sub(ROWS) + others;
    if more > 0 {
        text += &format!("\nand {} more\n", number(more));
    }
    text
}

fn told(row: &PlanRow, zone: Tz) -> String {
    let mut said = match &row.verdict {
        Verdict::Send | Verdict::Unchanged(_) => Vec::new(),
        Verdict::Refused(problem) => {
            vec![format!("**refused**: {} ({})", safe(&problem.message), safe(problem.code.as_str()))]
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
