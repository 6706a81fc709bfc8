//! Snapshots organization by organization: something is done with each, on all cores where they are large and somebody waits, and
//! no more than a few are in memory.

use std::collections::BTreeSet;
use std::iter::Peekable;

use anyhow::Context;
use chrono::{DateTime, Utc};

use super::codec::Block;
use super::readable::left_out;
use super::store::{History, Unreadable};
use crate::domain::quota::{OrgId, Organization, Place, Snapshot, Target, Usage, WithQuota};
use crate::domain::usage_rows::UsageRows;
use crate::parallel::Cores;

/// A smaller file is read before a second thread has started.
const LARGE: u64 = 8 << 20;

impl History {
    /// Does something with each organization of a snapshot, and hands out what came of it in the order of their ids.
    pub(crate) fn each<T: Send, R>(
        &self,
        at: DateTime<Utc>,
        work: impl Fn(Block) -> anyhow::Result<T> + Sync,
        consume: impl FnOnce(&mut dyn Iterator<Item = anyhow::Result<T>>) -> anyhow::Result<R>,
    ) -> anyhow::Result<R> {
        self.each_where(at, |_| true, work, consume)
    }

    /// The same with those organizations alone that are wanted.
    fn each_where<T: Send, R>(
        &self,
        at: DateTime<Utc>,
        is_wanted: impl Fn(&OrgId) -> bool,
        work: impl Fn(Block) -> anyhow::Result<T> + Sync,
        consume: impl FnOnce(&mut dyn Iterator<Item = anyhow::Result<T>>) -> anyhow::Result<R>,
    ) -> anyhow::Result<R> {
        let is_wanted =
            |block: &anyhow::Result<Block>| block.as_ref().map_or(true, |block| is_wanted(block.id()));
        let work =
            |block: anyhow::Result<Block>| work(block?).with_context(|| Unreadable::damaged(self.path(at)));
        self.in_order(&[at], self.blocks(at)?.filter(is_wanted), work, consume)
    }

    /// The same of a whole snapshot beside earlier ones: each organization comes with what those show of it. One of them that cannot be
    /// read is left out.
    pub(crate) fn each_beside<T: Send, R>(
        &self,
        at: DateTime<Utc>,
        earlier: &[DateTime<Utc>],
        work: impl Fn(Block, Vec<EarlierOrganization>) -> anyhow::Result<T> + Sync,
        consume: impl FnOnce(&mut dyn Iterator<Item = anyhow::Result<T>>) -> anyhow::Result<R>,
    ) -> anyhow::Result<R> {
        let open = |at: &DateTime<Utc>| match self.blocks(*at) {
            Ok(blocks) => Some((*at, blocks.peekable())),
            Err(error) => {
                left_out(&error);
                None
            }
        };
        let mut opened: Vec<_> = earlier.iter().filter_map(open).collect();
        let items = self.blocks(at)?.map(|block| {
            let block = block?;
            let shown = opened.iter_mut().filter_map(|(at, blocks)| {
                let block = seek(blocks, block.id())?;
                Some(EarlierOrganization { at: *at, block })
            });
            let shown = shown.collect();
            Ok((block, shown))
        });
        let work = |item: anyhow::Result<(Block, Vec<EarlierOrganization>)>| {
            let (block, earlier) = item?;
            work(block, earlier).with_context(|| Unreadable::damaged(self.path(at)))
        };
        self.in_order(&[&[at], earlier].concat(), items, work, consume)
    }

    /// What a snapshot shows of the usage of those targets that another one shows: does something with each organization, and hands
    /// out what came of it in the order of their ids. As little of the file is read as that takes.
    pub(crate) fn usage_like<T: Send, R>(
        &self,
        at: DateTime<Utc>,
        wanted: &Snapshot,
        work: impl Fn(UsageRows) -> T + Sync,
        consume: impl FnOnce(&mut dyn Iterator<Item = anyhow::Result<T>>) -> anyhow::Result<R>,
    ) -> anyhow::Result<R> {
        self.each_like(at, wanted, |block, like| Ok(work(block.usage_like(like)?)), consume)
    }

    /// What a snapshot shows of those targets that another one shows.
    pub(crate) fn restricted_to(&self, at: DateTime<Utc>, wanted: &Snapshot) -> anyhow::Result<Snapshot> {
        let is_seen =
            |seen: &anyhow::Result<Organization>| seen.as_ref().map_or(true, |seen| seen.row_count() > 0);
        let organizations = self.each_like(at, wanted, Block::organization_like, |organizations| {
            organizations.filter(is_seen).collect()
        })?;
        Ok(Snapshot::of_organizations(at, organizations))
    }

    /// How many targets a snapshot shows, each of which is a row. The rows are told apart, but not read.
    pub(crate) fn row_count(&self, at: DateTime<Utc>) -> anyhow::Result<usize> {
        self.blocks(at)?.map(|block| Ok(block?.rows())).sum()
    }

    /// The targets of these organizations that a snapshot shows with a quota; an organization itself is none.
    pub(crate) fn with_quota(&self, at: DateTime<Utc>, of: &BTreeSet<OrgId>) -> anyhow::Result<WithQuota> {
        let read = |block: Block| {
            let (org_id, mut targets) = (block.id().clone(), BTreeSet::new());
            block.for_each_row(|row| {
                targets.extend(row.quota.map(|_| row.target.aid.clone()));
                Ok(())
            })?;
            Ok((org_id, targets))
        };
        self.each_where(at, |org_id| of.contains(org_id), read, |all| all.collect())
    }

