//! What alert mails say about muted targets beyond a limit.

use std::collections::BTreeMap;

use crate::config::{Mute, MuteEnd};
use crate::domain::quota::Target;
use crate::report::alerts::input::AlertInput;
use crate::report::shared::level::Level;
use crate::report::shared::quota_status::QuotaStatus;
use crate::report::shared::{ReportContext, words};

/// So many mutes get a sentence.
const MUTES: usize = 5;

/// How many targets in trouble each mute hides, and why.
pub(super) fn muted_sentences(
    input: &AlertInput<'_>,
    statuses: &BTreeMap<Target, QuotaStatus>,
    context: &ReportContext,
) -> Vec<String> {
    let mut hidden: Vec<(&Mute, usize)> = Vec::new();
    for row in input.latest.rows() {
        let in_trouble = statuses.get(&row.target).is_some_and(|status| status.level > Level::Fine);
        let Some(mute) = input.alerts.active_mute(&row, context.now, context.zone).filter(|_| in_trouble)
        else {
            continue;
        };
        match hidden.iter_mut().find(|(other, _)| std::ptr::eq(*other, mute)) {
            Some((_, count)) => *count += 1,
            None => hidden.push((mute, 1)),
        }
    }
    let more = hidden.len().saturating_sub(MUTES);
    let mut sentences: Vec<String> = hidden
        .iter()
        .take(MUTES)
        .map(|(mute, count)| {
            let verb = if *count == 1 { "is" } else { "are" };
            let until = match mute.until {
                Some(MuteEnd::Day(day)) => format!("the end of {}", day.format("%a %-d %b %Y")),
                Some(until) => words::moment(until.moment(context.zone), context.zone),
                None => String::new(),
            };
            let reason = words::clean(&mute.reason, 120);
            format!(
                "{} beyond a limit {verb} muted until {until}: {reason}.",
                words::counted(*count, "target")
            )
        })
        .collect();
    if more > 0 {
        sentences.push(format!("{} hide others.", words::counted(more, "further mute")));
    }
    sentences
}
