//! `targets`: quota and usage of every organization and account group, worst first.

mod json;

use std::io::Write;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use self::json::write_json;
use super::plan::Style;
use super::table::{Cell, Side, Table, Tone};
use super::terminal;
use super::wanted_organizations::{Earlier, WantedOrganizations};
use crate::change::missing_quotas::{AnswerExtent, IncompleteOrganization, MissingQuotas};
use crate::cli::arguments::TableFormat;
use crate::domain::quota::{Snapshot, SnapshotRow, UsageRule};
use crate::exit_code::Exit;
use crate::history::{Block, NONE_READABLE, Unreadable, left_out};
use crate::jobs::report_inputs::ReportInputs;
use crate::report::{Level, QuotaStatus, Ranking, is_over, words, write_usage_csv};
use crate::text::words::grouped;
use crate::text::{glob, lookalike};

/// A person reads so many lines at most; CSV and JSON have all.
const LISTED: usize = 1000;

/// What is asked for.
pub(super) struct TargetsRequest<'a> {
    /// As the last snapshot at or before this moment saw them; the newest one where none is given.
    pub at: Option<DateTime<Utc>>,
    /// Ids or names; of all organizations where there are none.
    pub organizations: &'a [String],
    /// A pattern for their names.
    pub name: Option<&'a str>,
    /// Per cent of the quota.
    pub over: Option<u32>,
    pub format: TableFormat,
}

pub(super) fn targets(
    inputs: &ReportInputs<'_>,
    asked: &TargetsRequest<'_>,
    style: Style,
    now: DateTime<Utc>,
    out: &mut impl Write,
) -> anyhow::Result<Exit> {
    let rule = inputs.config.usage.rule();
    let earlier = Earlier { history: inputs.history, zone: style.zone, asked: asked.at };
    let latest = asked.snapshot(earlier, &rule, now)?;
    let slopes = inputs.slopes(&latest)?;
    let context = inputs.context(latest.taken_at.max(now));
    let most = if asked.format == TableFormat::Text { LISTED } else { usize::MAX };
    let judging = inputs.judging(latest.taken_at, &rule, &context);
    let ranking = Ranking::new(latest.places().enumerate(), most, &slopes, judging);
    match asked.format {
        TableFormat::Text => write!(out, "{}", text(&latest, &ranking, asked.name, style))?,
        TableFormat::Csv => write_usage_csv(&ranking, out)?,
        TableFormat::Json => write_json(&latest, &ranking, out)?,
    }
    if asked.name.is_none() && asked.over.is_none() {
        tell_missing(inputs, &latest, AnswerExtent::from_names(asked.organizations), style.zone)?;
    }
    Ok(Exit::Done)
}

/// Says what the list lacks because the API's answer did.
fn tell_missing(
    inputs: &ReportInputs<'_>,
    latest: &Snapshot,
    extent: AnswerExtent,
    zone: Tz,
) -> anyhow::Result<()> {
    let missing = MissingQuotas::find(inputs.history, &inputs.config.runs_dir(), latest, extent)?;
    for own in missing.organizations(zone) {
        terminal::eprint(&format!("{}. {}", own.what, how_listed(&own)));
    }
    if let Some(absent) = missing.absent_organizations(zone) {
        terminal::eprint(&format!("{}. The list does not have {}.", absent.what, absent.pronoun()));
    }
    Ok(())
}

/// Where in the list those are whose quotas are missing.
fn how_listed(own: &IncompleteOrganization<'_>) -> String {
    match (own.without_quota, own.absent) {
        (_, 0) => "They are shown without a quota.".to_owned(),
        (0, _) => "Their targets are missing, too: the list does not have them.".to_owned(),
        (shown, absent) => format!(
            "The list shows {} of these targets without a quota, and does not have the other {}.",
            words::number(shown),
            words::number(absent)
        ),
    }
}

