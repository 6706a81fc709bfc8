//! What somebody asks for: the address of a page and what it means. Pure.

use reqwest::Url;

use crate::change::run::id::is_id;
use crate::domain::quota::{OrgId, Target};
use crate::text::codes::codes;

codes!(
    /// The views that each page leads to, in their order and by their labels.
    View {
        Now = "Now",
        Groups = "Account groups",
        Changes = "Changes",
        History = "History",
        Cycles = "Cycles",
        Health = "Health",
    }
);

impl View {
    pub(in crate::daemon) fn href(self) -> &'static str {
        match self {
            Self::Now => "/",
            Self::Groups => "/groups",
            Self::Changes => "/changes",
            Self::History => "/history",
            Self::Cycles => "/cycles",
            Self::Health => "/health",
        }
    }
}

/// The files of a run that can be downloaded.
pub(super) const RUN_FILES: [&str; 5] = ["plan.csv", "success.csv", "error.csv", "undo.csv", INPUT];
/// The one of them that somebody dropped.
pub(super) const INPUT: &str = "input.csv";

/// The longest part of an address; ids and names of files are a fraction of it.
const LONGEST: usize = 200;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::daemon) enum Address {
    Now,
    Groups,
    Organization(OrgId),
    Target(Target),
    Runs {
        all: bool,
    },
    Run(String),
    RunFile(String, &'static str),
    /// Two snapshots to compare, by the stems of their files' names.
    History {
        from: Option<String>,
        to: Option<String>,
    },
    Snapshot(String),
    Cycles,
    Health,
}

impl Address {
    /// None where nothing has this address.
    pub(in crate::daemon) fn parse(path: &str, query: &str) -> Option<Self> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        // Everything that has an address is called so: nothing here is a path to somewhere else.
        let is_plain = |part: &&str| {
            part.len() <= LONGEST
                && !part.starts_with('.')
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        if !parts.iter().all(is_plain) {
            return None;
        }
        let asked = |name| query_value(query, name);
        Some(match parts.as_slice() {
            [""] => Self::Now,
            ["groups"] => Self::Groups,
            ["organizations", org_id] => Self::Organization(OrgId::new(*org_id)),
            ["organizations", org_id, "quota"] => {
                Self::Target(Target { org_id: OrgId::new(*org_id), aid: None })
            }
            ["organizations", org_id, "groups", aid] => Self::Target(Target::account_group(*org_id, *aid)),
            ["changes"] => Self::Runs { all: asked("all").is_some() },
            ["changes", run] if is_id(run) => Self::Run((*run).to_owned()),
            ["changes", run, file] if is_id(run) => {
                Self::RunFile((*run).to_owned(), RUN_FILES.into_iter().find(|known| known == file)?)
            }
            ["history"] => Self::History { from: asked("from"), to: asked("to") },
            ["history", file] => Self::Snapshot(file.strip_suffix(".csv")?.to_owned()),
            ["cycles"] => Self::Cycles,
            ["health"] => Self::Health,
            _ => return None,
        })
    }

    /// The view that it belongs to.
    pub(super) fn view(&self) -> View {
        match self {
            Self::Now => View::Now,
            Self::Groups | Self::Organization(_) | Self::Target(_) => View::Groups,
            Self::Runs { .. } | Self::Run(_) | Self::RunFile(..) => View::Changes,
            Self::History { .. } | Self::Snapshot(_) => View::History,
            Self::Cycles => View::Cycles,
            Self::Health => View::Health,
        }
    }

    /// Whether it shows what the latest snapshot says.
    pub(super) fn needs_a_snapshot(&self) -> bool {
        match self {
            Self::Now
            | Self::Groups
            | Self::Organization(_)
            | Self::Target(_)
            | Self::History { .. }
            | Self::Cycles => true,
            Self::Runs { .. } | Self::Run(_) | Self::RunFile(..) | Self::Snapshot(_) | Self::Health => false,
        }
    }

    /// Whether it is a page, and not a table to download.
    pub(super) fn is_page(&self) -> bool {
        !matches!(self, Self::Snapshot(_) | Self::RunFile(..))
    }
}

/// What a query says of a name.
pub(in crate::daemon) fn query_value(query: &str, name: &str) -> Option<String> {
    let url = Url::parse(&format!("http://localhost/?{query}")).ok()?;
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests;
