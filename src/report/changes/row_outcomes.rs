//! The rows of a run by what became of them, and the commands that decide on those that are held.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde::Serialize;

use crate::change::{Code, GuardHit, Outcome, PlanRow, RunState, Verdict};
use crate::domain::quota::Units;
use crate::report::changes::reasons::by_reason;
use crate::report::changes::row::{ChangeRow, row_of_plan, size};
use crate::report::shared::level::Level;
use crate::report::shared::words;

/// Each section lists so many rows and counts the rest.
pub(in crate::report) const LISTED: usize = 20;
/// A file may have more columns than a person reads in a mail.
const CARRIED: usize = 5;

/// What became of the rows of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SectionKind {
    Held,
    /// Sent, and not shown when it was read back.
    NotConfirmed,
    /// What is wrong with it is its own.
    Refused,
    RefusedByServer,
    /// Its quota was no longer what the plan saw.
    ChangedMeanwhile,
    /// Nothing is wrong with it, but with what it goes together with.
    NotSentWithRefused,
    NotSent,
    Applied,
    /// Of a run that did not end yet.
    ToBeApplied,
    /// Of what is only planned.
    WouldBeApplied,
    Scheduled,
    /// Not of a run: what changed.
    Outside,
    ByRuns,
}

impl SectionKind {
    /// Of an outcome that failed; what the plan says of the row tells apart why one was not sent.
    fn of_failure(code: Code, verdict: &Verdict) -> Self {
        let is_refused = matches!(verdict, Verdict::Refused(_));
        match code {
            Code::NotConfirmed => Self::NotConfirmed,
            Code::ChangedMeanwhile => Self::ChangedMeanwhile,
            Code::Refused => Self::RefusedByServer,
            Code::NotSent if is_refused => Self::NotSentWithRefused,
            // The approval was for a plan that is stale.
            Code::Stale if !is_refused => Self::NotSent,
            // Held: a guard tripped after all was sent that nobody had to be asked about.
            Code::NotSent | Code::Rejected | Code::Held => Self::NotSent,
            Code::BadRow | Code::Duplicate | Code::UnknownTarget | Code::AmbiguousTarget | Code::Stale => {
                Self::Refused
            }
        }
    }

    /// What became of the rows, as titles say it.
    pub(in crate::report) fn title(self) -> &'static str {
        match self {
            Self::Held => "Held",
            Self::NotConfirmed => "Not confirmed",
            Self::Refused => "Refused",
            Self::RefusedByServer => "Refused by ThousandEyes",
            Self::ChangedMeanwhile => "Changed meanwhile",
            Self::NotSentWithRefused => "Not sent with them",
            Self::NotSent => "Not sent",
            Self::Applied => "Applied",
            Self::ToBeApplied => "To be applied",
            Self::WouldBeApplied => "Would be applied",
            Self::Scheduled => "Scheduled",
            Self::Outside => "Outside quotakeeper",
            Self::ByRuns => "By change files",
        }
    }

    fn level(self) -> Level {
        match self {
            Self::NotConfirmed | Self::Refused | Self::RefusedByServer => Level::Critical,
            Self::Held
            | Self::ChangedMeanwhile
            | Self::NotSentWithRefused
            | Self::NotSent
            | Self::Outside => Level::Warning,
            Self::Applied | Self::ToBeApplied | Self::WouldBeApplied | Self::Scheduled | Self::ByRuns => {
                Level::Fine
            }
        }
    }
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

/// The further columns of a change file, by row, each as its header and the text.
type Carried = BTreeMap<usize, Vec<(String, String)>>;

/// The rows of a run by what became of them.
pub(in crate::report) struct Fates<'s> {
    /// In which people read when a row takes effect.
    zone: Tz,
    carried: &'s Carried,
    /// Sent and confirmed; or to be sent, while there are no results.
    pub(in crate::report) sent: Vec<ChangeRow>,
    /// To be sent at their time.
    pub(in crate::report) scheduled: Vec<ChangeRow>,
    pub(in crate::report) held: Vec<ChangeRow>,
    /// What did not do what it asked for, by why.
    failed: BTreeMap<SectionKind, Vec<ChangeRow>>,
    pub(in crate::report) unchanged: usize,
}

