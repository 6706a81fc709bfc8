//! Every command with its options. The first line of each comment is what `--help` says.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::change::RunState;

/// Snapshots, bulk changes and reports for Cisco `ThousandEyes` usage quotas
#[derive(Debug, Parser)]
#[command(version, long_version = env!("QUOTAKEEPER_VERSION"), about = ABOUT, max_term_width = 100, after_help = EXIT_CODES)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub global: Global,
}

const ABOUT: &str = "Snapshots, bulk changes and reports for Cisco ThousandEyes usage quotas";

const EXIT_CODES: &str = "\
Exit codes: 0 done · 1 failed · 2 wrong usage · 3 `plan --detailed-exitcode` found changes · 4 some rows refused or \
failed · 5 held for approval · 75 another instance holds the lock";

/// Names the configuration. Empty it is as good as unset.
pub(super) const CONFIG_VARIABLE: &str = "QUOTAKEEPER_CONFIG";

#[derive(Debug, Args)]
pub(super) struct Global {
    /// Configuration file [default: ./quotakeeper.toml if only you or root can write it, else /etc/quotakeeper/quotakeeper.toml]
    #[arg(short, long, global = true, env = CONFIG_VARIABLE, value_name = "FILE", value_parser = any_path())]
    pub config: Option<PathBuf>,
    /// Log format [default: text on a terminal and in systemd's journal, else JSON]
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Log more
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Log warnings and errors only
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Colours: `auto` uses them on a terminal, unless `NO_COLOR` is set
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    pub color: Color,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Text,
    Json,
    Markdown,
    Csv,
}

/// For people, or for programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    #[default]
    Text,
    Json,
}

