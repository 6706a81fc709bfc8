//! Tables and colours for the terminal: aligned columns that fit its width; plain text for a pipe.

use std::fmt::Write;
use std::io::IsTerminal;

use anstyle::{AnsiColor, Style};

use crate::cli::arguments::Color;
use crate::text::clean::visible;
use crate::text::width::{columns as width, fit};
use crate::text::words;

/// With less of it, a name cannot be distinguished from others.
const LEAST_NAME: usize = 16;

/// How text is painted on standard output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    pub colors: bool,
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

    /// Whether a program reads it, and no person at a terminal.
    pub(super) fn is_piped(self) -> bool {
        self.width == usize::MAX
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

    pub(super) fn cell(self, cell: &Cell) -> String {
        let text = &cell.text;
        match cell.tone {
            _ if text.is_empty() => String::new(),
            Tone::Plain => text.clone(),
            Tone::Dim => self.dim(text),
            Tone::Red => self.red(text),
            Tone::Yellow => self.yellow(text),
            Tone::Green => self.green(text),
        }
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
    /// On the left, with room for all of it.
    Name,
}

/// How something is painted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tone {
    #[default]
    Plain,
    Dim,
    Red,
    Yellow,
    Green,
}

/// The text of one cell with nothing hidden in it, and how it is painted.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: visible(&text.into()).into_owned(), tone }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::new(text, Tone::Plain)
    }
}

#[derive(Debug)]
struct Row {
    /// What it and the rows after it belong to, on a line of its own.
    heading: Option<Cell>,
    cells: Vec<Cell>,
    /// What is said of it on lines of its own.
    lines_below: Vec<[Cell; 2]>,
}

/// Rows of cells under headers, each column as wide as it needs.
#[derive(Debug)]
pub(super) struct Table<'h> {
    columns: Vec<(&'h str, Side)>,
    rows: Vec<Row>,
    /// At least so wide is each column, so that several tables stand below each other.
    min_widths: Vec<usize>,
    /// The heading of the next row.
    heading: Option<Cell>,
}

