//! Hundreds of rows with one reason: it is said once, with the worst of them.

use std::collections::HashMap;

use crate::report::changes::row::ChangeRow;
use crate::report::shared::words;

/// From so many rows on a reason that they share is said once, and so many of them are listed.
const SHARED: usize = 6;
const LISTED_OF_SHARED: usize = 10;

/// Rows that share their reasons stand together, the first of them saying so; those that are not listed are the second part.
pub(super) fn by_reason(rows: Vec<ChangeRow>, at_most: usize) -> (Vec<ChangeRow>, Vec<ChangeRow>) {
    let mut groups: Vec<Vec<ChangeRow>> = Vec::new();
    let mut places: HashMap<Vec<String>, usize> = HashMap::new();
    for row in rows {
        let place = *places.entry(row.why.clone()).or_insert(groups.len());
        if place == groups.len() || row.why.is_empty() {
            groups.push(vec![row]);
        } else {
            groups[place].push(row);
        }
    }
    let (mut shown, mut rest) = (Vec::new(), Vec::new());
    for mut group in groups {
        if group.len() >= SHARED {
            let count = words::counted(group.len(), "row");
            group[0].shared = format!("{count} for one reason: {}", group[0].why.join("; "));
            for row in &mut group {
                row.is_explained = true;
            }
            let listed = if at_most < usize::MAX { LISTED_OF_SHARED } else { usize::MAX };
            rest.extend(group.split_off(group.len().min(listed)));
        }
        shown.append(&mut group);
    }
    (shown, rest)
}
