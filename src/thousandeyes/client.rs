//! The nine operations, typed. Each says what it sends; how it is sent is in `transport`.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use reqwest::Url;
use serde::Serialize;
use tracing::warn;

use super::answer_text::AnswerText;
use super::body::{Body, Bounds, starts_as_object};
use super::clock::is_clock_confirmed;
use super::error::{Error, clean};
use super::model::{
    self, AccountGroup, AgentUnits, LeftOut, OrganizationQuotas, OrganizationUsage, Page, SoFar, TestUnits,
};
use super::rate_budget::{Allowance, Budget};
use super::request_counts::RequestCounts;
use super::settings::Settings;
use super::transport::Transport;
use super::wire::{self, Unexpected};
use crate::domain::quota::{Aid, OrgId, Units};
use crate::thousandeyes::progress::Progress;

/// Far more pages than any organization has tests: a server that never stops paging is broken.
const MAX_PAGES: usize = 2000;

/// A period, from and to.
pub type Period = (DateTime<Utc>, DateTime<Utc>);

/// The API. One client serves the whole process, so that there is one rate budget; requests may run concurrently.
pub struct Client {
    transport: Transport,
    progress: Progress,
}

impl Client {
    /// Reads the certificates and sets up TLS; sends nothing. Fails on a base URL that would give the token away.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        Ok(Self { transport: Transport::new(settings)?, progress: Progress::default() })
    }

    /// The rate budget as it stands.
    pub fn budget(&self) -> Budget {
        self.transport.budget()
    }

    /// How many requests were sent, by operation and status.
    pub(crate) fn request_counts(&self) -> RequestCounts {
        self.transport.request_counts()
    }

    /// How long ago the last answer came, and what the server's clock said then.
    pub(crate) fn last_answer(&self) -> Option<(Duration, DateTime<Utc>)> {
        let (ago, date) = self.transport.last_answer()?;
        Some((ago, DateTime::from_timestamp(i64::try_from(date).ok()?, 0)?))
    }

    /// What the server's clock says now, asked for unless it confirmed `now` a moment ago. None where it cannot be asked.
    pub(crate) async fn server_now(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let within = |most: TimeDelta| {
            let (ago, date) = self.last_answer()?;
            let ago = TimeDelta::from_std(ago).ok().filter(|ago| *ago < most)?;
            Some(date + ago)
        };
        let known = within(TimeDelta::minutes(5)).filter(|server| is_clock_confirmed(now, Some(*server)));
        if known.is_some() {
            return known;
        }
        match self.account_groups().await {
            Ok(_) => within(TimeDelta::minutes(5)),
            Err(_) => None,
        }
    }

    /// A person asks, who may have fixed what failed: the next read is sent, however recently the same one failed.
    pub(crate) fn forget_failures(&self) {
        self.transport.forget_failures();
    }

    /// What may be sent, and when.
    pub(crate) fn allowance(&self) -> Allowance {
        self.transport.allowance()
    }

    /// What the work on this client is at: all long work is requests, so whoever does it says so here.
    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// `GET /quotas`: every organization that the token may edit, and only targets that have a quota. All pages, though the API
    /// promises one: a quota on another page would look like none.
    pub async fn quotas(&self) -> Result<Vec<OrganizationQuotas>, Error> {
        let mut so_far = SoFar::default();
        self.pages(self.url("quotas"), |text| model::quotas(text, &mut so_far)).await
    }

    /// `GET /account-groups`, all pages: names, and account groups without a quota.
    pub async fn account_groups(&self) -> Result<Vec<AccountGroup>, Error> {
        let mut left_out = LeftOut::default();
        let page = |text| {
            let (page, odd) = model::account_groups(text)?;
            left_out.add(odd);
            Ok(page)
        };
        let groups = self.pages(self.url("account-groups"), page).await?;
        if let Some(first) = left_out.first {
            let (first, count) = (clean(&first), left_out.count);
            warn!(count, first, "account groups, or names of them, cannot be read and are left out");
        }
        Ok(groups)
    }

    /// `GET /usage` with the breakdowns of tests and enterprise agents: the organization of this account group, or
    /// the token's own.
    pub async fn usage(&self, aid: Option<&Aid>) -> Result<OrganizationUsage, Error> {
        let mut url = self.url("usage");
        with_aid(&mut url, aid);
        // The description wants the comma as it is, which `query_pairs_mut` would encode.
        let aid = url.query().map(|query| format!("{query}&")).unwrap_or_default();
        url.set_query(Some(&format!("{aid}expand=test,enterprise-agent-unit")));
        self.read(&url, model::usage).await
    }

    /// `GET /usage/units/tests`, all pages; the current billing cycle without a period.
    pub async fn test_units(
        &self,
        aid: Option<&Aid>,
        period: Option<Period>,
    ) -> Result<Vec<TestUnits>, Error> {
        let mut url = self.url("usage/units/tests");
        with_aid(&mut url, aid);
        with_period(&mut url, period);
        self.pages(url, |text| model::page(text, model::test_units)).await
    }

    /// `GET /usage/units/enterprise-agents`, all pages; the current billing cycle without a period.
    pub async fn enterprise_agent_units(&self, period: Option<Period>) -> Result<Vec<AgentUnits>, Error> {
        let mut url = self.url("usage/units/enterprise-agents");
        with_period(&mut url, period);
        self.pages(url, |text| model::page(text, model::agent_units)).await
    }

    /// `POST /quotas/assign`: creates or updates these quotas and leaves all others alone.
    pub async fn assign_organizations(&self, quotas: &[(OrgId, Units)]) -> Result<(), Error> {
        let organizations =
            quotas.iter().map(|(org_id, value)| wire::AssignOrganization { org_id, value: *value }).collect();
        self.write("quotas/assign", quotas.iter().map(|(org_id, _)| org_id), organizations).await
    }

    /// `POST /quotas/unassign`: removes these organizations' own quotas.
    pub async fn unassign_organizations(&self, organizations: &[OrgId]) -> Result<(), Error> {
        self.write("quotas/unassign", organizations, organizations.iter().collect()).await
    }

    /// `POST /quotas/account-groups/assign`: creates or updates these quotas and leaves all others alone.
    pub async fn assign_account_groups(&self, quotas: &[(OrgId, Vec<(Aid, Units)>)]) -> Result<(), Error> {
        let organizations = quotas
            .iter()
            .map(|(org_id, groups)| wire::OrganizationGroups {
                org_id,
                account_groups: groups
                    .iter()
                    .map(|(aid, value)| wire::AssignAccountGroup { aid, value: *value })
                    .collect(),
            })
            .collect();
        let ids = quotas.iter().map(|(org_id, _)| org_id);
        self.write("quotas/account-groups/assign", ids, organizations).await
    }

    /// `POST /quotas/account-groups/unassign`: removes the quotas of these account groups.
    pub async fn unassign_account_groups(&self, groups: &[(OrgId, Vec<Aid>)]) -> Result<(), Error> {
        let organizations = groups
            .iter()
            .map(|(org_id, aids)| wire::OrganizationGroups { org_id, account_groups: aids.iter().collect() })
            .collect();
        let ids = groups.iter().map(|(org_id, _)| org_id);
        self.write("quotas/account-groups/unassign", ids, organizations).await
    }

    /// Waits until the rate limit lets a write through. What is read between this and the write is as recent as possible.
    pub async fn turn_to_write(&self) -> Result<(), Error> {
        let call = self.transport.call("POST", &self.url("quotas"));
        self.transport.turn_to_write(&call).await
    }

    /// One request for the whole batch, which is sent once; none for an empty one.
    async fn write<T: Serialize>(
        &self,
        path: &str,
        ids: impl IntoIterator<Item = &OrgId>,
        organizations: Vec<T>,
    ) -> Result<(), Error> {
        if organizations.is_empty() {
            return Ok(());
        }
        let mut url = self.url(path);
        with_aid(&mut url, self.transport.settings().aid.as_ref());
        if ids.into_iter().any(|org_id| org_id.as_str().is_empty()) {
            let reason = "an organization without an id would mean the token's own organization".to_owned();
            return Err(Error::NotSent { call: self.transport.call("POST", &url), reason });
        }
        let body = serde_json::to_vec(&wire::Organizations { organizations });
        self.transport.post(url, body.expect("texts and numbers always serialize")).await
    }

    /// Follows `_links.next` as the server gives it. The token goes nowhere else: a link to another origin is refused. All pages
    /// together may be as large, and have as many entries, as one answer.
    async fn pages<T>(
        &self,
        first: Url,
        mut parse: impl FnMut(AnswerText) -> Result<Page<T>, Unexpected>,
    ) -> Result<Vec<T>, Error> {
        let call = self.transport.call("GET", &first);
        let Bounds { bytes: most_bytes, entries: most_entries } =
            Bounds::of_pages(&call.path, self.transport.settings().max_answer_bytes);
        let mut rows = Vec::new();
        let (mut bytes, mut entries) = (0, 0);
        let mut seen = HashSet::new();
        let mut next = Some(first.clone());
        while let Some(url) = next {
            let (page, href) = self
                .read(&url, |text| {
                    bytes += text.as_bytes().len();
                    entries += text.entries;
                    parse(text)
                })
                .await?;
            // The first is mostly the only one, and may be too large to copy.
            if rows.is_empty() {
                rows = page;
            } else {
                rows.extend(page);
            }
            let to = href.map(|href| self.next_page(&url, &href)).transpose()?;
            // Where the first leads to itself, it is the only one.
            let is_only = seen.is_empty() && to.as_ref() == Some(&first);
            next = to.filter(|_| !is_only);
            seen.insert(url);
            let Some(to) = &next else { break };
            let count = seen.len();
            let reason = if seen.contains(to) || count >= MAX_PAGES {
                format!("its pages never end: {count} were read. Report it to ThousandEyes.")
            } else if bytes >= most_bytes {
                format!(
                    "its pages are larger together than the {most_bytes} bytes allowed: {count} were read."
                )
            } else if entries >= most_entries {
                format!(
                    "its pages have over {most_entries} entries together, far more than is plausible. Report it to ThousandEyes."
                )
            } else {
                continue;
            };
            return Err(Error::Unusable { call, reason });
        }
        Ok(rows)
    }

    fn next_page(&self, current: &Url, href: &str) -> Result<Url, Error> {
        let next = current.join(href).ok();
        next.filter(|next| next.origin() == self.transport.settings().base_url.origin()).ok_or_else(|| {
            let reason = format!(
                "its next page is on another server ({}), which must not get the token. Check api.base_url.",
                clean(href.split('?').next().unwrap_or_default())
            );
            Error::Unusable { call: self.transport.call("GET", current), reason }
        })
    }

    fn url(&self, path: &str) -> Url {
        let base = &self.transport.settings().base_url;
        base.join(path).expect("the base URL was checked, the paths are constants")
    }

    /// Asks, and takes what `parse` finds in the answer.
    async fn read<T>(
        &self,
        url: &Url,
        parse: impl FnOnce(AnswerText) -> Result<T, Unexpected>,
    ) -> Result<T, Error> {
        let Body { bytes, entries, alone: _alone, .. } = self.transport.get(url.clone()).await?;
        let text = AnswerText::new(bytes, entries);
        let unusable = |reason| Error::Unusable { call: self.transport.call("GET", url), reason };
        if !starts_as_object(text.as_bytes()) {
            let start: String = text.repaired().chars().take(80).collect();
            let start = clean(&start);
            let start =
                if start.is_empty() { "is empty".to_owned() } else { format!("begins with `{start}`") };
            return Err(unusable(format!(
                "the answer {start} where a JSON object is promised. Check api.base_url."
            )));
        }
        parse(text).map_err(|Unexpected(why)| {
            unusable(format!("the answer is not what the API promises: {}.", clean(&why)))
        })
    }
}

fn with_aid(url: &mut Url, aid: Option<&Aid>) {
    if let Some(aid) = aid {
        url.query_pairs_mut().append_pair("aid", aid.as_str());
    }
}

fn with_period(url: &mut Url, period: Option<Period>) {
    if let Some((from, to)) = period {
        let text = |moment: DateTime<Utc>| moment.to_rfc3339_opts(SecondsFormat::Secs, true);
        url.query_pairs_mut().append_pair("startDate", &text(from)).append_pair("endDate", &text(to));
    }
}