impl<'s> Fates<'s> {
    pub(in crate::report) fn new(zone: Tz, carried: &'s Carried) -> Self {
        Self {
            zone,
            carried,
            sent: Vec::new(),
            scheduled: Vec::new(),
            held: Vec::new(),
            failed: BTreeMap::new(),
            unchanged: 0,
        }
    }

    pub(in crate::report) fn add(&mut self, row: &PlanRow, outcome: Option<&Outcome>, state: RunState) {
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
                let why = vec![words::clean(&problem.message, 1000)]; // all that is wrong with it, each with its fix
                // What it would have done to the headroom it has not done.
                let kind = SectionKind::of_failure(problem.code, &row.verdict);
                let row = self.row(row, row.before, row.after, why);
                let row = ChangeRow { effect: String::new(), falls_short: false, ..row };
                self.failed.entry(kind).or_default().push(row);
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

    pub(in crate::report) fn headline(&self, file: &str, state: RunState) -> String {
        let (sent, held, scheduled) = (self.sent.len(), self.held.len(), self.scheduled.len());
        let rows = |count| words::counted(count, "row");
        match state {
            RunState::Failed => format!("{file} could not be used"),
            RunState::Rejected => format!("{file} was rejected: nothing was sent"),
            RunState::Stale => format!("{file} is stale: the quotas moved, and nothing was sent"),
            RunState::Held => {
                format!("{} of {file} wait{} for approval", rows(held), if held == 1 { "s" } else { "" })
            }
            RunState::Planned => {
                let all = words::counted(sent + held + scheduled, "quota");
                format!("{file} would change {all}; nothing was sent")
            }
            RunState::Scheduled => {
                let when = self.scheduled.first().map_or_else(String::new, |row| format!(" on {}", row.due));
                format!("{file} will change {}{when}", words::counted(sent + scheduled, "quota"))
            }
            RunState::Applying => {
                format!("{file} is being applied: {} to change", words::counted(sent, "quota"))
            }
            RunState::Done if sent + held + scheduled == 0 && self.failed.is_empty() => {
                format!("{file} changed nothing")
            }
            RunState::Done => {
                let failed = |kind| (self.count(kind), self.fate(kind));
                let parts = [
                    (sent, "applied"),
                    failed(SectionKind::NotConfirmed),
                    (held, "held"),
                    failed(SectionKind::Refused),
                    failed(SectionKind::NotSentWithRefused),
                    failed(SectionKind::RefusedByServer),
                    failed(SectionKind::ChangedMeanwhile),
                    failed(SectionKind::NotSent),
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

    pub(in crate::report) fn count(&self, kind: SectionKind) -> usize {
        self.failed.get(&kind).map_or(0, Vec::len)
    }

    /// In a sentence. Owners do not see the rows of others that were refused.
    fn fate(&self, kind: SectionKind) -> &'static str {
        match kind {
            SectionKind::NotSentWithRefused => match self.count(SectionKind::Refused) {
                0 => "not sent with others",
                1 => "not sent with it",
                _ => "not sent with them",
            },
            SectionKind::NotConfirmed => "not confirmed",
            SectionKind::RefusedByServer => "refused by ThousandEyes",
            SectionKind::ChangedMeanwhile => "changed meanwhile",
            SectionKind::NotSent => "not sent",
            _ => "refused",
        }
    }

    /// What to do about the rows that were not applied, by their kinds; none where nothing is.
    pub(in crate::report) fn todo(&self) -> Option<String> {
        let rows = |count: usize| words::counted(count, "row");
        let kinds = [
            SectionKind::Refused,
            SectionKind::NotSentWithRefused,
            SectionKind::RefusedByServer,
            SectionKind::ChangedMeanwhile,
            SectionKind::NotSent,
            SectionKind::NotConfirmed,
        ];
        let mut parts = Vec::new();
        for (kind, count) in
            kinds.into_iter().map(|kind| (kind, self.count(kind))).filter(|(_, count)| *count > 0)
        {
            let (was, is) = if count == 1 { ("was", "is") } else { ("were", "are") };
            parts.push(match kind {
                SectionKind::NotSentWithRefused if self.count(SectionKind::Refused) == 0 => {
                    format!("{} {was} {}", rows(count), self.fate(kind))
                }
                SectionKind::NotSentWithRefused => {
                    format!("{} more {was} {}", words::number(count), self.fate(kind))
                }
                SectionKind::RefusedByServer => {
                    format!("see below why ThousandEyes refused {}", rows(count))
                }
                SectionKind::ChangedMeanwhile => {
                    format!("review the {} whose quota changed meanwhile", rows(count))
                }
                SectionKind::NotSent => {
                    format!("drop error.csv again if the {} not sent {is} still wanted", rows(count))
                }
                SectionKind::NotConfirmed => {
                    format!(
                        "check in ThousandEyes whether the {} {is} set",
                        words::counted(count, "unconfirmed row")
                    )
                }
                _ => format!("fix the {} in error.csv and drop it again", rows_refused(count)),
            });
        }
        (!parts.is_empty()).then(|| format!("{}.", parts.join("; ")))
    }

    pub(in crate::report) fn level(&self, state: RunState) -> Level {
        // A file that nobody could use changed nothing: whoever dropped it has to correct it, and nobody is woken.
        let changed_nothing = self.sent.is_empty() && self.failed.is_empty();
        if matches!(state, RunState::Failed) && !changed_nothing {
            Level::Critical
        } else if matches!(state, RunState::Failed | RunState::Stale)
            || !self.failed.is_empty()
            || !self.held.is_empty()
        {
            Level::Warning
        } else {
            Level::Fine
        }
    }

    /// What a person has to act on comes first.
    pub(in crate::report) fn sections(mut self, state: RunState, at_most: usize) -> Vec<Section> {
        // What leaves the least headroom is what a person has to weigh; of the rest the largest changes are news.
        self.held.sort_by_key(|row| (row.falls_with_others, row.danger));
        let mut failed = |kind| {
            let mut rows = self.failed.remove(&kind).unwrap_or_default();
            rows.sort_by_key(|row| (row.falls_with_others, row.row));
            listed(kind, rows, at_most)
        };
        let before = [failed(SectionKind::NotConfirmed), failed(SectionKind::Refused)];
        let with_them = failed(SectionKind::NotSentWithRefused)
            .map(|section| if before[1].is_some() { section } else { section.titled(SectionKind::NotSent) });
        let after = [
            with_them,
            failed(SectionKind::RefusedByServer),
            failed(SectionKind::ChangedMeanwhile),
            failed(SectionKind::NotSent),
        ];
        let sent = match state {
            RunState::Done => SectionKind::Applied,
            RunState::Planned => SectionKind::WouldBeApplied,
            _ => SectionKind::ToBeApplied,
        };
        let sections =
            std::iter::once(listed(SectionKind::Held, self.held, at_most)).chain(before).chain(after).chain(
                [section(sent, self.sent, at_most), section(SectionKind::Scheduled, self.scheduled, at_most)],
            );
        sections.flatten().collect()
    }
}

fn rows_refused(count: usize) -> String {
    format!("{} refused {}", words::number(count), if count == 1 { "row" } else { "rows" })
}

/// The largest changes first.
pub(in crate::report) fn section(
    kind: SectionKind,
    mut rows: Vec<ChangeRow>,
    at_most: usize,
) -> Option<Section> {
    rows.sort_by_key(|row| (row.falls_with_others, Reverse(size(row.before, row.after))));
    listed(kind, rows, at_most)
}

fn listed(kind: SectionKind, rows: Vec<ChangeRow>, at_most: usize) -> Option<Section> {
    if rows.is_empty() {
        return None;
    }
    let (mut rows, mut rest) = by_reason(rows, at_most);
    rest.splice(0..0, rows.split_off(rows.len().min(at_most)));
    let section = Section { kind, title: String::new(), level: kind.level(), rows, more: rest.len(), rest };
    Some(section.titled(kind))
}

impl Section {
    fn titled(self, kind: SectionKind) -> Self {
        let title = format!("{} · {}", kind.title(), words::number(self.rows.len() + self.more));
        Self { title, ..self }
    }
}

fn reasons(tripped: &[GuardHit]) -> Vec<String> {
    tripped.iter().take(4).map(|tripped| words::clean(&tripped.message, 300)).collect()
}
