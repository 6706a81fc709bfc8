//! Standard output and standard error: every text leaves through here, clean of what others put into it.
//!
//! A failure to write never ends the process by itself. Standard output remembers its first one, which `main` turns into the exit
//! code; nobody is left to read standard error.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use super::progress;
use super::table::{colors, wrapped, wrapped_and_indented};
use crate::cli::arguments::Color;
use crate::text::edge;
use crate::text::width::columns;

/// Why standard output could not be written, the first time.
static FAILED: Mutex<Option<io::Error>> = Mutex::new(None);

/// That what a person asked for could not be written where it was to go.
#[derive(Debug, thiserror::Error)]
#[error("{what} cannot be written")]
pub(super) struct OutputNotWritten {
    pub what: String,
    #[source]
    pub error: io::Error,
}

/// What stands in a text for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    /// With our colours.
    Painted,
    /// Data for a file or a program: as it is.
    Data,
}

/// Standard output, line by line.
pub(super) struct Out {
    kind: Kind,
    line: Vec<u8>,
}

impl Out {
    /// For people, wherever it goes.
    pub(super) fn text(color: Color) -> Self {
        let painted = colors(color, io::stdout().is_terminal());
        Self { kind: if painted { Kind::Painted } else { Kind::Plain }, line: Vec::new() }
    }

    /// A file on standard output. A terminal is no file: people look at it there.
    pub(super) fn data() -> Self {
        Self { kind: if io::stdout().is_terminal() { Kind::Plain } else { Kind::Data }, line: Vec::new() }
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        progress::clear();
        let text = || String::from_utf8_lossy(bytes);
        note(match self.kind {
            Kind::Data => io::stdout().write_all(bytes),
            Kind::Plain => io::stdout().write_all(edge::lines(&text()).as_bytes()),
            Kind::Painted => io::stdout().write_all(edge::painted_lines(&text()).as_bytes()),
        })
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') {
            let (lines, rest) = bytes.split_at(end + 1);
            // Many lines at once are mostly whole ones, and may be too large to copy.
            if self.line.is_empty() {
                self.send(lines)?;
            } else {
                let begun = std::mem::take(&mut self.line);
                self.send(&[&begun, lines].concat())?;
            }
            self.line.extend_from_slice(rest);
        } else {
            self.line.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let rest = std::mem::take(&mut self.line);
        self.send(&rest)?;
        note(io::stdout().flush())
    }
}

/// A line on standard output for which nobody has to wait: work goes on where it cannot be written.
pub(super) fn print(text: &str) {
    let mut out = Out::text(Color::Auto);
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// A line on standard error, on a terminal as many as it needs. Nothing can be done where it cannot be written.
pub(super) fn eprint(text: &str) {
    progress::clear();
    let text = edge::lines(text);
    let terminal = terminal_size::terminal_size_of(io::stderr()).filter(|_| io::stderr().is_terminal());
    let text = terminal.map_or_else(|| text.to_string(), |(width, _)| folded(&text, width.0.into()));
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// The same, where a line does not fit on the terminal; nothing is printed elsewhere.
pub(super) fn eprint_where_wide(text: &str) -> bool {
    let terminal = terminal_size::terminal_size_of(io::stderr()).filter(|_| io::stderr().is_terminal());
    let is_wide = terminal.is_some_and(|(width, _)| text.lines().any(|line| columns(line) > width.0.into()));
    if is_wide {
        eprint(text.trim_end());
    }
    is_wide
}

/// Each line that is too long as lines of whole words, as far from the left as it is.
fn folded(text: &str, width: usize) -> String {
    let fold = |line: &str| {
        if columns(line) <= width {
            return line.to_owned();
        }
        let indent = columns(line) - columns(line.trim_start());
        wrapped_and_indented(indent, line, width).collect::<Vec<_>>().join("\n")
    };
    text.split('\n').map(fold).collect::<Vec<_>>().join("\n")
}

/// A text behind a mark: lines that are too long go on below the text.
pub(super) fn marked(mark: char, text: &str, width: usize) -> String {
    let fold = |line: &str| {
        if columns(line) + 2 <= width {
            return line.to_owned();
        }
        wrapped(line, width.saturating_sub(2).max(20)).join("\n  ")
    };
    format!("{mark} {}", text.split('\n').map(fold).collect::<Vec<_>>().join("\n"))
}

/// Why what was printed did not arrive; not where the reader had enough.
pub(super) fn failure() -> Option<io::Error> {
    FAILED.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn note(written: io::Result<()>) -> io::Result<()> {
    written.inspect_err(|error| {
        if error.kind() != io::ErrorKind::BrokenPipe {
            let mut failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
            let again =
                error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
            failed.get_or_insert(again);
        }
    })
}

#[cfg(test)]
mod tests;
