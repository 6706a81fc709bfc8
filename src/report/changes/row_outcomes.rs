//! The rows of a run by what became of them, and the commands that decide on those that are held.

mod summary;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono_tz::Tz;
use serde::Serialize;

use crate::change::{Code, GuardHit, Outcome, PlanRow, RunState, Verdict};
use crate::domain::quota::Units;
use crate::report::changes::cause::Cause;
use crate::report::changes::reasons::{by_reason, said_once};
use crate::report::changes::row::{ChangeRow, row_of_plan, size};
use crate::report::shared::level::Level;
use crate::report::shared::planned::CommonReasons;
use crate::report::shared::words;

/// Each section lists so many rows and counts the rest.
pub(in crate::report) const LISTED: usize = 20;

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

/// Rows with one outcome.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Section {
    #[serde(skip)]
    pub kind: SectionKind,
    pub title: String,
    pub level: Level,
    /// What holds several of the rows in the same words, a sentence each.
    pub reasons: Vec<String>,
    pub rows: Vec<ChangeRow>,
    /// How many are not listed.
    pub more: usize,
    /// The run of their own that these rows became; empty where they are the report's run's.
    pub run: String,
    /// Those.
    #[serde(skip)]
    pub rest: Vec<ChangeRow>,
}

/// The further columns of a change file, by row, each as its header and the text.
type CarriedColumns = BTreeMap<usize, Vec<(String, String)>>;

/// The rows of a run by what became of them.
pub(in crate::report) struct RowOutcomes<'s> {
    /// In which people read when a row takes effect.
    zone: Tz,
    carried: &'s CarriedColumns,
    /// What is said once of the held rows.
    common: CommonReasons<'s>,
    /// Sent and confirmed; or to be sent, while there are no results.
    pub(in crate::report) sent: Vec<ChangeRow>,
    /// To be sent at their time.
    pub(in crate::report) scheduled: Vec<ChangeRow>,
    /// The runs that those became.
    scheduled_as: BTreeSet<&'s str>,
    pub(in crate::report) held: Vec<ChangeRow>,
    /// What did not do what it asked for, by why.
    failed: BTreeMap<SectionKind, Vec<ChangeRow>>,
    pub(in crate::report) unchanged: usize,
}

impl<'s> RowOutcomes<'s> {
    pub(in crate::report) fn new(zone: Tz, carried: &'s CarriedColumns, common: CommonReasons<'s>) -> Self {
        Self {
            zone,
            carried,
            common,
            sent: Vec::new(),
            scheduled: Vec::new(),
            scheduled_as: BTreeSet::new(),
            held: Vec::new(),
            failed: BTreeMap::new(),
            unchanged: 0,
        }
    }

