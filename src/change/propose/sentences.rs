//! The words of a proposal: the comment of each row, and a few sentences on each organization.

use std::borrow::Cow;

use super::{Move, Proposal, ShortGroup, grouped, quota};
use crate::text::clean::visible;

impl Move {
    pub(crate) fn gives(&self) -> bool {
        self.after < self.before
    }

    /// Why, with its figures.
    pub(crate) fn comment(&self) -> String {
        let (needed, before) = (grouped(self.needed), grouped(self.before));
        let moved = grouped(self.after.saturating_sub(self.before).saturating_abs());
        if self.gives() {
            let unused = grouped(self.before.saturating_sub(self.needed));
            return format!("gives {moved} of {unused} unused");
        }
        let then = match self.after.saturating_sub(self.needed) {
            lacks if lacks < 0 => format!("still {} short", grouped(-lacks)),
            headroom => {
                format!("headroom then {} %", i128::from(headroom) * 100 / i128::from(self.needed.max(1)))
            }
        };
        format!("needs {needed}, had {before}: +{moved}, {then}")
    }
}

impl Proposal {
    /// What the organization is called in a sentence: its name, or its id.
    pub(crate) fn organization(&self) -> Cow<'_, str> {
        visible(if self.org_name.is_empty() { self.org_id.as_str() } else { &self.org_name })
    }

    /// What a person should know of it, one sentence each; nothing of an organization in which all is well.
    pub(crate) fn sentences(&self) -> Vec<String> {
        let (name, org_id) = (self.organization(), visible(self.org_id.as_str()));
        let name = match self.org_name.as_str() {
            "" => format!("Organization {org_id}"),
            _ => format!("{name} ({org_id})"),
        };
        let mut sentences = Vec::new();
        if self.mismatched {
            sentences.push(format!(
                "{name}: left alone, because quotas and usage seem to use different units. Set \
                 usage.units_per_quota_unit."
            ));
        }
        let getting: Vec<&Move> = self.moves.iter().filter(|row| !row.gives()).collect();
        if !getting.is_empty() {
            let moved = quota::sum(getting.iter().map(|row| row.after - row.before));
            let giving = self.moves.len() - getting.len();
            let groups = counted(getting.len(), "group", "gets", "get");
            let do_ = if giving == 1 { "does" } else { "do" };
            let from = match (self.from_unallocated, giving) {
                (0, _) => format!("{} units from {giving} that {do_} not need them", grouped(moved)),
                (all, 0) => format!("{} units that were not allocated", grouped(all)),
                (part, _) => format!(
                    "{} units: {} that were not allocated, and {} from {giving} that {do_} not need them",
                    grouped(moved),
                    grouped(part),
                    grouped(moved - part)
                ),
            };
            sentences.push(format!("{name}: {groups} {from}."));
        }
        if !self.short.is_empty() {
            let lacking = grouped(quota::sum(self.short.iter().map(|short| short.lacks)));
            let why = if self.too_many_donors {
                "Others have more to spare, but a guard would hold a plan that lowers so many quotas at once (guard.max_lowered_percent)."
            } else {
                "The others have nothing more to spare."
            };
            sentences.push(format!(
                "{name}: {} {lacking} units: {}. {why}",
                counted(self.short.len(), "group", "is still short by", "are still short by"),
                list_short_groups(&self.short)
            ));
        }
        if self.over_allocated > 0 && !sentences.is_empty() && !self.mismatched {
            sentences.push(format!(
                "{name}: the groups together have {} more than the organization's own quota; that stays as it is.",
                grouped(self.over_allocated)
            ));
        }
        if self.unknown > 0 && !self.mismatched {
            let (groups, whose) = (
                counted(self.unknown, "group", "is", "are"),
                if self.unknown == 1 { "its" } else { "their" },
            );
            sentences.push(format!("{name}: {groups} left alone, because {whose} usage is unknown."));
        }
        sentences
    }
}

/// `1 group gets`, `3 groups get`.
fn counted(count: usize, noun: &str, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {noun} {one}") } else { format!("{count} {noun}s {many}") }
}

/// The worst few, and how many more there are.
fn list_short_groups(short: &[ShortGroup]) -> String {
    const SHOWN: usize = 3;
    let each = short
        .iter()
        .take(SHOWN)
        .map(|short| format!("{} by {}", visible(&short.label), grouped(short.lacks)));
    let shown = each.collect::<Vec<_>>().join(" · ");
    let more = short.len().saturating_sub(SHOWN);
    if more > 0 { format!("{shown} · and {more} more") } else { shown }
}
