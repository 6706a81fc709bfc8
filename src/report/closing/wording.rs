//! The sentences of the closing report: the headline that is the summary, and what compares with what.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::domain::diff::Diff;
use crate::domain::quota::{Target, Units, sum};
use crate::report::closing::cycle_lookup::Cycle;
use crate::report::closing::cycle_usage::CycleUsage;
use crate::report::closing::section::{Section, YearRow};
use crate::report::shared::level::Level;
use crate::report::shared::words;
use crate::text::words::grouped;

/// Account groups that are named as those that used most.
const LARGEST: usize = 3;

pub(in crate::report) const TOO_MANY: &str = "too many snapshots had to be opened for this report";

/// `5 Nov to 5 Dec`.
pub(in crate::report) fn cycle_dates(cycle: &Cycle, zone: Tz) -> String {
    format!("{} to {}", words::short_day(cycle.start, zone), words::short_day(cycle.end, zone))
}

/// The summary in one sentence.
pub(in crate::report) fn headline(sections: &[Section]) -> String {
    let groups_out: usize = sections.iter().map(|section| section.groups_out).sum();
    let joined = |joint: &str| match groups_out {
        0 => String::new(),
        count => format!("{joint}{} ran out", words::counted(count, "account group")),
    };
    let [one] = sections else {
        let (state, all_within) = state(sections);
        let groups = joined(if all_within { ", but " } else { ", " });
        return format!("{} closed their cycle{state}{groups}", subject(sections));
    };
    let Section { spent, month, .. } = one;
    // An account group alone is named with its organization: another one may have a group of the same name.
    let name = if one.of.is_empty() { spent.name.clone() } else { format!("{} ({})", spent.name, one.of) };
    let groups = joined(", ");
    match (spent.used, spent.percent, spent.over) {
        (None, ..) => format!("What {name} used in the {month} cycle is unknown{groups}"),
        (Some(_), Some(percent), over) => {
            let over = over.map(|over| format!(", {} over", grouped(over))).unwrap_or_default();
            let quota = if one.several { "their quotas" } else { "its quota" };
            format!("{name} used {} % of {quota} in the {month} cycle{over}{groups}", grouped(percent))
        }
        (Some(used), None, _) => format!("{name} used {} units in the {month} cycle{groups}", grouped(used)),
    }
}

fn subject(sections: &[Section]) -> String {
    words::counted(sections.len(), "organization")
}

/// `, 1 over quota, 2 with unknown usage`; that all is well is said only where all is known, and whether it is.
fn state(sections: &[Section]) -> (String, bool) {
    // Where only some account groups of an organization are shown, nothing else of it is known.
    let own = || sections.iter().filter(|section| !section.partial);
    let count = |is: fn(&CycleUsage) -> bool| own().filter(|section| is(&section.spent)).count();
    let (over, unknown) = (count(|own| own.over.is_some()), count(|own| own.used.is_none()));
    let mut parts = String::new();
    for (number, what) in [(over, "over quota"), (unknown, "with unknown usage")] {
        if number > 0 {
            parts += &format!(", {} {what}", words::number(number));
        }
    }
    let capped = sections.iter().all(|section| section.spent.percent.is_some() && !section.partial);
    let all_within = parts.is_empty() && capped;
    (if all_within { ", all within quota".to_owned() } else { parts }, all_within)
}

/// What is said of the organizations that are not listed.
pub(in crate::report) fn more(rest: &[Section]) -> String {
    if rest.is_empty() {
        return String::new();
    }
    let bad =
        rest.iter().filter(|section| section.spent.level > Level::Fine || section.groups_out > 0).count();
    let unknown = rest.iter().filter(|section| section.spent.used.is_none()).count();
    let bad = match bad {
        0 => "nothing ran out in them".to_owned(),
        all if all == rest.len() => "each ran out or had account groups that did".to_owned(),
        bad => format!("{} of them ran out or had account groups that did", words::number(bad)),
    };
    let unknown = match unknown {
        0 => String::new(),
        unknown => format!(", the usage of {} is unknown", words::number(unknown)),
    };
    let whose = if rest.len() == 1 { "its" } else { "their" };
    format!("{} closed {whose} cycle: {bad}{unknown}.", words::counted(rest.len(), "more organization"))
}

