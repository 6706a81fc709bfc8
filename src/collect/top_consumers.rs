//! The largest tests and enterprise agents of an organization, of what the API says of its usage.
//!
//! A person who reads `1 000 is below the 3 480 projected` asks next what would stop, and whom to talk to.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::domain::quota::{Aid, Units, UsageRule};
use crate::domain::top_consumers::{KEPT, TopConsumer};
use crate::text::clean::cleaned;
use crate::thousandeyes::OrganizationUsage;

/// The longest name and kind, so that a few of them stay one sentence.
const NAME: usize = 40;
const KIND: usize = 24;

/// A test or an agent as the API shows it, before anything is copied.
struct Consumer<'a> {
    aid: Option<&'a Aid>,
    name: &'a str,
    kind: &'a str,
    projected: Units,
}

/// The largest of an organization and of each of its account groups, the largest first. Tests have cloud units and enterprise agents
/// enterprise units; what the rule does not count is left out.
pub(crate) fn top_consumers(usage: &OrganizationUsage, rule: &UsageRule) -> Vec<(Option<Aid>, TopConsumer)> {
    let mut kept_of: BTreeMap<&Aid, usize> = BTreeMap::new();
    let mut kept = Vec::new();
    for seen in largest_first(usage, rule) {
        let is_of_its_group = seen.aid.is_some_and(|aid| {
            let count = kept_of.entry(aid).or_default();
            *count += 1;
            *count <= KEPT
        });
        if is_of_its_group || kept.len() < KEPT {
            kept.push((seen.aid.cloned(), TopConsumer { label: seen.label(), projected: seen.projected }));
        }
    }
    kept
}

/// All that use anything, in an order that does not depend on the API's.
fn largest_first<'a>(usage: &'a OrganizationUsage, rule: &UsageRule) -> Vec<Consumer<'a>> {
    let counted = |cloud: Option<Units>, enterprise: Option<Units>| {
        rule.counted(cloud.or(Some(0)), enterprise.or(Some(0))).unwrap_or(0)
    };
    let tests = usage.tests.iter().map(|test| Consumer {
        aid: test.aid.as_ref(),
        name: &test.test_name,
        kind: if test.test_type.is_empty() { "test" } else { &test.test_type },
        projected: counted(test.used.max(test.projected), None),
    });
    let agents = usage.agents.iter().map(|agent| Consumer {
        aid: agent.aid.as_ref(),
        name: &agent.agent_name,
        kind: "enterprise agent",
        projected: counted(None, agent.used.max(agent.projected)),
    });
    let mut seen: Vec<Consumer<'_>> = tests.chain(agents).filter(|seen| seen.projected > 0).collect();
    seen.sort_by_key(|seen| (Reverse(seen.projected), seen.name, seen.kind));
    seen
}

impl Consumer<'_> {
    fn label(&self) -> String {
        let (name, kind) = (cleaned(self.name, NAME), cleaned(self.kind, KIND));
        // There may be a million, and `format!` takes five times as long.
        if name.is_empty() { [&kind, " without a name"].concat() } else { [&name, " (", &kind, ")"].concat() }
    }
}

#[cfg(test)]
mod tests;
