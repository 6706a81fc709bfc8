//! The configuration: TOML and the environment in, a valid [`Config`] or every problem at once out.
//!
//! `config/quotakeeper.toml` explains each key to people; this file gives it a type, a default and its limits.
//! How a file becomes these types, and how a problem finds its line, is in `source`.

mod alerts;
mod environment;
mod folders;
mod guards;
mod health;
mod limits;
mod location;
pub(crate) mod loopback;
mod ranges;
mod recipients;
mod secret_text;
mod secrets;
mod shape;
mod smtp;
mod source;
mod trust;
mod typed;
mod types;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use reqwest::Url;
use serde::Deserialize;

#[cfg(test)]
pub(crate) use self::alerts::AlertOverride;
pub(crate) use self::alerts::{Alerts, Limits, Mute, MuteEnd};
pub(crate) use self::environment::Environment;
#[cfg(test)]
pub(crate) use self::guards::GuardOverride;
pub(crate) use self::guards::{Approval, Guards, Level};
pub(crate) use self::health::{Heartbeat, Metrics, SecretUrl, Server};
pub(crate) use self::limits::mailbox;
pub(crate) use self::secrets::CLIENT_SECRET;
pub(crate) use self::smtp::{OAuth2, Smtp, Tls};
pub(crate) use self::source::load;
pub(crate) use self::trust::{owned_by_another, readable_by_others, why_untrusted, writable_by_others};
pub(crate) use self::types::ConfigError;
#[cfg(test)]
pub(crate) use self::types::FIELDS;
pub use self::types::Secret;
pub(crate) use self::types::proxy_url;
use self::types::{base_url, columns, duration, expression, optional_expression, proxy, zone};
use crate::domain::quota::{Aid, UsageRule};
use crate::files::data_folder::DataFolder;
use crate::schedule::Expression;

/// Everything that can be set. Each section is a table of the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    pub api: Api,
    pub data: Data,
    pub snapshot: SnapshotParts,
    pub schedule: Schedule,
    pub inbox: Inbox,
    pub guard: Guards,
    pub usage: UsageUnits,
    pub alerts: Alerts,
    pub mail: Mail,
    pub smtp: Smtp,
    pub server: Server,
    pub metrics: Metrics,
    pub heartbeat: Heartbeat,
}

/// `[api]`: where the API is and how it may be used.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Api {
    /// Ends with `/v7/`, whatever was written.
    #[serde(deserialize_with = "base_url")]
    pub base_url: Url,
    pub token_file: Option<PathBuf>,
    /// Where the token comes from, most urgent first: `TE_TOKEN`, `token_file`, systemd's `te_token`, the file of that
    /// name beside the configuration.
    #[serde(skip)]
    pub token: Option<Secret>,
    /// Sent as the `aid` query parameter of all POSTs, if set.
    pub aid: Option<Aid>,
    #[serde(deserialize_with = "duration")]
    pub timeout: Duration,
    pub requests_per_minute: u32,
    pub reserve_percent: u8,
    pub ca_file: Option<PathBuf>,
    #[serde(deserialize_with = "proxy")]
    pub proxy: Option<Url>,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            base_url: Url::parse("https://api.thousandeyes.com/v7/").expect("a valid constant"),
            token_file: None,
            token: None,
            aid: None,
            timeout: Duration::from_secs(30),
            requests_per_minute: 240,
            reserve_percent: 25,
            ca_file: None,
            proxy: None,
        }
    }
}

/// `[data]`: where the files are and how long they stay.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Data {
    pub dir: PathBuf,
    pub keep: Keep,
    /// For so long mail stays after it was sent or given up.
    #[serde(deserialize_with = "duration")]
    pub keep_mail: Duration,
    /// For so long a run stays after its end.
    #[serde(deserialize_with = "duration")]
    pub keep_runs: Duration,
}

impl Default for Data {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 24 * 3600);
        Self {
            dir: PathBuf::from("quotakeeper-data"),
            keep: Keep::default(),
            keep_mail: days(90),
            keep_runs: days(400),
        }
    }
}

/// How many hourly, daily and monthly snapshots retention keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Keep {
    pub hourly: usize,
    pub daily: usize,
    pub monthly: usize,
}

impl Default for Keep {
    fn default() -> Self {
        Self { hourly: 168, daily: 400, monthly: 84 }
    }
}

/// `[snapshot]`: what a snapshot reads besides the quotas.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SnapshotParts {
    pub usage: bool,
    pub names: bool,
}

impl Default for SnapshotParts {
    fn default() -> Self {
        Self { usage: true, names: true }
    }
}

/// `[schedule]`: when what happens. An empty expression switches a job off.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Schedule {
    #[serde(deserialize_with = "zone")]
    pub timezone: Tz,
    #[serde(deserialize_with = "expression")]
    pub snapshot: Expression,
    #[serde(deserialize_with = "expression")]
    pub inbox: Expression,
    #[serde(deserialize_with = "optional_expression")]
    pub usage_report: Option<Expression>,
    #[serde(deserialize_with = "optional_expression")]
    pub changes_report: Option<Expression>,
    #[serde(deserialize_with = "optional_expression")]
    pub digest: Option<Expression>,
    pub catch_up: bool,
}

