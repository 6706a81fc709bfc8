//! Text → rows of cells, numbered as a spreadsheet numbers them.
//!
//! Not the csv crate: it skips blank rows without counting them and takes an unclosed quote as the rest of the
//! file, and people need to hear of both by the row number that they see.

use std::borrow::Cow;

use memchr::memchr3_iter;

use super::excerpt::{excerpt, trim_cell};
use super::numbers;

/// What a cell of a spreadsheet holds. A longer one is refused before anything is compared with it.
const LONGEST_CELL: usize = 32_767;

/// A character more than a cell holds, in bytes.
const LONGEST_CELL_IN_BYTES: usize = 4 * (LONGEST_CELL + 1);

/// More columns than anybody keeps.
const MOST_CELLS: usize = 1000;

/// The columns of a spreadsheet's sheet.
const MOST_BLANK_CELLS: usize = 16_384;

/// One row as written. A quoted cell with line breaks in it is still one row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row<'a> {
    /// As the spreadsheet shows it; blank rows and comments count.
    pub number: usize,
    /// The cells without their quotes, else as written.
    pub cells: Vec<Cow<'a, str>>,
    /// A quoted cell with text after its closing quote: a quote is missing or too many, so cells may have run together.
    pub torn: Option<String>,
}

impl Row<'_> {
    pub(super) fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| trim_cell(cell).is_empty())
    }

    /// Begins like a comment: whether it is one depends on its other cells (see `Header::is_comment`). Not one that may have swallowed a row of data, and not what a spreadsheet shows for an id
    /// that it could not: a formula's error, or `####` beside other cells (alone it is a line that somebody drew).
    pub(super) fn is_comment(&self) -> bool {
        let mut cells = self.cells.iter().map(|cell| trim_cell(cell));
        let text = cells.next().unwrap_or_default();
        let is_shown_so = numbers::is_formula_error(text)
            || (numbers::is_too_narrow(text)
                && cells.any(|cell| !cell.is_empty() && !numbers::is_too_narrow(cell)));
        self.torn.is_none() && text.starts_with('#') && !is_shown_so
    }

    /// The plan that a comment approves: `# approved: ` and its SHA-256. An error is what looks meant to approve and does not.
    pub(super) fn approves(&self) -> Option<Result<String, String>> {
        let written = trim_cell(self.cells.first()?);
        let text = written.strip_prefix('#')?.trim_start().to_ascii_lowercase();
        let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if let Some(hash) = text.strip_prefix("approved:").map(str::trim)
            && hash.len() == 64
            && is_hex(hash)
        {
            return Some(Ok(hash.to_owned()));
        }
        // Words after it are a comment like any other: `# approved: by Ann`.
        let rest =
            text.strip_prefix("approve")?.trim_start_matches('d').trim_start_matches([':', '=', ' ', '\t']);
        let first = rest.split_whitespace().next()?.trim_end_matches(['.', '…', ',', ';']);
        (first.len() >= 7 && is_hex(first)).then(|| {
            Err(format!(
                "Row {}: `{}` approves nothing. Type `# approved: ` and the plan's whole SHA-256 (64 digits), as the mail \
                 and `quotakeeper runs RUN` show it.",
                self.number,
                excerpt(written)
            ))
        })
    }
}

/// Reads row by row; CRLF, LF and CR end one. An error ends the file.
pub(super) struct Rows<'a> {
    rest: &'a str,
    delimiter: char,
    number: usize,
    /// The cells of the row before, of which the next one will have as many.
    width: usize,
}

impl<'a> Rows<'a> {
    pub(super) fn new(text: &'a str, delimiter: char) -> Self {
        Self { rest: text, delimiter, number: 0, width: 0 }
    }