/// `As of Sat 5 Dec 2026, 08:00, 1 hour before the end.`
pub(in crate::report) fn as_of(last: &Cycle, zone: Tz) -> String {
    last.last_seen.as_ref().map_or_else(String::new, |seen| {
        format!("As of {}, {} before the end.", words::moment(seen.at, zone), words::age(last.end - seen.at))
    })
}

/// `4 % more than in the previous cycle (5 Oct to 5 Nov: 51 200).`
pub(in crate::report) fn compared(used: Option<Units>, before: Option<(String, Option<Units>)>) -> String {
    let (Some(used), Some((cycle, before))) = (used, before) else { return String::new() };
    let Some(before) = before else {
        return format!("The usage in the previous cycle ({cycle}) is unknown.");
    };
    let than = format!("in the previous cycle ({cycle}: {})", grouped(before));
    match difference_in_percent(used, before) {
        _ if used == before => format!("As much as {than}."),
        Some(percent) if used > before => format!("{percent} more than {than}."),
        Some(percent) => format!("{percent} less than {than}."),
        None => format!("Nothing was used {than}."),
    }
}

/// `At mid-cycle, on 20 Nov, ThousandEyes projected 97 100: 5 % too much.`, or why that is not known.
pub(in crate::report) fn projection(
    used: Option<Units>,
    middle: Option<(DateTime<Utc>, Option<Units>)>,
    zone: Tz,
) -> String {
    let Some((at, Some(projected))) = middle else { return String::new() };
    let projection = format!(
        "At mid-cycle, on {}, ThousandEyes projected {}",
        words::short_day(at, zone),
        grouped(projected)
    );
    let Some(used) = used else {
        return format!(
            "{projection}. Whether that was right is unknown, because no snapshot shows the end of the cycle."
        );
    };
    let off = match difference_in_percent(projected, used) {
        _ if projected == used => "exactly right".to_owned(),
        Some(percent) if projected > used => format!("{percent} too much"),
        Some(percent) => format!("{percent} too little"),
        None => "nothing was used".to_owned(),
    };
    format!("{projection}: {off}.")
}

/// How far a number is from another, in per cent of that: `4 %`, `less than 1 %`. None from nothing.
fn difference_in_percent(number: Units, from: Units) -> Option<String> {
    let percent = words::percent(number.saturating_sub(from).saturating_abs(), from)?;
    Some(if percent == 0 { "less than 1 %".to_owned() } else { format!("{} %", grouped(percent)) })
}

/// `The largest were Payments – Core 204120 (26 100, 27 %) and Lab 204190 (40).`
pub(in crate::report) fn largest_sentence(groups: &[CycleUsage], whole: Option<Units>) -> String {
    let mut by_use: Vec<(Units, &CycleUsage)> =
        groups.iter().filter_map(|group| Some((group.used.filter(|used| *used > 0)?, group))).collect();
    by_use.sort_by(|(a, x), (b, y)| b.cmp(a).then_with(|| x.label().cmp(&y.label())));
    let name = |(used, group): &(Units, &CycleUsage)| {
        let share =
            whole.and_then(|whole| words::percent(*used, whole)).filter(|share| (1..=100).contains(share));
        let share = share.map(|share| format!(", {share} %")).unwrap_or_default();
        format!("{} ({}{share})", group.label(), grouped(*used))
    };
    let names: Vec<String> = by_use.iter().take(LARGEST).map(name).collect();
    if names.is_empty() || groups.len() < 2 {
        return String::new();
    }
    let were = if names.len() == 1 { "was" } else { "were" };
    format!("The largest {were} {}.", words::listed(&names, LARGEST))
}

