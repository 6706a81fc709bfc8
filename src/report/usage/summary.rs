//! The sentences of the usage report beside its headline: the subject, the one thing to do, and what is missing.

use std::collections::HashSet;

use serde::Serialize;

use crate::domain::quota::{OrgId, Units, sum};
use crate::report::ranking::Ranking;
use crate::report::shared::level::Level;
use crate::report::shared::quota_status::{QuotaStatus, Shortage};
use crate::report::shared::rebalance::Rebalance;
use crate::report::shared::{ReportContext, words};
use crate::report::usage::input::UsageInput;
use crate::report::usage::organization::Organization;
use crate::schedule::Missed;
use crate::text::words::grouped;

/// So many account groups are named besides the worst, with what they need.
const ALSO_NAMED: usize = 4;
/// Of so many organizations it is said what they have left.
const ROOM_OF: usize = 3;

/// The figures of the one organization that there is: the line below the headline. Several are never added up, because units
/// do not move between them.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Total {
    pub quota: Units,
    pub used: Units,
    pub projected: Units,
    pub percent_used: Option<Units>,
    pub percent_projected: Option<Units>,
    pub level: Level,
    /// What can still be handed out to account groups.
    pub left: Option<Units>,
    /// `, 13 days left`
    pub days: String,
}

impl Total {
    /// None where there are several organizations, or where nothing is known.
    pub(in crate::report) fn of_only(organizations: &[Organization]) -> Option<Self> {
        let [Organization { own, unallocated, days_left, .. }] = organizations else { return None };
        let (quota, used) = (own.quota?, own.used?);
        let projected = own.projected?.max(used);
        let days = days_left.and_then(|days| usize::try_from(days).ok());
        Some(Self {
            quota,
            used,
            projected,
            percent_used: words::percent(used, quota),
            percent_projected: words::percent(projected, quota),
            level: own.level,
            left: *unallocated,
            days: days.map_or_else(String::new, |days| format!(", {} left", words::counted(days, "day"))),
        })
    }
}

/// The headline, and the one figure that everybody asks for where there is one organization.
pub(in crate::report) fn subject(headline: &str, total: Option<&Total>) -> String {
    let short = headline
        .replace(" before the cycle ends, on ", " on ")
        .replace(" before the cycle ends, today", " today")
        .replace(" before the cycle ends", "");
    let used = total.and_then(|total| total.percent_used);
    used.map_or(short.clone(), |used| format!("{short} · {} % used", grouped(used)))
}

/// The one thing to do, most urgent first: figures that mislead, figures that are missing, what runs out, what waits.
pub(in crate::report) fn todo(
    input: &UsageInput,
    ranking: &Ranking<'_>,
    organizations: &[Organization],
    rebalance: Option<&Rebalance>,
    context: &ReportContext,
) -> String {
    if let Some(odd) = organizations.iter().find(|organization| organization.units_mismatch) {
        return format!(
            "check the units of {}: see below, and set usage.units_per_quota_unit.",
            odd.own.name
        );
    }
    if organizations.is_empty() && input.absent.is_none() {
        return "the token sees no organization: `quotakeeper check --online` says what it may do."
            .to_owned();
    }
    if !organizations.is_empty() && nothing_known(ranking, organizations) {
        return "usage could not be read. Give the token's user the permission “View organization usage” (older pages \
                call it “View Billing”), and leave snapshot.usage on."
            .to_owned();
    }
    let unread = unread_sentence(organizations);
    let and_unread = |sentences: String| match &unread {
        Some(unread) if sentences.is_empty() => unread.clone(),
        Some(unread) => format!("{sentences} {unread}"),
        None => sentences,
    };
    let out = || ranking.groups().filter(|group| group.rank.runs_out());
    if let Some(worst) = out().next() {
        let others = out().skip(1).map(|group| ranking.status(group));
        let others = Others { count: out().count() - 1, worst_first: others };
        let needs = needs_sentence(&ranking.status(worst), others, organizations.len() > 1, context);
        let short: Vec<Shortage<'_>> = out().map(|group| ranking.shortage(group)).collect();
        return and_unread(followed_by(&needs, &sources_sentence(&short, organizations, rebalance)));
    }
    if let Some(worst) = organizations
        .iter()
        .map(|organization| &organization.own)
        .filter(|own| own.runs_out())
        .min_by(|a, b| a.worst_first(b))
    {
        let needs = needs_sentence(worst, Others::none(), false, context);
        return and_unread(format!("{needs} Raise its quota, or reduce what its tests use."));
    }
    and_unread(match input.held.len() {
        0 => String::new(),
        one_or_more => format!("decide on {} below.", words::counted(one_or_more, "held change file")),
    })
}

