//! Puts a run's answers where the dropper looks: a folder with the dropped file's name in `inbox.answers_dir`.
//!
//! That the folder cannot be written never stops a run: the same files lie in the run's own folder.

use std::path::Path;

use tracing::warn;

use crate::app::App;
use crate::change::run::Run;
use crate::change::{Outcome, RunState, RunStory};
use crate::durable;
use crate::inbox::NotTaken;

const FILES: [&str; 4] = ["plan.csv", "success.csv", "error.csv", "undo.csv"];

/// Writes `status.txt` and the run's files as they are now.
pub(crate) fn write(app: &App, run: &Run, story: &RunStory) {
    if app.config.inbox.read_only && app.config.inbox.answers_dir.is_none() {
        return; // below the inbox nothing can be written
    }
    // The rows of a file that were split off answer beside it, so that none overwrites another.
    let suffix = run.record.id.strip_prefix(run.record.root()).unwrap_or_default();
    let folder = app.config.answers_dir().join(format!("{}{suffix}", run.record.file));
    let written = (|| {
        durable::write(&folder.join("status.txt"), status(story).as_bytes())?;
        for name in FILES {
            match fs_err::read(run.path(name)) {
                Ok(bytes) => durable::write(&folder.join(name), &bytes)?,
                Err(_) => durable::remove(&folder.join(name))?, // of an earlier file of this name
            }
        }
        std::io::Result::Ok(())
    })();
    if let Err(error) = written {
        warn!(run = %run.record.id, %error, "the answers cannot be written to inbox.answers_dir");
    }
}

/// Tells whoever dropped something that is not taken why, once for each reason.
pub(crate) fn not_taken(app: &App, not: &NotTaken) {
    let path = app.config.answers_dir().join(&not.file).join("status.txt");
    let text = format!("{}: not taken\n\n{}\n", not.file, not.reason);
    if fs_err::read_to_string(&path).is_ok_and(|before| before == text) {
        return;
    }
    warn!(file = %not.file, reason = %not.reason, "not taken");
    if let Err(error) = write_one(&path, &text) {
        warn!(file = %not.file, %error, "the answer cannot be written to inbox.answers_dir");
    }
}

fn write_one(path: &Path, text: &str) -> std::io::Result<()> {
    durable::write(path, text.as_bytes())
}

/// What became of the file, in a few lines.
fn status(story: &RunStory) -> String {
    let count =
        |wanted: fn(&Outcome) -> bool| story.results.iter().filter(|result| wanted(&result.outcome)).count();
    let applied = count(|outcome| matches!(outcome, Outcome::Applied { .. }));
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let word = match story.state {
        RunState::Held => "held for approval; nothing was sent",
        RunState::Failed => "not used; nothing was sent",
        RunState::Rejected => "rejected; nothing was sent",
        RunState::Stale => "stale; nothing was sent",
        RunState::Scheduled => "waits for its time",
        RunState::Planned | RunState::Applying => "being worked on",
        RunState::Done if failed == 0 => "done",
        RunState::Done if applied == 0 => "nothing was changed",
        RunState::Done => "done in part",
    };
    let mut text =
        format!("{}: {word}\nrun {} at {}\n", story.file, story.id, story.at.format("%Y-%m-%d %H:%M:%S UTC"));
    if !story.results.is_empty() {
        text += &format!(
            "\n{} applied, {} unchanged, {} not done\n",
            applied,
            count(|outcome| matches!(outcome, Outcome::Unchanged { .. })),
            failed,
        );
    }
    for note in &story.notes {
        text += &format!("\n{note}\n");
    }
    for result in &story.results {
        if let Outcome::Failed(problem) = &result.outcome {
            text += &format!("\n{}\n", problem.of_row(result.row));
        }
    }
    if story.state == RunState::Done && failed > 0 {
        text += "\nThe rows that were not done are in error.csv beside this file: correct them there, and drop it again.\n";
    }
    if story.state == RunState::Held {
        for row in story.plan.held() {
            let why: Vec<&str> = row.held_reasons().map(|tripped| tripped.message.as_str()).collect();
            text += &format!("\nrow {}, {}: {}\n", row.row, row.label(), why.join("; "));
        }
        text += &format!(
            "\nTo send it all the same:  quotakeeper approve {} --plan {}\nTo drop it:               quotakeeper reject {}\n",
            story.id, story.plan.sha256, story.id
        );
    }
    if let Some(held) = &story.held_as {
        text += &format!("\nThe rows that a guard holds wait as run {held}: quotakeeper runs {held}\n");
    }
    text
}