    pub(in crate::report) fn add(&mut self, row: &PlanRow, outcome: Option<&'s Outcome>, state: RunState) {
        match (outcome, &row.verdict) {
            (Some(Outcome::Unchanged { .. }), _) | (None, Verdict::Unchanged(_)) => self.unchanged += 1,
            (Some(Outcome::Applied { before, after }), _) => {
                self.sent.push(self.row(row, *before, *after, Vec::new()));
            }
            (Some(Outcome::Scheduled { before, after, run, message }), _) => {
                self.scheduled_as.extend(run.as_deref());
                // When, the row says itself.
                let run = run.as_ref().map(|run| format!("waits as run {run}"));
                let where_to = vec![words::clean(&run.unwrap_or_else(|| message.clone()), 300)];
                self.scheduled.push(self.row(row, *before, *after, where_to));
            }
            (Some(Outcome::Failed(problem)), Verdict::Held(tripped)) if problem.code == Code::Held => {
                self.held.push(self.held_row(row, tripped));
            }
            (None, Verdict::Held(tripped)) if state != RunState::Failed => {
                self.held.push(self.held_row(row, tripped));
            }
            (Some(Outcome::Failed(problem)), _) | (None, Verdict::Refused(problem)) => {
                let why = vec![words::clean(&problem.message, 1000)]; // all that is wrong with it, each with its fix
                // What it would have done to the headroom it has not done.
                let kind = SectionKind::of_failure(problem.code, &row.verdict);
                let row = self.row(row, row.before, row.after, why);
                let cause = Some(Cause::Refused(problem.code));
                let row = ChangeRow { effect: String::new(), falls_short: false, cause, ..row };
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

    fn held_row(&self, row: &PlanRow, hits: &[GuardHit]) -> ChangeRow {
        let is_common = |hit: &GuardHit| self.common.has(row, hit);
        let own = || hits.iter().filter(|hit| !is_common(hit));
        let why = own().take(4).map(|hit| words::clean(&hit.message, 300)).collect();
        let weighs_most = own().chain(hits).next();
        let cause = weighs_most.map(|hit| Cause::Held(hit.guard));
        ChangeRow { cause, ..self.row(row, row.before, row.after, why) }
    }

    fn row(&self, row: &PlanRow, before: Option<Units>, after: Option<Units>, why: Vec<String>) -> ChangeRow {
        let cells = self.carried.get(&row.row).map_or(&[][..], Vec::as_slice);
        let cell = |(header, text): &(String, String)| {
            format!("{}: {}", words::clean(header, 40), words::clean(text, 120))
        };
        let carried = cells.iter().map(cell).collect::<Vec<_>>().join(" · ");
        ChangeRow { carried, ..row_of_plan(row, before, after, why, self.zone) }
    }

    /// What a person has to act on comes first. `held_as`: the run that the held rows wait as.
    pub(in crate::report) fn sections(
        mut self,
        state: RunState,
        held_as: Option<&str>,
        at_most: usize,
    ) -> Vec<Section> {
        // What leaves the least headroom is what a person has to weigh; of the rest the largest changes are news.
        self.held.sort_by_key(|row| (row.falls_with_others, row.danger));
        let mut failed = |kind| {
            let mut rows = self.failed.remove(&kind).unwrap_or_default();
            rows.sort_by_key(|row| (row.falls_with_others, row.row));
            limited_section(kind, rows, at_most)
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
        let reasons = said_once(&self.common.listed(), at_most);
        let held = limited_section(SectionKind::Held, self.held, at_most);
        let run = held_as.unwrap_or_default().to_owned();
        let held = held.map(|section| Section { reasons, run, ..section });
        let run = match self.scheduled_as.iter().collect::<Vec<_>>().as_slice() {
            [one] => (**one).to_owned(),
            _ => String::new(), // they have nothing in common but the run that they come from
        };
        let scheduled = section(SectionKind::Scheduled, self.scheduled, at_most);
        let scheduled = scheduled.map(|section| Section { run, ..section });
        let sections = std::iter::once(held)
            .chain(before)
            .chain(after)
            .chain([section(sent, self.sent, at_most), scheduled]);
        sections.flatten().collect()
    }
}

/// The largest changes first.
pub(in crate::report) fn section(
    kind: SectionKind,
    mut rows: Vec<ChangeRow>,
    at_most: usize,
) -> Option<Section> {
    rows.sort_by_key(|row| (row.falls_with_others, Reverse(size(row.before, row.after))));
    limited_section(kind, rows, at_most)
}

fn limited_section(kind: SectionKind, rows: Vec<ChangeRow>, at_most: usize) -> Option<Section> {
    if rows.is_empty() {
        return None;
    }
    let (mut rows, mut rest) = by_reason(rows, at_most);
    let cut = rows.split_off(rows.len().min(at_most));
    rows.shrink_to_fit();
    rest = if rest.is_empty() { cut } else { cut.into_iter().chain(rest).collect() };
    let section = Section {
        kind,
        title: String::new(),
        level: kind.level(),
        reasons: Vec::new(),
        rows,
        more: rest.len(),
        run: String::new(),
        rest,
    };
    Some(section.titled(kind))
}

impl Section {
    /// Rows that one run made, or that changed outside between the same snapshots, stand together, and that is said once.
    pub(in crate::report) fn by_maker(mut self) -> Self {
        let mut makers: Vec<Vec<ChangeRow>> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for row in self.rows {
            let place = *places.entry(row.who.clone()).or_insert(makers.len());
            match makers.get_mut(place) {
                Some(rows) => rows.push(row),
                None => makers.push(vec![row]),
            }
        }
        for rows in makers.iter_mut().filter(|rows| rows.len() > 1) {
            // Those that the section only counts may be theirs too.
            let listed = if self.more > 0 { " listed here" } else { "" };
            rows[0].shared = format!("{}{listed}: {}", words::counted(rows.len(), "quota"), rows[0].who);
            for row in rows {
                row.is_explained = true;
            }
        }
        self.rows = makers.into_iter().flatten().collect();
        self
    }

    /// With so many more rows, of which nothing but that is known.
    pub(in crate::report) fn and_more(self, count: usize) -> Self {
        let (kind, more) = (self.kind, self.more + count);
        Self { more, ..self }.titled(kind)
    }

    fn titled(self, kind: SectionKind) -> Self {
        let title = format!("{} · {}", kind.title(), words::number(self.rows.len() + self.more));
        Self { title, ..self }
    }
}
