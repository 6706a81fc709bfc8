//! Reads quotas, names and usage from the API and joins them into one row per target.
//!
//! `join` is pure. Where the server refuses to tell usage, for want of a permission or for one organization, a snapshot
//! goes on with that usage unknown: asking again would not help. Any other failure is an error, and nothing is written
//! of a snapshot that could not be read whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::task::JoinSet;
use tracing::warn;

use crate::largest::LargestTests;
use crate::progress::Phase;
use crate::quota::{Aid, OrgId, Snapshot, SnapshotRow, Target, Units, UsageRule};
use crate::thousandeyes::{AccountGroup, Client, Error, OrganizationQuotas, OrganizationUsage};

/// Requests for usage under way at once; the client's budget paces them besides.
const AT_ONCE: usize = 8;

/// Everything that a snapshot is made of; usage is added for the organizations that are asked for.
pub(crate) struct Reading {
    taken_at: DateTime<Utc>,
    quotas: Vec<OrganizationQuotas>,
    groups: Vec<AccountGroup>,
    usage: BTreeMap<OrgId, OrganizationUsage>,
}

impl Reading {
    /// Reads the quotas and, if wanted, the names: the targets without their usage.
    pub(crate) async fn targets(client: &Client, names: bool, now: DateTime<Utc>) -> Result<Self, Error> {
        client.progress().begin(Phase::Quotas, 1 + usize::from(names));
        let quotas = client.quotas().await?;
        // Where the quotas don't say whose they are, the account groups do.
        let groups = if names || has_nameless(&quotas) { client.account_groups().await? } else { Vec::new() };
        Ok(Self::of(quotas, groups, now))
    }

    /// Of answers that were read already.
    pub(crate) fn of(quotas: Vec<OrganizationQuotas>, groups: Vec<AccountGroup>, now: DateTime<Utc>) -> Self {
        Self { taken_at: now, quotas, groups, usage: BTreeMap::new() }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        join(self.taken_at, &self.quotas, &self.groups, &self.usage)
    }

    /// Where the units of the organizations go whose usage was read.
    pub(crate) fn largest_tests(&self, rule: &UsageRule) -> LargestTests {
        LargestTests::new(&self.usage, rule)
    }

    /// Reads the usage of these organizations, one request each.
    pub(crate) async fn add_usage(
        &mut self,
        client: &Arc<Client>,
        organizations: &BTreeSet<OrgId>,
    ) -> Result<(), Error> {
        let snapshot = self.snapshot();
        let mut asked = JoinSet::new();
        let mut waiting = organizations.iter();
        let mut forbidden = 0;
        client.progress().begin(Phase::Usage, organizations.len());
        loop {
            while asked.len() < AT_ONCE
                && let Some(org_id) = waiting.next()
            {
                // Any account group stands for its organization; without one there is no way to ask.
                let group = snapshot
                    .rows()
                    .iter()
                    .find_map(|row| if row.target.org_id == *org_id { row.target.aid.clone() } else { None });
                let Some(aid) = group else {
                    warn!(%org_id, "no account group of the organization is visible: its usage stays unknown");
                    continue;
                };
                let (client, org_id) = (Arc::clone(client), org_id.clone());
                asked.spawn(async move { (org_id, client.usage(Some(&aid)).await) });
            }
            let Some(answer) = asked.join_next().await else { break };
            client.progress().step();
            let Ok((org_id, usage)) = answer else { continue }; // a task only ends early when the runtime shuts down
            match usage {
                Ok(usage) => {
                    self.usage.insert(org_id, usage);
                }
                Err(Error::Forbidden { .. }) => forbidden += 1,
                Err(error) if error.is_refusal() => warn!(%org_id, %error, "its usage stays unknown"),
                Err(error) => return Err(error),
            }
        }
        if forbidden > 0 {
            warn!(
                organizations = forbidden,
                "usage is unknown: the token lacks the permission `View organization usage` (older: `View Billing`)"
            );
        }
        Ok(())
    }
}

/// Whether the API left out whose quotas these are. An organization without a quota of its own has no id there.
fn has_nameless(quotas: &[OrganizationQuotas]) -> bool {
    quotas.iter().any(|organization| organization.org_id.is_none())
}

/// The quotas as they are now, read again and again while a run is applied.
#[derive(Default)]
pub(crate) struct LiveQuotas {
    /// Read once, and only where the quotas don't say whose they are.
    groups: Option<Vec<AccountGroup>>,
    quotas: BTreeMap<Target, Units>,
}

