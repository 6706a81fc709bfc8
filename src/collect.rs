//! Reads quotas, names and usage from the API and joins them into a snapshot.
//!
//! The joining is pure. Where the server refuses usage, for want of a permission or for one organization, or answers
//! in a form that cannot be read, a snapshot goes on with that usage unknown: asking again would not help. Any other
//! failure is an error, and nothing is written of a snapshot that could not be read whole.

mod assigned;
mod groups_to_ask;
mod live_quotas;
mod organization_lookup;
pub(crate) mod top_consumers;
mod tree;
mod usage_answer;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::task::JoinSet;
use tracing::warn;

use self::assigned::Assigned;
pub(crate) use self::groups_to_ask::groups_to_ask;
pub(crate) use self::live_quotas::LiveQuotas;
use self::organization_lookup::OrganizationLookup;
use self::usage_answer::{AnswerSubject, attribute_answer};
use crate::collect::top_consumers::top_consumers;
use crate::domain::quota::{Aid, OrgId, Snapshot, Usage, UsageRule};
use crate::domain::top_consumers::TopConsumers;
use crate::text::redact;
use crate::thousandeyes::progress::Phase;
use crate::thousandeyes::{AccountGroup, Client, Error, OrganizationQuotas, OrganizationUsage};

/// Requests for usage under way at once; the client's budget paces them besides.
const AT_ONCE: usize = 8;

/// What was read of the API: the targets with their quotas, and the usage of those organizations that were asked for.
#[derive(Debug)]
pub(crate) struct Reading {
    /// With the targets whose quota cannot be read.
    pub snapshot: Snapshot,
    /// Where the units go of the organizations whose usage was read.
    pub top_consumers: TopConsumers,
}

impl Reading {
    /// Reads the quotas and, if wanted, the names: the targets without their usage.
    pub(crate) async fn targets(client: &Client, names: bool, now: DateTime<Utc>) -> Result<Self, Error> {
        client.progress().begin(Phase::Quotas, 1 + usize::from(names));
        let quotas = client.quotas().await?;
        // Where the quotas don't say whose they are, the account groups do.
        let groups = if names || has_nameless(&quotas) { client.account_groups().await? } else { Vec::new() };
        Ok(Self::from_answers(quotas, groups, now))
    }

    /// Of answers that were read already. Says in the log what of them cannot be read.
    pub(crate) fn from_answers(
        quotas: Vec<OrganizationQuotas>,
        groups: Vec<AccountGroup>,
        now: DateTime<Utc>,
    ) -> Self {
        let organization_lookup = OrganizationLookup::new(&quotas, &groups);
        let of_groups: Vec<Option<OrgId>> =
            groups.iter().map(|group| organization_lookup.of_group(group)).collect();
        let of_quotas: Vec<Option<OrgId>> =
            quotas.iter().map(|organization| organization_lookup.organization(organization)).collect();
        let assigned = Assigned::new(quotas.into_iter().zip(of_quotas));
        for (target, why) in assigned.doubts.in_words() {
            let what = "its quota cannot be read and counts as unknown";
            warn!(whose = %redact::clean(&target, 300), why = redact::clean(&why, 300), "{what}");
        }
        let snapshot = tree::join(assigned, groups.into_iter().zip(of_groups), now);
        Self { snapshot, top_consumers: TopConsumers::default() }
    }

    /// The organizations that any of the answers shows.
    pub(crate) fn organizations(&self) -> impl Iterator<Item = &OrgId> {
        self.snapshot.organizations().iter().map(|organization| &organization.id)
    }

