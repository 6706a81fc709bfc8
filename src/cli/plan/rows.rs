//! The rows of a plan in sections by how dangerous they are, as a person reads them in a terminal.

use std::collections::{BTreeMap, HashMap};

mod results;

pub(in crate::cli) use results::results;

use super::style::{Style, name_of, wrap_text};
use crate::change::{Guard, NoChange, Plan, PlanRow, Verdict};
use crate::cli::table::{self, Cell, Side, Table, Tone};
use crate::domain::quota::{OrgId, Units};
use crate::report::shared::planned::{CommonReasons, Kind, Part, parts};
use crate::report::words::{capitalized, counted, moment_in, number};
use crate::text::words::grouped;

/// A plan that does something about more rows than this is summarized: nobody reads thousands of lines unasked.
const THOUSAND: usize = 1_000;
/// A summary lists so many rows of a section of what is held or refused, and of the rest.
const LISTED_OF_MANY: (usize, usize) = (6, 3);
/// Up to so many organizations have a section of their own for what is held of them.
const GROUPS: usize = 4;

/// How much of a plan is listed.
#[derive(Clone, Copy)]
pub(super) enum Extent {
    /// Each row, also those that change nothing.
    All,
    /// Each row that changes, is held or is refused, where these are no thousands; the option that lists all.
    Changes(&'static str),
}

/// Every section of a plan, the most dangerous first.
pub(super) fn sections(plan: &Plan, extent: Extent, style: Style) -> String {
    let parts = parts(plan);
    let count: usize = parts.iter().map(|part| part.rows.len() + part.others.len()).sum();
    let (limits, rest_with) = match extent {
        Extent::Changes(rest_with) if count > THOUSAND => (LISTED_OF_MANY, rest_with),
        _ => ((usize::MAX, usize::MAX), ""),
    };
    let limit = |kind| if matches!(kind, Kind::Held | Kind::Refused) { limits.0 } else { limits.1 };
    let listed = parts.iter().flat_map(|part| {
        let limit = limit(part.kind);
        part.rows.iter().take(limit).chain(part.others.iter().filter(move |_| limit == usize::MAX)).copied()
    });
    let unchanged = plan.rows.iter().filter(|row| matches!(row.verdict, Verdict::Unchanged(_)));
    let unchanged = unchanged.filter(|_| matches!(extent, Extent::All));
    let layout = Layout::new(listed.chain(unchanged), plan, style, rest_with);
    let sections: String = parts.iter().map(|part| section(part, limit(part.kind), &layout)).collect();
    if matches!(extent, Extent::All) { sections + &unchanged_sections(plan, &layout) } else { sections }
}

fn unchanged_sections(plan: &Plan, layout: &Layout) -> String {
    let mut sections: BTreeMap<NoChange, Vec<&PlanRow>> = BTreeMap::new();
    for row in &plan.rows {
        if let Verdict::Unchanged(why) = &row.verdict {
            sections.entry(*why).or_default().push(row);
        }
    }
    let show = Show::new(layout);
    let section = |(why, rows): (NoChange, Vec<&PlanRow>)| {
        limited_rows(&format!("Unchanged, {}", word(why)), &rows, (&[], ""), usize::MAX, &show)
    };
    sections.into_iter().map(section).collect()
}

/// How all sections are laid out, so that their columns stand below each other.
struct Layout {
    style: Style,
    /// Whether rows are of several organizations, so that each says of which.
    has_organizations: bool,
    /// At least so wide is each column.
    widths: Vec<usize>,
    /// The option that lists the rows that are left out.
    rest_with: &'static str,
}

impl Layout {
    fn new<'p>(
        rows: impl Iterator<Item = &'p PlanRow>,
        plan: &Plan,
        style: Style,
        rest_with: &'static str,
    ) -> Self {
        let has_organizations = plan.organizations.len() > 1;
        let layout = Self { style, has_organizations, widths: Vec::new(), rest_with };
        let widths = table_of(rows, &Show::new(&layout)).natural_widths();
        Self { widths, ..layout }
    }

    /// Each row has its organization in a column of its own.
    fn has_organization_column(&self) -> bool {
        self.has_organizations && self.style.paint.width >= 120
    }
}

fn section(part: &Part<'_>, limit: usize, layout: &Layout) -> String {
    let title = match part.kind {
        Kind::Held => return held_sections(part, limit, layout),
        Kind::Refused => "Refused".to_owned(),
        Kind::Decreases => "Decreases".to_owned(),
        Kind::FirstQuotas => "First quotas".to_owned(),
        Kind::Unassigns => "Unassigns".to_owned(),
        Kind::Raises => "Raises".to_owned(),
        Kind::Scheduled(due) => format!("Scheduled for {}", moment_in(due, layout.style.zone)),
    };
    let unsent = |count| if count == 1 { "is not sent either" } else { "are not sent either" };
    let others = (part.others.as_slice(), unsent(part.others.len()));
    limited_rows(&title, &part.rows, others, limit, &Show::new(layout))
}

