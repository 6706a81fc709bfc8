//! `plan` and `apply`: what a change file would do, for a person; and the same file through the run machinery at once.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::table::{Paint, Side, Table};
use super::{Color, Format, lock};
use crate::app::App;
use crate::change::earlier;
use crate::change::parse::parse;
use crate::change::process;
use crate::change::run::{Decision, Run, sha256};
use crate::change::story::story;
use crate::change::{Outcome, Plan, PlanRow, RunState, Verdict};
use crate::clock::Clock;
use crate::exit_code::{Exit, Findings};
use crate::quota::{Units, grouped, quota_text};
use crate::report::words::{counted, number};

/// A section lists so many rows; JSON has them all.
const LISTED: usize = 20;

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
                eprintln!("{name}: {problem}");
            }
            return Ok(Exit::Failed);
        }
    };
    let undo = earlier::is_undo(&app.runs(), &sha256(&bytes))?;
    let plan = process::plan_live(app, Clock::read().now(), &parsed, undo, None).await?;
    match format {
        Format::Text => {
            let typed = shell_word(&file.to_string_lossy());
            write!(out, "{}", text(&name, &plan, Paint::stdout(color), Tense::Would { typed: &typed }))?;
        }
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&to_json(&name, &plan))?)?,
        Format::Markdown => write!(out, "{}", markdown(&name, &plan))?,
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
    let _lock = lock(app)?;
    let (name, bytes) = read(file, app.config.inbox.max_bytes)?;
    let clock = Clock::read();
    let mut run = Run::create(&app.runs(), &name, false, clock.now())?;
    run.record.input_sha256 = Some(sha256(&bytes));
    run.write("input.csv", &bytes)?;
    run.save()?;
    let mut findings = match process::advance(app, &clock, &mut run).await {
        Ok(findings) => findings,
        Err(error) if run.record.state == RunState::Planned => {
            // Whoever typed this is here to type it again: nothing is left behind that would be sent later.
            run.record.notes = vec![format!("Nothing was sent: {error:#}")];
            run.set_state(RunState::Failed, clock.now())?;
            return Err(error.context("nothing was sent"));
        }
        Err(error) => {
            let id = &run.record.id;
            return Err(error.context(format!(
                "run {id} was interrupted: the next `quotakeeper inbox`, `once` or `run` goes on with it"
            )));
        }
    };
    let mut told = vec![run];
    if let Some(held) = &told[0].record.held_as {
        told.push(Run::open(&app.runs(), held)?);
    }
    let runs = Run::all(&app.runs())?.0;
    let waits =
        |run: &Run| run.record.split_from.as_deref() == Some(&told[0].record.id) && run.record.due.is_some();
    told.extend(runs.into_iter().filter(waits).collect::<Vec<_>>());
    if let Some(approved) = approve {
        // The hash of the whole plan, as `plan` shows it, or of the held rows alone, as `runs` does.
        let whole = told[0].record.plan_sha256.clone().unwrap_or_default();
        for run in told.iter_mut().filter(|run| run.record.state == RunState::Held) {
            let held = run.record.plan_sha256.clone().unwrap_or_default();
            anyhow::ensure!(
                approved == whole || approved == held,
                "the plan is {whole} now, not {approved}: what is held waits as run {}",
                run.record.id
            );
            run.decide(&Decision {
                approve: true,
                plan_sha256: held,
                by: super::decide::who(),
                at: clock.now(),
            })?;
            let decided = process::advance(app, &clock, run).await?;
            findings = Findings { held: false, ..findings }.and(decided);
        }
    }
    for run in &told {
        write!(out, "{}", super::runs::text(run, &story(run)?, Paint::stdout(color)))?;
    }
    Ok(findings.exit())
}

/// The file's name and bytes; `-` is standard input.
fn read(file: &Path, limit: u64) -> anyhow::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let name = if file == Path::new("-") {
        std::io::stdin().take(limit + 1).read_to_end(&mut bytes)?;
        "standard-input.csv".to_owned()
    } else {
        fs_err::File::open(file)?.take(limit + 1).read_to_end(&mut bytes)?;
        file.file_name().map_or_else(|| "file.csv".to_owned(), |name| name.to_string_lossy().into_owned())
    };
    anyhow::ensure!(
        bytes.len() as u64 <= limit,
        "{name} has more than {limit} bytes (inbox.max_bytes): split it"
    );
    Ok((name, bytes))
}

/// A path as a shell reads it as one word.
fn shell_word(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./+=:@,".contains(c);
    if path.chars().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// Whether the plan is looked at before or after it was carried out.
#[derive(Clone, Copy)]
pub(super) enum Tense<'t> {
    /// Before; the file is named in commands as it was typed.
    Would {
        typed: &'t str,
    },
    Did,
}

