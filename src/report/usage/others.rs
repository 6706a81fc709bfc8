//! What the usage mail says about the account groups that it does not list.

use crate::report::shared::level::Level;
use crate::report::shared::quota_status::QuotaStatus;
use crate::report::shared::words;
use crate::text::words::grouped;

/// One sentence for each kind of account group that is not listed.
pub(in crate::report) fn unlisted_sentences(
    groups: &[&QuotaStatus],
    listed: usize,
    unlisted: &[&QuotaStatus],
) -> Vec<String> {
    let mut sentences = Vec::new();
    let named = |statuses: &[&QuotaStatus]| {
        words::listed(&statuses.iter().map(|status| status.label()).collect::<Vec<_>>(), 8)
    };
    let (bad, fine): (Vec<&QuotaStatus>, Vec<&QuotaStatus>) =
        unlisted.iter().partition(|status| status.level > Level::Fine);
    if !bad.is_empty() {
        let out = bad.iter().filter(|status| status.runs_out()).count();
        let need = if bad.len() == 1 { "needs" } else { "need" };
        let out = match (out, bad.len()) {
            (0, _) => String::new(),
            (out, all) if out == all => {
                if all == 1 { " and will run out" } else { " and all of them will run out" }.to_owned()
            }
            (out, _) => format!(", and {} of them will run out", words::number(out)),
        };
        sentences.push(format!("{} more {need} attention{out}.", words::number(bad.len())));
    }
    if let Some(worst) = fine.iter().filter_map(|status| status.percent_projected).max() {
        let count = fine.len();
        let subject =
            if listed == 0 { words::counted(count, "account group") } else { words::counted(count, "other") };
        let verb = if count == 1 { "is" } else { "are" };
        sentences.push(format!(
            "{subject} {verb} fine: none is projected above {} % of its quota.",
            grouped(worst)
        ));
    }
    let uncapped: Vec<&QuotaStatus> =
        groups.iter().copied().filter(|status| status.quota.is_none()).collect();
    if !uncapped.is_empty() {
        let verb = if uncapped.len() == 1 { "has" } else { "have" };
        sentences.push(format!(
            "{} {verb} no quota (unlimited): {}.",
            words::number(uncapped.len()),
            named(&uncapped)
        ));
    }
    let unknown: Vec<&QuotaStatus> =
        groups.iter().copied().filter(|status| status.quota.is_some() && !status.is_measured()).collect();
    if !unknown.is_empty() {
        let count = words::counted(unknown.len(), "account group");
        sentences.push(format!("The usage of {count} is unknown: {}.", named(&unknown)));
    }
    let idle: Vec<&QuotaStatus> = groups.iter().copied().filter(|status| status.used == Some(0)).collect();
    if !idle.is_empty() {
        sentences.push(format!(
            "{} used nothing in this cycle: {}.",
            words::number(idle.len()),
            named(&idle)
        ));
    }
    sentences
}
