//! `check`: every problem of the configuration at once; with `--online`, what the token may do and what it sees.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::arguments::Color;
use super::table::Paint;
use super::terminal;
use crate::clock::Clock;
use crate::collect::{self, Reading};
use crate::config::{self, Config, ConfigError, Secret};
use crate::daemon::DaemonInfo;
use crate::domain::quota::{OrgId, Organization, Snapshot, Usage, UsageRule};
use crate::exit_code::Exit;
use crate::files::lock::hostname;
use crate::history::History;
use crate::jobs;
use crate::mail;
use crate::mail::Mailer;
use crate::report::words::{clean, counted, listed, number};
use crate::thousandeyes::{Client, Error, LazyClient, other_client};

pub(super) async fn check(
    config: Result<Config, ConfigError>,
    file: Option<&Path>,
    online: bool,
    send_test_mail: Option<&str>,
) -> anyhow::Result<Exit> {
    let config = match config {
        Ok(config) => config,
        Err(error) => {
            for problem in &error.problems {
                line('✗', problem);
            }
            return Ok(Exit::Failed);
        }
    };
    let mut report = Report { failed: false };
    match file {
        Some(file) => match config::writable_by_others(file) {
            None => report.pass(&format!("{} is valid", file.display())),
            Some(problem) => report.fail(&problem),
        },
        None => report.pass("no configuration file: the defaults and the environment are used"),
    }
    settings(&config, file, &mut report);
    secrets(&config, &mut report);
    let (history, mailer) = (History::new(&config.data.dir), Mailer::new(&config, &hostname()));
    owners(&history, &mailer, &mut report);
    let is_reachable = way_to_the_api(&config, &mut report);
    if online && config.api.token.is_some() && is_reachable {
        permissions(&jobs::api(&config.api), &config.usage.rule(), &mut report).await;
    }
    if online && config.mail.transport.needs_server() {
        mail_server(&config, &mailer, &mut report).await;
    }
    if let Some(address) = send_test_mail {
        match mailer.send_test(address, Clock::read().now()).await {
            Ok(()) if config.mail.transport.needs_server() => {
                report.pass("the mail server accepted the test mail");
            }
            Ok(()) => report.pass("the test mail lies in the outbox, because mail.transport is `directory`"),
            Err(error) => report.fail(&format!("the test mail was not accepted: {error:#}")),
        }
    }
    Ok(if report.failed { Exit::Failed } else { Exit::Done })
}

/// What a valid configuration says that somebody may not have meant, and what is wrong with the mail templates.
fn settings(config: &Config, file: Option<&Path>, report: &mut Report) {
    if let Some(owner) = file.and_then(config::owned_by_another) {
        report.note(&owner);
    }
    if let Some(info) = DaemonInfo::of_running(&config.data.dir)
        && let Some(file) = info.changed_file()
    {
        report.note(&format!(
            "the running quotakeeper (process {}) does not use {} as it is now: `systemctl reload quotakeeper`, or SIGHUP, takes \
             it over",
            info.process,
            file.display()
        ));
    }
    for ended in config.alerts.ended_mutes(Clock::read().now(), config.schedule.timezone) {
        report.note(&ended);
    }
    if config.mail.transport.is_off() {
        report.note("mail is off: set mail.transport to get reports");
    }
    if config.mail.transport.keeps_files() && config.mail.names_nobody() {
        report.note("mail.to names nobody: no mail is written. Set mail.to = \"noc@example.com\", a list, or a list for each kind of mail");
    }
    if config.inbox.read_only && config.inbox.answers_dir.is_none() {
        report.note(
            "inbox.read_only is set and inbox.answers_dir is not: people who drop files get no answers. Set inbox.answers_dir to a \
             folder that quotakeeper may write",
        );
    }
    if let Some(folder) = &config.mail.templates_dir {
        for problem in mail::check_templates(folder) {
            report.fail(&problem);
        }
    }
}

