//! `apply`: a change file through the run machinery at once, here or by the process that holds the lock.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use super::handover::{self, Who};
use super::plan::read;
use super::{Color, progress};
use crate::change::run::Run;
use crate::change::summary::story;
use crate::clock::Clock;
use crate::exit_code::Exit;
use crate::jobs::App;
use crate::jobs::apply::{ToApply, apply as through_the_machinery};
use crate::jobs::requests::Ask;

pub(super) async fn apply(
    app: &Arc<App>,
    file: &Path,
    approve: Option<&str>,
    color: Color,
    out: &mut impl Write,
) -> anyhow::Result<Exit> {
    let (name, bytes) = read(file, app.config.inbox.max_bytes)?;
    let asked = Ask::Apply { file: name.clone(), approve: approve.map(str::to_owned) };
    let request = match handover::ask(app, &asked, Some(&bytes)).await? {
        Who::Here(request) => request,
        Who::There { holder, answer } => {
            for id in &answer.runs {
                let run = Run::open(&app.runs(), id)?;
                write!(out, "{}", super::runs::text(&app.config, &run, &story(&run)?, color))?;
            }
            return Ok(handover::told("apply", &holder, &answer));
        }
    };
    let clock = Clock::read();
    let what = ToApply {
        name: &name,
        bytes: &bytes,
        approve,
        by: super::decide::who(),
        request: request.as_deref(),
    };
    let applied =
        progress::shown(&app.api, through_the_machinery(&app.changes(&clock), &app.mailer, &what)).await?;
    for run in &applied.runs {
        write!(out, "{}", super::runs::text(&app.config, run, &story(run)?, color))?;
    }
    Ok(applied.findings.exit())
}
