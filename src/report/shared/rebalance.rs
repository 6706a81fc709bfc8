//! The change file that a mail proposes: units for the groups that will run out, from unallocated units and from what others do not use.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use crate::change::propose::{Move, Proposal, Terms, change_file, propose_for};
use crate::domain::quota::{Aid, OrgId, Snapshot, Units, sum};
use crate::text::words;

/// The file that is attached.
pub(crate) const REBALANCE: &str = "rebalance.csv";
/// It raises no more quotas, however many there are: a person is to look at them.
const RAISED: usize = 500;
/// The mail shows so many of its rows.
const SHOWN_ROWS: usize = 10;
/// And speaks of so many organizations.
const ORGANIZATIONS: usize = 3;

/// What is proposed for each organization that has somebody in trouble, the worst first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rebalance {
    proposals: Vec<Proposal>,
    /// Account groups in trouble that the file does not look at.
    more: usize,
}

/// One row of the file, as the mail shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RebalanceRow {
    pub name: String,
    pub id: String,
    pub org_name: String,
    pub before: Units,
    pub after: Units,
    pub why: String,
}

impl Rebalance {
    /// For these account groups, the worst first.
    pub(in crate::report) fn new<'s>(
        in_trouble: impl Iterator<Item = (&'s OrgId, &'s Aid)>,
        latest: &Snapshot,
        terms: Terms<'_>,
    ) -> Self {
        let is_id = |id: &str| id.bytes().all(|byte| byte.is_ascii_digit());
        let mut rebalance = Self::default();
        let mut organizations: Vec<(&OrgId, BTreeSet<&Aid>)> = Vec::new();
        let mut places: HashMap<&OrgId, usize> = HashMap::new();
        for (number, (org_id, aid)) in in_trouble.enumerate() {
            if number >= RAISED {
                rebalance.more += 1;
            } else if is_id(org_id.as_str()) && is_id(aid.as_str()) {
                let place = *places.entry(org_id).or_insert_with(|| {
                    organizations.push((org_id, BTreeSet::new()));
                    organizations.len() - 1
                });
                organizations[place].1.insert(aid);
            }
        }
        let proposals = organizations.iter().filter_map(|(org_id, aids)| {
            Some(propose_for(latest.organization(org_id)?, terms, |aid| aids.contains(aid)))
        });
        rebalance.proposals = proposals.collect();
        rebalance
    }

    /// The bytes of the file; none where there is nothing to move.
    pub(crate) fn file(&self) -> Option<Vec<u8>> {
        (self.rows() > 0).then(|| change_file(&self.proposals))
    }

    /// What other groups of an organization give.
    pub(in crate::report) fn given(&self, org_id: &OrgId) -> Units {
        let own = self.proposals.iter().filter(|own| own.org_id == *org_id);
        let given = own.flat_map(|own| own.moves.iter().filter(|row| row.gives()));
        sum(given.map(|row| row.before.saturating_sub(row.after)))
    }

    pub(in crate::report) fn rows(&self) -> usize {
        self.proposals.iter().map(|own| own.moves.len()).sum()
    }

    pub(in crate::report) fn shown(&self) -> Vec<RebalanceRow> {
        let name = |name: &str, id: &str| {
            let name = words::clean(name, 60);
            if name.is_empty() { id.to_owned() } else { name }
        };
        let rows = self.proposals.iter().flat_map(|own| own.moves.iter().map(move |row| (own, row)));
        let row = |(own, row): (&Proposal, &Move)| RebalanceRow {
            name: name(&row.account_group_name, row.aid.as_str()),
            id: row.aid.to_string(),
            org_name: name(&own.org_name, own.org_id.as_str()),
            before: row.before,
            after: row.after,
            why: row.comment(),
        };
        rows.take(SHOWN_ROWS).map(row).collect()
    }

    /// What the file does in the one sentence of what is to be done; empty where there is none.
    pub(in crate::report) fn sentence(&self) -> String {
        let raised = self.proposals.iter().flat_map(|own| &own.moves).filter(|row| !row.gives()).count();
        let short = || self.proposals.iter().flat_map(|own| &own.short);
        let who = match raised {
            0 => return String::new(),
            1 => "one account group".to_owned(),
            _ if short().any(|short| short.runs_out) => words::counted(raised, "account group"),
            _ => format!("each of {}", words::counted(raised, "account group")),
        };
        let what = match short().map(|short| short.runs_out).max() {
            None => "what it needs plus headroom",
            Some(false) => "what it needs plus as much headroom as there is",
            Some(true) => "as much as there is",
        };
        format!("The attached {REBALANCE} gives {who} {what}.")
    }

    /// What moves in each organization, and who will still lack something, a sentence each.
    pub(in crate::report) fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> =
            self.proposals.iter().take(ORGANIZATIONS).flat_map(Proposal::sentences).collect();
        let others = self.proposals.len().saturating_sub(ORGANIZATIONS);
        if others > 0 {
            let are = if others == 1 { "is" } else { "are" };
            notes.push(format!("{} {are} in the file.", words::counted(others, "more organization")));
        }
        if self.more > 0 {
            notes.push(format!(
                "The file covers the worst {RAISED}; {} more need a higher quota.",
                words::counted(self.more, "account group")
            ));
        }
        notes.iter().map(|note| words::clean(note, 400)).collect()
    }
}
