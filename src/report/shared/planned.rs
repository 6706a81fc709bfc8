//! A plan as people weigh it: its rows by how dangerous they are, and what they do to each organization. The terminal,
//! Markdown and mails list it in this order.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use crate::change::plan::guards::Scope;
use crate::change::{GuardHit, Plan, PlanOrganization, PlanRow, Verdict};
use crate::domain::quota::{OrgId, Units};
use crate::text::words::grouped;

/// What becomes of rows, the most dangerous first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Held,
    Refused,
    Decreases,
    FirstQuotas,
    Unassigns,
    Raises,
    /// Sent at that time.
    Scheduled(DateTime<Utc>),
}

/// Rows of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part<'p> {
    pub kind: Kind,
    /// The most dangerous first. Rows that only fall together with others are not among them.
    pub rows: Vec<&'p PlanRow>,
    /// Those that only fall together with these.
    pub others: Vec<&'p PlanRow>,
}

/// The rows that something becomes of; the unchanged ones are not in it.
pub(crate) fn parts(plan: &Plan) -> Vec<Part<'_>> {
    let mut kinds: BTreeMap<Kind, Vec<&PlanRow>> = BTreeMap::new();
    for row in &plan.rows {
        if let Some(kind) = kind(row) {
            kinds.entry(kind).or_default().push(row);
        }
    }
    kinds.into_iter().map(part).collect()
}

fn part((kind, rows): (Kind, Vec<&PlanRow>)) -> Part<'_> {
    let (others, mut rows): (Vec<&PlanRow>, Vec<&PlanRow>) =
        rows.into_iter().partition(|row| row.falls_with_others());
    if kind == Kind::Refused {
        rows.sort_by_key(|row| row.row); // none of them will do anything: as whoever fixes the file finds them
    } else {
        rows.sort_by_cached_key(|row| row.danger());
    }
    Part { kind, rows, others }
}

fn kind(row: &PlanRow) -> Option<Kind> {
    Some(match (&row.verdict, row.due, row.before, row.after) {
        (Verdict::Unchanged(_), ..) => return None,
        (Verdict::Held(_), ..) => Kind::Held,
        (Verdict::Refused(_), ..) => Kind::Refused,
        (Verdict::Send, Some(due), ..) => Kind::Scheduled(due),
        (Verdict::Send, None, _, None) => Kind::Unassigns,
        (Verdict::Send, None, None, Some(_)) => Kind::FirstQuotas,
        (Verdict::Send, None, ..) if row.is_decrease() => Kind::Decreases,
        (Verdict::Send, None, ..) => Kind::Raises,
    })
}

/// A reason that holds several rows in the same words, because it is about their organization or about the whole plan.
#[derive(Clone, Debug)]
pub(crate) struct CommonReason<'p> {
    pub org_name: &'p str,
    pub hit: &'p GuardHit,
    /// How many rows it holds.
    pub rows: usize,
}

/// What is said once of held rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct CommonReasons<'p>(HashMap<CommonKey<'p>, (usize, CommonReason<'p>)>);

/// Whose reason it is (none: the whole plan's), and its words.
type CommonKey<'p> = (Option<&'p OrgId>, &'p str);

impl<'p> CommonReasons<'p> {
    pub(crate) fn new(rows: impl IntoIterator<Item = &'p PlanRow>) -> Self {
        let mut reasons: HashMap<CommonKey<'p>, (usize, CommonReason<'p>)> = HashMap::new();
        for row in rows {
            for hit in row.held_reasons() {
                let Some(key) = common_key(row, hit) else { continue };
                let place = reasons.len();
                let new = || (place, CommonReason { org_name: &row.org_name, hit, rows: 0 });
                reasons.entry(key).or_insert_with(new).1.rows += 1;
            }
        }
        reasons.retain(|_, (_, reason)| reason.rows > 1);
        Self(reasons)
    }

    /// Whether the row's reason is said once.
    pub(crate) fn has(&self, row: &PlanRow, hit: &GuardHit) -> bool {
        common_key(row, hit).is_some_and(|key| self.0.contains_key(&key))
    }

    /// In the order of the first row of each.
    pub(crate) fn listed(&self) -> Vec<&CommonReason<'p>> {
        let mut listed: Vec<_> = self.0.values().collect();
        listed.sort_by_key(|(place, _)| *place);
        listed.into_iter().map(|(_, reason)| reason).collect()
    }
}

/// None of a reason that is the row's own.
fn common_key<'p>(row: &'p PlanRow, hit: &'p GuardHit) -> Option<CommonKey<'p>> {
    let org_id = match hit.guard.scope() {
        Scope::Organization => row.org_id(),
        Scope::Plan => None,
        Scope::Row | Scope::Binding => return None,
    };
    Some((org_id, &hit.message))
}

/// What a plan does to one organization, and what becomes of its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrganizationView<'p> {
    pub totals: &'p PlanOrganization,
    /// By how much its account groups' sum exceeds its own quota, before and after.
    pub over: (Units, Units),
    pub held: usize,
    pub refused: usize,
    /// Rows that are sent now without asking anybody.
    pub applies_now: usize,
    pub scheduled: usize,
}

impl OrganizationView<'_> {
    /// `over-allocated by 1 000, as before`; empty where it is not and was not.
    pub(crate) fn over_allocation(&self) -> String {
        match self.over {
            (0, 0) => String::new(),
            (before, 0) => format!("no longer over-allocated ({} before)", grouped(before)),
            (0, after) => format!("over-allocated by {}", grouped(after)),
            (before, after) if before == after => {
                format!("over-allocated by {}, as before", grouped(after))
            }
            (before, after) => format!("over-allocated by {}, {} before", grouped(after), grouped(before)),
        }
    }
}

/// The organizations of a plan, those with held rows first, then those with refused ones.
pub(crate) fn organizations(plan: &Plan) -> Vec<OrganizationView<'_>> {
    let mut rows: HashMap<&OrgId, Vec<&PlanRow>> = HashMap::new();
    for portion in plan.rows.chunk_by(|a, b| a.org_id() == b.org_id()) {
        if let Some(org_id) = portion[0].org_id() {
            rows.entry(org_id).or_default().extend(portion);
        }
    }
    let view = |totals| view(totals, rows.get(&totals.org_id).map_or(&[], Vec::as_slice));
    let mut views: Vec<_> = plan.organizations.iter().map(view).collect();
    views.sort_by_key(|view| (Reverse(view.held), Reverse(view.refused)));
    views
}

fn view<'p>(totals: &'p PlanOrganization, rows: &[&PlanRow]) -> OrganizationView<'p> {
    let own =
        rows.iter().find(|row| row.is_pending() && row.target.as_ref().is_some_and(|own| own.aid.is_none()));
    let quota_before = own.map_or(totals.quota, |own| own.before);
    let over = |sum: Units, quota: Option<Units>| quota.map_or(0, |quota| sum.saturating_sub(quota).max(0));
    let count = |is: fn(&PlanRow) -> bool| rows.iter().filter(|row| is(row)).count();
    OrganizationView {
        totals,
        over: (over(totals.allocated_before, quota_before), over(totals.allocated_after, totals.quota)),
        held: count(|row| matches!(row.verdict, Verdict::Held(_))),
        refused: count(|row| matches!(row.verdict, Verdict::Refused(_))),
        applies_now: count(|row| row.verdict == Verdict::Send && row.due.is_none()),
        scheduled: count(|row| row.verdict == Verdict::Send && row.due.is_some()),
    }
}

#[cfg(test)]
mod tests;
