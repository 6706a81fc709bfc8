//! Puts a run's answers where the dropper looks: a folder with the dropped file's name in `inbox.answers_dir`.
//!
//! That the folder cannot be written never stops a run: the same files lie in the run's own folder.

use std::path::{Path, PathBuf};

use tracing::warn;

use crate::app::App;
use crate::change::run::Run;
use crate::change::{Code, Outcome, PlanRow, RunState, RunStory};
use crate::files::durable;
use crate::inbox::NotTaken;
use crate::quota::{Units, grouped, quota_text};
use crate::report::Edition;
use crate::report::planned::danger;
use crate::report::words::{moment, number};
use crate::text::clean::visible;
use crate::text::edge;

/// So many rows are told; the files beside it have them all.
const LISTED: usize = 50;
const FILES: [&str; 4] = ["plan.csv", "success.csv", "error.csv", "undo.csv"];

/// Writes `status.txt` and the run's files as they are now.
pub(crate) fn write(app: &App, run: &Run, story: &RunStory) {
    if app.config.inbox.read_only && app.config.inbox.answers_dir.is_none() {
        return; // below the inbox nothing can be written
    }
    let folder = folder(app, run);
    let written = (|| {
        let status = status(story, &app.edition(story.at));
        durable::write(&folder.join("status.txt"), status.as_bytes())?;
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

/// Removes a run's answers, unless they are those of a later file of that name.
pub(crate) fn remove(app: &App, run: &Run) -> std::io::Result<()> {
    let folder = folder(app, run);
    let status = fs_err::read_to_string(folder.join("status.txt")).unwrap_or_default();
    if !status.contains(&format!("\nrun {} at ", run.record.id)) {
        return Ok(());
    }
    for name in FILES.iter().chain(&["status.txt"]) {
        durable::remove(&folder.join(name))?;
    }
    let _ = fs_err::remove_dir(&folder); // somebody may have put something of their own there
    Ok(())
}

/// The rows of a file that were split off answer beside it, so that none overwrites another.
fn folder(app: &App, run: &Run) -> PathBuf {
    let suffix = run.record.id.strip_prefix(run.record.root()).unwrap_or_default();
    app.config.answers_dir().join(format!("{}{suffix}", run.record.file))
}

/// Tells whoever dropped something that is not taken why, once for each reason.
pub(crate) fn not_taken(app: &App, not: &NotTaken) {
    let path = app.config.answers_dir().join(&not.file).join("status.txt");
    let text = edge::lines(&format!("{}: not taken\n\n{}\n", visible(&not.file), not.reason)).into_owned();
    if fs_err::read_to_string(&path).is_ok_and(|before| before == text) {
        return;
    }
    warn!(file = %not.file, reason = %not.reason, "not taken");
    if let Err(error) = write_one(&path, &text) {
        warn!(file = %not.file, %error, "the answer cannot be written to inbox.answers_dir");
    }
}

fn write_one(path: &Path, text: &str) -> std::io::Result<()> {
    durable::write(path, edge::lines(text).as_bytes())
}

/// What became of the file, in a few lines.
fn status(story: &RunStory, edition: &Edition) -> String {
    let count =
        |wanted: fn(&Outcome) -> bool| story.results.iter().filter(|result| wanted(&result.outcome)).count();
    let applied = count(|outcome| matches!(outcome, Outcome::Applied { .. }));
    let scheduled = count(|outcome| matches!(outcome, Outcome::Scheduled { .. }));
    let waiting = count(is_held);
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_))) - waiting;
    let word = match story.state {
        RunState::Held => "held for approval; nothing was sent",
        RunState::Failed => "not used; nothing was sent",
        RunState::Rejected => "rejected; nothing was sent",
        RunState::Stale => "stale; nothing was sent",
        RunState::Scheduled => "waits for its time",
        RunState::Planned | RunState::Applying => "being worked on",
        RunState::Done if failed + waiting == 0 => "done",
        RunState::Done if applied + scheduled == 0 => "nothing was changed",
        RunState::Done => "done in part",
    };
    let mut text = format!(
        "{}: {word}\nrun {} at {}\n",
        visible(&story.file),
        story.id,
        story.at.format("%Y-%m-%d %H:%M:%S UTC")
    );
    if !story.results.is_empty() {
        let unchanged = count(|outcome| matches!(outcome, Outcome::Unchanged { .. }));
        let of = |count: usize, word: &str| {
            if count == 0 { String::new() } else { format!("{} {word}, ", number(count)) }
        };
        text += &format!(
            "\n{} applied, {} unchanged, {}{}{} not done\n",
            number(applied),
            number(unchanged),
            of(waiting, "held"),
            of(scheduled, "scheduled"),
            number(failed),
        );
    }
    for note in &story.notes {
        text += &format!("\n{note}\n");
    }
    let problems = story.results.iter().filter_map(|result| match &result.outcome {
        Outcome::Failed(problem) if problem.code != Code::Held => Some(problem.of_row(result.row)),
        _ => None, // done, or told by the run that it waits in
    });
    for problem in problems.take(LISTED) {
        text += &format!("\n{problem}\n");
    }
    if failed > LISTED {
        text += &format!("\nand {} more in error.csv\n", number(failed - LISTED));
    }
    if story.state == RunState::Done && failed > 0 {
        text += "\nThe rows that were not done are in error.csv beside this file: correct them there, and drop it again.\n";
        if waiting > 0 {
            text += "Delete the held rows from it first: they wait on their own.\n";
        }
    }
    match story.state {
        RunState::Held => text += &held(story, edition),
        RunState::Stale => {
            text += &format!("\nTo plan it anew and hold it again:  quotakeeper approve {}\n", story.id);
        }
        RunState::Scheduled => {
            text += &listed(story.plan.scheduled().collect());
            if let Some(due) = story.plan.scheduled().filter_map(|row| row.due).min() {
                text += &format!(
                    "\nIt is planned and guarded again, and sent, at {} {}.\nTo drop it:  quotakeeper reject {}\n",
                    moment(due, edition.zone),
                    edition.zone,
                    story.id
                );
            }
        }
        RunState::Planned | RunState::Applying | RunState::Done | RunState::Failed | RunState::Rejected => {}
    }
    if let Some(held) = &story.held_as {
        text += &format!("\nThe rows that a guard holds wait as run {held}: quotakeeper runs {held}\n");
    }
    text
}