impl<'h> Table<'h> {
    pub(super) fn new(columns: &[(&'h str, Side)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new(), min_widths: Vec::new(), heading: None }
    }

    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.push(cells.into_iter().map(Cell::from).collect());
    }

    pub(super) fn push(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(Row { heading: self.heading.take(), cells, lines_below: Vec::new() });
    }

    /// What the rows from the next one on belong to.
    pub(super) fn heading(&mut self, text: String) {
        self.heading = Some(Cell::from(text));
    }

    /// More about the last row, on lines of its own: a text, and what follows it dimly.
    pub(super) fn line_below(&mut self, text: Cell, tail: &str) {
        if let Some(row) = self.rows.last_mut() {
            row.lines_below.push([text, Cell::new(tail, Tone::Dim)]);
        }
    }

    /// The table as text, indented. Where the line is full, the widest text is cut, and the last cell goes on below:
    /// it says why. A name is not cut: one that does not fit has a line of its own above its row, and so has every name where most
    /// don't fit.
    pub(super) fn render(&self, indent: usize, paint: Paint) -> String {
        let (widths, _) = self.layout(indent, paint);
        let mut text = String::new();
        // Names on lines of their own may leave no room for their header: half a word would say less than none.
        let shown = |((header, side), wide): (&(&'h str, Side), &usize)| {
            if *side == Side::Name && width(header) > *wide { "" } else { header }
        };
        let headers: Vec<Cell> =
            self.columns.iter().zip(&widths).map(|column| Cell::new(shown(column), Tone::Plain)).collect();
        if self.columns.iter().any(|(header, _)| !header.is_empty()) {
            let (header, _) = self.line(&headers, &widths, indent, Paint { colors: false, ..paint });
            let _ = writeln!(text, "{}", paint.dim(header.trim_end()));
        }
        text + &self.render_rows(indent, paint)
    }

    /// How wide each column is, and which one has a line of its own.
    fn layout(&self, indent: usize, paint: Paint) -> (Vec<usize>, Option<usize>) {
        let mut widths = self.widths(indent, paint.width);
        let stacked = self.is_too_narrow(indent, &widths, paint.width);
        if let Some(column) = stacked {
            widths[column] = 0;
            let rest = self.width_needed(indent, &widths);
            widths[column] = width(self.columns[column].0).min(paint.width.saturating_sub(rest));
        }
        (widths, stacked)
    }

    /// The rows alone, for a table that goes on below another one.
    pub(super) fn render_rows(&self, indent: usize, paint: Paint) -> String {
        let (widths, stacked) = self.layout(indent, paint);
        let mut text = String::new();
        for row in &self.rows {
            if let Some(heading) = &row.heading {
                text += &wrapped_with_tail(&[heading.clone(), Cell::default()], indent, paint);
            }
            let mut cells = row.cells.clone();
            if let Some(column) = stacked.or_else(|| self.name_wider_than(&widths, row)) {
                let (head, figures) = row.cells.split_at(column + 1);
                text += &heading_line(head, &widths, indent, paint);
                cells =
                    std::iter::repeat_n(Cell::default(), head.len()).chain(figures.iter().cloned()).collect();
            }
            let (line, rest) = self.line(&cells, &widths, indent, paint);
            if !line.trim_end().is_empty() {
                let _ = writeln!(text, "{}", line.trim_end());
            }
            for below in rest.iter().chain(&row.lines_below) {
                text += &wrapped_with_tail(below, indent + 4, paint);
            }
        }
        text
    }

    /// One line, and what of it goes on below.
    fn line(
        &self,
        cells: &[Cell],
        widths: &[usize],
        indent: usize,
        paint: Paint,
    ) -> (String, Option<[Cell; 2]>) {
        let mut out = " ".repeat(indent);
        let mut used = indent;
        let [cells @ .., last] = cells else { return (out, None) };
        for ((cell, wide), (_, side)) in cells.iter().zip(widths).zip(&self.columns) {
            let cell = Cell { text: fit(&cell.text, *wide), tone: cell.tone };
            let gap = " ".repeat(wide.saturating_sub(width(&cell.text)));
            let painted = paint.cell(&cell);
            out +=
                &if *side == Side::Right { format!("{gap}{painted}  ") } else { format!("{painted}{gap}  ") };
            used += wide + 2;
        }
        let last = last.clone();
        let room = paint.width.saturating_sub(used);
        if width(&last.text) > room {
            return (out, Some([last, Cell::default()]));
        }
        if self.columns.last().is_some_and(|(_, side)| *side == Side::Right) {
            let gap = widths.last().map_or(0, |wide| wide.saturating_sub(width(&last.text)));
            out += &" ".repeat(gap.min(room.saturating_sub(width(&last.text))));
        }
        out += &paint.cell(&last);
        (out, None)
    }

    /// How wide each column is: as its cells need it, the widest text less where they don't fit beside each other.
    fn widths(&self, indent: usize, room: usize) -> Vec<usize> {
        let mut widths = self.natural_widths();
        let needed = self.width_needed(indent, &widths);
        if let Some(widest) = self.gives_way(&widths) {
            widths[widest] =
                widths[widest].saturating_sub(needed.saturating_sub(room)).max(12.min(widths[widest]));
        }
        widths
    }

    /// Whether all columns stand beside each other and nothing is cut; the last cell of text may go on below.
    pub(super) fn fits(&self, indent: usize, paint: Paint) -> bool {
        self.width_needed(indent, &self.natural_widths()) <= paint.width
    }

    /// How wide each column is where there is no end of room.
    pub(super) fn natural_widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|(header, _)| width(header)).collect();
        let cells =
            self.rows.iter().flat_map(|row| row.cells.iter().map(|cell| width(&cell.text)).enumerate());
        for (column, wide) in cells.chain(self.min_widths.iter().copied().enumerate()) {
            widths[column] = widths[column].max(wide);
        }
        widths
    }

    /// Makes the columns at least as wide as those of another table.
    pub(super) fn at_least(&mut self, widths: &[usize]) {
        self.min_widths = widths.to_vec();
    }

    /// What a line takes; the last column counts where it is one of figures.
    fn width_needed(&self, indent: usize, widths: &[usize]) -> usize {
        let beside = widths.len().saturating_sub(1);
        let figures = matches!(self.columns.last(), Some((_, Side::Right)));
        let last = if figures { widths[beside] } else { 0 };
        indent + widths[..beside].iter().map(|wide| wide + 2).sum::<usize>() + last
    }

