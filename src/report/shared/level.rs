//! How bad a target's state is, and why: one function for reports, `status` and alerts, so that they always agree.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::config::Limits;
use crate::domain::forecast::RunOut;
use crate::domain::quota::Units;
use crate::report::shared::context::ReportContext;
use crate::text::words;
use crate::text::words::grouped;

/// How bad it is, by the limits of `[alerts]`. The text is a class of the templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    Fine,
    Warning,
    Critical,
}

/// The figures of one target that its level depends on.
#[derive(Clone, Copy, Debug)]
pub(in crate::report) struct Figures {
    pub quota: Option<Units>,
    pub used: Option<Units>,
    /// The larger of used and projected.
    pub needed: Option<Units>,
    pub ran_out: bool,
    pub out: Option<RunOut>,
}

/// Why it is how bad it is. Of a million targets this is decided, and said of the few that are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// Nothing, or too little is known.
    None,
    UsedUp,
    /// Within so long.
    RunsOutWithin(RunOut, TimeDelta),
    /// So many per cent are used.
    Used(u32),
    /// Over so many per cent are projected.
    Projected(u32),
    /// By our own slope alone.
    RunsOut(RunOut),
}

/// A level, and the reason for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::report) struct JudgedLevel {
    pub level: Level,
    /// As a sentence with its figures; empty where all is fine.
    pub why: String,
    /// The limit of `[alerts]` that was passed: `warning: above 100 %`; empty where none was.
    pub limit: String,
}

impl Reason {
    fn level(self) -> Level {
        match self {
            Self::None => Level::Fine,
            Self::Projected(_) | Self::RunsOut(_) => Level::Warning,
            Self::UsedUp | Self::RunsOutWithin(..) | Self::Used(_) => Level::Critical,
        }
    }

    fn limit(self) -> Option<String> {
        match self {
            Self::None | Self::UsedUp | Self::RunsOut(_) => None,
            Self::RunsOutWithin(_, within) => Some(format!("critical: within {}", words::age(within))),
            Self::Used(percent) => Some(format!("critical: from {percent} %")),
            Self::Projected(percent) => Some(format!("warning: above {percent} %")),
        }
    }
}

fn reason(figures: Figures, limits: Limits, now: DateTime<Utc>) -> Reason {
    let Figures { quota, used, needed, ran_out, out } = figures;
    let (Some(quota), Some(used), Some(needed)) = (quota, used, needed) else { return Reason::None };
    if ran_out {
        return Reason::UsedUp;
    }
    let within = TimeDelta::from_std(limits.critical_within).unwrap_or(TimeDelta::MAX);
    if let Some(out) = out.filter(|out| out.at - now <= within) {
        return Reason::RunsOutWithin(out, within);
    }
    if quota > 0 && reaches(used, quota, limits.critical_used_percent) {
        return Reason::Used(limits.critical_used_percent);
    }
    if exceeds(needed, quota, limits.warn_projected_percent) {
        return Reason::Projected(limits.warn_projected_percent);
    }
    // The limit is one of the API's projection. A run-out that only our own slope sees is beyond 100 %, and nobody knows how far.
    match out {
        Some(out) if limits.warn_projected_percent <= 100 => Reason::RunsOut(out),
        _ => Reason::None,
    }
}

/// How bad it is.
pub(in crate::report) fn level(figures: Figures, limits: Limits, now: DateTime<Utc>) -> Level {
    reason(figures, limits, now).level()
}

/// How bad it is, and why.
pub(in crate::report) fn judge(figures: Figures, limits: Limits, context: &ReportContext) -> JudgedLevel {
    let reason = reason(figures, limits, context.now);
    let limit = reason.limit();
    let why = reason_sentence(reason, figures, context).unwrap_or_default();
    let in_brackets = limit.as_ref().map(|limit| format!(" ({limit})"));
    JudgedLevel {
        level: reason.level(),
        why: why + &in_brackets.unwrap_or_default(),
        limit: limit.unwrap_or_default(),
    }
}

/// None where nothing is wrong.
fn reason_sentence(reason: Reason, figures: Figures, context: &ReportContext) -> Option<String> {
    let (quota, used, needed) = (figures.quota?, figures.used?, figures.needed?);
    let of_quota = |units| {
        let share = words::percent(units, quota).map(|percent| format!(" ({} %)", grouped(percent)));
        format!("{} of {}{}", grouped(units), grouped(quota), share.unwrap_or_default())
    };
    // By whose reckoning, where it is not the figures beside it.
    let day = |out: RunOut| {
        let by = if needed > quota { "" } else { "at the pace of the last days " };
        let day = || format!("on {}", words::day(out.at, context.zone));
        format!("{by}it runs out {}", words::today_or(out.at, context.now, context.zone, day))
    };
    Some(match reason {
        Reason::None => return None,
        Reason::UsedUp => format!("{} are used: nothing is left", of_quota(used)),
        Reason::RunsOutWithin(out, _) => {
            format!("{} are used; {}, before the cycle ends", of_quota(used), day(out))
        }
        Reason::Used(_) => format!("{} are used", of_quota(used)),
        Reason::Projected(_) => {
            let when = figures.out.map(|out| format!("; {}", day(out)));
            format!("{} are projected{}", of_quota(needed), when.unwrap_or_default())
        }
        Reason::RunsOut(out) => format!("{} are projected, but {}", of_quota(needed), day(out)),
    })
}

/// Exactly, where a rounded share would be off by one.
fn reaches(part: Units, whole: Units, percent: u32) -> bool {
    i128::from(part) * 100 >= i128::from(whole) * i128::from(percent)
}

fn exceeds(part: Units, whole: Units, percent: u32) -> bool {
    i128::from(part) * 100 > i128::from(whole) * i128::from(percent)
}

#[cfg(test)]
mod tests;