/// Whether a connection can be tried: by the proxy, and with the certificates that are trusted. Nothing is asked.
fn way_to_the_api(config: &Config, report: &mut Report) -> bool {
    let api = &config.api;
    let client = other_client(&api.base_url, api.proxy.as_ref(), api.ca_file.as_deref());
    if let Err(error) = &client {
        report.fail(&error.to_string());
    }
    client.is_ok()
}

/// Whether the token can be read, and others cannot read the secrets.
fn secrets(config: &Config, report: &mut Report) {
    match &config.api.token {
        None => report.fail(
            "no API token: set TE_TOKEN or api.token_file, or put it into te_token beside the configuration",
        ),
        Some(token) => match token.read_token() {
            Ok(_) => report.pass("the API token can be read"),
            Err(error) => {
                let token = token.with_key("the API token", "api.token_file");
                report.fail(&format!("{token} cannot be read: {error:#}"));
            }
        },
    }
    let group = fs_err::metadata(&config.data.dir).ok().map(|folder| folder.gid());
    let client_secret = config.smtp.oauth2.as_ref().and_then(|oauth2| oauth2.client_secret.as_ref());
    let passwords = [config.api.token.as_ref(), config.smtp.password.as_ref(), client_secret];
    for secret in passwords.into_iter().flatten() {
        if let Secret::File(path) = secret
            && let Some(problem) = config::readable_by_others(path, group)
        {
            report.fail(&problem);
        }
    }
}

/// Where the mail server is reached by an access token, that comes first: without one it is not asked.
async fn mail_server(config: &Config, mailer: &Mailer, report: &mut Report) {
    match mailer.token_server().await {
        Some((server, Ok(()))) => {
            report.pass(&format!("the token server {server} gives an access token for mail"));
        }
        Some((_, Err(error))) => return report.fail(&format!("mail cannot be sent: {error:#}")),
        None => {}
    }
    let host = config.smtp.host.as_deref().unwrap_or_default();
    match mailer.greet().await {
        Ok(()) => {
            report.pass(&format!(
                "the mail server {host} accepts the login, if any, and mail.from as the sender"
            ));
        }
        Err(error) => report.fail(&format!("the mail server {host} cannot be used: {error:#}")),
    }
}

struct Report {
    failed: bool,
}

impl Report {
    #[expect(clippy::unused_self, reason = "all three are called in the same way")]
    fn pass(&self, text: &str) {
        line('✓', text);
    }

    #[expect(clippy::unused_self, reason = "all three are called in the same way")]
    fn note(&self, text: &str) {
        line('·', text);
    }

    fn fail(&mut self, text: &str) {
        self.failed = true;
        line('✗', text);
    }
}

/// That nobody reads on is no reason to stop checking: the exit code says the result too.
fn line(mark: char, text: &str) {
    terminal::print(&terminal::marked(mark, text, Paint::stdout(Color::Auto).width));
}

/// What is wrong with `mail.routes_file`, and whose account groups have no owner.
fn owners(history: &History, mailer: &Mailer, report: &mut Report) {
    let Some((routes, problems)) = mailer.routes() else { return };
    for problem in &problems {
        report.fail(&format!("mail.routes_file: {problem}"));
    }
    let (rows, owners) = routes.count();
    if owners == 0 {
        return report.note("mail.routes_file names no owner: all mail goes to mail.to only");
    }
    let counts = format!("mail.routes_file: {} to {}", counted(rows, "route"), counted(owners, "owner"));
    if problems.is_empty() {
        report.pass(&counts);
    } else {
        report.note(&counts);
    }
    let ownerless = match history.latest_readable(Clock::read().now()) {
        Ok(latest) => latest.map(|latest| routes.without_owner(&latest)).unwrap_or_default(),
        Err(error) => return report.fail(&format!("the latest snapshot cannot be read: {error:#}")),
    };
    if !ownerless.is_empty() {
        let names = listed(&ownerless, 5);
        let (groups, have) =
            (counted(ownerless.len(), "account group"), if ownerless.len() == 1 { "has" } else { "have" });
        report.note(&format!("mail.routes_file: {groups} of the latest snapshot {have} no owner: {names}"));
    }
}

