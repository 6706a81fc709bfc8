//! `export`: quotas as a change file, ready to edit; a record of earlier quotas; or the rows that restore them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use chrono::{DateTime, TimeDelta, Utc};

use super::progress;
use super::terminal;
use super::wanted_organizations::{Earlier, WantedOrganizations};
use crate::change::Services;
use crate::change::missing_quotas::{AnswerExtent, IncompleteOrganization, MissingQuotas};
use crate::change::parse::EXPORTED;
use crate::clock::Clock;
use crate::collect::Reading;
use crate::domain::quota::{
    Aid, OrgId, Place, Snapshot, SnapshotRow, Target, Units, UsageRule, are_most_missing,
};
use crate::exit_code::Exit;
use crate::files::csv_cell::{inert_clean, push};
use crate::history::{Block, History, STEM};
use crate::text::words::number;
use crate::thousandeyes::LazyClient;

/// Usage is updated hourly, so that a snapshot of this age still says what is used.
const RECENT: TimeDelta = TimeDelta::hours(6);

/// What is asked for.
pub(super) struct ExportRequest<'a> {
    /// Of these organizations, or of all.
    pub organizations: &'a [String],
    /// As a snapshot of the history saw them, or as they are now.
    pub at: Option<DateTime<Utc>>,
    /// The rows that make them again what they were.
    pub restore: bool,
}

/// The file goes to `out`, what people should know of it to standard error.
pub(super) async fn export(
    services: &Services<'_>,
    asked: &ExportRequest<'_>,
    out: &mut impl Write,
) -> anyhow::Result<Exit> {
    let (history, api, rule) = (services.history, services.api, &services.config.usage.rule());
    let zone = services.config.schedule.timezone;
    let earlier = Earlier { history, zone, asked: None };
    let then = match (asked.at, asked.restore) {
        (Some(at), false) => return record(earlier, at, asked, rule, out),
        (Some(at), true) => Some(history.read(history.find(at)?)?),
        (None, _) => None,
    };
    let reading = Reading::targets(api.get()?, true, Clock::read().now());
    let live = progress::with_progress(api, reading).await?;
    let seen: Vec<&Snapshot> = then.iter().chain([&live.snapshot]).collect();
    let wanted = WantedOrganizations::new(asked.organizations).ids(&seen, earlier)?;
    let is_wanted =
        |place: Place<'_>| wanted.as_ref().is_none_or(|wanted| wanted.contains(&place.organization.id));
    let then = then.map(|then| then.filtered(is_wanted));
    let named = wanted.clone().unwrap_or_else(|| live.organizations().cloned().collect());
    let live = with_usage(live, &named, history, api, rule).await?.filtered(is_wanted);
    let missing =
        MissingQuotas::find(history, services.runs(), &live, AnswerExtent::from_names(asked.organizations))?;
    if let Some(then) = then {
        let restored = Restoration::new(&then, &live);
        out.write_all(&restored.file(rule))?;
        out.flush()?;
        restored.notes().iter().for_each(|note| tell(note));
    } else {
        let mut file = change_file();
        for organization in live.organizations() {
            organization.rows().for_each(|row| add_unedited(&mut file, &row, rule, &missing));
            out.write_all(&file)?;
            file.clear();
        }
        out.write_all(&file)?; // the header, where there is nothing else
        out.flush()?;
    }
    for own in missing.organizations(zone) {
        tell(&format!(
            "{}. {}: export again later, or see what they were with `quotakeeper export --at {}`.",
            own.what,
            how_written(&own, asked.restore),
            own.seen.format(STEM)
        ));
    }
    if let Some(absent) = missing.absent_organizations(zone) {
        tell(&format!(
            "{}. The file has no row for {}: export again later, or see what the quotas were with `quotakeeper export --at {}`.",
            absent.what,
            absent.pronoun(),
            absent.seen.format(STEM)
        ));
    }
    Ok(Exit::Done)
}

/// What the file has of those whose quotas are missing.
fn how_written(own: &IncompleteOrganization<'_>, restore: bool) -> String {
    let named = if restore { "" } else { ", and their rows name the last known quota" };
    match (own.without_quota, own.absent) {
        (_, 0) => format!("The file says `none` for them{named}"),
        (0, _) => "Their targets are missing, too: the file has no row for them".to_owned(),
        (shown, absent) => format!(
            "The file has no row for {} of these targets. It says `none` for the other {}{named}",
            number(absent),
            number(shown)
        ),
    }
}

