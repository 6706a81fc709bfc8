//! The headline of the usage report: the summary in one sentence.

use crate::report::ranking::Ranking;
use crate::report::shared::level::Level;
use crate::report::shared::quota_status::QuotaStatus;
use crate::report::shared::{ReportContext, words};
use crate::text::words::grouped;

/// The summary in one sentence. Account groups first; an organization that runs out is worth the same line.
pub(in crate::report) fn headline(
    ranking: &Ranking<'_>,
    organizations: &[&QuotaStatus],
    context: &ReportContext,
) -> String {
    let is_one_of_many = organizations.len() > 1;
    let [out, next] = [true, false].map(|ran_out| InTrouble::find(ranking, organizations, ran_out));
    let days = organizations.iter().filter_map(|status| status.runs_out_at);
    let first = ranking.groups().filter_map(|group| group.rank.runs_out_at).chain(days).min();
    let on_day = |at| {
        words::today_or(at, context.now, context.zone, || {
            format!("on {}", words::short_day(at, context.zone))
        })
    };
    let first = first.map(on_day).unwrap_or_default();
    let day = if next.count() > 1 { format!("first {first}") } else { first };
    let ran_out = |who: &str| format!("{who} {} run out", if out.count() > 1 { "have" } else { "has" });
    match (out.words(), next.words()) {
        (Some(who), Some(_)) if out.are_groups_alone() && next.are_groups_alone() => {
            let next = words::number(next.groups);
            format!("{}, {next} more will before the cycle ends, {day}", ran_out(&who))
        }
        (Some(who), Some(next)) => format!("{}, {next} will before the cycle ends, {day}", ran_out(&who)),
        (Some(who), None) => ran_out(&who),
        (None, Some(next)) => format!("{next} will run out before the cycle ends, {day}"),
        (None, None) => {
            nearly_used_headline(ranking, is_one_of_many).unwrap_or_else(|| calm_headline(ranking))
        }
    }
}

/// Those who have run out, or those who will.
struct InTrouble {
    groups: usize,
    organizations: usize,
    /// The name of the first group, and of the first organization.
    names: [Option<String>; 2],
}

impl InTrouble {
    fn find(ranking: &Ranking<'_>, organizations: &[&QuotaStatus], ran_out: bool) -> Self {
        let is_one_of_many = organizations.len() > 1;
        let groups = ranking.groups().filter(|group| group.rank.runs_out() && group.rank.ran_out == ran_out);
        let own = organizations.iter().filter(|own| own.runs_out() && own.ran_out == ran_out);
        Self {
            groups: groups.clone().count(),
            organizations: own.clone().count(),
            names: [
                groups.clone().next().map(|group| ranking.status(group).name_among(is_one_of_many)),
                own.clone().next().map(|own| own.name_among(is_one_of_many)),
            ],
        }
    }

    fn count(&self) -> usize {
        self.groups + self.organizations
    }

    fn are_groups_alone(&self) -> bool {
        self.groups > 1 && self.organizations == 0
    }

    /// `Lab`, `3 account groups and Acme Bank`; none where there is nobody.
    fn words(&self) -> Option<String> {
        let [group, organization] = &self.names;
        let organizations = match organization {
            Some(name) if self.organizations == 1 => Some(name.clone()),
            Some(_) => Some(words::counted(self.organizations, "organization")),
            None => None,
        };
        match (group, organizations) {
            (None, organizations) => organizations,
            (Some(name), None) if self.groups == 1 => Some(name.clone()),
            (Some(_), organizations) => {
                let groups = words::counted(self.groups, "account group");
                Some(
                    organizations
                        .map_or(groups.clone(), |organizations| format!("{groups} and {organizations}")),
                )
            }
        }
    }
}

/// The headline when nothing runs out, and some have used nearly all that they have.
fn nearly_used_headline(ranking: &Ranking<'_>, is_one_of_many: bool) -> Option<String> {
    let mut near = ranking.groups().filter(|group| group.rank.level > Level::Fine);
    let count = near.clone().count();
    let worst = ranking.status(near.next()?);
    let name = worst.name_among(is_one_of_many);
    let used = worst.percent_used.map_or_else(String::new, |used| format!(": {} % used", grouped(used)));
    Some(match count {
        1 => format!("{name} is near its quota{used}"),
        _ => format!("{} are near their quota, first {name}{used}", words::counted(count, "account group")),
    })
}

/// The headline when nothing runs out, which is only said of what is known.
fn calm_headline(ranking: &Ranking<'_>) -> String {
    let all = ranking.groups().count();
    let capped = ranking.groups().filter(|group| group.place.quota().is_some()).count();
    let measured = ranking.groups().filter(|group| ranking.is_measured(group)).count();
    match (all, capped, measured) {
        (0, ..) => "No account group is visible to the token".to_owned(),
        (_, 0, _) => "No account group has a quota".to_owned(),
        (_, _, 0) => format!("The usage of {} is unknown", words::counted(all, "account group")),
        (1, 1, 1) => {
            let name = ranking.groups().next().map(|only| ranking.status(only).name).unwrap_or_default();
            format!("{name} is within its quota")
        }
        (all, _, measured) if all == measured => {
            format!("All {} are within their quota", words::counted(all, "account group"))
        }
        (all, _, measured) => {
            let rest = match (capped < all, measured < capped) {
                (true, true) => "the rest has none or unknown usage",
                (true, false) => "the rest has none",
                _ => "the usage of the rest is unknown",
            };
            let all = words::counted(all, "account group");
            let are = if measured == 1 { "is within its quota" } else { "are within their quota" };
            format!("{} of {all} {are}, {rest}", words::number(measured))
        }
    }
}