/// For people, for spreadsheets, or for programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    #[default]
    Text,
    Csv,
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Take a guided tour without an account: snapshots, change files and mails, with a simulator of the API
    Demo {
        /// Keep all files in this new or empty folder [default: a temporary folder, removed at the end]
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Run all jobs on their schedules until SIGTERM or Ctrl-C
    Run,
    /// Run the jobs that are due, then exit (for a timer or a cron job)
    Once {
        /// Exit with 4 for refused rows, 5 for held runs, 75 if another instance holds the lock
        #[arg(long)]
        detailed_exitcode: bool,
    },
    /// Take a snapshot now
    Snapshot,
    /// Process the inbox now
    Inbox,
    /// Send a report now, or write it to a file
    Report {
        #[command(subcommand)]
        kind: ReportKind,
    },
    /// Deliver all queued mail now
    Outbox,
    /// Thin the history and remove old mail and finished runs now
    Prune,
    /// List quota and usage of every organization and account group, worst first
    Targets {
        /// Use the last snapshot at or before this time, such as 2026-12-01, "2026-12-01 14:00", Monday or yesterday [default: the newest snapshot]
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// Only this organization, by id or name; can be repeated
        #[arg(long, value_name = "ID|NAME")]
        org: Vec<String>,
        /// Only targets with this name; `*` matches any text, as in `*retail*`
        #[arg(long, value_name = "PATTERN")]
        name: Option<String>,
        /// Only targets whose used or projected units exceed this percentage of their quota
        #[arg(long, value_name = "PERCENT", value_parser = percent, allow_negative_numbers = true)]
        over: Option<u32>,
        /// Output for a person, a spreadsheet, or a program
        #[arg(long, value_enum, default_value_t)]
        format: TableFormat,
    },
    /// Show what a change file would do, without sending anything (a dry run)
    Plan {
        /// The change file; `-` reads standard input
        file: PathBuf,
        /// Output for a person, a program, a ticket, or a spreadsheet
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        /// List every row, including those that change nothing; JSON and CSV always do
        #[arg(long)]
        all: bool,
        /// Exit with 3 if there is anything to change
        #[arg(long)]
        detailed_exitcode: bool,
    },
    /// Apply a change file now; the same guards hold rows as in the inbox
    Apply {
        /// The change file; `-` reads standard input
        file: PathBuf,
        /// Approve the held rows if the plan has this SHA-256; its first eight digits are enough
        #[arg(long, value_name = "SHA256", value_parser = whole_plan_hash)]
        approve: Option<String>,
    },
    /// Approve a held run, or plan a stale one again
    Approve {
        /// The run's name as `runs` lists it, or any unique part of it
        run: String,
        /// Approve only if the plan has this SHA-256; its first eight digits are enough [default: the run's current plan]
        #[arg(long, value_name = "SHA256", value_parser = plan_hash)]
        plan: Option<String>,
    },
    /// Reject a held run, or drop a scheduled one
    Reject {
        /// The run's name as `runs` lists it, or any unique part of it
        run: String,
    },
    /// List the runs, or show one
    Runs {
        /// Show this run: its name, or any unique part of it
        run: Option<String>,
        /// List only runs in this state; can be repeated
        #[arg(long, value_name = "STATE", conflicts_with = "run", value_parser = run_state())]
        state: Vec<RunState>,
        /// Output for a person, or for a program
        #[arg(long, value_enum, default_value_t)]
        format: Output,
    },
    /// Write the quotas as a change file, ready to edit and drop
    Export {
        /// Only this organization, by id or name; can be repeated
        #[arg(long, value_name = "ID|NAME")]
        org: Vec<String>,
        /// Write the quotas of the last snapshot at or before this time, such as 2026-12-01, "2026-12-01 14:00", Monday, yesterday, or a snapshot's file name
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// Write only the quotas that differ from that snapshot, so that dropping the file restores them
        #[arg(long, requires = "at")]
        restore: bool,
    },
    /// Write a change file that moves unused headroom to account groups that will run out
    Propose {
        /// Only this organization, by id or name; can be repeated
        #[arg(long, value_name = "ID|NAME")]
        org: Vec<String>,
    },
    /// List snapshots, show one, compare two, or follow one target
    History {
        #[command(subcommand)]
        what: History,
    },
    /// Show what is wrong and what to do: jobs, held runs, unsent mail, the targets nearest their quota
    Status {
        /// Output for a person, or for a program
        #[arg(long, value_enum, default_value_t)]
        format: Output,
    },
    /// Validate the configuration; with --online also the token, its permissions and the mail server
    Check {
        /// Also try the API and the mail server, without changing or sending anything
        #[arg(long)]
        online: bool,
        /// Send a test mail to this address
        #[arg(long, value_name = "ADDRESS")]
        send_test_mail: Option<String>,
    },
    /// Run a simulator of the API on this machine
    Simulate(crate::simulator::SimulateArgs),
    /// Print the completion script for a shell
    Completions {
        /// The shell to complete for
        shell: clap_complete::Shell,
    },
    /// Print the manual page of quotakeeper, or of one command
    Man {
        /// The command to describe, such as `plan` or `report usage`
        command: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ReportKind {
    /// Report usage, and which account groups will run out
    Usage {
        #[command(flatten)]
        written: ReportOutputArgs,
        /// How far back to list changed quotas and draw trends: a TIME, or a duration such as 7d. This cycle is always drawn whole [default:
        /// the last report, and the previous cycle]
        #[arg(long, value_name = "TIME|DURATION", requires = "out")]
        since: Option<String>,
    },
    /// Report which quotas changed, and who changed them
    Changes {
        #[command(flatten)]
        written: ReportOutputArgs,
        /// How far back to look: a TIME, or a duration such as 7d [default: since the last report sent; 30d if there is none, or with --out]
        #[arg(long, value_name = "TIME|DURATION")]
        since: Option<String>,
    },
    /// Report usage in closed billing cycles, and the year so far; with --out, every organization's last cycle
    Closing {
        #[command(flatten)]
        written: ReportOutputArgs,
    },
}

impl ReportKind {
    pub(super) fn written(&self) -> &ReportOutputArgs {
        match self {
            Self::Usage { written, .. } | Self::Changes { written, .. } | Self::Closing { written } => {
                written
            }
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum History {
    /// List all snapshots: name, rows, size, and the quota changes since the one before
    List,
    /// Write a snapshot as CSV
    Show {
        /// A time, such as 2026-12-01, "2026-12-01 14:00", Monday or `latest`, or a snapshot's file name; the last snapshot at or before it is shown
        time: String,
    },
    /// Show which quotas changed between two snapshots, and who changed them
    Diff {
        /// The first snapshot, as for `show`
        a: String,
        /// The second snapshot
        b: String,
    },
    /// Follow one organization or account group over time: quota, usage, and who changed the quota
    Of {
        /// An id or a name; if that is not unique, both ids as ORGANIZATION/GROUP
        target: String,
        /// Start at this TIME, such as 2026-09 or Monday, or this long ago, such as 90d [default: the first snapshot]
        #[arg(long, value_name = "TIME|DURATION")]
        since: Option<String>,
        /// Output for a person, a spreadsheet, or a program
        #[arg(long, value_enum, default_value_t)]
        format: TableFormat,
    },
}

#[derive(Debug, Args)]
pub(super) struct ReportOutputArgs {
    /// Write the report here instead of sending it: a page, or a table that leaves nothing out
    #[arg(long, value_name = "FILE.html|FILE.csv", value_parser = report_file)]
    pub out: Option<ReportFile>,
    /// Only this organization, by id or name; can be repeated
    #[arg(long, value_name = "ID|NAME", requires = "out")]
    pub org: Vec<String>,
}

/// `90` or `90%`.
fn percent(text: &str) -> Result<u32, String> {
    let digits = text.trim().trim_end_matches('%').trim_end();
    digits.parse().map_err(|_| "write a whole percentage, such as 90".to_owned())
}

/// So many digits of a plan's hash that no other plan has them by chance.
fn plan_hash(text: &str) -> Result<String, String> {
    let digits = text.trim().to_ascii_lowercase();
    let is_hash = (8..=64).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hash.then_some(digits).ok_or_else(|| {
        "give at least 8 digits of the plan's SHA-256, as `quotakeeper plan` and `quotakeeper runs` show it"
            .to_owned()
    })
}

/// All of it: who can exchange the file between `plan` and `apply` finds another one whose plan begins with the same eight digits.
fn whole_plan_hash(text: &str) -> Result<String, String> {
    let hash = plan_hash(text)?;
    if hash.len() == 64 {
        Ok(hash)
    } else {
        Err("give all 64 digits of the plan's SHA-256, as `quotakeeper plan` shows them".to_owned())
    }
}

/// What a report is written as.
#[derive(Clone, Debug)]
pub(super) enum ReportFile {
    Page(PathBuf),
    Table(PathBuf),
}

/// The name says what is in the file: it must not promise something else.
fn report_file(name: &str) -> Result<ReportFile, String> {
    let path = PathBuf::from(name);
    let ending = path.extension().map(std::ffi::OsStr::to_ascii_lowercase);
    match ending.as_ref().and_then(|ending| ending.to_str()) {
        Some("csv") => Ok(ReportFile::Table(path)),
        Some("html" | "htm") => Ok(ReportFile::Page(path)),
        _ => Err("a report is a page or a table: name it FILE.html or FILE.csv".to_owned()),
    }
}

/// One of the states by its name, so that completions know them.
fn run_state() -> impl TypedValueParser<Value = RunState> {
    let names = RunState::ALL.iter().map(|state| state.as_str());
    PossibleValuesParser::new(names).map(|name| name.parse().expect("it is one of them"))
}

/// Also an empty one: clap's words on that help nobody.
fn any_path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

#[cfg(test)]
mod tests;
