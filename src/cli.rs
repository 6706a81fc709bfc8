//! The command line: parses a command and runs it.
//!
//! Data goes to standard output, everything else to standard error. Commands that only read need no lock and work
//! beside the daemon; those that write take it, or hand their work to the process that holds it.

mod advice;
mod apply;
mod arguments;
mod check;
mod decide;
mod export;
mod handover;
mod history;
mod jobs;
mod log_stream;
mod logging;
mod plan;
mod progress;
mod propose;
mod runs;
mod signals;
mod status;
mod system_limits;
mod table;
mod targets;
mod terminal;
mod time_arguments;
mod wanted_organizations;

use std::ffi::OsString;
use std::io::Write;
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser};

use self::advice::advice;
use self::arguments::{Cli, Color, Command, Format, History, TableFormat};
use self::handover::RunCommand;
use self::terminal::{Out, OutputNotWritten};
use self::time_arguments::{NotATime, TimeContext};
use crate::clock::Clock;
use crate::config::{self, ConfigError, Environment};
use crate::daemon::{Source, freed_memory};
use crate::exit_code::Exit;
use crate::files::lock::LockError;
use crate::jobs::{App, Job};
use crate::text::edge;

/// How long a stop waits for the request in flight.
const GRACE: Duration = Duration::from_secs(8);

/// Runs the command line and says the exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_parsed(&error),
    };
    let is_service = matches!(cli.command, Command::Run | Command::Once { .. });
    let log_of = match cli.command {
        // It plays weeks of jobs: their log lines would bury the tour.
        Command::Demo { .. } => logging::LogOwner::Demo,
        _ if is_service => logging::LogOwner::Service,
        _ => logging::LogOwner::Command,
    };
    logging::start(&cli.global, log_of);
    if matches!(cli.command, Command::Run) {
        freed_memory::fix_limits();
    }
    // It is never shut down: that would need a call to wake its threads, and where the kernel fails that one it would wait for
    // ever, also after a panic. A request that is still under way at the end is abandoned: the journal knows it as unknown.
    let runtime = match system_limits::start_runtime() {
        Ok(runtime) => ManuallyDrop::new(runtime),
        Err(error) => {
            terminal::eprint(&format!("quotakeeper: {error:#}"));
            return Exit::Failed.into();
        }
    };
    let answered = runtime.block_on(answer(cli));
    let answered = match terminal::failure() {
        // A broken pipe is none: who reads has had enough.
        Some(error) if answered.as_ref().err().is_none_or(anyhow::Error::is::<std::io::Error>) => {
            Err(OutputNotWritten { what: "standard output".to_owned(), error }.into())
        }
        _ => answered,
    };
    let exit = answered.unwrap_or_else(|error| {
        if error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
        {
            return Exit::Done; // `quotakeeper history list | head` is no failure
        }
        if is_service {
            log_end(&error); // nobody sits in front of it: its log is what is read
        } else {
            terminal::eprint(&format!("quotakeeper: {error:#}"));
            if let Some(advice) = advice(&error) {
                terminal::eprint(&format!("  → {advice}"));
            }
        }
        match error.downcast_ref::<LockError>() {
            Some(LockError::Busy { .. }) => Exit::Busy,
            _ if error.is::<NotATime>() => Exit::Usage,
            _ => Exit::Failed,
        }
    });
    exit.into()
}

/// Help that was asked for, or what is wrong with the arguments. Those are repeated in it: without what they may hide.
fn not_parsed(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let printed = error.print().and_then(|()| std::io::stdout().flush());
        let Err(error) = printed else { return Exit::Done.into() };
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Exit::Done.into();
        }
        terminal::eprint(&format!("quotakeeper: standard output cannot be written: {error}"));
        return Exit::Failed.into();
    }
    let readable = |argument: OsString| edge::lines(&argument.to_string_lossy()).into_owned();
    if let Some(mut error) = Cli::try_parse_from(std::env::args_os().map(readable)).err() {
        let is_undo =
            error.get(ContextKind::InvalidSubcommand) == Some(&ContextValue::String("undo".to_owned()));
        if is_undo {
            error.remove(ContextKind::SuggestedSubcommand); // `run` would start the daemon
        }
        if !terminal::eprint_where_wide(&error.render().to_string()) {
            let _ = error.print(); // in colours
        }
        if is_undo {
            terminal::eprint(
                "  → each run that changed something has an undo.csv beside its other answers: drop it into the inbox",
            );
        }
    } else {
        // With what stands for bytes that are no text it would do.
        let unreadable = std::env::args_os().filter(|argument| argument.to_str().is_none()).map(readable);
        let named = unreadable.map(|argument| format!("`{argument}`")).collect::<Vec<_>>().join(", ");
        terminal::eprint(&format!(
            "quotakeeper: {named} is not UTF-8 text, which this command needs here: type it again, or rename the file"
        ));
    }
    Exit::Usage.into()
}