/// What the quotas were: organization by organization, and whole before any of it is written.
fn record(
    earlier: Earlier<'_>,
    at: DateTime<Utc>,
    asked: &ExportRequest<'_>,
    rule: &UsageRule,
    out: &mut impl Write,
) -> anyhow::Result<Exit> {
    let at = earlier.history.find(at)?;
    let (wanted, nothing) = (WantedOrganizations::new(asked.organizations), MissingQuotas::default());
    let rows = |block: Block| {
        let (id, mut name, mut is_wanted) = (block.id().clone(), None, false);
        // Most rows are as long with names and usage: to grow step by step would copy them twice.
        let mut rows = Vec::with_capacity(block.rows() * 80);
        block.for_each_row(|row| {
            if name.is_none() {
                is_wanted = wanted.has(&id, &row.org_name);
                name = Some(row.org_name.clone().into_owned());
            }
            if is_wanted {
                add_unedited(&mut rows, row, rule, &nothing);
            }
            Ok(())
        })?;
        Ok((id, name.unwrap_or_default(), rows))
    };
    let all: Vec<_> = earlier.history.each(at, rows, |organizations| organizations.collect())?;
    let earlier = Earlier { asked: Some(at), ..earlier };
    wanted.check(all.iter().map(|(id, name, _)| (id, name.as_str())), earlier)?;
    let note = record_note(at);
    out.write_all(&change_file())?;
    all.iter().try_for_each(|(_, _, rows)| out.write_all(rows))?;
    writeln!(out, "# {note}")?;
    out.flush()?;
    tell(&note);
    Ok(Exit::Done)
}

/// With what is used: as the newest snapshot saw it, which asks nothing of the API, or as it is now where there is no recent one.
async fn with_usage(
    mut live: Reading,
    wanted: &BTreeSet<OrgId>,
    history: &History,
    api: &LazyClient,
    rule: &UsageRule,
) -> anyhow::Result<Snapshot> {
    let now = Clock::read().now();
    let recent = history.latest_readable(now)?.filter(|recent| now - recent.taken_at < RECENT);
    if let Some(recent) = recent {
        live.snapshot.take_usage_of(&recent);
    } else {
        progress::with_progress(api, live.add_usage(api.get()?, wanted, rule)).await?;
    }
    Ok(live.snapshot.readable())
}

/// What a record is, without a comma: it is also the last row of the file, where it is a comment.
fn record_note(at: DateTime<Utc>) -> String {
    let at = at.format(STEM);
    format!(
        "This is a record of the quotas at {at}: dropping it changes nothing. `quotakeeper export --at {at} --restore` \
         writes the rows that restore them."
    )
}

/// A change file without rows.
fn change_file() -> Vec<u8> {
    (EXPORTED.join(",") + "\n").into_bytes()
}

/// An unedited row for a target: `expected_value` is what is there, so that only edited rows are sent.
fn add_unedited(file: &mut Vec<u8>, row: &SnapshotRow<'_>, rule: &UsageRule, missing: &MissingQuotas) {
    let mut quota = itoa::Buffer::new();
    let quota = quota_cell(row.quota, &mut quota);
    let missing =
        missing.quota(&row.target).map(|units| format!("missing from the API's answer; was {units}"));
    let comment = missing.as_deref().unwrap_or_default();
    add_row(file, row, &Edit { action: "assign", value: quota, expected: quota, comment }, rule);
}

/// What has to change so that the quotas are again what they were.
struct Restoration<'a> {
    taken_at: DateTime<Utc>,
    /// Each target as it is now, and the quota that it had.
    rows: Vec<(SnapshotRow<'a>, Option<Units>)>,
    /// What was there then and is not visible now.
    vanished: Vec<Target>,
    /// What is there now and was not seen then: it stays as it is.
    newer: usize,
    /// How many quotas each organization had then.
    had: BTreeMap<OrgId, usize>,
}

impl<'a> Restoration<'a> {
    fn new(then: &Snapshot, live: &'a Snapshot) -> Self {
        let rows = live.rows().filter_map(|now| {
            let before = then.row(&now.target)?.quota;
            (before != now.quota).then_some((now, before))
        });
        let is_gone = |row: &SnapshotRow<'_>| live.place(&row.target).is_none();
        Self {
            taken_at: then.taken_at,
            rows: rows.collect(),
            vanished: then.rows().filter(is_gone).map(|row| row.target).collect(),
            had: then.organizations().iter().map(|own| (own.id.clone(), own.quota_count())).collect(),
            newer: live.rows().filter(|row| then.place(&row.target).is_none()).count(),
        }
    }

