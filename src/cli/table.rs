//! Tables and colours for the terminal: aligned columns that fit its width; plain text for a pipe.

use std::fmt::Write;
use std::io::IsTerminal;

use anstyle::{AnsiColor, Style};

use super::Color;

/// How text is painted on standard output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    colors: bool,
    /// Columns of the terminal; no end for a pipe, which cuts nothing.
    pub width: usize,
}

impl Paint {
    pub(super) fn stdout(color: Color) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let width = if terminal {
            terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0))
        } else {
            usize::MAX
        };
        Self { colors: colors(color, terminal), width }
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.styled(text, Style::new().bold())
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.styled(text, Style::new().dimmed())
    }

    pub(super) fn red(self, text: &str) -> String {
        self.styled(text, AnsiColor::Red.on_default().bold())
    }

    pub(super) fn yellow(self, text: &str) -> String {
        self.styled(text, AnsiColor::Yellow.on_default())
    }

    pub(super) fn green(self, text: &str) -> String {
        self.styled(text, AnsiColor::Green.on_default())
    }

    fn styled(self, text: &str, style: Style) -> String {
        if self.colors { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// Whether to use colours: as asked for, else on a terminal unless `NO_COLOR` says otherwise (no-color.org).
pub(super) fn colors(color: Color, terminal: bool) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

/// Which side a column's cells stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// Rows of cells under headers, each column as wide as it needs.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<(&'static str, Side)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(columns: &[(&'static str, Side)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.columns.len());
        self.rows.push(cells.into());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as text, indented. Where the line is full, the widest text is cut, and the last cell goes on below:
    /// it says why.
    pub(super) fn render(&self, indent: usize, paint: Paint) -> String {
        let widths = self.widths(indent, paint.width);
        let mut text = String::new();
        let headers: Vec<String> = self.columns.iter().map(|(header, _)| (*header).to_owned()).collect();
        let mut line = |cells: &[String], header: bool| {
            let mut out = " ".repeat(indent);
            let [cells @ .., last] = cells else { return };
            for ((cell, wide), (_, side)) in cells.iter().zip(&widths).zip(&self.columns) {
                let cell = cut(cell, *wide);
                let gap = " ".repeat(wide.saturating_sub(width(&cell)));
                out += &match side {
                    Side::Right => format!("{gap}{cell}  "),
                    Side::Left => format!("{cell}{gap}  "),
                };
            }
            let last = cut(last, usize::MAX);
            let room = paint.width.saturating_sub(width(&out));
            let below = if width(&last) <= room {
                if self.columns.last().is_some_and(|(_, side)| *side == Side::Right) {
                    out += &" "
                        .repeat(widths.last().map_or(0, |wide| wide.saturating_sub(width(&last))).min(room));
                }
                out += &last;
                Vec::new()
            } else {
                wrapped(&last, paint.width.saturating_sub(indent + 4).max(20))
            };
            let out = out.trim_end();
            let _ = writeln!(text, "{}", if header { paint.dim(out) } else { out.to_owned() });
            for line in below.iter().filter(|_| !header) {
                let _ = writeln!(text, "{}{line}", " ".repeat(indent + 4));
            }
        };
        line(&headers, true);
        for row in &self.rows {
            line(row, false);
        }
        text
    }

    /// How wide each column is: as its cells need it, the widest text less where they don't fit beside each other.
    fn widths(&self, indent: usize, room: usize) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|(header, _)| width(header)).collect();
        for row in &self.rows {
            for (cell, wide) in row.iter().zip(&mut widths) {
                *wide = (*wide).max(width(cell));
            }
        }
        let beside = widths.len().saturating_sub(1);
        let needed = indent + widths[..beside].iter().map(|wide| wide + 2).sum::<usize>();
        let texts = self.columns[..beside].iter().enumerate().filter(|(_, (_, side))| *side == Side::Left);
        if let Some(widest) = texts.map(|(index, _)| index).max_by_key(|index| widths[*index]) {
            widths[widest] =
                widths[widest].saturating_sub(needed.saturating_sub(room)).max(12.min(widths[widest]));
        }
        widths
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Lines of whole words.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= room => *line += &format!(" {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Text that fits, with an ellipsis where it was cut; control characters never reach the terminal.
fn cut(text: &str, room: usize) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.chars().count() <= room {
        return clean;
    }
    let short: String = clean.chars().take(room.saturating_sub(1)).collect();
    format!("{}…", short.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_the_last_cell_goes_on_below_where_the_line_is_full() {
        let mut table = Table::new(&[("name", Side::Left), ("units", Side::Right), ("why", Side::Left)]);
        table.row(["EMEA".into(), "1 000".into(), "short".into()]);
        table.row(["Payments – Core".into(), "5".into(), "a reason that goes on and on and on".into()]);
        let paint = |width| Paint { colors: false, width };
        insta::assert_snapshot!(table.render(2, paint(45)), @r"
        name             units  why
        EMEA             1 000  short
        Payments – Core      5
            a reason that goes on and on and on
        ");
        let narrow = table.render(2, paint(25));
        assert!(
            narrow.contains("Payments – Co…") && narrow.lines().all(|line| width(line) <= 26),
            "{narrow}"
        );
        assert!(table.render(2, paint(usize::MAX)).contains("5  a reason that goes on and on and on"));
    }

    #[test]
    fn no_control_character_reaches_the_terminal() {
        assert_eq!(cut("a\u{1b}[31mb\n", 20), "a [31mb ");
    }
}
