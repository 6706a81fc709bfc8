//! `plan`: what a change file would do, for a person.

mod json;
mod markdown;
mod requests;
mod rows;
mod style;
mod text;

use std::io::{Read, Write};
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use rustix::fs::FileType;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;

pub(super) use self::json::PlanJson;
use self::markdown::markdown;
pub(super) use self::rows::results;
pub(super) use self::style::{Style, wrap_text};
pub(super) use self::text::{Tense, command, text};
use super::table::Paint;
use super::{progress, terminal};
use crate::change::live_plan::{LiveState, PlanOptions};
use crate::change::parse::{ChangeFile, parse};
use crate::change::results::plan_csv;
use crate::change::{Plan, Services};
use crate::cli::arguments::{Color, Format};
use crate::config::Config;
use crate::exit_code::Exit;
use crate::files::sha256;
use crate::text::clean::visible;
use crate::text::edge;

/// What is asked for.
pub(super) struct PlanRequest<'a> {
    pub file: &'a Path,
    pub format: Format,
    /// Each row is listed, also those that change nothing.
    pub list_all: bool,
    /// Changes have an exit code of their own.
    pub detailed: bool,
}

pub(super) async fn plan(
    services: &Services<'_>,
    asked: &PlanRequest<'_>,
    color: Color,
    out: &mut impl Write,
) -> anyhow::Result<Exit> {
    let config = services.config;
    let PlanRequest { file, format, list_all, detailed } = *asked;
    let (name, bytes) = read(file, config.inbox.max_bytes, services.cancel).await?;
    let (columns, max_rows) = (config.inbox.columns.clone(), config.inbox.max_rows);
    let parsing = spawn_blocking(move || (parse(&bytes, &columns, max_rows), sha256(&bytes)));
    let Some(plan) =
        progress::with_progress(services.api, plan_while_parsed(services, &name, parsing)).await?
    else {
        return Ok(Exit::Failed);
    };
    match format {
        Format::Text => {
            let typed = shell_word(&file.to_string_lossy());
            let tense = Tense::Would { typed: &typed, all: list_all };
            write!(out, "{}", text(&visible(&name), &plan, style(config, color), tense))?;
        }
        Format::Json => {
            edge::write_json(out, &PlanJson::new(&name, &plan))?;
        }
        Format::Markdown => write!(out, "{}", markdown(&name, &plan, config.schedule.timezone, list_all))?,
        Format::Csv => out.write_all(&plan_csv(&plan))?,
    }
    let exit = match (plan.refused_rows().next(), detailed && !plan.is_empty()) {
        (Some(_), _) => Exit::Rows,
        (None, true) => Exit::Changes,
        (None, false) => Exit::Done,
    };
    leave_to_the_system(plan);
    Ok(exit)
}

/// The plan of a file that is parsed on another thread while what is live is read; none of a file with problems, which are said at
/// once, whatever the API does.
async fn plan_while_parsed(
    services: &Services<'_>,
    name: &str,
    mut parsing: JoinHandle<(Result<ChangeFile, Vec<String>>, String)>,
) -> anyhow::Result<Option<Plan>> {
    let mut reading = pin!(LiveState::read(services));
    let ((parsed, sha256), live) = tokio::select! {
        biased;
        parsed = &mut parsing => (parsed?, None),
        live = &mut reading => (parsing.await?, Some(live)),
    };
    let say = |sentence: &str| terminal::eprint(&format!("{}: {sentence}", visible(name)));
    let file = match parsed {
        Ok(file) => file,
        Err(problems) => {
            for problem in problems {
                say(&problem);
            }
            return Ok(None);
        }
    };
    file.doubtful.iter().chain(file.skipped.sentence().as_ref()).for_each(|sentence| say(sentence));
    let undo = services.known_files.is_undo(services.runs(), &sha256)?;
    let mut live = match live {
        Some(live) => live?,
        None => reading.await?,
    };
    let plan = live.plan(services, &file, &PlanOptions { undo, ..PlanOptions::default() }).await?;
    leave_to_the_system((live, file));
    Ok(Some(plan))
}