fn nothing_known(ranking: &Ranking<'_>, organizations: &[Organization]) -> bool {
    organizations.iter().all(|organization| organization.own.used.is_none())
        && ranking.groups().all(|group| ranking.used(group).is_none())
}

/// Who runs out besides the worst: the texts are made of those alone that are named.
pub(in crate::report) struct Others<T> {
    pub count: usize,
    pub worst_first: T,
}

impl Others<std::iter::Empty<QuotaStatus>> {
    pub(in crate::report) fn none() -> Self {
        Self { count: 0, worst_first: std::iter::empty() }
    }
}

/// `Lab needs 40 more by Fri 4 Dec, Core 30 more by Sat 5 Dec.`: the worst first. Three or more are a list, a sentence on each line.
pub(in crate::report) fn needs_sentence(
    worst: &QuotaStatus,
    others: Others<impl Iterator<Item = QuotaStatus>>,
    many_organizations: bool,
    context: &ReportContext,
) -> String {
    let name = |status: &QuotaStatus| status.name_among(many_organizations);
    let mut parts = vec![need_words(worst, &name(worst), context)];
    let is_list = others.count > 1;
    let needs = if is_list { "needs " } else { "" };
    let named = others.worst_first.filter_map(|other| {
        let over = other.over?;
        // A name may end in a number.
        Some(format!("{} {needs}{} more {}", name(&other), grouped(over), by_when(&other, context)))
    });
    parts.extend(named.take(ALSO_NAMED));
    let more = others.count + 1 - parts.len();
    let verb = if more == 1 { "runs" } else { "run" };
    let more = (more > 0).then(|| format!("{} {verb} out", words::counted(more, "more account group")));
    let (and, join) = if is_list { ("And ", ".\n") } else { ("and ", ", ") };
    parts.extend(more.map(|more| format!("{and}{more}")));
    parts.join(join) + "."
}

/// The next sentence, on a line of its own below a list.
pub(in crate::report) fn followed_by(needs: &str, next: &str) -> String {
    format!("{needs}{}{next}", if needs.contains('\n') { '\n' } else { ' ' })
}

fn need_words(worst: &QuotaStatus, name: &str, context: &ReportContext) -> String {
    let by = by_when(worst, context);
    match worst.over {
        Some(over) => format!("{name} needs {} more {by}", grouped(over)),
        None => format!("{name} will need more {by} if the trend of the last days continues"),
    }
}

fn by_when(status: &QuotaStatus, context: &ReportContext) -> String {
    match status.runs_out_at {
        Some(at) if !status.ran_out && at > context.now => {
            words::today_or(at, context.now, context.zone, || format!("by {}", words::day(at, context.zone)))
        }
        _ => "now".to_owned(),
    }
}

