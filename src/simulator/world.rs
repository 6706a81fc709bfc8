//! The simulated customers: organizations, account groups, their quotas, and who consumes what.
//!
//! Everything but the quotas is fixed by the seed; the quotas are what the API changes.

use chrono::{DateTime, Utc};

use super::names;
#[cfg(test)]
use super::usage::Consumed;
use super::usage::{Consumer, Cycle, mix};

/// All that the token may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct World {
    pub organizations: Vec<Organization>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Organization {
    pub id: String,
    pub name: String,
    /// The contracted units of a month.
    pub plan: i64,
    pub quota: Option<i64>,
    /// The day of the month on which the billing cycle begins.
    pub cycle_day: u32,
    pub account_groups: Vec<AccountGroup>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccountGroup {
    pub aid: String,
    pub name: String,
    pub quota: Option<i64>,
    /// Consume cloud units.
    pub tests: Vec<Consumer>,
    /// Consume enterprise units.
    pub agents: Vec<Consumer>,
    pub endpoint_agents: i64,
}

/// How a group stands to its quota.
enum UsageProfile {
    Comfortable,
    RunningOut,
    Idle,
    Uncapped,
}

impl World {
    /// The same seed and sizes always make the same world.
    pub(super) fn new(seed: u64, organizations: usize, account_groups: usize) -> Self {
        let organization = |index| Organization::new(seed, index, account_groups);
        Self { organizations: (0..organizations).map(organization).collect() }
    }

    /// The organization with this id.
    #[cfg(test)]
    pub(crate) fn organization(&self, id: &str) -> Option<&Organization> {
        self.organizations.iter().find(|organization| organization.id == id)
    }

    /// The quota of an organization or, with an `aid`, of an account group; none also where there is no such target.
    #[cfg(test)]
    pub(crate) fn quota(&self, org_id: &str, aid: Option<&str>) -> Option<i64> {
        let organization = self.organization(org_id)?;
        match aid {
            None => organization.quota,
            Some(aid) => organization.account_groups.iter().find(|group| group.aid == aid)?.quota,
        }
    }

    /// Sets or removes a quota behind the API's back; a target that does not exist is left alone.
    pub(crate) fn set_quota(&mut self, org_id: &str, aid: Option<&str>, quota: Option<i64>) {
        for organization in self.organizations.iter_mut().filter(|organization| organization.id == org_id) {
            match aid {
                None => organization.quota = quota,
                Some(aid) => {
                    for group in organization.account_groups.iter_mut().filter(|group| group.aid == aid) {
                        group.quota = quota;
                    }
                }
            }
        }
    }
}

impl Organization {
    fn new(seed: u64, index: usize, groups: usize) -> Self {
        let mut random = fastrand::Rng::with_seed(mix(seed, index as u64));
        let name = names::organization(index);
        let cycle_day = random.u32(1..=28);
        let account_groups: Vec<_> =
            (0..groups).map(|group| AccountGroup::new(seed, &name, index, group, groups)).collect();
        let needed: i64 = account_groups.iter().map(|group| group.quota.unwrap_or(group.monthly())).sum();
        // Every second organization gave its groups a little more than it has, which the product allows.
        let percent = if index.is_multiple_of(2) { 104 } else { 98 };
        let quota = round_up(needed * percent / 100, 1000);
        Self {
            id: (10_452 + 336 * index).to_string(),
            name,
            plan: round_up(quota * 108 / 100, 1000),
            quota: Some(quota),
            cycle_day,
            account_groups,
        }
    }

    /// The billing cycle that `now` is in.
    pub(crate) fn cycle(&self, now: DateTime<Utc>) -> Cycle {
        Cycle::at(self.cycle_day, now)
    }
}

impl AccountGroup {
    fn new(seed: u64, organization: &str, org_index: usize, index: usize, groups: usize) -> Self {
        let number = org_index * groups + index;
        let mut random = fastrand::Rng::with_seed(mix(mix(seed, org_index as u64), 1000 + index as u64));
        let character = match (index + 3 * org_index) % 20 {
            0 | 1 | 9 => UsageProfile::RunningOut,
            6 => UsageProfile::Idle,
            5 | 14 => UsageProfile::Uncapped,
            _ => UsageProfile::Comfortable,
        };
        let monthly = match random.u8(0..10) {
            0..6 => random.i64(1_000..6_000),
            6..9 => random.i64(6_000..14_000),
            _ => random.i64(14_000..24_000),
        };
        let monthly = if matches!(character, UsageProfile::Idle) { monthly / 18 } else { monthly };
        let runs_out = matches!(character, UsageProfile::RunningOut);
        let tests = tests(&mut random, organization, number, monthly, runs_out);
        let agents = agents(&mut random, number, monthly);
        let mut group = Self {
            aid: (204_117 + 3 * number).to_string(),
            name: names::account_group(index),
            quota: None,
            tests,
            agents,
            endpoint_agents: random.i64(0..60),
        };
        // What a month takes, in thousandths of the quota.
        let share = match character {
            UsageProfile::Comfortable => Some(random.i64(500..850)),
            UsageProfile::RunningOut => Some(random.i64(1_120..1_260)),
            UsageProfile::Idle => Some(40),
            UsageProfile::Uncapped => None,
        };
        group.quota = share.map(|share| {
            let quota = group.monthly() * 1000 / share;
            round_up(quota, if quota < 10_000 { 50 } else { 500 })
        });
        group
    }

    /// What it usually consumes in a month.
    fn monthly(&self) -> i64 {
        self.tests.iter().chain(&self.agents).map(|consumer| consumer.monthly).sum()
    }

    /// Cloud and enterprise units together, as the API's usage has them at `now`.
    #[cfg(test)]
    pub(crate) fn consumed(&self, cycle: Cycle, now: DateTime<Utc>) -> Consumed {
        let all = self.tests.iter().chain(&self.agents).filter_map(|consumer| consumer.consumed(cycle, now));
        all.fold(Consumed { projected: Some(0), ..Consumed::default() }, |sum, one| Consumed {
            used: sum.used + one.used,
            projected: Some(sum.expected() + one.expected()),
            next_cycle: sum.next_cycle + one.next_cycle,
        })
    }
}

/// Three to six tests that share the group's units unevenly; the largest is steady, or all are.
fn tests(
    random: &mut fastrand::Rng,
    organization: &str,
    group: usize,
    monthly: i64,
    all_steady: bool,
) -> Vec<Consumer> {
    const SHARES: [i64; 6] = [42, 24, 14, 9, 6, 5];
    let count = random.usize(3..=SHARES.len());
    let first = random.usize(0..12);
    let test = |index: usize| {
        let (name, kind) = names::test(first + index, organization);
        Consumer {
            id: (1_158_000 + group * SHARES.len() + index).to_string(),
            name,
            kind,
            monthly: monthly * SHARES[index] / 100,
            steady: all_steady || index == 0,
            seed: 0,
        }
    };
    (0..count).map(test).map(|test| Consumer { seed: random.u64(..), ..test }).collect()
}

/// Up to two enterprise agents, with a tenth to a quarter of the group's units.
fn agents(random: &mut fastrand::Rng, group: usize, monthly: i64) -> Vec<Consumer> {
    let count = random.usize(0..=2);
    let first = random.usize(0..40);
    let agent = |index: usize| Consumer {
        id: (58_000 + group * 2 + index).to_string(),
        name: names::agent(first + index),
        kind: "",
        monthly: monthly * random.i64(5..13) / 100,
        steady: true,
        seed: random.u64(..),
    };
    (0..count).map(agent).collect()
}

fn round_up(value: i64, step: i64) -> i64 {
    (value + step - 1) / step * step
}

#[cfg(test)]
mod tests;
