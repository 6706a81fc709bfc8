//! Hundreds of rows with one reason: it is said once, with the worst of them.

use std::collections::HashMap;

use crate::report::changes::cause::Cause;
use crate::report::changes::row::ChangeRow;
use crate::report::shared::planned::CommonReason;
use crate::report::shared::words;

/// From so many rows on a reason that they share is said once, and so many of them are listed.
const SHARED: usize = 6;
const LISTED_OF_SHARED: usize = 10;
/// So many reasons are said of whole organizations.
const LISTED_COMMON: usize = 10;

/// Which rows stand together.
#[derive(Clone, PartialEq, Eq, Hash)]
enum RowGroups {
    /// The same reasons, word for word.
    Words(Vec<String>),
    Kind(Cause),
    /// For reasons of their own, or for none.
    Not,
}

/// What holds several rows is a sentence each, with the organization where there are several.
pub(super) fn said_once(common: &[&CommonReason<'_>], at_most: usize) -> Vec<String> {
    let has_several = common.iter().any(|reason| reason.org_name != common[0].org_name);
    let sentence = |reason: &&CommonReason<'_>| {
        let rows = words::counted(reason.rows, "row");
        let message = words::clean(&reason.hit.message, 300);
        match words::clean(reason.org_name, 60) {
            name if has_several && !name.is_empty() => format!("{name}, {rows}: {message}"),
            _ => format!("{rows}: {message}"),
        }
    };
    let listed = if at_most < usize::MAX { LISTED_COMMON } else { usize::MAX };
    let mut said: Vec<String> = common.iter().take(listed).map(sentence).collect();
    if let more @ 1.. = common.len().saturating_sub(said.len()) {
        said.push(format!("And {} like these.", words::counted(more, "more reason")));
    }
    said
}

/// Rows that share their reasons stand together, the first of them saying so; those that are not listed are the second part.
pub(super) fn by_reason(rows: Vec<ChangeRow>, at_most: usize) -> (Vec<ChangeRow>, Vec<ChangeRow>) {
    let groups = groups(rows);
    let has_several = groups.len() > 1;
    let listed = if at_most < usize::MAX { LISTED_OF_SHARED } else { usize::MAX };
    let (mut shown, mut rest) = (Vec::new(), Vec::new());
    for (together, mut group) in groups {
        let count = words::counted(group.len(), "row");
        group[0].shared = match &together {
            // What is said once of whole organizations stands above all rows.
            RowGroups::Words(why) if why.is_empty() && shown.is_empty() => String::new(),
            RowGroups::Words(why) if why.is_empty() => format!("{count} only for the reason above"),
            RowGroups::Words(why) => format!("{count} for one reason: {}", why.join("; ")),
            RowGroups::Kind(cause) => format!("{count} for one reason: {}", cause.summary()),
            RowGroups::Not if has_several && group.len() == 1 => format!("{count} for a separate reason"),
            RowGroups::Not if has_several => format!("{count} for different reasons"),
            RowGroups::Not => String::new(),
        };
        if together != RowGroups::Not {
            let is_explained = matches!(together, RowGroups::Words(_));
            for row in &mut group {
                row.is_explained = is_explained;
            }
            rest.extend(group.split_off(group.len().min(listed)));
        }
        if shown.is_empty() {
            shown = group;
        } else {
            shown.append(&mut group);
        }
    }
    (shown, rest)
}

/// Each in the order of its first row.
fn groups(rows: Vec<ChangeRow>) -> Vec<(RowGroups, Vec<ChangeRow>)> {
    if rows.iter().all(|row| row.cause.is_none()) {
        return if rows.is_empty() { Vec::new() } else { vec![(RowGroups::Not, rows)] };
    }
    let mut words: HashMap<Vec<String>, usize> = HashMap::new();
    let mut kinds: HashMap<Cause, usize> = HashMap::new();
    for row in rows.iter().filter(|row| row.cause.is_some()) {
        *words.entry(row.why.clone()).or_default() += 1;
    }
    for row in rows.iter().filter(|row| words.get(&row.why).is_none_or(|count| *count < SHARED)) {
        if let Some(cause) = row.cause {
            *kinds.entry(cause).or_default() += 1;
        }
    }
    let together = |row: &ChangeRow| match row.cause {
        Some(_) if words[&row.why] >= SHARED => RowGroups::Words(row.why.clone()),
        Some(cause) if kinds[&cause] >= SHARED => RowGroups::Kind(cause),
        Some(_) | None => RowGroups::Not,
    };
    let mut groups: Vec<(RowGroups, Vec<ChangeRow>)> = Vec::new();
    let mut places: HashMap<RowGroups, usize> = HashMap::new();
    for row in rows {
        let together = together(&row);
        let place = *places.entry(together.clone()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, group)) => group.push(row),
            None => groups.push((together, vec![row])),
        }
    }
    groups
}
