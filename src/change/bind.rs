//! What falls together before anything is sent: a refused row refuses, and a held row holds, what it is bound to.

use std::collections::HashMap;

use super::plan::rows_text;
use super::{Code, Guard, PlanRow, Problem, Tripped, Verdict};
use crate::config::Mode;
use crate::quota::OrgId;

/// Binds the rows of one organization, of the file, or none. `organizations` has one entry for each row; in
/// organization mode a row whose organization nobody can tell stands alone. Refusal beats holding; rows that change
/// nothing stay as they are.
pub(super) fn bind(rows: &mut [PlanRow], organizations: &[Option<OrgId>], mode: Mode) {
    let (bound, why) = match mode {
        Mode::Row => return,
        Mode::File => (vec![(0..rows.len()).collect()], "the rows of a file go together"),
        Mode::Organization => (by_organization(organizations), "the rows of an organization go together"),
    };
    for indices in &bound {
        let culprits = |is_culprit: fn(&Verdict) -> bool| -> Vec<usize> {
            let bound = indices.iter().map(|index| &rows[*index]);
            bound.filter(|row| is_culprit(&row.verdict)).map(|row| row.row).collect()
        };
        let refused = culprits(|verdict| matches!(verdict, Verdict::Refused(_)));
        let held = culprits(|verdict| matches!(verdict, Verdict::Held(_)));
        let was = if refused.len() == 1 { "was" } else { "were" };
        let refusal = format!("not sent because {} {was} refused, and {why}", told(&refused));
        let waiting = format!("waits with {}: {why}", told(&held));
        for index in indices {
            let row = &mut rows[*index];
            if !refused.is_empty() && row.is_pending() {
                let message = format!("Row {}: {refusal}.", row.row);
                row.verdict = Verdict::Refused(Problem { code: Code::NotSent, message });
                row.warnings.clear();
            } else if !held.is_empty() && row.verdict == Verdict::Send {
                row.verdict = Verdict::Held(vec![Tripped { guard: Guard::Bound, message: waiting.clone() }]);
            }
        }
    }
}

fn told(numbers: &[usize]) -> String {
    rows_text(numbers.iter().copied(), numbers.len())
}

fn by_organization(organizations: &[Option<OrgId>]) -> Vec<Vec<usize>> {
    let mut bound: HashMap<&OrgId, Vec<usize>> = HashMap::new();
    for (index, organization) in organizations.iter().enumerate() {
        if let Some(organization) = organization {
            bound.entry(organization).or_default().push(index);
        }
    }
    bound.into_values().collect()
}
