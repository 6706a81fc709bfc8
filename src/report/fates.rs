//! The rows of a run by what became of them, and the commands that decide on those that are held.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde::Serialize;

use super::change_row::{ChangeRow, name_and_id, row_of_plan, size};
use super::level::Level;
use super::{Edition, words};
use crate::change::{Code, Guard, Outcome, PlanRow, RunState, RunStory, Tripped, Verdict};
use crate::quota::Units;

/// Each section lists so many rows and counts the rest.
const LISTED: usize = 20;
/// A file may have more columns than a person reads in a mail.
const CARRIED: usize = 5;

/// What became of the rows of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SectionKind {
    Held,
    /// Sent, and not shown when it was read back.
    NotConfirmed,
    Refused,
    NotSent,
    Sent,
    Scheduled,
    /// Not of a run: what changed.
    Changed,
}

/// Rows with one fate.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Section {
    #[serde(skip)]
    pub kind: SectionKind,
    pub title: String,
    pub level: Level,
    pub rows: Vec<ChangeRow>,
    /// How many are not listed.
    pub more: usize,
    /// Those.
    #[serde(skip)]
    pub rest: Vec<ChangeRow>,
}

/// A run that waits for a person, with the commands that decide.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Held {
    pub run: String,
    pub file: String,
    pub rows: usize,
    /// The first reason, with the target's name.
    pub reason: String,
    /// When it is rejected if nobody decides: `Sun 29 Nov 2026, 07:55`.
    pub until: String,
    /// What an approval names.
    pub plan: String,
    pub approve: String,
    pub reject: String,
}

/// A held run, and how to decide on it.
pub(super) fn held(story: &RunStory, edition: &Edition) -> Held {
    let reasons = || story.plan.rows.iter().filter_map(|row| Some((row, first_reason(row)?)));
    // Rows that are only bound to others say less than those that tripped a guard themselves.
    let telling = reasons().find(|(_, tripped)| tripped.guard != Guard::Bound).or_else(|| reasons().next());
    let reason = telling.map_or_else(String::new, |(row, tripped)| {
        let message = words::clean(&tripped.message, 300);
        match name_and_id(row.target.as_ref(), &row.org_name, &row.account_group_name).0 {
            name if name.is_empty() => message,
            name => format!("{name}: {message}"),
        }
    });
    Held {
        run: story.id.clone(),
        file: words::clean(&story.file, 60),
        rows: reasons().count(),
        reason,
        until: edition.until(story.at),
        plan: story.plan.sha256.clone(),
        approve: format!("quotakeeper approve {} --plan {}", story.id, story.plan.sha256),
        reject: format!("quotakeeper reject {}", story.id),
    }
}

fn first_reason(row: &PlanRow) -> Option<&Tripped> {
    match &row.verdict {
        Verdict::Held(tripped) => tripped.first(),
        _ => None,
    }
}

/// The further columns of a change file, by row, each as its header and the text.
type Carried = BTreeMap<usize, Vec<(String, String)>>;

/// The rows of a run by what became of them.
pub(super) struct Fates<'s> {
    /// In which people read when a row takes effect.
    zone: Tz,
    carried: &'s Carried,
    /// Sent and confirmed; or to be sent, while there are no results.
    pub(super) sent: Vec<ChangeRow>,
    /// To be sent at their time.
    pub(super) scheduled: Vec<ChangeRow>,
    pub(super) held: Vec<ChangeRow>,
    /// What is wrong with them is their own.
    pub(super) refused: Vec<ChangeRow>,
    /// Nothing is wrong with them; they were not sent because of others, or of how the run ended.
    pub(super) not_sent: Vec<ChangeRow>,
    /// They were sent, and reading back did not show them: whether they hold is unknown.
    pub(super) not_confirmed: Vec<ChangeRow>,
    pub(super) unchanged: usize,
}

impl<'s> Fates<'s> {
    pub(super) fn new(zone: Tz, carried: &'s Carried) -> Self {
        Self {
            zone,
            carried,
            sent: Vec::new(),
            scheduled: Vec::new(),
            held: Vec::new(),
            refused: Vec::new(),
            not_sent: Vec::new(),
            not_confirmed: Vec::new(),
            unchanged: 0,
        }
    }