    /// The column that is cut where a line is full.
    fn gives_way(&self, widths: &[usize]) -> Option<usize> {
        let beside = widths.len().saturating_sub(1);
        let texts = self.columns[..beside].iter().enumerate().filter(|(_, (_, side))| *side != Side::Right);
        texts.map(|(index, _)| index).max_by_key(|index| widths[*index])
    }

    /// The column of names, if it is too narrow to read along, or for most of its names, or for one whose row takes two lines anyway.
    fn is_too_narrow(&self, indent: usize, widths: &[usize], room: usize) -> Option<usize> {
        let column = self.columns.iter().position(|(_, side)| *side == Side::Name)?;
        let natural = self.natural_widths();
        let ends_in_text = matches!(self.columns.last(), Some((_, Side::Left)));
        let text_at_end = natural.last().filter(|_| ends_in_text).copied().unwrap_or_default();
        let goes_on_below = text_at_end > 0 && self.width_needed(indent, widths) + text_at_end > room;
        let least = if goes_on_below { natural[column] } else { natural[column].min(LEAST_NAME) };
        let too_wide = self.rows.iter().filter(|row| self.name_wider_than(widths, row).is_some()).count();
        let is_full = self.width_needed(indent, widths) > room;
        (widths[column] < least || is_full || too_wide * 2 > self.rows.len()).then_some(column)
    }

    /// The column of names, if this row's does not fit.
    fn name_wider_than(&self, widths: &[usize], row: &Row) -> Option<usize> {
        let column = self.columns.iter().position(|(_, side)| *side == Side::Name)?;
        (width(&row.cells[column].text) > widths[column]).then_some(column)
    }
}

/// A name, with what stands before it, on lines of its own.
fn heading_line(cells: &[Cell], widths: &[usize], indent: usize, paint: Paint) -> String {
    let [before @ .., name] = cells else { return String::new() };
    let mut out = " ".repeat(indent);
    let mut used = indent;
    for (cell, wide) in before.iter().zip(widths) {
        out += &format!("{}{}  ", " ".repeat(wide.saturating_sub(width(&cell.text))), paint.cell(cell));
        used += wide + 2;
    }
    let room = paint.width.saturating_sub(used);
    let line = |line: String| Cell { text: fit(&line, room), tone: name.tone };
    let painted: Vec<_> = wrapped(&name.text, room).into_iter().map(|text| paint.cell(&line(text))).collect();
    out += &painted.join(&format!("\n{}", " ".repeat(used)));
    format!("{}\n", out.trim_end())
}

/// A text and its tail on as many lines as they need.
pub(super) fn wrapped_with_tail([text, tail]: &[Cell; 2], indent: usize, paint: Paint) -> String {
    let room = paint.width.saturating_sub(indent).max(20);
    let mut lines = wrapped(&text.text, room);
    let tail_text = tail.text.clone();
    let used = lines.last().map_or(0, |line| width(line));
    let beside = !tail_text.is_empty() && used > 0 && used + 2 + width(&tail_text) <= room;
    let own = if beside || tail_text.is_empty() { Vec::new() } else { wrapped(&tail_text, room) };
    let last = lines.pop();
    let mut out = String::new();
    let gap = " ".repeat(indent);
    let painted = |line: String, tone| paint.cell(&Cell { text: line, tone });
    for line in lines {
        let _ = writeln!(out, "{gap}{}", painted(line, text.tone));
    }
    if let Some(last) = last {
        let beside = if beside { format!("  {}", painted(tail_text, tail.tone)) } else { String::new() };
        let _ = writeln!(out, "{gap}{}{beside}", painted(last, text.tone));
    }
    for line in own {
        let _ = writeln!(out, "{gap}{}", painted(line, tail.tone));
    }
    out
}

/// Lines of whole words.
pub(super) fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words::unbreakable_words(text) {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(&word) <= room => *line += &format!(" {word}"),
            _ => lines.push(word),
        }
    }
    lines
}

/// The same, each so far from the left that it fits into this width.
pub(super) fn wrapped_and_indented(indent: usize, text: &str, width: usize) -> impl Iterator<Item = String> {
    let lines = wrapped(text, width.saturating_sub(indent).max(20));
    lines.into_iter().map(move |line| " ".repeat(indent) + &line)
}

#[cfg(test)]
mod tests;
