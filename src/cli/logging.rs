//! Logs go to standard error: text on a terminal, one JSON object a line elsewhere, and for systemd's journal text with
//! priorities, so that `journalctl -p warning` shows what it should. A fact is one line, whatever it holds.

use std::io::{self, IsTerminal, Write};

use chrono::SecondsFormat;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::arguments::{Global, LogFormat};
use super::log_stream;
use super::progress::Log;
use crate::clock::Clock;
use crate::text::edge;

/// Whose log it is, which says what is worth a line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LogOwner {
    Service,
    Command,
    Demo,
}

pub(super) fn start(global: &Global, of: LogOwner) {
    let (terminal, journal) = (io::stderr().is_terminal(), is_journal());
    let level = match (global.quiet, global.verbose) {
        (true, _) => "warn",
        (false, 0) if of == LogOwner::Demo => "warn",
        // What the API answered is in the sentence that a person gets.
        (false, 0) if of == LogOwner::Command => "warn,quotakeeper=info,quotakeeper::thousandeyes=warn",
        (false, 0) => "warn,quotakeeper=info",
        (false, 1) => "quotakeeper=debug,info",
        // Not everybody's: the HTML libraries log whole mails at debug, with the addresses in them.
        (false, _) => "quotakeeper=trace,reqwest=debug,hyper_util=debug,rustls=debug,info",
    };
    Log::with_info(level != "warn");
    let is_json = match global.log_format {
        Some(LogFormat::Json) => true,
        Some(LogFormat::Text) => false,
        None => !terminal && !journal,
    };
    // A bad certificate is reported where it is handled, with the fix.
    let levels: Targets = format!("{level},rustls_platform_verifier=off").parse().expect("levels by name");
    let lines = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(Lines { priorities: journal, is_json })
        // It would write to standard error that standard error cannot be written, and panic.
        .log_internal_errors(false);
    match (is_json, journal) {
        (true, _) => {
            lines.json().flatten_event(true).with_current_span(false).finish().with(levels).init();
        }
        // The journal has a time and a level of its own.
        (false, true) => {
            let lines = lines.without_time().with_level(false).with_ansi(false).with_target(false);
            lines.finish().with(levels).init();
        }
        (false, false) => {
            let colors = super::table::colors(global.color, terminal);
            lines.with_ansi(colors).with_target(false).finish().with(levels).init();
        }
    }
}

/// Whether standard error is systemd's journal, as `sd-daemon` describes: the variable names the very stream.
fn is_journal() -> bool {
    let named = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    rustix::fs::fstat(io::stderr())
        .is_ok_and(|stream| named == format!("{}:{}", stream.st_dev, stream.st_ino))
}

/// Makes the writer of each line.
struct Lines {
    priorities: bool,
    is_json: bool,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { prefix: "", is_json: self.is_json }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Line {
        let prefix = match *meta.level() {
            _ if !self.priorities => "",
            Level::ERROR => "<3>",
            Level::WARN => "<4>",
            Level::INFO => "<6>",
            Level::DEBUG | Level::TRACE => "<7>",
        };
        Line { prefix, is_json: self.is_json }
    }
}

/// One fact, which comes as a whole.
struct Line {
    prefix: &'static str,
    is_json: bool,
}

impl Line {
    /// That lines were lost, as a line.
    fn notice(&self, lost: u64) -> String {
        let words = format!("{lost} lines of this log were lost: nothing read standard error");
        let time = Clock::read().now().to_rfc3339_opts(SecondsFormat::Micros, true);
        match (self.is_json, self.prefix) {
            (true, _) => format!(
                "{{\"timestamp\":\"{time}\",\"level\":\"WARN\",\"message\":\"{words}\",\"lost\":{lost}}}\n"
            ),
            (false, "") => format!("{time}  WARN {words}\n"),
            (false, _) => format!("<4>{words}\n"),
        }
    }
}

impl Write for Line {
    fn write(&mut self, fact: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(fact.strip_suffix(b"\n").unwrap_or(fact)).replace('\n', " ");
        let text = if self.is_json { edge::json(&text) } else { edge::logged_lines(&text).into_owned() };
        log_stream::write(&format!("{}{text}\n", self.prefix), |lost| self.notice(lost));
        Ok(fact.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = Log.flush();
        Ok(())
    }
}