/// The plan as a person reads it: totals, organizations, what is held and why, what is refused, what would be sent.
pub(super) fn text(name: &str, plan: &Plan, paint: Paint, tense: Tense<'_>) -> String {
    let counts = plan.counts();
    let mut parts = Vec::new();
    let mut part = |count: usize, one: &str, many: &str| {
        if count > 0 {
            parts.push(format!("{} {}", number(count), if count == 1 { one } else { many }));
        }
    };
    part(counts.raises, "raise", "raises");
    part(counts.decreases, "decrease", "decreases");
    part(counts.new, "first quota", "first quotas");
    part(counts.removed, "unassign", "unassigns");
    part(counts.unchanged, "unchanged", "unchanged");
    part(counts.refused, "refused", "refused");
    let mut text = format!(
        "{}: {} · {}     plan {}\n",
        paint.bold(name),
        counted(plan.rows.len(), "row"),
        if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") },
        plan.sha256.get(..8).unwrap_or_default(),
    );
    text += &organizations(plan, paint);
    text += &section("Held for approval", plan.held(), paint, |row| {
        row.held_reasons().map(|tripped| tripped.message.clone()).collect::<Vec<_>>().join("; ")
    });
    text += &section("Refused", plan.refused(), paint, |row| match &row.verdict {
        Verdict::Refused(problem) => problem.message.clone(),
        _ => String::new(),
    });
    let title = if matches!(tense, Tense::Would { .. }) { "To be sent" } else { "Planned to be sent" };
    text += &section(title, plan.to_send(), paint, |row| row.warnings.join("; "));
    if let Tense::Would { typed } = tense {
        let sent = plan.to_send().count();
        let held = number(counts.held);
        text += &format!(
            "\n{} would be sent; {held} would wait for approval. Nothing was sent.\n",
            counted(sent, "row")
        );
        let drop = if typed == "-" { "" } else { "drop the file into the inbox, or  " };
        if !plan.is_empty() {
            text += &format!("To apply: {drop}quotakeeper apply {typed}\n");
        }
        if counts.held > 0 {
            text +=
                &format!("To send what is held too:  quotakeeper apply {typed} --approve {}\n", plan.sha256);
        }
    }
    text
}