    /// Reads the usage of these organizations, one request each.
    pub(crate) async fn add_usage(
        &mut self,
        client: &Arc<Client>,
        organizations: &BTreeSet<OrgId>,
        rule: &UsageRule,
    ) -> Result<(), Error> {
        let mut asked = JoinSet::new();
        let owned = |(org_id, aids): (_, Vec<&Aid>)| (org_id, aids.into_iter().cloned().collect::<Vec<_>>());
        let to_ask: Vec<_> = groups_to_ask(&self.snapshot, organizations).into_iter().map(owned).collect();
        let mut waiting = to_ask.into_iter();
        let mut forbidden = 0;
        let mut unknown: BTreeMap<String, Vec<OrgId>> = BTreeMap::new();
        let mut unattributed = Vec::new();
        client.progress().begin(Phase::Usage, organizations.len());
        loop {
            while asked.len() < AT_ONCE
                && let Some((org_id, aids)) = waiting.next()
            {
                if aids.is_empty() {
                    warn!(%org_id, "no account group of this organization alone is visible: its usage stays unknown");
                    continue;
                }
                let client = Arc::clone(client);
                asked.spawn(async move { (org_id, ask(&client, &aids).await) });
            }
            let Some(answer) = asked.join_next().await else { break };
            client.progress().step();
            let Ok((org_id, usage)) = answer else { continue }; // a task only ends early when the runtime shuts down
            match usage {
                Ok(usage) => match attribute_answer(&usage, &org_id, &self.snapshot) {
                    AnswerSubject::Another => {
                        let error = "GET /usage answered for another organization".to_owned();
                        unknown.entry(error).or_default().push(org_id);
                    }
                    of => {
                        if !self.take_usage(&org_id, &usage, of, rule) {
                            unattributed.push(org_id);
                        }
                    }
                },
                Err(Error::Forbidden { .. }) => forbidden += 1,
                Err(error) if error.is_refusal() || matches!(error, Error::Unusable { .. }) => {
                    unknown.entry(error.to_string()).or_default().push(org_id);
                }
                Err(error) => return Err(error),
            }
        }
        for (error, organizations) in &mut unknown {
            organizations.sort_unstable();
            let org_ids = first_ids(organizations);
            warn!(organizations = organizations.len(), org_ids, error, "their usage stays unknown");
        }
        if !unattributed.is_empty() {
            unattributed.sort_unstable();
            let org_ids = first_ids(&unattributed);
            let what = "GET /usage does not fully say which account groups used the units: if it is in doubt, a group's usage stays \
                        unknown";
            warn!(organizations = unattributed.len(), org_ids, "{what}");
        }
        if forbidden > 0 {
            warn!(
                organizations = forbidden,
                "usage is unknown: the token lacks the permission `View organization usage` (older: `View Billing`)"
            );
        }
        Ok(())
    }

    /// An organization takes the totals; an account group takes its sums, and 0 where no breakdown names it. False where what an account
    /// group used stays unknown.
    fn take_usage(
        &mut self,
        org_id: &OrgId,
        usage: &OrganizationUsage,
        of: AnswerSubject,
        rule: &UsageRule,
    ) -> bool {
        self.top_consumers.insert(org_id.clone(), top_consumers(usage, rule));
        let Some(organization) = self.snapshot.organization_mut(org_id) else { return true };
        let &OrganizationUsage {
            period_start,
            period_end,
            plan_units,
            total,
            cloud_next_period,
            enterprise_next_period,
            // Taken as the largest tests, and by `account_group`.
            tests: _,
            agents: _,
            groups: _,
            unnamed: _,
        } = usage;
        organization.period_start = period_start;
        organization.period_end = period_end;
        if let Some(own) = &mut organization.own {
            own.usage = total;
            own.plan_units = plan_units;
            own.cloud_next_period = cloud_next_period;
            own.enterprise_next_period = enterprise_next_period;
        }
        let mut is_known = true;
        for group in &mut organization.account_groups {
            let used = if of == AnswerSubject::Requested {
                usage.account_group(&group.aid)
            } else {
                Usage::default()
            };
            is_known &= used.cloud_used.is_some() && used.enterprise_used.is_some();
            group.set_usage(used);
        }
        is_known
    }
}

/// Asks for the usage of the organization of these account groups: by the next one where the API refuses one, which may be deleted, or
/// closed to the token's user.
async fn ask(client: &Client, aids: &[Aid]) -> Result<OrganizationUsage, Error> {
    let mut answer = client.usage(aids.first()).await;
    for aid in aids.iter().skip(1) {
        match &answer {
            Err(error) if error.is_refusal() && matches!(error.status(), Some(403 | 404)) => {
                answer = client.usage(Some(aid)).await;
            }
            _ => break,
        }
    }
    answer
}

/// The first of them: if they all have one reason, it says more than their ids.
pub(crate) fn first_ids(organizations: &[OrgId]) -> String {
    const MOST: usize = 5;
    let first: Vec<&str> = organizations.iter().take(MOST).map(OrgId::as_str).collect();
    let more = organizations.len().saturating_sub(MOST);
    if more > 0 { format!("{} and {more} more", first.join(", ")) } else { first.join(", ") }
}

/// Whether the API left out whose quotas these are. An organization without a quota of its own has no id there.
fn has_nameless(quotas: &[OrganizationQuotas]) -> bool {
    quotas.iter().any(|organization| organization.org_id.is_none())
}

/// All that a whole snapshot is made of: every organization that the token sees.
pub(crate) async fn read_snapshot(
    client: &Arc<Client>,
    names: bool,
    usage: bool,
    rule: &UsageRule,
    now: DateTime<Utc>,
) -> Result<Reading, Error> {
    let mut reading = Reading::targets(client, names, now).await?;
    if usage {
        let organizations = reading.organizations().cloned().collect();
        reading.add_usage(client, &organizations, rule).await?;
    }
    Ok(reading)
}

#[cfg(test)]
mod tests;