/// Where the missing units could come from, for each organization of those who run out: what is not allocated, or what others do not
/// use; and the file that is attached, if one is.
pub(in crate::report) fn sources_sentence(
    short: &[Shortage<'_>],
    organizations: &[Organization],
    rebalance: Option<&Rebalance>,
) -> String {
    let mut seen = HashSet::new();
    let mut ids: Vec<&OrgId> =
        short.iter().map(|short| short.org_id).filter(|org_id| seen.insert(*org_id)).collect();
    let more = ids.len().saturating_sub(ROOM_OF);
    ids.truncate(ROOM_OF);
    let (mut enough, mut is_one): (Vec<String>, bool) = (Vec::new(), false);
    let mut sentences: Vec<String> = Vec::new();
    for org_id in ids {
        let own = organizations.iter().find(|own| own.own.target.org_id == *org_id);
        let missing = sum(short.iter().filter(|short| short.org_id == org_id).filter_map(|short| short.over));
        match own.and_then(|own| Some((own, own.unallocated.filter(|left| *left > 0 && *left >= missing)?))) {
            Some((own, left)) => {
                let units = if enough.is_empty() { units(left) } else { grouped(left) };
                is_one = enough.is_empty() && left == 1;
                enough.push(format!("{units} of {}", own.own.name));
            }
            None => sentences.push(room_of(own, rebalance.map(|rebalance| rebalance.given(org_id)))),
        }
    }
    if !enough.is_empty() {
        let are = if is_one { "is" } else { "are" };
        sentences.insert(0, format!("{} {are} not allocated to any group.", words::listed(&enough, ROOM_OF)));
    }
    if more > 0 {
        let others = words::counted(more, "more organization");
        sentences.push(format!("For {others}, see what `quotakeeper propose` finds."));
    }
    sentences.extend(rebalance.map(Rebalance::sentence).filter(|sentence| !sentence.is_empty()));
    sentences.join(" ")
}

fn units(count: Units) -> String {
    words::counted(usize::try_from(count).unwrap_or(usize::MAX), "unit")
}

/// `given` is what a proposal takes from its other groups, where there is one.
fn room_of(organization: Option<&Organization>, given: Option<Units>) -> String {
    let name = organization.map_or("The organization", |organization| &*organization.own.name);
    let is_at_plan = organization.is_some_and(|organization| organization.own.quota >= organization.plan);
    // More than is contracted is no way out that costs nothing.
    let raise = match organization.and_then(|organization| organization.plan) {
        Some(_) if is_at_plan => {
            "raise its own quota above its contracted plan (overage may be billed), or reduce what its tests use."
        }
        _ => "raise its own quota.",
    };
    let from_others = match given {
        None => format!(": `quotakeeper propose` finds what other groups do not use; else {raise}"),
        Some(0) => format!(", and no other group has enough to spare: {raise}"),
        Some(given) => format!("; other groups can give {}.", grouped(given)),
    };
    let what = match organization.map(|organization| (organization.unallocated, organization.over_allocated))
    {
        Some((Some(0), _)) => "has nothing left to allocate".to_owned(),
        Some((Some(left), _)) => format!("has only {} left to allocate", units(left)),
        Some((_, Some(over))) => format!("is already over-allocated by {}", grouped(over)),
        _ => return format!("{name} has no quota that limits it."),
    };
    format!("{name} {what}{from_others}")
}

/// Whose usage could not be read at all, and why that may be.
fn unread_sentence(organizations: &[Organization]) -> Option<String> {
    let unknown = organizations.iter().filter(|organization| organization.usage_is_unknown);
    let names: Vec<String> = unknown.map(|organization| organization.own.name.to_string()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "The usage of {} could not be read; the log says why. The token's user needs the permission “View organization usage” \
             there.",
            words::listed(&names, ALSO_NAMED)
        )
    })
}

/// `3 snapshots are missing, from Sat 21 Nov 2026, 03:00 to Sat 21 Nov 2026, 05:00.`: what the figures of the period lack.
pub(in crate::report) fn missing_snapshots_sentence(gaps: &[Missed], context: &ReportContext) -> String {
    let moment = |at| words::moment(at, context.zone);
    let slots: usize = gaps.iter().map(|gap| gap.slots).sum();
    match gaps {
        [] => String::new(),
        [gap] if gap.slots == 1 => format!("The snapshot of {} is missing.", moment(gap.first)),
        [first, ..] => {
            let parts = if gaps.len() == 1 {
                String::new()
            } else {
                format!(" in {} gaps", words::number(gaps.len()))
            };
            let last = gaps.last().unwrap_or(first);
            format!(
                "{} are missing{parts}, from {} to {}.",
                words::counted(slots, "snapshot"),
                moment(first.first),
                moment(last.last)
            )
        }
    }
}