/// What is held, by organization where those are few: what holds the whole of one is said once.
fn held_sections(part: &Part<'_>, limit: usize, layout: &Layout) -> String {
    let wait = |count| if count == 1 { "waits with these" } else { "wait with these" };
    let mut groups: Vec<(&OrgId, Vec<&PlanRow>)> = Vec::new();
    for row in &part.rows {
        let Some(org_id) = row.org_id() else { continue };
        match groups.iter_mut().find(|(of, _)| *of == org_id) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((org_id, vec![row])),
        }
    }
    if groups.len() > GROUPS {
        let others = (part.others.as_slice(), wait(part.others.len()));
        return limited_rows("Held", &part.rows, others, limit, &Show { due: true, ..Show::new(layout) });
    }
    let limit = if limit == usize::MAX { limit } else { (limit / groups.len().max(1)).max(3) };
    let mut text = String::new();
    let is_of = |row: &PlanRow, org_id: &OrgId| row.org_id() == Some(org_id);
    // In mode `file` an organization may wait for another one's rows alone.
    let elsewhere = |row: &&PlanRow| !groups.iter().any(|(org_id, _)| is_of(row, org_id));
    let apart: Vec<&PlanRow> = part.others.iter().copied().filter(elsewhere).collect();
    for (org_id, rows) in groups {
        let name = name_of(rows.first().map_or("", |row| &row.org_name), org_id);
        let common = CommonReasons::new(rows.iter().copied());
        let others: Vec<&PlanRow> = part.others.iter().copied().filter(|row| is_of(row, org_id)).collect();
        let show = Show { common: Some(&common), due: true, is_of_one: true, ..Show::new(layout) };
        text += &limited_rows(&format!("Held: {name}"), &rows, (&others, wait(others.len())), limit, &show);
    }
    if !apart.is_empty() {
        let waiting = format!("{} of other organizations {}", counted(apart.len(), "row"), wait(apart.len()));
        let is_whole = limit == usize::MAX;
        let end = if is_whole { ":" } else { "" };
        text += &format!("\n{}", wrap_text(2, &format!("{waiting}{end}"), layout.style.paint));
        if is_whole {
            text += &with_others(&apart, &Show { due: true, ..Show::new(layout) });
        }
    }
    text
}

/// How the rows of a section are shown.
#[derive(Clone, Copy)]
struct Show<'s> {
    layout: &'s Layout,
    /// The reasons that are said once, above the rows.
    common: Option<&'s CommonReasons<'s>>,
    /// Each row says when it takes effect.
    due: bool,
    /// The title names the organization of all rows.
    is_of_one: bool,
    /// Each row says why it is held or refused.
    why: bool,
    /// What is said of all rows, above them.
    reason: Option<&'s str>,
}

impl<'s> Show<'s> {
    fn new(layout: &'s Layout) -> Self {
        Self { layout, common: None, due: false, is_of_one: false, why: true, reason: None }
    }
}

/// A section: its title, so many of its rows, and how many more there are. `others` only fall together with these: where
/// all is listed they follow, and what they wait for is said once.
fn limited_rows(
    title: &str,
    rows: &[&PlanRow],
    others: (&[&PlanRow], &str),
    limit: usize,
    show: &Show<'_>,
) -> String {
    let paint = show.layout.style.paint;
    let (others, do_what) = others;
    let count = number(rows.len() + others.len());
    let mut text = format!("\n  {}\n", paint.bold(&format!("{title} · {count}")));
    for reason in show.common.iter().flat_map(|common| common.listed()) {
        let hit = reason.hit;
        let said = [Cell::from(hit.message.clone()), Cell::new(held_by(hit.guard), Tone::Dim)];
        text += &table::wrapped_with_tail(&said, 4, paint);
    }
    if let Some(reason) = show.reason {
        text += &wrap_text(4, &capitalized(reason), paint);
    }
    let mut table = table_of(rows.iter().take(limit).copied(), show);
    table.at_least(&show.layout.widths);
    text += &table.render(2, paint);
    let more = rows.len().saturating_sub(limit);
    let that = format!("{} that {do_what}", number(others.len()));
    if limit == usize::MAX && !others.is_empty() {
        return text + &wrap_text(6, &format!("and {that}:"), paint) + &with_others(others, show);
    }
    let mut rest = Vec::new();
    if more > 0 {
        rest.push(format!("and {} more ({} lists them)", number(more), show.layout.rest_with));
    }
    if !others.is_empty() {
        rest.push(format!("and {that}"));
    }
    if rest.is_empty() { text } else { text + &wrap_text(6, &rest.join(", "), paint) }
}

/// The rows that fall together with those above them, below a line that says so.
fn with_others(others: &[&PlanRow], show: &Show<'_>) -> String {
    let mut table = table_of(others.iter().copied(), &Show { why: false, ..*show });
    table.at_least(&show.layout.widths);
    table.render_rows(2, show.layout.style.paint)
}