/// Leaves its memory to the system, which takes it back when the process ends, and that is soon: to free a million account groups one
/// by one would keep somebody waiting.
fn leave_to_the_system<T>(large: T) {
    std::mem::forget(large);
}

/// How this installation shows plans on standard output.
pub(super) fn style(config: &Config, color: Color) -> Style {
    Style { paint: Paint::stdout(color), zone: config.schedule.timezone }
}

/// How long after the end of a pipe a signal may come that ended what writes into it, too.
const SIGNAL_AFTER_END: Duration = Duration::from_millis(100);

/// A file as it was read.
struct Input {
    name: String,
    bytes: Vec<u8>,
    /// It came from another program, which may have ended before it wrote all.
    is_piped: bool,
}

/// The file's name and bytes; `-` is standard input. Nothing after a signal: Ctrl-C ends both programs of a pipe, and what came so
/// far may end in the middle of a number.
pub(super) async fn read(
    file: &Path,
    limit: u64,
    cancel: &CancellationToken,
) -> anyhow::Result<(String, Vec<u8>)> {
    let path = file.to_owned();
    let reading = async {
        let input = spawn_blocking(move || read_to_end(&path, limit)).await??;
        if input.is_piped {
            tokio::time::sleep(SIGNAL_AFTER_END).await;
            anyhow::ensure!(
                ends_a_line(&input.bytes),
                "{} ends in the middle of a line, as if the program that writes it had ended early: nothing was done. End its last \
                 line, or name a file",
                input.name
            );
        }
        anyhow::Ok(input)
    };
    tokio::select! {
        biased;
        () = cancel.cancelled() => anyhow::bail!("stopped by a signal while the file was read: nothing was done"),
        input = reading => input.map(|Input { name, bytes, .. }| (name, bytes)),
    }
}

/// Whether the last value can be whole, as far as one can see; also in UTF-16.
fn ends_a_line(bytes: &[u8]) -> bool {
    let last = bytes.strip_suffix(b"\0").unwrap_or(bytes).last();
    last.is_none_or(|last| matches!(last, b'\n' | b'\r'))
}

fn read_to_end(file: &Path, limit: u64) -> anyhow::Result<Input> {
    let mut bytes = Vec::new();
    let mut size = 0;
    let is_piped;
    let name = if file == Path::new("-") {
        let stdin = std::io::stdin();
        is_piped =
            !rustix::fs::fstat(&stdin).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_file());
        stdin.take(limit + 1).read_to_end(&mut bytes)?;
        "standard-input.csv".to_owned()
    } else {
        let opened = fs_err::File::open(file).map_err(|error| not_opened(file, error))?;
        let metadata = opened.metadata()?;
        if metadata.is_dir() {
            let folder = visible(&file.to_string_lossy()).into_owned();
            anyhow::bail!("{folder} is a folder: name the change file in it");
        }
        is_piped = !metadata.is_file();
        size = metadata.len();
        if size <= limit {
            opened.take(limit + 1).read_to_end(&mut bytes)?;
        }
        file.file_name().map_or_else(|| "file.csv".to_owned(), |name| name.to_string_lossy().into_owned())
    };
    anyhow::ensure!(
        size.max(bytes.len() as u64) <= limit,
        "{name} has more than {limit} bytes (inbox.max_bytes): split it"
    );
    Ok(Input { name, bytes, is_piped })
}

/// Somebody who mistyped a name, or has no change file yet, learns how to get one.
fn not_opened(file: &Path, error: std::io::Error) -> anyhow::Error {
    if error.kind() != std::io::ErrorKind::NotFound {
        return error.into();
    }
    // Whatever was typed: only a CSV file is taken from an inbox.
    let csv = file.with_extension("csv");
    let (named, typed) = (visible(&file.to_string_lossy()).into_owned(), shell_word(&csv.to_string_lossy()));
    // What is there must not be written over.
    if fs_err::symlink_metadata(&csv).is_ok() {
        return anyhow::anyhow!("there is no file {named}: did you mean {typed}?");
    }
    anyhow::anyhow!(
        "there is no file {named}: check its path, or create a change file with `quotakeeper export > {typed}`"
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