impl TargetsRequest<'_> {
    /// Those targets of the snapshot alone that are asked for.
    fn snapshot(
        &self,
        earlier: Earlier<'_>,
        rule: &UsageRule,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Snapshot> {
        let history = earlier.history;
        if let Some(at) = self.at {
            let asked = history.find(at)?;
            return self.targets_of(Earlier { asked: Some(asked), ..earlier }, asked, rule);
        }
        let all = history.until(now)?;
        for at in all.iter().rev() {
            match self.targets_of(earlier, *at, rule) {
                Err(error) if error.is::<Unreadable>() => left_out(&error),
                read => return read,
            }
        }
        anyhow::ensure!(all.is_empty(), NONE_READABLE);
        anyhow::bail!("the history is empty: `quotakeeper snapshot` takes the first snapshot")
    }

    fn targets_of(
        &self,
        earlier: Earlier<'_>,
        at: DateTime<Utc>,
        rule: &UsageRule,
    ) -> anyhow::Result<Snapshot> {
        let wanted = WantedOrganizations::new(self.organizations);
        let read = |block: Block| {
            let organization = block.filtered(|row| self.matches(row, rule))?;
            let is_wanted = wanted.has(&organization.id, &organization.name);
            let (id, name) = (organization.id.clone(), organization.name.clone());
            Ok((id, name, Some(organization).filter(|kept| is_wanted && kept.row_count() > 0)))
        };
        let read: Vec<_> = earlier.history.each(at, read, |organizations| organizations.collect())?;
        wanted.check(read.iter().map(|(id, name, _)| (id, &**name)), earlier)?;
        Ok(Snapshot::of_organizations(at, read.into_iter().filter_map(|(_, _, kept)| kept).collect()))
    }

    fn matches(&self, row: &SnapshotRow<'_>, rule: &UsageRule) -> bool {
        self.over.is_none_or(|percent| is_over(row, percent, rule))
            && self.name.is_none_or(|pattern| glob::matches(pattern, &lookalike::composed(row.name())))
    }
}

fn text(latest: &Snapshot, ranking: &Ranking<'_>, name: Option<&str>, style: Style) -> String {
    let taken = words::moment(latest.taken_at, style.zone);
    if ranking.count() == 0 {
        let hint = match name.filter(|name| !name.contains('*')) {
            Some(name) => format!("`--name \"*{name}*\"` finds names that contain it.\n"),
            None => String::new(),
        };
        return format!("No target matches in the snapshot of {taken}.\n{hint}");
    }
    let names_organizations = latest.organizations().len() > 1;
    let mut table = Table::new(&[
        ("target", Side::Name),
        ("quota", Side::Right),
        ("used", Side::Right),
        ("projected", Side::Right),
        ("of quota", Side::Right),
        ("runs out", Side::Right),
    ]);
    let figure = |units: Option<i64>| units.map_or_else(|| "–".to_owned(), grouped);
    for status in ranking.statuses() {
        let tone = match status.level {
            Level::Critical => Tone::Red,
            Level::Warning => Tone::Yellow,
            Level::Fine => Tone::Plain,
        };
        let percent =
            status.percent_projected.map_or_else(String::new, |percent| format!("{} %", grouped(percent)));
        table.push(vec![
            label(&status, names_organizations).into(),
            figure(status.quota).into(),
            figure(status.used).into(),
            figure(status.projected).into(),
            percent.into(),
            Cell::new(runs_out(&status, style), tone),
        ]);
    }
    let mut text = format!("{} on {taken}, worst first\n\n", words::counted(ranking.count(), "target"));
    text += &table.render(0, style.paint);
    if ranking.count() > LISTED {
        let more = words::number(ranking.count() - LISTED);
        text += &format!("and {more} more: --over, --org and --name filter the list, --format csv has all\n");
    }
    text
}

/// An organization says that it is one: its own quota stands among those of its account groups.
fn label(status: &QuotaStatus, names_organizations: bool) -> String {
    match &status.target.aid {
        None => format!("organization {}", status.label()),
        Some(_) if names_organizations => format!("{} · {}", status.org_name, status.label()),
        Some(_) => status.label(),
    }
}

/// The day on which it runs out, or why none is known; nothing where it lasts.
fn runs_out(status: &QuotaStatus, style: Style) -> String {
    match status.runs_out_at {
        Some(at) if !status.ran_out => words::short_day(at, style.zone),
        None if status.is_measured() && !status.ran_out => String::new(),
        _ => status.status.to_string(),
    }
}

#[cfg(test)]
mod tests;
