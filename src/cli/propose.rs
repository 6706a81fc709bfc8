//! `propose`: reads what is live, and writes the change file that would fix what runs out. It never applies one.

use std::io::Write;

use super::wanted_organizations::{Earlier, WantedOrganizations};
use super::{progress, terminal};
use crate::change::Services;
use crate::change::live_plan::forget_doubtful_usage;
use crate::change::missing_quotas::{AnswerExtent, MissingQuotas};
use crate::change::propose::{self, Proposal, Terms, change_file};
use crate::clock::Clock;
use crate::collect::Reading;
use crate::config::Approval;
use crate::domain::quota::{Snapshot, UsageRule};
use crate::exit_code::Exit;
use crate::text::words::grouped;
use crate::thousandeyes::LazyClient;

/// For these organizations, or for all. The file goes to `out`, what people should know to standard error.
pub(super) async fn propose(
    services: &Services<'_>,
    only: &[String],
    out: &mut impl Write,
) -> anyhow::Result<Exit> {
    let Services { config, history, api, .. } = *services;
    let rule = config.usage.rule();
    let earlier = Earlier { history, zone: config.schedule.timezone, asked: None };
    let mut live = progress::with_progress(api, read(api, &rule, only, earlier)).await?;
    let all = live.organizations().iter().map(|own| own.id.clone()).collect();
    forget_doubtful_usage(&mut live, &all, services)?;
    let last_cycle = history.last_cycle(live.organizations(), &rule)?;
    let proposals =
        propose::propose(&live, Terms { last_cycle: &last_cycle, guards: &config.guard, rule: &rule });
    out.write_all(&change_file(&proposals))?;
    out.flush()?;
    for sentence in proposals.iter().flat_map(Proposal::sentences) {
        tell(&sentence);
    }
    for sentence in unallocated(&live, &proposals) {
        tell(&sentence);
    }
    let missing = MissingQuotas::find(history, services.runs(), &live, AnswerExtent::from_names(only))?;
    for own in missing.organizations(config.schedule.timezone) {
        tell(&format!("{}. Nothing is proposed for them: propose again later.", own.what));
    }
    if let Some(absent) = missing.absent_organizations(config.schedule.timezone) {
        tell(&format!("{}. Nothing is proposed for {}: propose again later.", absent.what, absent.pronoun()));
    }
    let rows: usize = proposals.iter().map(|proposal| proposal.moves.len()).sum();
    if rows == 0 {
        let nothing = if proposals.iter().all(|proposal| proposal.short.is_empty()) {
            "Nothing to move: as far as usage is known, no account group needs more than its quota."
        } else {
            "Nothing can be moved."
        };
        tell(&format!("{nothing} The file has a header only."));
    } else if config.guard.approval == Approval::Always {
        tell("Nothing was sent. Drop the file to apply it; like every plan, it then waits for approval.");
    } else {
        tell(
            "Nothing was sent. Review it with `quotakeeper plan FILE`; to apply it, drop it into the inbox.",
        );
    }
    Ok(Exit::Done)
}

/// What no group has, where something moves: a proposal keeps the sum of an organization, and a mail's file hands these units out first.
fn unallocated(live: &Snapshot, proposals: &[Proposal]) -> Vec<String> {
    let moving = proposals.iter().filter(|proposal| !proposal.moves.is_empty());
    let left = moving.filter_map(|proposal| {
        let seen = live.organization(&proposal.org_id)?;
        let left = seen.own.as_ref()?.quota?.saturating_sub(seen.allocated());
        let name = proposal.organization();
        (left > 0).then(|| {
            format!(
                "{} units of {name} are not allocated to any group and stay so: to hand them out instead, edit the file.",
                grouped(left)
            )
        })
    });
    left.collect()
}

/// What is live in these organizations, or in all, with its usage.
async fn read(
    api: &LazyClient,
    rule: &UsageRule,
    only: &[String],
    earlier: Earlier<'_>,
) -> anyhow::Result<Snapshot> {
    let client = api.get()?;
    let mut reading = Reading::targets(client, true, Clock::read().now()).await?;
    let wanted = WantedOrganizations::new(only).ids(&[&reading.snapshot], earlier)?;
    let wanted = wanted.unwrap_or_else(|| reading.organizations().cloned().collect());
    reading.add_usage(client, &wanted, rule).await?;
    Ok(reading.snapshot.readable().filtered(|place| wanted.contains(&place.organization.id)))
}

/// Tells a person. That nobody reads on is no failure.
fn tell(text: &str) {
    terminal::eprint(text);
}