fn is_held(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(problem) if problem.code == Code::Held)
}

/// Rows that wait, the most dangerous first, and what is to be said of them.
fn listed(mut rows: Vec<&PlanRow>) -> String {
    let mut text = String::new();
    rows.sort_by_key(|row| (row.falls_with_others(), danger(row)));
    for row in rows.iter().take(LISTED) {
        let why = row.held_reasons().map(|tripped| tripped.message.as_str());
        let said: Vec<&str> = why.chain(row.warnings.iter().map(String::as_str)).collect();
        let figure = |units: Option<Units>| units.map_or_else(|| "unknown".to_owned(), grouped);
        text += &format!(
            "\nrow {}, {}: {} → {} ({} used, {} projected)\n",
            row.row,
            row.label(),
            quota_text(row.before),
            quota_text(row.after),
            figure(row.used),
            figure(row.projected),
        );
        for sentence in said {
            text += &format!("  {sentence}\n");
        }
    }
    if rows.len() > LISTED {
        text += &format!("\nand {} more in plan.csv\n", number(rows.len() - LISTED));
    }
    text
}

/// What waits and why, until when, and how to decide.
fn held(story: &RunStory, edition: &Edition) -> String {
    let id = &story.id;
    listed(story.plan.held().collect())
        + &format!(
            "\nIf nobody decides, it is rejected on {} {}.\nTo send it all the same:  quotakeeper approve {id} --plan \
         {}\nTo drop it:               quotakeeper reject {id}\n",
            edition.until(story.at),
            edition.zone,
            story.plan.sha256
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{done_story, edition, held_story};

    #[test]
    fn the_status_of_what_is_held_says_why_until_when_and_what_to_type() {
        insta::assert_snapshot!(status(&held_story(), &edition()));
    }

    #[test]
    fn the_status_of_what_is_done_counts_what_is_held_apart() {
        let told = status(&done_story(), &edition());
        assert!(told.contains("\n3 applied, 1 unchanged, 2 held, 2 not done\n"), "{told}");
        assert!(told.contains("Delete the held rows from it first"), "{told}");
    }

    #[test]
    fn the_status_of_ten_thousand_rows_stays_one_that_people_read() {
        let mut story = held_story();
        let row = story.plan.rows[0].clone();
        story.plan.rows = (2..10_002).map(|number| PlanRow { row: number, ..row.clone() }).collect();
        let told = status(&story, &edition());
        assert!(told.contains("\nand 9 950 more in plan.csv\n") && told.lines().count() < 170, "{told}");

        let mut story = done_story();
        let failed =
            story.results.iter().find(|result| matches!(result.outcome, Outcome::Failed(_))).cloned();
        story.results = vec![failed.unwrap(); 10_000];
        let told = status(&story, &edition());
        assert!(told.contains("\nand 9 950 more in error.csv\n") && told.lines().count() < 120, "{told}");
    }
}