/// Why a service could not do its work; each problem of a configuration is a fact of its own.
fn log_end(error: &anyhow::Error) {
    if let Some(config) = error.downcast_ref::<ConfigError>() {
        for problem in &config.problems {
            tracing::error!(problem, "the configuration cannot be used");
        }
    } else {
        tracing::error!(error = format!("{error:#}"), hint = crate::report::advice(error), "ended");
    }
}

async fn answer(cli: Cli) -> anyhow::Result<Exit> {
    let Cli { command, global } = cli;
    restrict(&command);
    let source = Source { file: config_file(global.config.as_deref()), environment: environment() };
    match command {
        Command::Completions { shell } => {
            let mut script = Vec::new(); // clap_complete would panic where nobody reads on
            clap_complete::generate(shell, &mut Cli::command(), "quotakeeper", &mut script);
            let mut out = Out::data();
            out.write_all(&script)?;
            out.flush()?;
            return Ok(Exit::Done);
        }
        Command::Man { command } => {
            man(&command)?;
            return Ok(Exit::Done);
        }
        Command::Simulate(args) => {
            crate::simulator::run(args).await?;
            return Ok(Exit::Done);
        }
        Command::Demo { dir } => {
            let folded =
                |indent, text: &str| plan::wrap_text(indent, text, table::Paint::stdout(global.color));
            let layout = crate::demo::TerminalLayout { run: runs::run_text, folded: &folded };
            crate::demo::run(dir, layout, &mut Out::text(global.color)).await?;
            return Ok(Exit::Done);
        }
        Command::Check { online, send_test_mail } => {
            return check::check(source.load(), source.file.as_deref(), online, send_test_mail.as_deref())
                .await;
        }
        _ => {}
    }
    let mut app = App::new(source.load()?);
    let is_daemon = matches!(command, Command::Run);
    let CommandTraits { writes, is_waited_for } = command_traits(&command);
    if is_waited_for {
        app.history = app.history.on_all_cores();
    }
    let _bar = is_waited_for.then(|| progress::reading_bar(&app.history));
    let app = Arc::new(app);
    signals::cancel_on_signals(&app.cancel, is_daemon)?;
    let grace = app.cancel.clone();
    tokio::select! {
        answered = dispatch(command, &app, &source, global.color) => answered,
        () = async { grace.cancelled().await; tokio::time::sleep(GRACE).await }, if writes => {
            anyhow::ensure!(is_daemon, signals::STOPPED); // to be stopped is no failure of the daemon
            tracing::warn!("{}", signals::STOPPED);
            Ok(Exit::Done)
        }
        // What only reads leaves nothing under way.
        () = grace.cancelled(), if !writes => anyhow::bail!("stopped by a signal"),
    }
}

async fn dispatch(command: Command, app: &Arc<App>, source: &Source, color: Color) -> anyhow::Result<Exit> {
    let mut out = match command {
        Command::Export { .. }
        | Command::Propose { .. }
        | Command::Targets { format: TableFormat::Csv, .. }
        | Command::Plan { format: Format::Csv, .. }
        | Command::History { what: History::Show { .. } | History::Of { format: TableFormat::Csv, .. } } => {
            Out::data()
        }
        _ => Out::text(color),
    };
    let exit = carry_out(command, app, source, color, &mut out).await?;
    out.flush()?;
    Ok(exit)
}

async fn carry_out(
    command: Command,
    app: &Arc<App>,
    source: &Source,
    color: Color,
    out: &mut Out,
) -> anyhow::Result<Exit> {
    let (here, changes) = (jobs::handover(app), app.change_services(&Clock::read()));
    let on_runs = RunCommand { handover: &here, services: &changes, mailer: &app.mailer };
    let when = TimeContext { zone: app.config.schedule.timezone, now: Clock::read().now() };
    match command {
        Command::Run => jobs::run(app, source).await,
        Command::Once { detailed_exitcode } => jobs::once(app, detailed_exitcode).await,
        Command::Snapshot => jobs::run_job(app, Job::Snapshot, None).await,
        Command::Inbox => jobs::run_job(app, Job::Inbox, None).await,
        Command::Prune => jobs::run_job(app, Job::Prune, None).await,
        Command::Outbox => jobs::run_job(app, Job::Outbox, None).await,
        Command::Report { kind } => jobs::report(app, &kind, when).await,
        Command::Targets { at, org, name, over, format } => {
            let at = at.map(|at| when.snapshot_time(&at)).transpose()?;
            let asked =
                targets::TargetsRequest { at, organizations: &org, name: name.as_deref(), over, format };
            let style = plan::style(&app.config, color);
            targets::targets(&app.report_inputs(), &asked, style, when.now, out)
        }
        Command::Plan { file, format, all, detailed_exitcode } => {
            let asked = plan::PlanRequest { file: &file, format, list_all: all, detailed: detailed_exitcode };
            plan::plan(&changes, &asked, color, out).await
        }
        Command::Apply { file, approve } => {
            apply::apply(&on_runs, &file, approve.as_deref(), color, out).await
        }
        Command::Approve { run, plan } => decide::approve(&on_runs, &run, plan.as_deref()).await,
        Command::Reject { run } => decide::reject(&on_runs, &run).await,
        Command::Runs { run, state, format } => match run {
            Some(run) => runs::show_run(&app.config, &run, format, color, out),
            None => runs::list_runs(&app.config, &state, format, color, out),
        },
        Command::Export { org, at, restore } => {
            let at = at.map(|at| when.snapshot_time(&at)).transpose()?;
            let asked = export::ExportRequest { organizations: &org, at, restore };
            export::export(&changes, &asked, out).await
        }
        Command::Propose { org } => propose::propose(&changes, &org, out).await,
        Command::History { what } => {
            history::history(&app.report_inputs(), &what, when, plan::style(&app.config, color), out)
        }
        Command::Status { format } => status::status(&app.report_inputs(), &app.mailer, format, color, out),
        Command::Demo { .. }
        | Command::Check { .. }
        | Command::Simulate(_)
        | Command::Completions { .. }
        | Command::Man { .. } => Ok(Exit::Done), // answered before a configuration was read
    }
}

