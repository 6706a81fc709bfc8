//! `plan` and `apply`: what a change file would do, for a person; and the same file through the run machinery at once.

mod json;
mod markdown;
mod requests;
mod rows;
mod text;

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

pub(super) use self::json::to_json;
use self::markdown::markdown;
pub(super) use self::rows::results;
pub(super) use self::text::{Look, Tense, command, folded, moment, text};
use super::handover::{self, Who};
use super::table::Paint;
use super::{Color, Format, progress, terminal};
use crate::app::App;
use crate::change::live_plan::{Situation, live_plan};
use crate::change::parse::parse;
use crate::change::run::Run;
use crate::change::summary::story;
use crate::clock::Clock;
use crate::exit_code::Exit;
use crate::files::sha256;
use crate::jobs;
use crate::jobs::apply::ToApply;
use crate::jobs::requests::Ask;
use crate::text::clean::visible;
use crate::text::edge;

pub(super) async fn plan(
    app: &Arc<App>,
    file: &Path,
    format: Format,
    detailed: bool,
    color: Color,
    out: &mut impl Write,
) -> anyhow::Result<Exit> {
    let (name, bytes) = read(file, app.config.inbox.max_bytes)?;
    let settings = &app.config.inbox;
    let parsed = match parse(&bytes, &settings.columns, settings.max_rows) {
        Ok(parsed) => parsed,
        Err(problems) => {
            for problem in problems {
                terminal::tell(&format!("{}: {problem}", visible(&name)));
            }
            return Ok(Exit::Failed);
        }
    };
    for sentence in parsed.doubtful.iter().chain(parsed.skipped.sentence().as_ref()) {
        terminal::tell(&format!("{}: {sentence}", visible(&name)));
    }
    let services = app.changes(&Clock::read());
    let undo = services.known_files.is_undo(services.runs(), &sha256(&bytes))?;
    let situation = Situation { undo, ..Situation::default() };
    let plan = progress::shown(app, live_plan(&services, &parsed, &situation)).await?;
    match format {
        Format::Text => {
            let typed = shell_word(&file.to_string_lossy());
            write!(
                out,
                "{}",
                text(&visible(&name), &plan, look(app, color), Tense::Would { typed: &typed })
            )?;
        }
        Format::Json => {
            writeln!(out, "{}", edge::json(&serde_json::to_string_pretty(&to_json(&name, &plan))?))?;
        }
        Format::Markdown => write!(out, "{}", markdown(&name, &plan, app.config.schedule.timezone))?,
    }
    if plan.refused().next().is_some() {
        return Ok(Exit::Rows);
    }
    Ok(if detailed && !plan.is_empty() { Exit::Changes } else { Exit::Done })
}

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
                write!(out, "{}", super::runs::text(app, &run, &story(&run)?, color))?;
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
    let applied = progress::shown(app, jobs::apply::apply(app, &clock, &what)).await?;
    for run in &applied.runs {
        write!(out, "{}", super::runs::text(app, run, &story(run)?, color))?;
    }
    Ok(applied.findings.exit())
}

/// How this installation shows plans on standard output.
pub(super) fn look(app: &App, color: Color) -> Look {
    Look { paint: Paint::stdout(color), zone: app.config.schedule.timezone }
}

/// The file's name and bytes; `-` is standard input.
fn read(file: &Path, limit: u64) -> anyhow::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let name = if file == Path::new("-") {
        std::io::stdin().take(limit + 1).read_to_end(&mut bytes)?;
        "standard-input.csv".to_owned()
    } else {
        let opened = fs_err::File::open(file).map_err(|error| not_opened(file, error))?;
        opened.take(limit + 1).read_to_end(&mut bytes)?;
        file.file_name().map_or_else(|| "file.csv".to_owned(), |name| name.to_string_lossy().into_owned())
    };
    anyhow::ensure!(
        bytes.len() as u64 <= limit,
        "{name} has more than {limit} bytes (inbox.max_bytes): split it"
    );
    Ok((name, bytes))
}

/// Somebody who mistyped a name, or has no change file yet, learns how to get one.
fn not_opened(file: &Path, error: std::io::Error) -> anyhow::Error {
    if error.kind() != std::io::ErrorKind::NotFound {
        return error.into();
    }
    let typed = shell_word(&file.to_string_lossy());
    anyhow::anyhow!(
        "there is no file {}: check its path, or make a change file to edit with `quotakeeper export > {typed}`",
        visible(&file.to_string_lossy())
    )
}

/// A path as a shell reads it as one word; what would be hidden in it is written in `$'…'`, which Bash and Zsh read.
fn shell_word(path: &str) -> String {
    if visible(path) != path {
        let letter = |word: String, byte: u8| match byte {
            b'\'' | b'\\' => word + "\\" + char::from(byte).encode_utf8(&mut [0; 4]),
            b' '..=b'~' => word + char::from(byte).encode_utf8(&mut [0; 4]),
            _ => word + &format!("\\x{byte:02x}"),
        };
        return format!("$'{}'", path.bytes().fold(String::new(), letter));
    }
    let plain = |c: char| c.is_alphanumeric() || "-_./+=:@,".contains(c);
    if path.chars().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests;