    /// What a snapshot shows of these organizations, without the usage of their account groups.
    pub(crate) fn organizations_only(
        &self,
        at: DateTime<Utc>,
        of: &BTreeSet<OrgId>,
    ) -> anyhow::Result<Vec<Organization>> {
        let read = |block: Block| {
            let mut organization = block.organization()?;
            organization.account_groups.iter_mut().for_each(|group| group.set_usage(Usage::default()));
            Ok(organization)
        };
        self.each_where(at, |org_id| of.contains(org_id), read, |all| all.collect())
    }

    /// The part of a snapshot that is about these organizations; the other rows are passed over.
    pub(crate) fn read_organizations(
        &self,
        at: DateTime<Utc>,
        of: &BTreeSet<OrgId>,
    ) -> anyhow::Result<Snapshot> {
        let read = |block: Block| block.organization();
        let organizations = self.each_where(at, |org_id| of.contains(org_id), read, |all| all.collect());
        match organizations {
            Ok(organizations) => Ok(Snapshot::of_organizations(at, organizations)),
            // Also what somebody's editor has put into another order.
            Err(_) => Ok(self.read(at)?.filtered(|place| of.contains(&place.organization.id))),
        }
    }

    /// Reads the organizations that another snapshot shows too.
    fn each_like<T: Send, R>(
        &self,
        at: DateTime<Utc>,
        wanted: &Snapshot,
        read: impl Fn(Block, &Organization) -> anyhow::Result<T> + Sync,
        consume: impl FnOnce(&mut dyn Iterator<Item = anyhow::Result<T>>) -> anyhow::Result<R>,
    ) -> anyhow::Result<R> {
        let last = wanted.organizations().last().map(|last| &last.id);
        let is_until_last =
            |block: &anyhow::Result<Block>| block.as_ref().map_or(true, |block| Some(block.id()) <= last);
        let with_like = |block: anyhow::Result<Block>| match block {
            Ok(block) => wanted.organization(block.id()).map(|like| Ok((block, like))),
            Err(error) => Some(Err(error)),
        };
        let work = |item: anyhow::Result<(Block, &Organization)>| {
            let (block, like) = item?;
            read(block, like).with_context(|| Unreadable::damaged(self.path(at)))
        };
        self.in_order(&[at], self.blocks(at)?.take_while(is_until_last).filter_map(with_like), work, consume)
    }

    /// Does something for each of these snapshots, and hands out what came of it in their order: for several at once where somebody
    /// waits. Of large ones each takes all cores by itself.
    pub(crate) fn each_of<T: Send, R>(
        &self,
        moments: &[DateTime<Utc>],
        work: impl Fn(DateTime<Utc>) -> T + Sync,
        consume: impl FnOnce(&mut dyn Iterator<Item = T>) -> R,
    ) -> R {
        let is_one_large = moments.iter().any(|at| self.cores_for(&[*at]) == Cores::All);
        let cores = if is_one_large { Cores::One } else { self.cores };
        self.reads().begin(moments.len());
        let work = |at| {
            let done = work(at);
            self.reads().step();
            done
        };
        cores.map_in_order(moments.iter().copied(), work, consume)
    }

    /// Does something with each item that is made of these snapshots: on all cores where they are large, and somebody waits.
    fn in_order<T: Send, U: Send, R>(
        &self,
        of: &[DateTime<Utc>],
        items: impl Iterator<Item = T>,
        work: impl Fn(T) -> U + Sync,
        consume: impl FnOnce(&mut dyn Iterator<Item = U>) -> R,
    ) -> R {
        self.cores_for(of).map_in_order(items, work, consume)
    }

    pub(super) fn cores_for(&self, moments: &[DateTime<Utc>]) -> Cores {
        let is_large = || moments.iter().map(|at| self.size(*at)).sum::<u64>() >= LARGE;
        if self.cores == Cores::All && is_large() { Cores::All } else { Cores::One }
    }

    /// The targets that have this id themselves.
    pub(crate) fn with_id(&self, at: DateTime<Utc>, id: &str) -> anyhow::Result<Vec<Target>> {
        let with_id = |block: Block| {
            let is_organization = block.id().as_str() == id;
            let is_wanted = |aid: Option<&str>| aid.map_or(is_organization, |aid| aid == id);
            Ok(block.filtered_by_aid(is_wanted)?.places().map(Place::target).collect())
        };
        let found: Vec<Vec<_>> = self.each(at, with_id, |found| found.collect())?;
        Ok(found.concat())
    }

    /// What an earlier snapshot says of the usage of those targets that the later one shows of the organization.
    pub(crate) fn usage(
        &self,
        earlier: EarlierOrganization,
        later: &Organization,
    ) -> anyhow::Result<UsageRows> {
        let EarlierOrganization { at, block } = earlier;
        block.usage_like(later).with_context(|| Unreadable::damaged(self.path(at)))
    }
}

/// What an earlier snapshot shows of an organization.
pub(crate) struct EarlierOrganization {
    pub at: DateTime<Utc>,
    block: Block,
}

/// That of an organization, if it is among them. Each must be asked for after those that come before it.
fn seek<I: Iterator<Item = anyhow::Result<Block>>>(
    blocks: &mut Peekable<I>,
    org_id: &OrgId,
) -> Option<Block> {
    loop {
        match blocks.next_if(|next| next.as_ref().map_or(true, |next| next.id() <= org_id))? {
            Ok(block) if block.id() == org_id => return Some(block),
            Ok(_) => {}
            Err(error) => left_out(&error), // nothing comes after it
        }
    }
}

#[cfg(test)]
mod tests;