    /// The cell that the rest begins with; the rest then begins with what ended it. No more of it is read than a cell may hold.
    fn read_cell(&mut self, torn: &mut Option<String>) -> Result<Cow<'a, str>, String> {
        let (whole, mut text, mut room) = (self.rest, Cow::Borrowed(""), LONGEST_CELL);
        let mut take = |text: &mut Cow<'a, str>, part: &'a str, number: usize| -> Result<(), String> {
            // Whoever has more bytes than that need not be counted.
            let count = if part.len() < LONGEST_CELL_IN_BYTES { part.chars().count() } else { usize::MAX };
            room = room.checked_sub(count).ok_or_else(|| {
                format!(
                    "Row {number}: the cell that begins with `{}` has more than {LONGEST_CELL} characters, which no \
                     spreadsheet holds. Shorten it.",
                    beginning(whole.trim_start_matches('"'))
                )
            })?;
            *text += part; // copies nothing but what is put together
            Ok(())
        };
        let was_quoted = whole.starts_with('"');
        if let Some(mut quoted) = whole.strip_prefix('"') {
            loop {
                let Some((part, after)) = quoted.split_once('"') else {
                    return Err(format!(
                        "Row {}: the cell that begins with `\"{}` opens a quote (\") that is never closed, so nothing \
                         after it can be read. Close the quote or remove it.",
                        self.number,
                        beginning(&whole[1..])
                    ));
                };
                take(&mut text, part, self.number)?;
                quoted = after;
                let Some(after) = quoted.strip_prefix('"') else { break };
                take(&mut text, "\"", self.number)?;
                quoted = after;
            }
            self.rest = quoted;
        }
        let (unquoted, rest) = self.rest.split_at(self.end_of_unquoted());
        let is_torn = was_quoted && !unquoted.trim_matches(' ').is_empty();
        if is_torn || !was_quoted || unquoted.len() > LONGEST_CELL {
            take(&mut text, unquoted, self.number)?;
        }
        if is_torn {
            torn.get_or_insert_with(|| unquoted.to_owned());
        }
        self.rest = rest;
        Ok(text)
    }

    /// Where the delimiter or a line end stands; somewhere beyond the longest cell where none is before that.
    fn end_of_unquoted(&self) -> usize {
        // A letter that has several bytes is recognized by its first one, and there are few of those.
        let mut bytes = [0; 4];
        let first = self.delimiter.encode_utf8(&mut bytes).as_bytes()[0];
        let ends =
            |at: &usize| first.is_ascii() || self.rest[*at..].starts_with([self.delimiter, '\r', '\n']);
        let within = self.rest.len().min(LONGEST_CELL_IN_BYTES);
        let end = memchr3_iter(first, b'\r', b'\n', &self.rest.as_bytes()[..within]).find(ends);
        let boundary = || (within..within + 4).find(|at| self.rest.is_char_boundary(*at));
        end.or_else(boundary).unwrap_or(within)
    }
}

/// The first letters of a cell, as a message shows them.
fn beginning(text: &str) -> String {
    excerpt(&text.chars().take(100).collect::<String>())
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<Row<'a>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        self.number += 1;
        let (mut cells, mut torn, mut blank) = (Vec::with_capacity(self.width), None, 0);
        loop {
            match self.read_cell(&mut torn) {
                Ok(cell) if cells.len() < MOST_CELLS => cells.push(cell),
                // Spreadsheets write the blank cells of a whole row.
                Ok(cell) if trim_cell(&cell).is_empty() && blank < MOST_BLANK_CELLS => blank += 1,
                Ok(_) => {
                    self.rest = "";
                    return Some(Err(format!(
                        "Row {}: it has more than {MOST_CELLS} columns. Keep those that are needed.",
                        self.number
                    )));
                }
                Err(sentence) => {
                    self.rest = "";
                    return Some(Err(sentence));
                }
            }
            let mut rest = self.rest.chars();
            if rest.next() != Some(self.delimiter) {
                break;
            }
            self.rest = rest.as_str();
        }
        self.width = cells.len();
        let rest = self.rest;
        self.rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix(['\r', '\n'])).unwrap_or(rest);
        Some(Ok(Row { number: self.number, cells, torn }))
    }
}

#[cfg(test)]
mod tests;