/// So many organizations are named.
const NAMED: usize = 25;

/// Each permission by a request that needs it and changes nothing.
async fn permissions(api: &LazyClient, rule: &UsageRule, report: &mut Report) {
    let client = match api.get() {
        Ok(client) => client,
        Err(error) => return report.fail(&format!("{error:#}")),
    };
    let quotas = match client.quotas().await {
        Ok(quotas) => {
            // The API shows the organizations whose quotas the token may edit, and no other.
            report.pass("quotas can be read and set (Edit organization and account group quotas)");
            quotas
        }
        Err(error @ (Error::Forbidden { .. } | Error::Refused { .. })) => {
            report.fail(&error.to_string());
            Vec::new()
        }
        Err(error) => return report.fail(&error.to_string()), // the others would say the same
    };
    let groups = match client.account_groups().await {
        Ok(groups) => {
            report.pass("account groups and names can be read");
            groups
        }
        Err(error) => {
            report.fail(&error.to_string());
            Vec::new()
        }
    };
    let mut reading = Reading::from_answers(quotas, groups, Clock::read().now());
    let organizations: BTreeSet<OrgId> = reading.organizations().cloned().collect();
    if organizations.is_empty() {
        return report.fail("the token sees no organization");
    }
    let added = reading.add_usage(client, &organizations, rule).await;
    let snapshot = reading.snapshot;
    match added {
        Ok(()) => usage(client, &snapshot, organizations.len(), report).await,
        Err(error) => report.fail(&error.to_string()),
    }
    for organization in snapshot.organizations().iter().take(NAMED) {
        let groups = counted(organization.account_groups.len(), "account group");
        report.pass(&format!("{}: {groups}", name_and_id(organization)));
    }
    if organizations.len() > NAMED {
        report.pass(&format!("and {}", counted(organizations.len() - NAMED, "more organization")));
    }
    for row in snapshot.rows().filter(|row| rule.looks_mismatched(row)) {
        report.note(&format!(
            "the plan and the quota of {} differ by a power of 1000: set usage.units_per_quota_unit, or decreases are held",
            row.target
        ));
    }
    let budget = client.budget();
    if let (Some(remaining), Some(limit)) = (budget.remaining, budget.limit) {
        report.pass(&format!("rate budget: {remaining} of {limit} requests left this minute"));
    }
}

/// The permission holds for each organization by itself.
async fn usage(client: &Client, snapshot: &Snapshot, all: usize, report: &mut Report) {
    let is_unknown = |organization: &&Organization| {
        organization.rows().next().is_some_and(|row| row.usage == Usage::default())
    };
    let unknown: Vec<&Organization> = snapshot.organizations().iter().filter(is_unknown).collect();
    let Some(first) = unknown.first() else {
        return report.pass("usage can be read (View organization usage)");
    };
    let names: Vec<String> = unknown.iter().map(|organization| name_and_id(organization)).collect();
    let to_ask = collect::groups_to_ask(snapshot, &BTreeSet::from([first.id.clone()]));
    let why = match to_ask.iter().flat_map(|(_, aids)| aids).next() {
        Some(aid) => match client.usage(Some(aid)).await {
            Ok(_) => "The log says why.".to_owned(),
            Err(error) => error.to_string(),
        },
        None => "No account group is visible there, so usage cannot be requested.".to_owned(),
    };
    report.fail(&format!(
        "usage cannot be read in {} of {} ({}); snapshots record it as unknown, and decreases there are held. {why}",
        number(unknown.len()),
        counted(all, "organization"),
        listed(&names, 5)
    ));
}

/// `Acme Bank 10452`.
fn name_and_id(organization: &Organization) -> String {
    let name = clean(&organization.name, 60);
    format!("{} {}", if name.is_empty() { "organization" } else { &name }, organization.id)
}
