//! The rows of a change file that an alert proposes: what each account group in trouble needs, as far as there is room for it.

use std::collections::BTreeMap;

use crate::change::propose::with_headroom;
use crate::config::Guards;
use crate::domain::quota::{OrgId, Snapshot, Target, Units};
use crate::report::shared::quota_status::Standing;
use crate::report::shared::words;

/// The file proposes no more rows, however many there are: a person is to look at them.
const FILE_ROWS: usize = 500;

/// The lines of a change file, and the account groups that it has no row for.
#[derive(Default)]
pub(super) struct ChangeFile {
    pub(super) lines: Vec<String>,
    /// More than a mail lists.
    pub(super) more: usize,
    /// Their organization has too little left.
    pub(super) no_room: usize,
}

/// Each account group that lacks something gets what it needs and the headroom that the guards want above it, as long as its
/// organization has units left to allocate: a proposal over-allocates nothing. The worst comes first.
pub(super) fn change_file<'s>(
    standings: impl Iterator<Item = &'s Standing>,
    latest: &Snapshot,
    guards: &Guards,
) -> ChangeFile {
    // What each organization can still allocate; one without a quota of its own has no such limit.
    let mut left: BTreeMap<&OrgId, Units> = BTreeMap::new();
    for organization in latest.organizations() {
        if let Some(quota) = organization.own.as_ref().and_then(|own| own.quota) {
            left.insert(&organization.id, quota.saturating_sub(organization.allocated()));
        }
    }
    let mut file = ChangeFile::default();
    for standing in standings {
        let Target { org_id, aid } = &standing.target;
        let (Some(aid), Some(quota), Some(used), Some(projected)) =
            (aid, standing.quota, standing.used, standing.projected)
        else {
            continue;
        };
        let needed = used.max(projected);
        let wanted = with_headroom(needed, guards.for_target(&standing.target).headroom_percent);
        let is_id = |id: &str| id.bytes().all(|byte| byte.is_ascii_digit());
        if wanted <= quota || !is_id(org_id.as_str()) || !is_id(aid.as_str()) {
            continue;
        }
        let left = left.get_mut(org_id);
        let most = left.as_ref().map_or(wanted, |left| quota.saturating_add(**left));
        let value = wanted.min(most);
        if value <= quota || value < needed {
            file.no_room += 1;
        } else if file.lines.len() == FILE_ROWS {
            file.more += 1;
        } else {
            if let Some(left) = left {
                *left -= value - quota;
            }
            file.lines.push(format!("{org_id},{aid},{value},{quota}"));
        }
    }
    if !file.lines.is_empty() {
        file.lines.insert(0, "org_id,aid,value,expected_value".to_owned());
    }
    file
}

/// For whom there is no row, and why; and what finds more.
pub(super) fn left_out(file: &ChangeFile) -> String {
    let groups = |count| words::counted(count, "account group");
    let mut sentences = Vec::new();
    if file.more > 0 {
        let need = if file.more == 1 { "needs" } else { "need" };
        sentences.push(format!(
            "The file lists the first {FILE_ROWS}; {} more {need} a higher quota.",
            groups(file.more)
        ));
    }
    if file.no_room > 0 {
        let its = if file.no_room == 1 { "its" } else { "their" };
        sentences.push(format!(
            "There is no row for {}: {its} organization has too little left to allocate.",
            groups(file.no_room)
        ));
    }
    if !sentences.is_empty() {
        sentences.push("`quotakeeper propose` finds quota that other groups do not use.".to_owned());
    }
    sentences.join(" ")
}