impl Default for Schedule {
    fn default() -> Self {
        let at = |text: &str| text.parse().expect("a valid constant");
        Self {
            timezone: Tz::UTC,
            snapshot: at("0 * * * *"),
            inbox: at("* * * * *"),
            usage_report: Some(at("0 8 * * *")),
            changes_report: None,
            digest: Some(at("0 8 * * *")),
            catch_up: true,
        }
    }
}

/// What falls together before anything is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// The rows of one organization.
    #[default]
    Organization,
    /// All rows of the file.
    File,
    /// Each row stands alone.
    Row,
}

/// `[inbox]`: where change files are dropped and what is done with them.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Inbox {
    /// `inbox` below `data.dir` unless set.
    pub dir: Option<PathBuf>,
    /// False: plan and mail only.
    pub apply: bool,
    pub mode: Mode,
    #[serde(deserialize_with = "duration")]
    pub settle: Duration,
    pub max_rows: usize,
    pub max_bytes: u64,
    /// Their header → our field, compared without case.
    #[serde(deserialize_with = "columns")]
    pub columns: BTreeMap<String, String>,
    /// `answers` below the inbox unless set.
    pub answers_dir: Option<PathBuf>,
    /// Nothing in the inbox can be renamed: each content is acted on once.
    pub read_only: bool,
    /// A file `SHA256.approved`, or a row `# approved: SHA256` in a change file, approves: who drops may approve himself.
    pub approvals: bool,
}

impl Default for Inbox {
    fn default() -> Self {
        Self {
            dir: None,
            apply: true,
            mode: Mode::default(),
            settle: Duration::from_secs(10),
            max_rows: 200_000,
            max_bytes: 40 << 20,
            columns: BTreeMap::new(),
            answers_dir: None,
            read_only: false,
            approvals: false,
        }
    }
}

/// A kind of unit that counts against a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CountedUnit {
    Cloud,
    Enterprise,
}

/// `[usage]`: how usage compares with a quota.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct UsageUnits {
    pub counts: Vec<CountedUnit>,
    pub units_per_quota_unit: Option<f64>,
}

impl Default for UsageUnits {
    fn default() -> Self {
        Self { counts: vec![CountedUnit::Cloud, CountedUnit::Enterprise], units_per_quota_unit: None }
    }
}

impl UsageUnits {
    pub(crate) fn rule(&self) -> UsageRule {
        UsageRule {
            cloud: self.counts.contains(&CountedUnit::Cloud),
            enterprise: self.counts.contains(&CountedUnit::Enterprise),
            units_per_quota_unit: self.units_per_quota_unit,
        }
    }
}

/// How a mail leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Transport {
    /// To `smtp.host`.
    Smtp,
    /// Delivery is the move to `outbox/sent/`.
    Directory,
    /// No mail is made.
    #[default]
    Off,
}

impl Transport {
    /// No mail is made.
    pub(crate) fn is_off(self) -> bool {
        match self {
            Self::Off => true,
            Self::Smtp | Self::Directory => false,
        }
    }

    /// A mail server takes what is sent.
    pub(crate) fn needs_server(self) -> bool {
        match self {
            Self::Smtp => true,
            Self::Directory | Self::Off => false,
        }
    }

    /// What lies among the sent mail was delivered by that.
    pub(crate) fn keeps_files(self) -> bool {
        match self {
            Self::Directory => true,
            Self::Smtp | Self::Off => false,
        }
    }
}

/// `[mail]`: who gets what, and how.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Mail {
    pub transport: Transport,
    /// `Name <address>` or an address.
    pub from: Option<String>,
    pub reply_to: Option<String>,
    pub to: Recipients,
    /// A CSV `org_id,aid,emails`: who gets mail about single targets. Read at each use.
    pub routes_file: Option<PathBuf>,
    pub subject_prefix: String,
    /// A scheduled report of changes goes out also when nothing changed.
    pub changes_when_empty: bool,
    /// Files in it replace the shipped templates of the same name.
    pub templates_dir: Option<PathBuf>,
}

/// Who gets which kind of mail. Nobody named: that kind is not sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recipients {
    pub changes: Vec<String>,
    pub usage: Vec<String>,
    pub alerts: Vec<String>,
    pub failures: Vec<String>,
}

impl Config {
    /// The folder of the runs.
    pub(crate) fn runs_dir(&self) -> PathBuf {
        DataFolder::Runs.below(&self.data.dir)
    }

    pub(crate) fn inbox_dir(&self) -> PathBuf {
        self.inbox.dir.clone().unwrap_or_else(|| self.data.dir.join("inbox"))
    }

    pub(crate) fn answers_dir(&self) -> PathBuf {
        self.inbox.answers_dir.clone().unwrap_or_else(|| self.inbox_dir().join("answers"))
    }
}

#[cfg(test)]
mod tests;
