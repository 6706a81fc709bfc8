//! What the stand-in knows and how it behaves: plain data that a test builds and compares with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use chrono::{DateTime, Duration, Utc};

use super::http::Reply;

/// A target: an organization, and an account group of it or none.
pub type Key = (String, Option<String>);

/// A [`Key`] from literals; `""` is no account group.
pub fn key(org_id: &str, aid: &str) -> Key {
    (org_id.to_owned(), (!aid.is_empty()).then(|| aid.to_owned()))
}

/// Used and projected; a projection that was not calculated yet is absent from the answers.
pub type Spent = (i64, Option<i64>);

#[derive(Clone, Debug, Default)]
pub struct Group {
    pub name: String,
    pub quota: Option<i64>,
    /// Cloud units of each of its tests.
    pub tests: Vec<Spent>,
    /// Enterprise units of each of its agents.
    pub agents: Vec<Spent>,
}

#[derive(Clone, Debug, Default)]
pub struct Organization {
    pub name: String,
    pub quota: Option<i64>,
    pub plan: i64,
    /// The organization's own totals: what the groups' breakdown adds up to is not always quite all of it.
    pub cloud: Spent,
    pub enterprise: Spent,
    pub devices: Spent,
    /// Cloud and enterprise units projected for the next cycle.
    pub next: (Option<i64>, Option<i64>),
    pub groups: BTreeMap<String, Group>,
    /// Days from now to the start and the end of its billing cycle; none is that of everybody.
    pub cycle: Option<[i64; 2]>,
}

impl Organization {
    /// Makes the totals what the groups' breakdown adds up to.
    pub fn add_up(&mut self) {
        let sum = |of: fn(&Group) -> &Vec<Spent>| {
            let all = || self.groups.values().flat_map(of);
            let projected = all().map(|(used, projected)| projected.unwrap_or(*used)).sum();
            (all().map(|(used, _)| used).sum(), Some(projected))
        };
        (self.cloud, self.enterprise) = (sum(|group| &group.tests), sum(|group| &group.agents));
    }
}

/// Which of the optional fields the answers have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    #[default]
    AsDescribed,
    /// Account groups without `orgId` and `organizationName`.
    GroupsWithoutOrganization,
    /// Organization quotas without `orgId`.
    QuotasWithoutOrganization,
    /// Fields that the description does not have, everywhere.
    WithUnknownFields,
    /// Each organization in two entries: its own quota, and those of its groups, which say no id.
    InTwoEntries,
    /// Each organization twice, the same both times.
    Twice,
}

/// How much of a write is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Done {
    #[default]
    All,
    Half,
    Nothing,
}

#[derive(Debug, Default)]
pub struct World {
    pub organizations: BTreeMap<String, Organization>,
    pub shape: Shape,
    /// Writes to these are accepted and silently not done.
    pub ignored: BTreeSet<Key>,
    /// A batch that holds one of these is refused.
    pub bad: BTreeSet<Key>,
    /// A batch that holds one of these and any other row is refused; alone it is taken.
    pub shy: BTreeSet<Key>,
    /// A refusal names the fields.
    pub names_fields: bool,
    /// The good rows of a refused batch are done anyway.
    pub partial: bool,
    /// More rows in one request are refused; 0 is no limit.
    pub most_rows: usize,
    /// The status of that refusal; 0 is 413.
    pub too_many: u16,
    /// So many reads after a write still show what was before it.
    pub late_reads: u32,
    pub usage_forbidden: bool,
    /// Every request of this call ends with this status.
    pub broken: Option<(&'static str, u16)>,
    /// How far the server's clock is off, in seconds.
    pub clock_off: i64,
    /// Requests in a minute; 0 is 240.
    pub limit: usize,
    /// Each row of each write, in order, whether it changed anything or not.
    pub writes: Vec<(Key, Option<i64>)>,
    /// Organizations that came without an id, which the description takes for the token's own.
    pub nameless: usize,
    /// What the next write really does.
    pub next_write: Done,
    /// The rows that the last request asked for, taken or not; and the quotas that it was shown.
    pub asked: Vec<(Key, Option<i64>)>,
    pub seen: Option<BTreeMap<Key, i64>>,
    /// What readers still see, and how often.
    pub shown: Option<(u32, BTreeMap<Key, i64>)>,
    /// When the window of the rate limit ends, and what came in it.
    pub window: (i64, usize),
}

impl World {
    /// Three organizations with every kind of target: no quota, no usage, no projection yet, no quota of its own.
    pub fn small() -> Self {
        let group = |name: &str, quota, tests: &[Spent], agents: &[Spent]| Group {
            name: name.to_owned(),
            quota,
            tests: tests.to_vec(),
            agents: agents.to_vec(),
        };
        let northwind = Organization {
            name: "Northwind Träders, \"EU\"; Köln".to_owned(),
            quota: Some(40_000),
            plan: 50_000,
            cloud: (2_200, Some(4_800)),
            enterprise: (300, Some(700)),
            devices: (17, Some(31)),
            next: (Some(5_100), Some(900)),
            groups: [
                (
                    "101".to_owned(),
                    group("Helpdesk", Some(5_000), &[(1_000, Some(2_500)), (200, None)], &[(300, Some(700))]),
                ),
                ("102".to_owned(), group("EMEA retail", Some(8_000), &[(900, Some(2_000))], &[])),
                ("103".to_owned(), group("New", None, &[(50, None)], &[])),
                ("1004".to_owned(), group("Idle", Some(3_000), &[], &[])),
            ]
            .into(),
            cycle: None,
        };
        let contoso = Organization {
            name: "Contoso".to_owned(),
            quota: None,
            plan: 9_000,
            cloud: (100, Some(200)),
            enterprise: (40, Some(90)),
            devices: (0, None),
            next: (None, None),
            groups: [
                (
                    "201".to_owned(),
                    group("Ops", Some(4_000), &[(100, Some(200))], &[(40, None), (0, Some(50))]),
                ),
                ("202".to_owned(), group("Labs", None, &[], &[])),
            ]
            .into(),
            cycle: None,
        };
        let fabrikam = Organization {
            name: "Fabrikam".to_owned(),
            quota: Some(2_000),
            plan: 2_500,
            cloud: (0, Some(0)),
            enterprise: (0, Some(0)),
            groups: [("901".to_owned(), group("All", None, &[], &[]))].into(),
            ..Organization::default()
        };
        let organizations = [("10", northwind), ("20", contoso), ("9", fabrikam)];
        let organizations = organizations.into_iter().map(|(id, own)| (id.to_owned(), own)).collect();
        Self { organizations, ..Self::default() }
    }