/// What is to be said of the account groups that did not run out.
pub(in crate::report) fn fine_sentence(others: &[&CycleUsage], all: bool) -> String {
    let count = |is: fn(&CycleUsage) -> bool| others.iter().filter(|group| is(group)).count();
    let within = count(|group| group.used.is_some() && group.quota.is_some());
    let mut sentences = Vec::new();
    if within > 0 {
        let subject = words::counted(within, if all { "account group" } else { "other account group" });
        let most = others.iter().filter_map(|group| group.percent).max();
        let most = match (within, most) {
            (_, None) => String::new(),
            (1, Some(most)) => format!(" ({} % used)", grouped(most)),
            (_, Some(most)) => format!(", at most {} % used", grouped(most)),
        };
        sentences.push(format!("{subject} stayed within quota{most}."));
    }
    let uncapped = count(|group| group.used.is_some() && group.quota.is_none());
    if uncapped > 0 {
        sentences.push(format!("{} had no quota.", words::counted(uncapped, "account group")));
    }
    let unknown = count(|group| group.used.is_none());
    if unknown > 0 {
        sentences.push(format!("The usage of {} is unknown.", words::counted(unknown, "account group")));
    }
    let idle = count(|group| group.used == Some(0));
    if idle > 0 {
        sentences.push(format!("{} used nothing.", words::counted(idle, "account group")));
    }
    sentences.join(" ")
}

/// `3 quota changes in the cycle: 2 by 1 run, 1 outside quotakeeper.`
pub(in crate::report) fn changes(diffs: &[Diff], cycle: &Cycle, is_told: impl Fn(&Target) -> bool) -> String {
    let of_cycle = diffs.iter().filter(|diff| cycle.start < diff.to && diff.to <= cycle.end);
    let changes: Vec<_> =
        of_cycle.flat_map(|diff| &diff.changes).filter(|change| is_told(&change.target)).collect();
    if changes.is_empty() {
        return String::new();
    }
    let mut runs: Vec<&str> =
        changes.iter().filter_map(|change| change.made_by.run()).map(String::as_str).collect();
    let by_runs = runs.len();
    runs.sort_unstable();
    runs.dedup();
    let outside = changes.len() - by_runs;
    let mut who = Vec::new();
    match runs[..] {
        [] => {}
        [one] => who.push(format!("{} by run {one}", words::number(by_runs))),
        _ => who.push(format!("{} by {}", words::number(by_runs), words::counted(runs.len(), "run"))),
    }
    if outside > 0 {
        who.push(format!("{} outside quotakeeper", words::number(outside)));
    }
    format!("{} in the cycle: {}.", words::counted(changes.len(), "quota change"), who.join(", "))
}

/// `542 300 of 552 000 units in 6 cycles (98 %). There is no data before 5 Jun.`
pub(in crate::report) fn year_total(year: &[YearRow], began_late: Option<String>, cut: bool) -> String {
    let known: Vec<&YearRow> = year.iter().filter(|row| row.spent.used.is_some()).collect();
    let whole = known.len() == year.len() && year.iter().all(|row| row.until.is_empty());
    if known.is_empty() {
        return String::new();
    }
    let used = sum(known.iter().filter_map(|row| row.spent.used));
    let quotas: Option<Vec<Units>> = known.iter().map(|row| row.spent.quota).collect();
    let cycles = words::counted(known.len(), "cycle");
    let at_least = if whole { "" } else { "At least " };
    let mut text = match quotas.map(sum) {
        Some(quota) => {
            let percent = words::percent(used, quota).map(|percent| format!(" ({} %)", grouped(percent)));
            format!(
                "{at_least}{} of {} units in {cycles}{}.",
                grouped(used),
                grouped(quota),
                percent.unwrap_or_default()
            )
        }
        None => format!("{at_least}{} units in {cycles}.", grouped(used)),
    };
    if cut {
        text += &format!(" Earlier cycles were not looked up: {TOO_MANY}.");
    } else if let Some(day) = began_late {
        text += &format!(" There is no data before {day}.");
    }
    text
}