    pub(super) fn add(&mut self, row: &PlanRow, outcome: Option<&Outcome>, state: RunState) {
        match (outcome, &row.verdict) {
            (Some(Outcome::Unchanged { .. }), _) | (None, Verdict::Unchanged(_)) => self.unchanged += 1,
            (Some(Outcome::Applied { before, after }), _) => {
                self.sent.push(self.row(row, *before, *after, Vec::new()));
            }
            (Some(Outcome::Scheduled { before, after, run, message }), _) => {
                // When, the row says itself.
                let run = run.as_ref().map(|run| format!("waits as run {run}"));
                let where_to = vec![words::clean(&run.unwrap_or_else(|| message.clone()), 300)];
                self.scheduled.push(self.row(row, *before, *after, where_to));
            }
            (Some(Outcome::Failed(problem)), Verdict::Held(tripped)) if problem.code == Code::Held => {
                self.held.push(self.row(row, row.before, row.after, reasons(tripped)));
            }
            (None, Verdict::Held(tripped)) if state != RunState::Failed => {
                self.held.push(self.row(row, row.before, row.after, reasons(tripped)));
            }
            (Some(Outcome::Failed(problem)), _) | (None, Verdict::Refused(problem)) => {
                let numbered = format!("Row {}: ", row.row);
                let message = problem.message.strip_prefix(&numbered).unwrap_or(&problem.message);
                let why = vec![words::clean(message, 1000)]; // all that is wrong with it, each with its mend
                // What it would have done to the headroom it has not done.
                let row = self.row(row, row.before, row.after, why);
                let row = ChangeRow { effect: String::new(), falls_short: false, ..row };
                match problem.code {
                    Code::NotConfirmed => self.not_confirmed.push(row),
                    Code::NotSent => self.not_sent.push(row),
                    _ => self.refused.push(row),
                }
            }
            (None, Verdict::Send) if row.due.is_some() => {
                self.scheduled.push(self.row(row, row.before, row.after, Vec::new()));
            }
            (None, Verdict::Send | Verdict::Held(_)) => {
                self.sent.push(self.row(row, row.before, row.after, Vec::new()));
            }
        }
    }

    fn row(&self, row: &PlanRow, before: Option<Units>, after: Option<Units>, why: Vec<String>) -> ChangeRow {
        let cells = self.carried.get(&row.row).map_or(&[][..], Vec::as_slice);
        let cell = |(header, text): &(String, String)| {
            format!("{}: {}", words::clean(header, 40), words::clean(text, 120))
        };
        let carried = cells.iter().take(CARRIED).map(cell).collect::<Vec<_>>().join(" · ");
        ChangeRow { carried, ..row_of_plan(row, before, after, why, self.zone) }
    }

    pub(super) fn headline(&self, file: &str, state: RunState) -> String {
        let (sent, held, refused) = (self.sent.len(), self.held.len(), self.refused.len());
        let (not_sent, not_confirmed) = (self.not_sent.len(), self.not_confirmed.len());
        let scheduled = self.scheduled.len();
        let rows = |count| words::counted(count, "row");
        match state {
            RunState::Failed => format!("{file} could not be used"),
            RunState::Rejected => format!("{file} was rejected: nothing was sent"),
            RunState::Stale => format!("{file} is stale: the quotas moved, and nothing was sent"),
            RunState::Held => {
                format!("{} of {file} wait{} for approval", rows(held), if held == 1 { "s" } else { "" })
            }
            RunState::Planned => {
                format!("{file} would change {}; nothing was sent", words::counted(sent, "quota"))
            }
            RunState::Scheduled => {
                let when = self.scheduled.first().map_or_else(String::new, |row| format!(" on {}", row.due));
                format!("{file} will change {}{when}", words::counted(sent + scheduled, "quota"))
            }
            RunState::Applying => {
                format!("{file} is being applied: {} to change", words::counted(sent, "quota"))
            }
            RunState::Done if sent + held + refused + not_sent + not_confirmed + scheduled == 0 => {
                format!("{file} changed nothing")
            }
            RunState::Done => {
                let parts = [
                    (sent, "applied"),
                    (not_confirmed, "not confirmed"),
                    (held, "held"),
                    (refused, "refused"),
                    (not_sent, if refused > 0 { "not sent with them" } else { "not sent" }),
                    (scheduled, "scheduled"),
                ];
                let said: Vec<String> = parts
                    .iter()
                    .filter(|(count, _)| *count > 0)
                    .enumerate()
                    .map(|(index, (count, fate))| match index {
                        0 => format!("{} {fate}", rows(*count)),
                        _ => format!("{} {fate}", words::number(*count)),
                    })
                    .collect();
                format!("{file}: {}", said.join(", "))
            }
        }
    }