    fn file(&self, rule: &UsageRule) -> Vec<u8> {
        let mut file = change_file();
        let comment = format!("as it was at {}", self.taken_at.format(STEM));
        for (now, before) in &self.rows {
            let [mut value, mut expected] = [itoa::Buffer::new(); 2];
            let (action, value) = match before {
                Some(units) => ("assign", value.format(*units)),
                None => ("unassign", ""),
            };
            let expected = quota_cell(now.quota, &mut expected);
            add_row(&mut file, now, &Edit { action, value, expected, comment: &comment }, rule);
        }
        file
    }

    /// What a person should know of the file, one sentence each.
    fn notes(&self) -> Vec<String> {
        let at = self.taken_at.format(STEM);
        let mut notes = vec![match self.rows.len() {
            0 if !self.vanished.is_empty() => {
                format!(
                    "Nothing can be restored: each quota that is still visible is what it was at {at}. The file has a header only."
                )
            }
            0 => {
                format!("Nothing to restore: each quota is what it was at {at}. The file has a header only.")
            }
            1 => format!(
                "1 quota differs from its value at {at}. Nothing was sent; dropping the file restores it."
            ),
            count => {
                format!(
                    "{count} quotas differ from their values at {at}. Nothing was sent; dropping the file restores them."
                )
            }
        }];
        notes.extend(
            self.vanished
                .iter()
                .map(|target| format!("{target} is no longer visible to this token: it is not in the file.")),
        );
        notes.extend(self.doubtful_organizations());
        if self.newer > 0 {
            let (targets, were, stay) =
                if self.newer == 1 { ("target", "was", "stays") } else { ("targets", "were", "stay") };
            notes.push(format!("{} {targets} {were} not seen then and {stay} unchanged.", self.newer));
        }
        notes
    }
}

impl Restoration<'_> {
    /// A sentence for each organization of which the snapshot lacks most of the quotas that there are now.
    fn doubtful_organizations(&self) -> impl Iterator<Item = String> {
        self.rows.chunk_by(|(a, _), (b, _)| a.target.org_id == b.target.org_id).filter_map(|rows| {
            let org_id = &rows[0].0.target.org_id;
            let removed = rows.iter().filter(|(now, before)| now.quota.is_some() && before.is_none()).count();
            let had = self.had.get(org_id).copied().unwrap_or_default();
            (removed > 1 && are_most_missing(removed, had)).then(|| {
                format!(
                    "The snapshot lacks {removed} current quotas of organization {org_id}, and shows {had}: the API's answer may have \
                     been incomplete. The file removes these quotas; if you do not want that, restore an earlier snapshot."
                )
            })
        })
    }
}

/// What the row of a target asks for.
struct Edit<'a> {
    action: &'a str,
    value: &'a str,
    expected: &'a str,
    comment: &'a str,
}

/// Adds one row. There may be a million, so that no cell is copied that needs no change.
fn add_row(file: &mut Vec<u8>, row: &SnapshotRow<'_>, edit: &Edit<'_>, rule: &UsageRule) {
    let Edit { action, value, expected, comment } = edit;
    let aid = row.target.aid.as_ref().map_or(&b""[..], Aid::as_bytes);
    let (org_name, name) = (inert_clean(&row.org_name), inert_clean(&row.account_group_name));
    let org_id = row.target.org_id.as_bytes();
    let [mut used, mut projected] = [itoa::Buffer::new(); 2];
    let used = rule.used(&row.usage).map_or("", |units| used.format(units));
    let projected = rule.projected(&row.usage).map_or("", |units| projected.format(units));
    // In the order of `EXPORTED`.
    for text in [action.as_bytes(), org_id, org_name.as_bytes(), aid, name.as_bytes()] {
        push(file, text);
        file.push(b',');
    }
    for number in [value, expected, used, projected] {
        file.extend_from_slice(number.as_bytes());
        file.push(b',');
    }
    push(file, comment.as_bytes());
    file.push(b'\n');
}

/// A quota as a cell holds it: digits, or `none`.
fn quota_cell(quota: Option<Units>, buffer: &mut itoa::Buffer) -> &str {
    quota.map_or("none", |units| buffer.format(units))
}

/// Tells a person. That nobody reads on is no failure.
fn tell(text: &str) {
    terminal::eprint(text);
}

#[cfg(test)]
mod tests;
