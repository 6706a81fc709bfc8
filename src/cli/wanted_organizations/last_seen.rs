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

    /// Each step back is twice as far as the one before; within the step that meets a snapshot that has it, the newest is searched.
    fn last_seen(&self, named: &Name) -> Option<(DateTime<Utc>, OrgId, String)> {
        let newest_first: Vec<_> = self.history.list().ok()?.into_iter().rev().take(SEARCHED).collect();
        let has = |at: DateTime<Utc>| self.found_in(at, named).is_some();
        let mut from = 0;
        while from < newest_first.len() {
            let to = (2 * from + 1).min(newest_first.len());
            if has(newest_first[to - 1]) {
                let at = newest_first[from + newest_first[from..to].partition_point(|at| !has(*at))];
                return self.found_in(at, named).map(|(id, name)| (at, id, name));
            }
            from = to;
        }
        None
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
