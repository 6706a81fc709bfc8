//! A change file through the run machinery at once: typed as a command, or handed over by one.

use super::records::notices;
use crate::change::run::{Decider, Decision, Run, RunRecord};
use crate::change::{RunState, Services, lifecycle};
use crate::exit_code::Findings;
use crate::files::sha256;
use crate::mail::Mailer;

/// What is to be applied.
pub(crate) struct ToApply<'a> {
    /// The name of the file.
    pub name: &'a str,
    pub bytes: &'a [u8],
    /// Approve what a guard holds, if the plan has this hash.
    pub approve: Option<&'a str>,
    /// Who asks.
    pub by: (String, Decider),
    /// The request that handed it over: it makes one run, however often it is begun.
    pub request: Option<&'a str>,
}

/// The runs that it became.
pub(crate) struct AppliedRuns {
    pub runs: Vec<Run>,
    pub findings: Findings,
}

pub(crate) async fn apply(
    services: &Services<'_>,
    mailer: &Mailer,
    what: &ToApply<'_>,
) -> anyhow::Result<AppliedRuns> {
    let mut run = begin(services, what)?;
    let mut findings = match lifecycle::advance(services, &mut run).await {
        Ok(findings) => {
            notices::flush_or_warn(services.config, mailer, services.now());
            run = Run::open(services.runs(), &run.record.id)?;
            findings
        }
        Err(error) if run.record.state == RunState::Planned && services.lock.check().is_ok() => {
            // Whoever typed this is here to type it again: nothing is left behind that would be sent later.
            lifecycle::abandon(&mut run, format!("Nothing was sent: {error:#}"), services.now())?;
            return Err(error.context("nothing was sent"));
        }
        Err(error) => {
            let id = &run.record.id;
            return Err(error.context(format!(
                "run {id} was interrupted: the next `quotakeeper inbox`, `once` or `run` continues it"
            )));
        }
    };
    let mut shown = vec![run];
    if let Some(held) = &shown[0].record.held_as {
        shown.push(Run::open(services.runs(), held)?);
    }
    let runs = Run::list_unfinished(services.runs())?.runs;
    let waits =
        |run: &Run| run.record.split_from.as_deref() == Some(&shown[0].record.id) && run.record.due.is_some();
    shown.extend(runs.into_iter().filter(waits).collect::<Vec<_>>());
    if let Some(approved) = what.approve {
        // The hash of the whole plan, as `plan` shows it, or of the held rows alone, as `runs` does.
        let whole = shown[0].record.plan_sha256.clone().unwrap_or_default();
        let is_meant = |run: &Run| approved == whole || run.record.plan_sha256.as_deref() == Some(approved);
        let is_held = |run: &Run| run.record.state == RunState::Held;
        if let Some(held) = shown.iter().find(|run| is_held(run)) {
            anyhow::ensure!(
                shown.iter().any(|run| is_held(run) && is_meant(run)),
                "the plan is now {whole}, not {approved}: the held rows wait as run {}",
                held.record.id
            );
        }
        for run in shown.iter_mut().filter(|run| is_held(run) && is_meant(run)) {
            let plan_sha256 = run.record.plan_sha256.clone().unwrap_or_default();
            if run.decision()?.is_none() {
                let (by, decider) = what.by.clone();
                let at = services.now();
                run.decide(&Decision { decider: Some(decider), ..Decision::new(true, plan_sha256, by, at) })?;
            }
            let advanced = lifecycle::advance(services, run).await;
            notices::flush_or_warn(services.config, mailer, services.now());
            let decided = advanced?;
            findings = Findings { held: false, ..findings }.and(decided);
        }
        findings.held |= shown.iter().any(is_held);
    }
    Ok(AppliedRuns { runs: shown, findings })
}

/// The run: a new one, or that which this request made before whoever held the lock then came to its end.
fn begin(services: &Services<'_>, what: &ToApply<'_>) -> anyhow::Result<Run> {
    let made = match what.request {
        None => None,
        Some(request) => {
            let runs = Run::list(services.runs())?.0;
            runs.into_iter().find(|run| run.record.request.as_deref() == Some(request))
        }
    };
    let mut run = match made {
        Some(run) if run.record.input_sha256.is_some() => return Ok(run),
        Some(run) => run,
        None => Run::create(services.runs(), services.now(), what.name, |record| RunRecord {
            dropped: false,
            ..record
        })?,
    };
    run.record.request = what.request.map(str::to_owned);
    if let (_, Decider::User { user, login }) = &what.by {
        run.record.applied_by = Some(login.as_ref().unwrap_or(user).clone());
    }
    run.save()?;
    run.write("input.csv", what.bytes)?;
    run.record.input_sha256 = Some(sha256(what.bytes));
    run.save()?;
    Ok(run)
}
