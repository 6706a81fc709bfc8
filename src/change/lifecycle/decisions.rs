//! What a decision does to a run (approve, reject, plan again), and what happens if nobody decides.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{SubsecRound, TimeDelta};
use tracing::{info, warn};

use super::context::{Planned, RunContext};
use super::sending::approved_guards;
use crate::change::codes::{Guard, RunState};
use crate::change::live_plan::shows_ended_cycle;
use crate::change::plan::{GuardHit, Verdict, staleness};
use crate::change::results;
use crate::change::run::Decision;
use crate::change::stored::stored_plan;
use crate::domain::quota::OrgId;
use crate::files::durable;
use crate::text::words::counted;
use crate::thousandeyes::is_clock_confirmed;

/// What this machine's clock and another's may differ by.
const SKEW: TimeDelta = TimeDelta::hours(1);
/// When it is looked again whether the API shows the next billing cycle.
const AGAIN: TimeDelta = TimeDelta::minutes(10);
/// Seconds.
const DAY: u64 = 24 * 60 * 60;

impl RunContext<'_> {
    /// A held run that somebody approved: sent if it still would do what was approved, else stale. One that is not due yet
    /// waits for its time.
    pub(super) async fn on_approved(&mut self, decision: &Decision) -> anyhow::Result<()> {
        // The plan's file may be that of an attempt that a crash cut off: of the same changes, and no time where it was due.
        let holds = self.run.record.plan_sha256.as_deref().unwrap_or_default();
        let named = (holds != decision.plan_sha256).then(|| {
            format!("What was approved is plan {}, but the run holds plan {holds}.", decision.plan_sha256)
        });
        self.carry_out(decision.by.clone(), named).await
    }

    /// An approved run whose time has come.
    pub(super) async fn on_due(&mut self, by: String) -> anyhow::Result<()> {
        self.carry_out(by, None).await
    }

    async fn carry_out(&mut self, by: String, against: Option<String>) -> anyhow::Result<()> {
        let Some(file) = self.input()? else { return Ok(()) };
        let Some(held) = self.held_plan()? else { return Ok(()) };
        let guarded = self.services.clock.steady();
        let plan = self.plan_now(&file).await?;
        let moved: Vec<String> = staleness(&held, &plan).into_iter().chain(against).collect();
        if !moved.is_empty() {
            return self.go_stale(&Planned { file, plan: held }, moved);
        }
        self.run.record.approved_by = Some(by);
        if self.is_early() {
            self.run.record.decided += 1; // it can still be rejected
            return self.wait(held);
        }
        if self.run.record.state == RunState::Scheduled && self.run.decision()?.is_some() {
            return Ok(()); // rejected while it was planned
        }
        info!(run = %self.run.record.id, by = self.run.record.approved_by, "approved");
        // The names and figures of now; what is sent is what was approved, as the hash says.
        self.run.write_plan(&results::plan_csv(&plan))?;
        self.begin_to_apply()?;
        self.send(&Planned { file, plan }, &approved_guards(&held), Some(guarded)).await
    }

    /// A stale run that somebody wants planned again: held once more, all of it, under the hash of what it would do now.
    pub(super) async fn plan_again(&mut self, decision: &Decision) -> anyhow::Result<()> {
        let Some(file) = self.input()? else { return Ok(()) };
        let mut plan = self.plan_now(&file).await?;
        for row in plan.rows.iter_mut().filter(|row| row.verdict == Verdict::Send) {
            let message = "it was planned again, and nobody has reviewed the new plan yet".to_owned();
            row.verdict = Verdict::Held(vec![GuardHit { guard: Guard::Approval, message }]);
        }
        self.run.write_plan(&results::plan_csv(&plan))?;
        for of_the_old_plan in ["success.csv", "error.csv"] {
            durable::remove(&self.run.path(of_the_old_plan))?;
        }
        self.run.record.notes = vec![format!("Planned again, as {} asked.", decision.by)];
        self.run.record.plan_sha256 = Some(plan.sha256.clone());
        self.run.record.counts.clear();
        self.run.record.decided += 1;
        info!(run = %self.run.record.id, by = %decision.by, plan = %plan.sha256, "planned again");
        if plan.is_empty() {
            return self.finish(&Planned { file, plan }, &BTreeMap::new());
        }
        self.hold(plan)
    }

    /// A person said no, or nobody said yes in time.
    pub(super) fn on_rejected(&mut self, decision: &Decision) -> anyhow::Result<()> {
        info!(run = %self.run.record.id, by = %decision.by, "rejected");
        let Some(file) = self.input()? else { return Ok(()) };
        let Some(plan) = self.held_plan()? else { return Ok(()) };
        self.reject(&Planned { file, plan }, decision)
    }

    /// Whether a run whose time has come by this machine's clock is early by the API's. Where that cannot be asked, nothing
    /// that the run does could be done either.
    pub(super) async fn is_early_there(&self) -> anyhow::Result<bool> {
        let now = self.services.now();
        let server_now = self.services.api.get()?.server_now(now).await;
        let early = server_now
            .is_some_and(|server| !is_clock_confirmed(now, Some(server)) && self.run.record.is_early(server));
        if early {
            warn!(run = %self.run.record.id, "not started: this machine's clock is ahead of the API's");
        }
        Ok(early)
    }

    /// Whether a run that lowers quotas came due with the end of a billing cycle that the API still shows: what is used of the next one
    /// nobody knows, and each decrease would wait for a person. It is looked at again in a while, for a day.
    pub(super) async fn awaits_next_cycle(&mut self) -> anyhow::Result<bool> {
        let Ok(mut plan) = stored_plan(self.run) else { return Ok(false) };
        let lowers = plan.pending_rows().filter(|row| row.is_decrease());
        let of: BTreeSet<OrgId> = lowers.filter_map(|row| row.org_id().cloned()).collect();
        if of.is_empty() || !shows_ended_cycle(self.services, &of).await? {
            return Ok(false);
        }
        let due = (self.services.now() + AGAIN).trunc_subsecs(0); // rows are due at whole seconds
        info!(run = %self.run.record.id, %due, "waits: the API still shows the billing cycle that ended");
        self.run.record.due = Some(due);
        // Whoever dropped the file sees that its time moved.
        plan.rows.iter_mut().filter(|row| row.due.is_some()).for_each(|row| row.due = Some(due));
        self.wait_quietly(plan)?;
        Ok(true)
    }

    /// A held run that nobody decided on in time is rejected. A clock that jumped ahead must not reject what it holds: where
    /// the API's clock does not agree, or cannot be asked, nothing expires.
    pub(super) async fn on_expired(&mut self) -> anyhow::Result<()> {
        let limit = self.services.config.guard.expire;
        let now = self.services.now();
        let since = self.run.record.updated;
        let is_of_the_future = since - now > SKEW;
        if !is_of_the_future && (now - since).to_std().unwrap_or_default() < limit {
            return Ok(());
        }
        if !is_clock_confirmed(now, self.services.api.get()?.server_now(now).await) {
            warn!(run = %self.run.record.id, "not expired: the API does not confirm this machine's clock");
            return Ok(());
        }
        if is_of_the_future {
            // It would wait until then, and longer: the time to decide begins now.
            warn!(run = %self.run.record.id, %since, "held since a time in the future: a clock was wrong");
            return self.begin_to_wait_again();
        }
        let (days, rest) = (limit.as_secs() / DAY, limit.as_secs() % DAY);
        let limit = match usize::try_from(days) {
            Ok(days) if days > 0 && rest == 0 => counted(days, "day"),
            _ => humantime::format_duration(limit).to_string(),
        };
        // A decision like any other, so that one of a person that comes meanwhile counts, or hears of this one.
        let decision = Decision {
            approve: false,
            plan_sha256: self.run.record.plan_sha256.clone().unwrap_or_default(),
            by: format!("guard.expire after {limit}"),
            decider: None,
            expired_after: Some(limit),
            at: now,
        };
        if let Err(error) = self.run.decide(&decision) {
            return if self.run.is_decided()? { Ok(()) } else { Err(error) };
        }
        self.on_rejected(&decision)
    }
}
