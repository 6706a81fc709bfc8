//! Where the history still shows an organization that is named and is not there any more.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::Name;
use crate::domain::quota::OrgId;
use crate::history::{Block, History, STEM, left_out};
use crate::report::words;
use crate::text::lookalike;

/// Among so many of the newest snapshots it is looked for. About twenty of them are read, the nearest ones first.
const SEARCHED: usize = 1024;

/// The snapshots in which an organization may be that is not there now.
#[derive(Clone, Copy)]
pub(in crate::cli) struct Earlier<'h> {
    pub history: &'h History,
    pub zone: Tz,
    /// The snapshot that was looked into; none where that was the API's answer.
    pub asked: Option<DateTime<Utc>>,
}

impl Earlier<'_> {
    /// The sentence that says which snapshot has it and how to see it there; none where no snapshot is found that has it.
    pub(super) fn sentence(&self, named: &Name) -> Option<String> {
        let (at, id, name) = self.last_seen(named)?;
        let called = words::clean(format!("{name} {id}").trim(), 80);
        let moment = |at| words::moment_in(at, self.zone);
        let there = match self.asked {
            None => "the API's answer no longer shows".to_owned(),
            Some(asked) => format!("the snapshot of {} does not have", moment(asked)),
        };
        Some(format!(
            "{there} the organization {called}, which the snapshot of {} has. To see it there, run `quotakeeper targets --org {id} \
             --at {}`",
            moment(at),
            at.format(STEM)
        ))
    }

    /// Longer and longer steps back find a snapshot that has it; halving the last step finds where it vanished.
    fn last_seen(&self, named: &Name) -> Option<(DateTime<Utc>, OrgId, String)> {
        let newest_first: Vec<_> = self.history.list().ok()?.into_iter().rev().take(SEARCHED).collect();
        let mut without = None;
        let steps = std::iter::successors(Some(1_usize), |step| Some(step * 2)).map(|step| step - 1);
        for index in steps {
            let index = index.min(newest_first.len().checked_sub(1)?);
            if let Some(found) = self.found_in(newest_first[index], named) {
                let with = (index, found);
                return Some(self.nearest(&newest_first, without, with, named));
            }
            if index + 1 == newest_first.len() {
                return None;
            }
            without = Some(index);
        }
        None
    }

    fn nearest(
        &self,
        newest_first: &[DateTime<Utc>],
        without: Option<usize>,
        with: (usize, (OrgId, String)),
        named: &Name,
    ) -> (DateTime<Utc>, OrgId, String) {
        let (mut index, mut found) = with;
        let mut first = without.map_or(0, |without| without + 1);
        while first < index {
            let middle = usize::midpoint(first, index);
            match self.found_in(newest_first[middle], named) {
                Some(nearer) => (index, found) = (middle, nearer),
                None => first = middle + 1,
            }
        }
        (newest_first[index], found.0, found.1)
    }

    fn found_in(&self, at: DateTime<Utc>, named: &Name) -> Option<(OrgId, String)> {
        let read = |block: Block| {
            let organization = block.filtered(|_| false)?;
            let is_named = named.matches(&organization.id, &lookalike::key(&organization.name));
            Ok(is_named.then(|| (organization.id.clone(), organization.name.to_string())))
        };
        let all = self.history.each(at, read, |all| all.collect::<anyhow::Result<Vec<_>>>());
        all.map_err(|error| left_out(&error)).ok()?.into_iter().flatten().next()
    }
}

#[cfg(test)]
mod tests;