impl LiveQuotas {
    /// Reads them anew.
    pub(crate) async fn refresh(&mut self, client: &Client, now: DateTime<Utc>) -> Result<(), Error> {
        let quotas = client.quotas().await?;
        if self.groups.is_none() && has_nameless(&quotas) {
            self.groups = Some(client.account_groups().await?);
        }
        let seen = join(now, &quotas, self.groups.as_deref().unwrap_or_default(), &BTreeMap::new());
        let assigned = seen.rows().iter().filter_map(|row| Some((row.target.clone(), row.quota?)));
        self.quotas = assigned.collect();
        Ok(())
    }

    /// The quota of a target as it was last read; none where it has none.
    pub(crate) fn quota(&self, target: &Target) -> Option<Units> {
        self.quotas.get(target).copied()
    }
}

/// All that a whole snapshot is made of: every organization that the token sees.
pub(crate) async fn take(
    client: &Arc<Client>,
    names: bool,
    usage: bool,
    now: DateTime<Utc>,
) -> Result<Reading, Error> {
    let mut reading = Reading::targets(client, names, now).await?;
    if usage {
        let organizations = reading.snapshot().rows().iter().map(|row| row.target.org_id.clone()).collect();
        reading.add_usage(client, &organizations).await?;
    }
    Ok(reading)
}

/// One row for each organization and account group that any of the answers shows.
fn join(
    taken_at: DateTime<Utc>,
    quotas: &[OrganizationQuotas],
    groups: &[AccountGroup],
    usage: &BTreeMap<OrgId, OrganizationUsage>,
) -> Snapshot {
    let places = Places::new(quotas, groups);
    let mut rows: BTreeMap<Target, SnapshotRow> = BTreeMap::new();
    let mut lost = 0;
    for organization in quotas {
        let Some(org_id) = places.organization(organization) else {
            lost += 1;
            continue;
        };
        let own = entry(&mut rows, Target { org_id: org_id.clone(), aid: None });
        own.quota = organization.value.or(own.quota); // it may have an entry of its own
        for (aid, value) in &organization.account_groups {
            entry(&mut rows, Target { org_id: org_id.clone(), aid: Some(aid.clone()) }).quota = Some(*value);
        }
    }
    for group in groups {
        let Some(org_id) = places.of_group(group) else {
            lost += 1;
            continue;
        };
        let own = entry(&mut rows, Target { org_id: org_id.clone(), aid: None });
        if own.org_name.is_empty() {
            own.org_name.clone_from(&group.org_name);
        }
        entry(&mut rows, Target { org_id, aid: Some(group.aid.clone()) })
            .account_group_name
            .clone_from(&group.name);
    }
    if lost > 0 {
        warn!(
            entries = lost,
            "the API did not say which organization some entries belong to: they are left out"
        );
    }
    let names: BTreeMap<OrgId, String> = rows
        .values()
        .filter(|row| row.target.aid.is_none())
        .map(|row| (row.target.org_id.clone(), row.org_name.clone()))
        .collect();
    for row in rows.values_mut() {
        if let Some(name) = names.get(&row.target.org_id) {
            row.org_name.clone_from(name);
        }
        if let Some(usage) = usage.get(&row.target.org_id) {
            add_usage(row, usage);
        }
    }
    Snapshot::new(taken_at, rows.into_values().collect())
}

fn entry(rows: &mut BTreeMap<Target, SnapshotRow>, target: Target) -> &mut SnapshotRow {
    rows.entry(target.clone()).or_insert_with(|| SnapshotRow::new(target))
}

/// Which organization an entry belongs to, where the API leaves its `orgId` out.
struct Places<'a> {
    by_aid: BTreeMap<&'a Aid, &'a OrgId>,
    /// The token's only organization, if it has just one.
    only: Option<&'a OrgId>,
}

impl<'a> Places<'a> {
    fn new(quotas: &'a [OrganizationQuotas], groups: &'a [AccountGroup]) -> Self {
        let mut by_aid = BTreeMap::new();
        let mut organizations = BTreeSet::new();
        for organization in quotas {
            if let Some(org_id) = &organization.org_id {
                organizations.insert(org_id);
                by_aid.extend(organization.account_groups.iter().map(|(aid, _)| (aid, org_id)));
            }
        }
        for group in groups {
            if let Some(org_id) = &group.org_id {
                organizations.insert(org_id);
                by_aid.insert(&group.aid, org_id);
            }
        }
        // Two entries are two organizations, though one of them has no name.
        let is_only = organizations.len() == 1 && quotas.len() <= 1;
        let only = if is_only { organizations.pop_first() } else { None };
        Self { by_aid, only }
    }

    fn organization(&self, quotas: &OrganizationQuotas) -> Option<OrgId> {
        let by_group = || quotas.account_groups.iter().find_map(|(aid, _)| self.by_aid.get(aid).copied());
        quotas.org_id.as_ref().or_else(by_group).or(self.only).cloned()
    }

    fn of_group(&self, group: &AccountGroup) -> Option<OrgId> {
        group.org_id.as_ref().or_else(|| self.by_aid.get(&group.aid).copied()).or(self.only).cloned()
    }
}