/// Rows with those of one organization together, in the order of the first of each; what is of none comes first.
fn by_organization<'p>(rows: impl Iterator<Item = &'p PlanRow>) -> Vec<&'p PlanRow> {
    let mut order: HashMap<&OrgId, usize> = HashMap::new();
    let mut rows: Vec<&PlanRow> = rows.collect();
    rows.sort_by_cached_key(|row| {
        let next = order.len() + 1;
        row.org_id().map_or(0, |org_id| *order.entry(org_id).or_insert(next))
    });
    rows
}

/// Which key of the configuration makes the guard hold; empty where there is none.
fn held_by(guard: Guard) -> String {
    guard.limit_key().map_or_else(String::new, |key| format!("held by {key}"))
}

fn table_of<'p>(rows: impl Iterator<Item = &'p PlanRow>, show: &Show<'_>) -> Table<'static> {
    let names_organizations = show.layout.has_organization_column();
    let has_headings = show.layout.has_organizations && !names_organizations && !show.is_of_one;
    let rows = if has_headings { by_organization(rows) } else { rows.collect() };
    let mut heading = None;
    let shows_change = show.layout.style.paint.width >= 100;
    let mut columns = vec![("row", Side::Right), ("target", Side::Name)];
    if names_organizations {
        columns.push(("organization", Side::Left));
    }
    columns.extend(["before", "after"].map(|title| (title, Side::Right)));
    if shows_change {
        columns.push(("change", Side::Right));
    }
    columns.extend(["used", "projected", "headroom"].map(|title| (title, Side::Right)));
    let mut table = Table::new(&columns);
    let figure = |units: Option<Units>| Cell::from(units.map_or_else(|| "–".to_owned(), grouped));
    let quota = |known: bool, quota: Option<Units>| match (known, quota) {
        (false, _) => Cell::default(),
        (true, None) => Cell::from("none".to_owned()),
        (true, Some(units)) => Cell::from(grouped(units)),
    };
    for row in rows {
        let org_id = row.org_id();
        if has_headings && org_id != heading {
            heading = org_id;
            table.heading(org_id.map_or_else(String::new, |org_id| name_of(&row.org_name, org_id)));
        }
        let is_known = row.is_understood();
        let mut cells = vec![Cell::from(row.row.to_string()), Cell::from(row.label())];
        if names_organizations {
            cells.push(Cell::from(row.org_name.clone()));
        }
        cells.push(quota(row.target.is_some(), row.before));
        cells.push(quota(is_known, row.after));
        if shows_change {
            cells.push(change(row));
        }
        let is_short = row.headroom().is_some_and(|headroom| headroom < 0);
        let is_seen = row.target.is_some();
        cells.push(if is_seen { figure(row.used) } else { Cell::default() });
        cells.push(if is_seen { figure(row.projected) } else { Cell::default() });
        cells.push(match row.headroom() {
            Some(headroom) if is_known => {
                Cell::new(grouped(headroom), if is_short { Tone::Red } else { Tone::Plain })
            }
            _ if is_seen => Cell::new("–", Tone::Plain),
            _ => Cell::default(),
        });
        table.push(cells);
        notes(&mut table, row, show);
    }
    table
}

/// `+2 500`; nothing where a cap comes or goes.
fn change(row: &PlanRow) -> Cell {
    match (row.is_understood(), row.before, row.after) {
        (true, Some(before), Some(after)) => {
            let change = after.saturating_sub(before);
            Cell::new(format!("{}{}", if change > 0 { "+" } else { "" }, grouped(change)), Tone::Dim)
        }
        _ => Cell::default(),
    }
}

/// What is to be said of a row on lines of its own.
fn notes(table: &mut Table, row: &PlanRow, show: &Show<'_>) {
    if row.target.as_ref().is_some_and(|target| target.aid.is_none()) {
        table.line_below(Cell::new("the organization’s own quota", Tone::Dim), "");
    }
    match &row.verdict {
        Verdict::Held(_) | Verdict::Refused(_) if !show.why => {}
        Verdict::Held(tripped) => {
            let is_common = |hit| show.common.is_some_and(|common| common.has(row, hit));
            let own = tripped.iter().filter(|hit| !is_common(hit));
            for reason in own {
                table.line_below(Cell::new(&reason.message, Tone::Plain), &held_by(reason.guard));
            }
        }
        Verdict::Refused(problem) => {
            table.line_below(Cell::new(capitalized(&problem.message), Tone::Plain), "");
        }
        Verdict::Send | Verdict::Unchanged(_) => {}
    }
    for warning in &row.warnings {
        table.line_below(Cell::new(warning, Tone::Yellow), "");
    }
    if !row.written.is_empty() {
        table.line_below(Cell::new(format!("written as {}", row.written), Tone::Dim), "");
    }
    if let Some(due) = row.due.filter(|_| show.due) {
        table.line_below(
            Cell::new(format!("takes effect {}", moment_in(due, show.layout.style.zone)), Tone::Dim),
            "",
        );
    }
}

/// Why rows change nothing.
pub(super) fn word(why: NoChange) -> &'static str {
    match why {
        NoChange::AlreadySo => "already so",
        NoChange::NotEdited => "not edited",
    }
}