fn organizations(plan: &Plan, paint: Paint) -> String {
    let mut text = String::new();
    let of = |row: &PlanRow| row.target.as_ref().map(|target| target.org_id.clone());
    let held: BTreeSet<_> = plan.held().filter_map(of).collect();
    let flows: BTreeSet<_> = plan.to_send().filter_map(of).collect();
    for organization in plan.organizations.iter().take(LISTED) {
        let name = if organization.name.is_empty() {
            organization.org_id.to_string()
        } else {
            format!("{} ({})", organization.name, organization.org_id)
        };
        let over = organization.quota.map_or(0, |quota| organization.allocated_after.saturating_sub(quota));
        let over = if over > 0 { format!("   over-allocated by {}", grouped(over)) } else { String::new() };
        let state = match (held.contains(&organization.org_id), flows.contains(&organization.org_id)) {
            (true, true) => paint.red("HELD in part"),
            (true, false) => paint.red("HELD"),
            (false, true) => paint.green("flows"),
            (false, false) => paint.dim("nothing to send"),
        };
        text += &format!(
            "\n  {name:<32} {:>10} → {:<10} allocated of {:<10} {state}{over}",
            grouped(organization.allocated_before),
            grouped(organization.allocated_after),
            quota_text(organization.quota),
        );
    }
    if plan.organizations.len() > LISTED {
        text += &format!(
            "\n  and {} more organizations (--format json for all)",
            plan.organizations.len() - LISTED
        );
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn section<'p>(
    title: &str,
    rows: impl Iterator<Item = &'p PlanRow>,
    paint: Paint,
    why: impl Fn(&PlanRow) -> String,
) -> String {
    let mut table = Table::new(&[
        ("row", Side::Right),
        ("target", Side::Left),
        ("before", Side::Right),
        ("after", Side::Right),
        ("used", Side::Right),
        ("projected", Side::Right),
        ("headroom", Side::Right),
        ("", Side::Left),
    ]);
    // The most dangerous first: what leaves the least room. Rows that only fall with others are counted, not listed.
    let (others, mut own): (Vec<&PlanRow>, Vec<&PlanRow>) = rows.partition(|row| row.falls_with_others());
    own.sort_by_key(|row| (row.headroom().unwrap_or(Units::MAX), row.row));
    let figure = |units: Option<Units>| units.map_or_else(|| "–".to_owned(), grouped);
    let quota = |known: bool, quota| if known { quota_text(quota) } else { String::new() };
    for row in own.iter().take(LISTED) {
        table.row([
            row.row.to_string(),
            row.label(),
            quota(row.target.is_some(), row.before),
            quota(row.is_understood(), row.after),
            figure(row.used),
            figure(row.projected),
            figure(row.headroom()),
            why(row),
        ]);
    }
    if table.is_empty() {
        return String::new();
    }
    let mut text = format!("\n  {}\n{}", paint.bold(title), table.render(2, paint));
    if own.len() > LISTED {
        text += &format!("    and {} more (--format json for all)\n", own.len() - LISTED);
    }
    if !others.is_empty() {
        text += &format!("    and {} that fall together with these\n", others.len());
    }
    text
}

/// The whole plan for programs.
pub(super) fn to_json(name: &str, plan: &Plan) -> Value {
    let counts = plan.counts();
    let rows = plan.rows.iter().map(|row| {
        let (verdict, reasons): (&str, Vec<Value>) = match &row.verdict {
            Verdict::Send => ("send", Vec::new()),
            Verdict::Unchanged(message) => ("unchanged", vec![json!({ "message": message })]),
            Verdict::Refused(problem) => {
                ("refused", vec![json!({ "code": problem.code.as_str(), "message": problem.message })])
            }
            Verdict::Held(tripped) => (
                "held",
                tripped.iter().map(|t| json!({ "guard": t.guard.as_str(), "message": t.message })).collect(),
            ),
        };
        json!({
            "row": row.row,
            "action": row.action,
            "org_id": row.target.as_ref().map(|target| &target.org_id),
            "org_name": row.org_name,
            "aid": row.target.as_ref().and_then(|target| target.aid.as_ref()),
            "account_group_name": row.account_group_name,
            "before": row.before,
            "after": row.after,
            "used": row.used,
            "projected": row.projected,
            "headroom": row.headroom(),
            "verdict": verdict,
            "reasons": reasons,
            "warnings": row.warnings,
            "comment": row.comment,
        })
    });
    json!({
        "file": name,
        "plan_sha256": plan.sha256,
        "counts": {
            "rows": plan.rows.len(), "raises": counts.raises, "decreases": counts.decreases, "new": counts.new,
            "removed": counts.removed, "unchanged": counts.unchanged, "refused": counts.refused, "held": counts.held,
        },
        "organizations": plan.organizations.iter().map(|organization| json!({
            "org_id": organization.org_id,
            "org_name": organization.name,
            "quota": organization.quota,
            "plan_units": organization.plan_units,
            "allocated_before": organization.allocated_before,
            "allocated_after": organization.allocated_after,
        })).collect::<Vec<_>>(),
        "rows": rows.collect::<Vec<_>>(),
    })
}

/// The plan for a pull request or a ticket.
fn markdown(name: &str, plan: &Plan) -> String {
    let counts = plan.counts();
    let safe = |text: &str| text.replace('|', "\\|").replace(['\n', '\r'], " ");
    let mut text = format!(
        "### {}\n\n{}, {}, {}, {}, {} unchanged, {} refused; {} held · plan `{}`\n\n",
        safe(name),
        counted(counts.raises, "raise"),
        counted(counts.decreases, "decrease"),
        counted(counts.new, "first quota"),
        counted(counts.removed, "unassign"),
        counts.unchanged,
        counts.refused,
        counts.held,
        plan.sha256
    );
    text += "| row | target | before | after | used | projected | headroom | |\n|--:|---|--:|--:|--:|--:|--:|---|\n";
    let interesting = || plan.rows.iter().filter(|row| !matches!(row.verdict, Verdict::Unchanged(_)));
    let figure = |units: Option<Units>| units.map_or_else(|| "–".to_owned(), grouped);
    for row in interesting().take(100) {
        let what = match &row.verdict {
            Verdict::Send => row.warnings.join("; "),
            Verdict::Unchanged(message) => message.clone(),
            Verdict::Refused(problem) => format!("refused: {}", problem.message),
            Verdict::Held(_) => {
                let why: Vec<_> = row.held_reasons().map(|tripped| tripped.message.clone()).collect();
                format!("**held**: {}", why.join("; "))
            }
        };
        text += &format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} |\n",
            row.row,
            safe(&row.label()),
            quota_text(row.before),
            quota_text(row.after),
            figure(row.used),
            figure(row.projected),
            figure(row.headroom()),
            safe(&what)
        );
    }
    let more = interesting().count().saturating_sub(100);
    if more > 0 {
        text += &format!("\nand {more} more\n");
    }
    text
}

/// What became of a row, in one word for a table.
pub(super) fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Applied { .. } => "applied",
        Outcome::Unchanged { .. } => "unchanged",
        Outcome::Scheduled { .. } => "scheduled",
        Outcome::Failed(problem) => problem.code.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_typed_back_as_one_word() {
        assert_eq!(shell_word("drop/raise-q4.csv"), "drop/raise-q4.csv");
        assert_eq!(shell_word("Ann's raise.csv"), r"'Ann'\''s raise.csv'");
    }

    #[test]
    fn what_came_through_a_pipe_is_applied_through_a_pipe_and_no_empty_plan_is_applied_at_all() {
        let paint = Paint::stdout(Color::Never);
        let plan = |rows| Plan { rows, ..Plan::default() };
        let row = crate::report::fixtures::plan_row(2, "5", "EMEA", Some(1), Some(2), Verdict::Send);
        let told = text("standard-input.csv", &plan(vec![row]), paint, Tense::Would { typed: "-" });
        assert!(
            told.contains("1 row would be sent") && told.contains("To apply: quotakeeper apply -\n"),
            "{told}"
        );
        let told = text("empty.csv", &plan(Vec::new()), paint, Tense::Would { typed: "empty.csv" });
        assert!(told.contains("0 rows would be sent") && !told.contains("To apply"), "{told}");
    }
}
