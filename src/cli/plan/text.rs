//! A plan as a person reads it in a terminal: totals, organizations, then rows by how dangerous they are.

use std::collections::{BTreeMap, BTreeSet};

use super::requests::Requests;
use super::rows::{Extent, sections, word};
use super::style::{Style, name_of, wrap_text};
use crate::change::plan::{Counts, short_hash};
use crate::change::{NoChange, Plan, PlanRow, Verdict};
use crate::cli::table::{Cell, Paint, Side, Table, Tone, wrapped};
use crate::report::shared::planned::{OrganizationView, organizations};
use crate::report::words::{counted, number};
use crate::text::width::columns as width;
use crate::text::words::grouped;

/// So many organizations are listed, and of more than these so many: the worst come first.
const ORGANIZATIONS: usize = 20;
const ORGANIZATIONS_OF_MANY: usize = 12;
/// Whether the plan is looked at before or after it was carried out.
#[derive(Clone, Copy)]
pub(in crate::cli) enum Tense<'t> {
    /// Before; the file is named in commands as it was typed, and each row is listed where all are asked for.
    Would {
        typed: &'t str,
        all: bool,
    },
    Did,
}

/// The whole plan.
pub(in crate::cli) fn text(name: &str, plan: &Plan, style: Style, tense: Tense<'_>) -> String {
    let extent = match tense {
        Tense::Would { all: true, .. } => Extent::All,
        Tense::Would { .. } => Extent::Changes("--all"),
        Tense::Did => Extent::Changes("--format json"),
    };
    let counts = plan.counts();
    let mut text = heading(name, plan, counts, style.paint);
    text += &organization_table(plan, extent, style.paint);
    text += &sections(plan, extent, style);
    if let (Extent::Changes(_), Some(unchanged)) = (extent, unchanged_rows(plan)) {
        text += &format!("\n  Unchanged: {unchanged}\n");
    }
    if let Tense::Would { typed, .. } = tense {
        text += &footer(plan, counts, typed, style.paint);
    }
    text
}

fn heading(name: &str, plan: &Plan, counts: Counts, paint: Paint) -> String {
    let words = [
        (counts.raises, "raise", "raises"),
        (counts.decreases, "decrease", "decreases"),
        (counts.new, "first quota", "first quotas"),
        (counts.removed, "unassign", "unassigns"),
        (counts.unchanged, "unchanged", "unchanged"),
        (counts.refused, "refused", "refused"),
    ];
    let counted_words = words.into_iter().filter(|(count, ..)| *count > 0);
    let said: Vec<String> = counted_words
        .map(|(count, one, many)| format!("{} {}", number(count), if count == 1 { one } else { many }))
        .collect();
    let mut parts = vec![format!("{name}: {}", counted(plan.rows.len(), "row"))];
    parts.push(if said.is_empty() { "nothing to do".to_owned() } else { said.join(", ") });
    if !plan.organizations.is_empty() {
        parts.push(counted(plan.organizations.len(), "organization"));
    }
    // There is nothing to approve in an empty plan.
    if !plan.is_empty() {
        parts.push(format!("plan {}", short_hash(&plan.sha256)));
    }
    // Whole parts on each line, as long as a part fits a line; those after the first are indented.
    let room = paint.width.saturating_sub(2);
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if width(line) + 3 + width(&part) <= room => *line += &format!(" · {part}"),
            _ => lines.push(part),
        }
    }
    let mut text = String::new();
    for line in lines.iter().flat_map(|line| wrapped(line, room)) {
        text += &match line.strip_prefix(name) {
            Some(rest) if text.is_empty() => format!("{}{rest}\n", paint.bold(name)),
            _ if text.is_empty() => format!("{line}\n"),
            _ => format!("  {line}\n"),
        };
    }
    text
}

fn organization_table(plan: &Plan, extent: Extent, paint: Paint) -> String {
    let views = organizations(plan);
    let mut table = Table::new(&[
        ("organization", Side::Name),
        ("allocated", Side::Right),
        ("", Side::Left),
        ("quota", Side::Right),
        ("", Side::Left),
    ]);
    let (limit, rest_with) = match extent {
        Extent::All => (usize::MAX, ""),
        Extent::Changes(rest_with) if views.len() > ORGANIZATIONS => (ORGANIZATIONS_OF_MANY, rest_with),
        Extent::Changes(rest_with) => (ORGANIZATIONS, rest_with),
    };
    let after = |view: &OrganizationView<'_>| grouped(view.totals.allocated_after);
    let wide = views.iter().take(limit).map(|view| after(view).len()).max().unwrap_or(0);
    for view in views.iter().take(limit) {
        let totals = view.totals;
        let (mut state, tone) = state(view);
        let over = view.over_allocation();
        let has_room = paint.width >= 100;
        if has_room && !over.is_empty() {
            state += &format!(" · {over}");
        }
        table.push(vec![
            name_of(&totals.name, &totals.org_id).into(),
            grouped(totals.allocated_before).into(),
            format!("→ {:>wide$}", after(view)).into(),
            totals.quota.map_or_else(|| "none".to_owned(), grouped).into(),
            Cell::new(state, tone),
        ]);
        if !has_room && !over.is_empty() {
            let grows = view.over.1 > view.over.0;
            table.line_below(Cell::new(over, if grows { Tone::Yellow } else { Tone::Dim }), "");
        }
    }
    if views.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}", table.render(2, paint));
    if let Some(rest) = views.get(limit..).filter(|rest| !rest.is_empty()) {
        let held = rest.iter().filter(|view| view.held > 0).count();
        let held = if held > 0 { format!(", {held} of them with held rows") } else { String::new() };
        text += &wrap_text(
            2,
            &format!("and {} more organizations{held} ({rest_with} lists them)", rest.len()),
            paint,
        );
    }
    text
}