    /// Many account groups with a quota of 1 000 each and some use.
    pub fn wide(organizations: usize, groups: usize) -> Self {
        let group = |number: usize| {
            let group = Group {
                name: format!("Group {number}"),
                quota: Some(1_000),
                tests: vec![(100, Some(300))],
                agents: Vec::new(),
            };
            (number.to_string(), group)
        };
        let organization = |number: usize| {
            let own = Organization {
                name: format!("Organization {number}"),
                quota: Some(2_000_000),
                plan: 2_000_000,
                groups: (0..groups).map(|each| group(100_000 + number * groups + each)).collect(),
                ..Organization::default()
            };
            (number.to_string(), own)
        };
        Self { organizations: (1..=organizations).map(organization).collect(), ..Self::default() }
    }

    /// Every quota that is assigned.
    pub fn quotas(&self) -> BTreeMap<Key, i64> {
        let mut quotas = BTreeMap::new();
        for (org_id, own) in &self.organizations {
            quotas.extend(own.quota.map(|value| ((org_id.clone(), None), value)));
            let groups = own.groups.iter();
            quotas.extend(
                groups.filter_map(|(aid, group)| Some(((org_id.clone(), Some(aid.clone())), group.quota?))),
            );
        }
        quotas
    }

    pub fn quota(&self, key: &Key) -> Option<i64> {
        self.quotas().get(key).copied()
    }

    /// Sets or takes off a quota, past the API and its log of writes: somebody else's doing.
    pub fn set(&mut self, key: &Key, value: Option<i64>) {
        let own = self.organizations.get_mut(&key.0).unwrap();
        match &key.1 {
            Some(aid) => own.groups.get_mut(aid).unwrap().quota = value,
            None => own.quota = value,
        }
    }

    /// What a reader sees.
    pub(super) fn read_quotas(&mut self) -> BTreeMap<Key, i64> {
        let shown = match &mut self.shown {
            Some((left, before)) if *left > 0 => {
                *left -= 1;
                before.clone()
            }
            _ => self.quotas(),
        };
        self.seen = Some(shown.clone());
        shown
    }

    /// A write through the API.
    pub(super) fn write(&mut self, rows: &[(Key, Option<i64>)]) {
        if self.late_reads > 0 {
            self.shown = Some((self.late_reads, self.quotas()));
        }
        let done = match std::mem::take(&mut self.next_write) {
            Done::All => rows.len(),
            Done::Half => rows.len() / 2,
            Done::Nothing => 0,
        };
        for (key, value) in &rows[..done] {
            self.writes.push((key.clone(), *value));
            if !self.ignored.contains(key) {
                self.set(key, *value);
            }
        }
    }

    /// The organization that an account group belongs to.
    pub(super) fn owner(&self, aid: &str) -> Option<&String> {
        self.organizations.iter().find(|(_, own)| own.groups.contains_key(aid)).map(|(org_id, _)| org_id)
    }

    /// The billing cycle that runs now, from its start to its end: a bit more than half of it is over.
    pub fn cycle() -> [String; 2] {
        Self::cycle_of([-17, 13])
    }

    /// From so many days before or after today to so many.
    pub fn cycle_of(days: [i64; 2]) -> [String; 2] {
        static TODAY: OnceLock<DateTime<Utc>> = OnceLock::new();
        #[expect(clippy::disallowed_methods, reason = "this is the server's clock")]
        let today = *TODAY.get_or_init(Utc::now);
        days.map(|days| (today + Duration::days(days)).format("%Y-%m-%dT08:00:00Z").to_string())
    }

    /// The date by the server's clock, and what is left of its window.
    pub(super) fn headers(&mut self, reply: Reply) -> Reply {
        #[expect(clippy::disallowed_methods, reason = "this is the server's clock")]
        let now: DateTime<Utc> = Utc::now() + Duration::seconds(self.clock_off);
        let ends = now.timestamp() / 60 * 60 + 60;
        if self.window.0 != ends {
            self.window = (ends, 0);
        }
        self.window.1 += 1;
        let limit = if self.limit == 0 { 240 } else { self.limit };
        let left = if reply.status == 429 { 0 } else { limit.saturating_sub(self.window.1) };
        let reset = reply.reset_in.map_or(ends, |seconds| now.timestamp() + seconds);
        reply
            .with_date(now)
            .with_header("X-Organization-Rate-Limit-Limit", &limit)
            .with_header("X-Organization-Rate-Limit-Remaining", &left)
            .with_header("X-Organization-Rate-Limit-Reset", &reset)
    }
}