/// One page for each command; the first one names the others.
fn man(words: &[String]) -> anyhow::Result<()> {
    let mut all = Cli::command().disable_help_subcommand(true);
    all.build(); // gives each command its whole name
    let mut command = &all;
    for word in words {
        let known = command.find_subcommand(word);
        command = known.with_context(|| {
            format!("there is no command {}: `quotakeeper --help` lists all", words.join(" "))
        })?;
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    // What stands below the options of `--help` has a name of its own in a manual page.
    let page = String::from_utf8(page)?.replace(".SH EXTRA\n", ".SH \"EXIT STATUS\"\n");
    let mut out = Out::data();
    out.write_all(page.as_bytes())?;
    Ok(out.flush()?)
}

/// The variables. One whose name is not text is none of ours, and no reason to stop; in a value, what stands for bytes that
/// are no text is found where the value is read as a setting.
fn environment() -> Environment {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
        .collect()
}

/// The file that is named, else the first usual one that is there. One in the current folder counts only if nobody else can
/// have put it there.
fn config_file(named: Option<&std::path::Path>) -> Option<PathBuf> {
    let is_unset = || std::env::var_os(arguments::CONFIG_VARIABLE).is_some_and(|unset| unset.is_empty());
    if let Some(named) = named.filter(|named| !named.as_os_str().is_empty() || !is_unset()) {
        return Some(named.to_owned());
    }
    let is_there = |path: &PathBuf| std::fs::symlink_metadata(path).is_ok();
    let here = Some(PathBuf::from("quotakeeper.toml")).filter(is_there);
    let trusted = here.filter(|here| match config::why_untrusted(here) {
        Some(why) => {
            let _ = writeln!(
                std::io::stderr(),
                "quotakeeper: ./quotakeeper.toml is not used: {why}; name it with --config if it is yours"
            );
            false
        }
        None => true,
    });
    trusted.or_else(|| Some(PathBuf::from("/etc/quotakeeper/quotakeeper.toml")).filter(is_there))
}

/// What a command is to the machine that it runs on.
struct CommandTraits {
    /// It writes below `data.dir`.
    writes: bool,
    /// Somebody waits for what it reads of the history. The daemon, and what a timer starts, have time and share their machine.
    is_waited_for: bool,
}

fn command_traits(command: &Command) -> CommandTraits {
    let (writes, is_waited_for) = match command {
        Command::Run
        | Command::Once { .. }
        | Command::Snapshot
        | Command::Inbox
        | Command::Outbox
        | Command::Prune
        | Command::Apply { .. }
        | Command::Approve { .. }
        | Command::Reject { .. } => (true, false),
        Command::Report { kind } => (kind.written().out.is_none(), true),
        Command::Targets { .. }
        | Command::Export { .. }
        | Command::History { .. }
        | Command::Plan { .. }
        | Command::Propose { .. }
        | Command::Status { .. } => (false, true),
        Command::Demo { .. }
        | Command::Runs { .. }
        | Command::Check { .. }
        | Command::Simulate(_)
        | Command::Completions { .. }
        | Command::Man { .. } => (false, false),
    };
    CommandTraits { writes, is_waited_for }
}

/// What this process leaves on the disk is for its user and group alone, whatever the umask; the reports that a person has
/// written to a file are that person's. And it leaves no core, which would hold the token.
fn restrict(command: &Command) {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    // With a limit of 0 the kernel still hands a core to a program that asked for them all (`core_pattern` with a pipe, as apport and
    // systemd-coredump set it). With 1 it does not.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(1), maximum: Some(1) });
    if command_traits(command).writes {
        // Whatever the limit, which root can raise. What only reads stays to be seen below `/proc`, for its output may be a file in the
        // inbox, of which a pass must see that it is open.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
        // Files and folders get their modes when they are made. Nothing is taken from the group here: in a folder that a
        // group shares, a service under `RestrictSUIDSGID=` could not give it back.
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o007));
    }
}