/// The organization's own row takes the totals; an account group takes its sums, and 0 where no breakdown names it.
fn add_usage(row: &mut SnapshotRow, usage: &OrganizationUsage) {
    row.period_start = usage.period_start;
    row.period_end = usage.period_end;
    row.usage = match &row.target.aid {
        None => {
            row.plan_units = usage.plan_units;
            row.cloud_next_period = usage.cloud_next_period;
            row.enterprise_next_period = usage.enterprise_next_period;
            usage.total
        }
        Some(aid) => usage.account_group(aid),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;
    use crate::thousandeyes::Settings;

    fn quotas(org_id: Option<&str>, value: Option<i64>, groups: &[(&str, i64)]) -> OrganizationQuotas {
        OrganizationQuotas {
            org_id: org_id.map(OrgId::from),
            value,
            account_groups: groups.iter().map(|(aid, value)| (Aid::from(*aid), *value)).collect(),
        }
    }

    fn group(aid: &str, name: &str, org_id: Option<&str>, org_name: &str) -> AccountGroup {
        AccountGroup {
            aid: aid.into(),
            name: name.into(),
            org_id: org_id.map(OrgId::from),
            org_name: org_name.into(),
        }
    }

    fn told(snapshot: &Snapshot) -> Vec<String> {
        let aid = |row: &SnapshotRow| row.target.aid.as_ref().map_or("-".to_owned(), ToString::to_string);
        let told = |row: &SnapshotRow| {
            format!(
                "{} {} {} {} {:?}",
                row.target.org_id,
                aid(row),
                row.org_name,
                row.account_group_name,
                row.quota
            )
        };
        snapshot.rows().iter().map(told).collect()
    }

    #[test]
    fn every_target_that_any_answer_shows_has_one_row_with_its_names() {
        let seen = join(
            DateTime::UNIX_EPOCH,
            &[quotas(Some("1"), Some(9), &[("5", 7)]), quotas(Some("2"), None, &[("8", 3)])],
            &[
                group("5", "EMEA", Some("1"), "Acme"),
                group("6", "Lab", Some("1"), "Acme"),
                group("8", "", None, ""),
            ],
            &BTreeMap::new(),
        );
        assert_eq!(
            told(&seen),
            [
                "1 - Acme  Some(9)",
                "1 5 Acme EMEA Some(7)",
                "1 6 Acme Lab None",
                "2 -   None",
                "2 8   Some(3)"
            ]
        );
    }

    #[test]
    fn an_organization_in_two_entries_keeps_its_own_quota() {
        let entries = [quotas(Some("1"), Some(9), &[]), quotas(None, None, &[("5", 7)])];
        let groups = [group("5", "EMEA", Some("1"), "Acme")];
        let seen = join(DateTime::UNIX_EPOCH, &entries, &groups, &BTreeMap::new());
        assert_eq!(told(&seen), ["1 - Acme  Some(9)", "1 5 Acme EMEA Some(7)"]);
    }

    #[test]
    fn usage_is_the_organizations_alone_where_it_is_known() {
        let usage = OrganizationUsage { plan_units: Some(100), ..OrganizationUsage::default() };
        let seen = join(
            DateTime::UNIX_EPOCH,
            &[quotas(Some("1"), Some(9), &[("5", 7)]), quotas(Some("2"), Some(1), &[])],
            &[],
            &BTreeMap::from([("1".into(), usage)]),
        );
        let plans: Vec<_> = seen.rows().iter().map(|row| row.plan_units).collect();
        assert_eq!(plans, [Some(100), None, None]);
        assert_eq!(seen.rows()[2].usage.cloud_used, None, "where usage was not read it is unknown");
    }

    #[tokio::test]
    async fn a_quota_whose_organization_the_api_leaves_out_is_not_taken_for_none() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = httpmock::MockServer::start_async().await;
        let quotas =
            r#"{"quotas":[{"organizationQuota":{"value":9},"accountGroupQuotas":[{"aid":"5","value":7}]}]}"#;
        let groups = r#"{"accountGroups":[{"aid":"5","orgId":"1"},{"aid":"6","orgId":"2"}]}"#;
        for (path, body) in [("/v7/quotas", quotas), ("/v7/account-groups", groups)] {
            server.mock(|when, then| {
                when.path(path);
                then.status(200).body(body);
            });
        }
        let url = server.url("/v7/").parse().unwrap();
        let client = Client::new(Settings::new(url, Secret::Value("token".into()))).unwrap();
        let mut live = LiveQuotas::default();
        live.refresh(&client, DateTime::UNIX_EPOCH).await.unwrap();
        assert_eq!(live.quota(&Target::account_group("1", "5")), Some(7));
        assert_eq!(live.quota(&Target::organization("1")), Some(9));
    }
}
