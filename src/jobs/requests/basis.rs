//! In what a command and the process that it hands its work to must agree: which API and which inbox are meant, and what changes are
//! judged by. Otherwise it would do something else than the command says, or than `plan` has just shown.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::{Config, Inbox};
use crate::files::sha256;
use crate::jobs::job::Job;
use crate::jobs::requests::Ask;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Basis {
    /// Scheme, host and port of `api.base_url`, and the account group that changes are sent for.
    api: String,
    /// A hash of what decides what is held, refused and sent.
    rules: String,
    /// The inbox, unless it is the one below `data.dir`, which both have.
    #[serde(default)]
    inbox: Option<PathBuf>,
}

/// Two ways to one folder are one folder.
fn real(folder: &Path) -> PathBuf {
    fs_err::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}

impl Basis {
    pub(crate) fn from_config(config: &Config) -> Self {
        let Config { api, guard, usage, inbox, .. } = config;
        let aid = api.aid.as_ref().map_or_else(String::new, |aid| format!(" (aid {aid})"));
        let Inbox {
            apply,
            mode,
            columns,
            dir,
            // How files come in and where their answers go judges no row.
            settle: _,
            max_rows: _,
            max_bytes: _,
            answers_dir: _,
            read_only: _,
            approvals: _,
        } = inbox;
        let rules = format!("{guard:?} {usage:?} {apply} {mode:?} {columns:?}");
        Self {
            api: format!("{}{aid}", api.base_url.origin().ascii_serialization()),
            rules: sha256(rules.as_bytes()),
            inbox: dir.as_deref().map(real).filter(|inbox| *inbox != real(&config.data.dir.join("inbox"))),
        }
    }

    /// Why a process that works on this basis does not do what a command asks for that was started on another. Only an
    /// `apply` is judged by rules, and only `inbox` looks into one.
    pub(super) fn refusal_of(&self, asked: &Self, ask: &Ask) -> Option<String> {
        if self.api != asked.api {
            return Some(format!(
                "nothing was done: the running quotakeeper works with {}, and this command with {}. Give it the configuration \
                 (and TE_BASE_URL) of the running one, or another data.dir",
                self.api, asked.api
            ));
        }
        if matches!(ask, Ask::Job { job: Job::Inbox, .. }) && self.inbox != asked.inbox {
            return Some(
                "nothing was done: the running quotakeeper has another inbox than this command (inbox.dir). Reload it \
                 (`systemctl reload quotakeeper`, or SIGHUP), or give this command its configuration"
                    .to_owned(),
            );
        }
        let is_apply = matches!(ask, Ask::Apply { .. });
        (is_apply && self.rules != asked.rules).then(|| {
            "nothing was done: the running quotakeeper has other settings than this command ([guard], [usage], or apply, mode or \
             columns of [inbox]). Reload it (`systemctl reload quotakeeper`, or SIGHUP), or give this command its configuration"
                .to_owned()
        })
    }
}
