//! The outcome of a run as a headline, a sentence on what to do, and a level.

use super::{RowOutcomes, SectionKind};
use crate::change::RunState;
use crate::report::shared::level::Level;
use crate::report::shared::words;

/// What became of the rows that were sent.
const APPLIED: &str = "applied";

impl RowOutcomes<'_> {
    pub(in crate::report) fn headline(&self, file: &str, state: RunState) -> String {
        let (sent, held, scheduled) = (self.sent.len(), self.held.len(), self.scheduled.len());
        let rows = |count| words::counted(count, "row");
        match state {
            RunState::Failed => format!("{file} could not be used"),
            RunState::Rejected => format!("{file} was rejected: nothing was sent"),
            RunState::Stale => format!("{file} is stale: the quotas changed, and nothing was sent"),
            RunState::Held => {
                format!("{} of {file} wait{} for approval", rows(held), if held == 1 { "s" } else { "" })
            }
            RunState::Planned if sent + held + scheduled == 0 => {
                let failed = self.failed.values().map(Vec::len).sum();
                let why = match failed {
                    0 => String::new(),
                    1 => ": 1 row is refused".to_owned(),
                    failed => format!(": {} are refused", rows(failed)),
                };
                format!("{file} would change nothing{why}")
            }
            RunState::Planned => {
                let all = words::counted(sent + held + scheduled, "quota");
                let approval = match held {
                    0 => String::new(),
                    held if held == sent + held + scheduled => " after approval".to_owned(),
                    held => format!(", {} after approval", words::number(held)),
                };
                format!("{file} would change {all}{approval}; nothing was sent")
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
                let failed = |kind| (self.count(kind), self.outcome(kind));
                let parts = [
                    (sent, APPLIED),
                    failed(SectionKind::NotConfirmed),
                    (held, "held"),
                    failed(SectionKind::Refused),
                    failed(SectionKind::NotSentWithRefused),
                    failed(SectionKind::RefusedByServer),
                    failed(SectionKind::ChangedMeanwhile),
                    failed(SectionKind::NotSent),
                    (scheduled, "scheduled"),
                ];
                let short = match self.fall_short(state) {
                    0 => String::new(),
                    count => format!(" ({} still too low)", words::number(count)),
                };
                let said: Vec<String> = parts
                    .iter()
                    .filter(|(count, _)| *count > 0)
                    .enumerate()
                    .map(|(index, (count, outcome))| {
                        let count = if index == 0 { rows(*count) } else { words::number(*count) };
                        let short = if *outcome == APPLIED { short.as_str() } else { "" };
                        format!("{count} {outcome}{short}")
                    })
                    .collect();
                format!("{file}: {}", said.join(", "))
            }
        }
    }

    pub(in crate::report) fn count(&self, kind: SectionKind) -> usize {
        self.failed.get(&kind).map_or(0, Vec::len)
    }

    /// How many of the rows that were sent leave their target less than it needs.
    fn fall_short(&self, state: RunState) -> usize {
        self.sent.iter().filter(|_| state == RunState::Done).filter(|row| row.falls_short).count()
    }

    /// In a sentence. Owners do not see the rows of others that were refused.
    fn outcome(&self, kind: SectionKind) -> &'static str {
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
    pub(in crate::report) fn todo(&self, state: RunState) -> Option<String> {
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
                    format!("{} {was} {}", rows(count), self.outcome(kind))
                }
                SectionKind::NotSentWithRefused => {
                    format!("{} more {was} {}", words::number(count), self.outcome(kind))
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
        match self.fall_short(state) {
            0 => {}
            1 => parts
                .push("raise the quota that is still below what is needed: it is marked below".to_owned()),
            _ => parts.push(
                "raise the quotas that are still below what is needed: they are marked below".to_owned(),
            ),
        }
        // It follows `To do: `; each further sentence begins with a capital letter.
        parts.iter_mut().skip(1).for_each(|part| *part = words::capitalized(part));
        (!parts.is_empty()).then(|| format!("{}.", parts.join(". ")))
    }

    pub(in crate::report) fn level(&self, state: RunState) -> Level {
        // A file that nobody could use changed nothing: whoever dropped it has to correct it, and nobody is woken.
        let changed_nothing = self.sent.is_empty() && self.failed.is_empty();
        if matches!(state, RunState::Failed) && !changed_nothing {
            Level::Critical
        } else if matches!(state, RunState::Failed | RunState::Stale)
            || !self.failed.is_empty()
            || !self.held.is_empty()
            || self.fall_short(state) > 0
        {
            Level::Warning
        } else {
            Level::Fine
        }
    }
}

fn rows_refused(count: usize) -> String {
    if count == 1 { "refused row".to_owned() } else { format!("{} refused rows", words::number(count)) }
}
