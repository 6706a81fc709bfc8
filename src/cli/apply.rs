//! `apply`: a change file through the run machinery at once, here or by the process that holds the lock.

use std::io::Write;
use std::path::Path;

use super::handover::{self, HandoverOutcome, RunCommand};
use super::plan::read;
use super::progress;
use crate::change::run::Run;
use crate::change::summary::summarize;
use crate::cli::arguments::Color;
use crate::exit_code::Exit;
use crate::jobs::apply::{ToApply, apply as apply_file};
use crate::jobs::requests::Ask;

pub(super) async fn apply(
    command: &RunCommand<'_>,
    file: &Path,
    approve: Option<&str>,
    color: Color,
    out: &mut impl Write,
) -> anyhow::Result<Exit> {
    let RunCommand { handover, services, mailer } = *command;
    let (name, bytes) = read(file, services.config.inbox.max_bytes, services.cancel).await?;
    let asked = Ask::Apply { file: name.clone(), approve: approve.map(str::to_owned) };
    let request = match handover::ask(handover, &asked, Some(&bytes)).await? {
        HandoverOutcome::Here(request) => request,
        HandoverOutcome::There { holder, answer } => {
            for id in &answer.runs {
                let run = Run::open(services.runs(), id)?;
                write!(out, "{}", super::runs::text(services.config, &run, &summarize(&run)?, color))?;
            }
            return Ok(handover::report_answer("apply", &holder, &answer));
        }
    };
    let what = ToApply {
        name: &name,
        bytes: &bytes,
        approve,
        by: super::decide::current_user(),
        request: request.as_deref(),
    };
    let applied = progress::with_progress(services.api, apply_file(services, mailer, &what)).await?;
    for run in &applied.runs {
        write!(out, "{}", super::runs::text(services.config, run, &summarize(run)?, color))?;
    }
    Ok(applied.findings.exit())
}