    fn has_problems(&self) -> bool {
        !(self.refused.is_empty() && self.not_sent.is_empty() && self.not_confirmed.is_empty())
    }

    /// What to do about the rows that were not applied, by their kinds; none where nothing is.
    pub(super) fn todo(&self) -> Option<String> {
        let rows = |count: usize| words::counted(count, "row");
        let (refused, not_sent) = (self.refused.len(), self.not_sent.len());
        let mut parts = Vec::new();
        match (refused, not_sent) {
            (0, 0) => {}
            (0, _) => parts.push(format!(
                "drop error.csv again if its {} still wanted",
                match not_sent {
                    1 => "row is".to_owned(),
                    _ => format!("{} are", rows(not_sent)),
                }
            )),
            (_, 0) => parts.push("fix the refused rows in error.csv and drop it again".to_owned()),
            (_, _) => parts.push(format!(
                "fix the {} in error.csv that {} wrong and drop it again; {} more {} not sent with {}",
                rows(refused),
                if refused == 1 { "is" } else { "are" },
                words::number(not_sent),
                if not_sent == 1 { "was" } else { "were" },
                if refused == 1 { "it" } else { "them" }
            )),
        }
        match self.not_confirmed.len() {
            0 => {}
            count => parts.push(format!(
                "look in ThousandEyes whether the {} not confirmed {} set",
                rows(count),
                if count == 1 { "is" } else { "are" }
            )),
        }
        (!parts.is_empty()).then(|| format!("{}.", parts.join("; ")))
    }

    pub(super) fn level(&self, state: RunState) -> Level {
        if matches!(state, RunState::Failed) {
            Level::Critical
        } else if matches!(state, RunState::Stale) || self.has_problems() || !self.held.is_empty() {
            Level::Warning
        } else {
            Level::Fine
        }
    }

    /// What a person has to act on comes first.
    pub(super) fn sections(mut self, state: RunState) -> Vec<Section> {
        let sent = if state == RunState::Done { "Applied" } else { "To be applied" };
        let is_dropped = matches!(state, RunState::Rejected | RunState::Stale);
        let (kind, refused) =
            if is_dropped { (SectionKind::NotSent, "Not sent") } else { (SectionKind::Refused, "Refused") };
        // What leaves the least headroom is what a person has to weigh; of the rest the largest changes are news.
        self.held.sort_by_key(|row| (row.falls_with_others, row.danger));
        for rows in [&mut self.refused, &mut self.not_sent, &mut self.not_confirmed] {
            rows.sort_by_key(|row| (row.falls_with_others, row.row));
        }
        let with_them = if self.refused.is_empty() || is_dropped { "Not sent" } else { "Not sent with them" };
        let not_sent = listed(SectionKind::NotSent, with_them, Level::Warning, self.not_sent);
        let sections = [
            listed(SectionKind::Held, "Held", Level::Warning, self.held),
            listed(SectionKind::NotConfirmed, "Not confirmed", Level::Critical, self.not_confirmed),
            listed(kind, refused, Level::Critical, self.refused),
            not_sent,
            section(SectionKind::Sent, sent, Level::Fine, self.sent),
            section(SectionKind::Scheduled, "Scheduled", Level::Fine, self.scheduled),
        ];
        sections.into_iter().flatten().collect()
    }
}

/// The largest changes first.
pub(super) fn section(
    kind: SectionKind,
    title: &str,
    level: Level,
    mut rows: Vec<ChangeRow>,
) -> Option<Section> {
    rows.sort_by_key(|row| (row.falls_with_others, Reverse(size(row.before, row.after))));
    listed(kind, title, level, rows)
}

fn listed(kind: SectionKind, title: &str, level: Level, mut rows: Vec<ChangeRow>) -> Option<Section> {
    if rows.is_empty() {
        return None;
    }
    let title = format!("{title} · {}", words::number(rows.len()));
    let rest = rows.split_off(rows.len().min(LISTED));
    Some(Section { kind, title, level, rows, more: rest.len(), rest })
}

fn reasons(tripped: &[Tripped]) -> Vec<String> {
    tripped.iter().take(4).map(|tripped| words::clean(&tripped.message, 300)).collect()
}
