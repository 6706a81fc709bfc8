//! A whole installation for tests: the simulator, an app of its own, a data folder, and hands to reach into all three.

use chrono::{DateTime, Utc};
use tempfile::TempDir;

use crate::change::Plan;
use crate::change::fixtures::parsed;
use crate::change::lifecycle;
use crate::change::live_plan::{PlanOptions, live_plan};
use crate::change::run::Run;
use crate::clock::Clock;
use crate::config;
use crate::files::sha256;
use crate::jobs::App;
use crate::jobs::records::notices;
use crate::simulator::{self, SimulateArgs, Simulator, World};

pub(crate) struct Bench {
    pub world: Simulator,
    /// The API's.
    pub clock: simulator::Clock,
    pub app: App,
    pub folder: TempDir,
}

/// An account group that has a quota.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub org_id: String,
    pub aid: String,
    pub quota: i64,
}

pub(crate) fn noon() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

impl Bench {
    /// With these settings besides the usual ones.
    pub(crate) async fn new(settings: &[(&str, &str)]) -> Self {
        // Another test may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let args = SimulateArgs { rate_limit: 1_000_000, ..SimulateArgs::default() };
        let clock = simulator::Clock::fixed(noon());
        let world = Simulator::start(args, clock.clone()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let base_url = world.base_url();
        let usual = [
            ("TE_BASE_URL", base_url.as_str()),
            ("TE_TOKEN", world.token()),
            ("QUOTAKEEPER__API__REQUESTS_PER_MINUTE", "100000"),
            ("QUOTAKEEPER__DATA__DIR", folder.path().to_str().unwrap()),
            ("QUOTAKEEPER__INBOX__SETTLE", "0s"),
            ("QUOTAKEEPER__MAIL__TRANSPORT", "directory"),
            ("QUOTAKEEPER__MAIL__FROM", "quotakeeper@example.com"),
            ("QUOTAKEEPER__MAIL__TO__CHANGES", "[\"ann@example.com\"]"),
            ("QUOTAKEEPER__MAIL__TO__FAILURES", "[\"ann@example.com\"]"),
        ];
        let environment = usual.iter().chain(settings);
        let environment =
            environment.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let app = App::named(config::load(None, &environment).unwrap(), "a test");
        Self { world, clock, app, folder }
    }

    /// The account groups of one organization that have a quota.
    pub(crate) fn groups(&self, organization: usize) -> Vec<Group> {
        let world = self.world.state().world();
        let organization = &world.organizations[organization];
        let group = |group: &simulator::AccountGroup| {
            Some(Group { org_id: organization.id.clone(), aid: group.aid.clone(), quota: group.quota? })
        };
        organization.account_groups.iter().filter_map(group).collect()
    }

    pub(crate) fn quota(&self, group: &Group) -> Option<i64> {
        self.world.state().world().quota(&group.org_id, Some(&group.aid))
    }

    pub(crate) fn set_quota(&self, group: &Group, quota: Option<i64>) {
        self.world.state().set_quota(&group.org_id, Some(&group.aid), quota);
    }

    /// Puts all quotas back to what they were in `world`.
    pub(crate) fn restore(&self, world: &World) {
        for organization in &world.organizations {
            self.world.state().set_quota(&organization.id, None, organization.quota);
            for group in &organization.account_groups {
                self.world.state().set_quota(&organization.id, Some(&group.aid), group.quota);
            }
        }
    }

    pub(crate) fn fault(&self, fault: &str) {
        self.world.state().add_fault(fault.parse().unwrap());
    }

    /// A run as the inbox makes it.
    pub(crate) fn run(&self, text: &str) -> Run {
        let mut run = Run::create(&self.app.runs(), noon(), "file.csv", |record| record).unwrap();
        run.write("input.csv", text.as_bytes()).unwrap();
        run.record.input_sha256 = Some(sha256(text.as_bytes()));
        run.save().unwrap();
        run
    }

    pub(crate) async fn advance(&self, run: &mut Run) -> anyhow::Result<()> {
        self.advance_at(run, noon()).await
    }

    /// As if it were this time, here and at the API.
    pub(crate) async fn advance_at(&self, run: &mut Run, now: DateTime<Utc>) -> anyhow::Result<()> {
        self.clock.set(now);
        let advanced = self.advance_by(run, &Clock::starting_at(now)).await;
        notices::flush(&self.app.config, &self.app.mailer, now)?;
        run.record.mail_due = false;
        advanced
    }

    /// By this clock; no mail is queued.
    pub(crate) async fn advance_by(&self, run: &mut Run, clock: &Clock) -> anyhow::Result<()> {
        lifecycle::advance(&self.app.change_services(clock), run).await.map(drop)
    }

    /// The plan of a file against what is live at noon.
    pub(crate) async fn plan(&self, text: &str, undo: bool) -> Plan {
        let services = self.app.change_services(&Clock::starting_at(noon()));
        let options = PlanOptions { undo, ..PlanOptions::default() };
        live_plan(&services, &parsed(text), &options).await.unwrap()
    }

    /// How many messages were queued and not delivered yet.
    pub(crate) fn mails(&self) -> usize {
        self.app.mailer.unsent().unwrap().waiting
    }
}

/// A change file of these targets and values.
pub(crate) fn file<'g>(rows: impl IntoIterator<Item = (&'g Group, i64)>) -> String {
    let lines = rows.into_iter().map(|(group, value)| format!("{},{},{value}\n", group.org_id, group.aid));
    std::iter::once("org_id,aid,value\n".to_owned()).chain(lines).collect()
}