/// What becomes of an organization's rows, in a few words.
fn state(view: &OrganizationView<'_>) -> (String, Tone) {
    let mut words = Vec::new();
    if view.held > 0 {
        words.push(format!("HELD {}", counted(view.held, "row")));
    }
    let only = view.held + view.refused + view.scheduled == 0;
    for (count, word) in
        [(view.refused, "refused"), (view.applies_now, "apply now"), (view.scheduled, "scheduled")]
    {
        if count > 0 {
            words.push(format!("{} {word}", number(count)));
        }
    }
    if only && view.applies_now > 0 {
        words = vec!["applies now".to_owned()];
    }
    let tone = match view {
        OrganizationView { held: 1.., .. } | OrganizationView { refused: 1.., .. } => Tone::Red,
        OrganizationView { applies_now: 1.., .. } | OrganizationView { scheduled: 1.., .. } => Tone::Green,
        _ => Tone::Dim,
    };
    (if words.is_empty() { "unchanged".to_owned() } else { words.join(" · ") }, tone)
}

/// `12 already so, 300 not edited`; none where every row changes something.
pub(super) fn unchanged_rows(plan: &Plan) -> Option<String> {
    let mut counts: BTreeMap<NoChange, usize> = BTreeMap::new();
    for row in &plan.rows {
        if let Verdict::Unchanged(why) = &row.verdict {
            *counts.entry(*why).or_default() += 1;
        }
    }
    let said: Vec<String> =
        counts.into_iter().map(|(why, count)| format!("{} {}", number(count), word(why))).collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// How much would be applied, what would wait, and the commands that apply it.
fn footer(plan: &Plan, counts: Counts, typed: &str, paint: Paint) -> String {
    let requests = Requests::for_plan(plan);
    let sent = plan.to_send().count();
    let mut said = vec![match requests.total() {
        0 if plan.is_empty() => "Nothing would be applied".to_owned(),
        0 => "Nothing would be applied now".to_owned(),
        total => format!(
            "{} would be applied in {} ({})",
            counted(sent, "row"),
            counted(total, "request"),
            requests.by_word()
        ),
    }];
    if counts.held > 0 {
        let waiting: BTreeSet<_> = plan.held_rows().filter_map(PlanRow::org_id).collect();
        let whose = match (waiting.len(), plan.held_rows().next()) {
            (1, Some(row)) if !row.org_name.is_empty() => format!(" in {}", row.org_name),
            (1, _) => String::new(),
            (count, _) => format!(" in {}", counted(count, "organization")),
        };
        let verb = if counts.held == 1 { "waits" } else { "wait" };
        said.push(format!("{}{whose} {verb} for approval", counted(counts.held, "row")));
    }
    let scheduled = plan.scheduled_rows().count();
    if scheduled > 0 {
        let verb = if scheduled == 1 { "waits for its time" } else { "wait for their time" };
        said.push(format!("{} {verb}", counted(scheduled, "row")));
    }
    if counts.refused > 0 {
        let verb = if counts.refused == 1 { "is refused" } else { "are refused" };
        said.push(format!("{} {verb}", counted(counts.refused, "row")));
    }
    let mut text = format!("\n{}", wrap_text(0, &format!("{}.", said.join("; ")), paint));
    if plan.is_empty() {
        return text;
    }
    let drop = if typed == "-" { "" } else { "drop the file into the inbox, or  " };
    text += &command(
        &format!("Nothing was sent. To apply: {drop}"),
        &[&format!("quotakeeper apply {typed}")],
        paint,
    );
    if counts.held > 0 {
        let words = [format!("quotakeeper apply {typed}"), format!("--approve {}", plan.sha256)];
        text += &command("To apply the held rows too: ", &words.each_ref().map(String::as_str), paint);
    }
    text
}

/// A sentence and the command that it speaks of: on the same line if that fits, else below, and there on several lines as
/// a shell reads them. A command is never cut: what is copied has to work.
pub(in crate::cli) fn command(sentence: &str, words: &[&str], paint: Paint) -> String {
    let whole = words.join(" ");
    if width(sentence) + width(&whole) < paint.width {
        return format!("{sentence}{whole}\n");
    }
    let sentence = wrap_text(0, sentence, paint);
    if width(&whole) + 2 <= paint.width {
        return format!("{sentence}  {whole}\n");
    }
    format!("{sentence}  {}\n", words.join(" \\\n    "))
}
