//! The lines of the closing report's table. They are made organization by organization: of a million account groups no list is kept.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::ClosingInput;
use super::cycle_lookup::{ClosedCycles, Cycle, LastSeen};
use super::names::rows_with_names;
use crate::domain::quota::{Aid, SnapshotRow, Target, Units};

/// A line of the table: a target in one cycle.
#[derive(Clone, Debug)]
pub(in crate::report) struct Line<'a> {
    /// The organization alone, by its name, where nothing was seen of the cycle.
    pub row: SnapshotRow<'a>,
    pub cycle: &'a Cycle,
    pub seen_at: Option<DateTime<Utc>>,
    /// What the API projected in the middle of the cycle, for the one that closed.
    pub projected: Option<Units>,
}

/// Every target in the cycle that closed, and those that the year is about in the cycles before.
pub(in crate::report) fn lines<'a>(input: &ClosingInput<'a>) -> impl Iterator<Item = Line<'a>> + use<'a> {
    let input = *input;
    input.closed.iter().flat_map(move |closed| of_organization(closed, &input))
}

fn of_organization<'a>(closed: &'a ClosedCycles, input: &ClosingInput<'a>) -> Vec<Line<'a>> {
    let rule = input.rule;
    let unseen = SnapshotRow {
        org_name: rows_with_names(closed, input.latest).next().map(|row| row.org_name).unwrap_or_default(),
        ..SnapshotRow::new(Target { org_id: closed.org_id.clone(), aid: None })
    };
    let seen = || closed.cycles.iter().filter_map(|cycle| cycle.last_seen.as_ref());
    let has_own = seen().flat_map(LastSeen::places).any(|place| place.account_group.is_none());
    let middle = closed.middle.iter().flat_map(LastSeen::places);
    let projected: BTreeMap<Option<&Aid>, Units> =
        middle.filter_map(|place| Some((place.aid(), rule.projected(&place.usage())?))).collect();
    let mut lines = Vec::new();
    for (index, cycle) in closed.cycles.iter().enumerate() {
        let line = |row: SnapshotRow<'a>, seen_at| Line {
            projected: projected.get(&row.target.aid.as_ref()).copied().filter(|_| index == 0),
            row,
            cycle,
            seen_at,
        };
        match &cycle.last_seen {
            Some(seen) => {
                let shown = seen.rows().filter(|row| index == 0 || !has_own || row.target.aid.is_none());
                lines.extend(shown.map(|row| line(row, Some(seen.at))));
            }
            None => lines.push(line(unseen.clone(), None)),
        }
    }
    lines
}
