//! Which rows are bound together before anything is sent: a refused row refuses, and a held row holds, the rows bound to it.
//!
//! A held row holds only what would be sent at the same time; what is wrong with a file counts for all of it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::row::{GuardHit, PlanRow, Verdict};
use crate::change::codes::{Code, Guard, Problem};
use crate::config::Mode;
use crate::domain::quota::OrgId;
use crate::text::words::rows_text;

/// The rows of each organization, by their place in the file. A row that may mean any of several belongs to each of them: it is
/// refused, and nobody knows whose change lacks it. One whose organization is unknown stands alone.
#[derive(Default)]
pub(super) struct RowsByOrganization {
    rows: HashMap<OrgId, Vec<usize>>,
    /// Those that such a row belongs to. One for each is enough; a common name would make very many.
    left_open: HashSet<OrgId>,
}

impl RowsByOrganization {
    pub(super) fn add(&mut self, index: usize, organization: &OrgId) {
        match self.rows.get_mut(organization) {
            Some(rows) => rows.push(index),
            None => drop(self.rows.insert(organization.clone(), vec![index])),
        }
    }

    /// A row without a target, which may be of any of these.
    pub(super) fn add_refused(&mut self, index: usize, organizations: &[OrgId]) {
        for organization in organizations {
            if organizations.len() == 1 || self.left_open.insert(organization.clone()) {
                self.add(index, organization);
            }
        }
    }
}

/// Binds the rows of one organization, of the file, or none. Refusal beats holding; rows that change nothing stay as they are.
pub(super) fn bind(rows: &mut [PlanRow], organizations: RowsByOrganization, mode: Mode) {
    let (bound, why) = match mode {
        Mode::Row => return,
        Mode::File => (vec![(0..rows.len()).collect()], "the rows of a file are sent together or not at all"),
        Mode::Organization => (
            organizations.rows.into_values().collect(),
            "the rows of an organization are sent together or not at all",
        ),
    };
    for indices in &bound {
        let bound = || indices.iter().map(|index| &rows[*index]);
        let refused: Vec<usize> =
            bound().filter(|row| matches!(row.verdict, Verdict::Refused(_))).map(|row| row.row).collect();
        let mut held: HashMap<Option<DateTime<Utc>>, Vec<usize>> = HashMap::new();
        for row in bound().filter(|row| matches!(row.verdict, Verdict::Held(_))) {
            held.entry(row.due).or_default().push(row.row);
        }
        let was = if refused.len() == 1 { "was" } else { "were" };
        let refusal = format!("not sent because {} {was} refused, and {why}.", row_list(&refused));
        for index in indices {
            let row = &mut rows[*index];
            if !refused.is_empty() && row.is_pending() {
                row.verdict = Verdict::Refused(Problem { code: Code::NotSent, message: refusal.clone() });
                row.warnings.clear();
            } else if let Some(held) = held.get(&row.due)
                && row.verdict == Verdict::Send
            {
                let message = format!("waits with {}: {why}", row_list(held));
                row.verdict = Verdict::Held(vec![GuardHit { guard: Guard::Bound, message }]);
            }
        }
    }
}

fn row_list(numbers: &[usize]) -> String {
    rows_text(numbers.iter().copied(), numbers.len())
}
