//! The records of a file as they stand in it, one after the other, without a copy of each.
//!
//! Nearly every line is plain: its cells are what stands between its commas. Of what has a quote all the lines are read that belong
//! to it, as RFC 4180 has it.

use std::io::{self, Empty, Read};
use std::ops::Range;

use anyhow::Context;
use memchr::{memchr, memchr2};

/// So many bytes of a file are read at a time.
const CHUNK: usize = 1 << 16;

/// Far longer than any record is, whatever its names: a file without ends of lines, as a broken disk leaves it, is not read whole.
const LONGEST: usize = 8 << 20;

pub(super) enum Line {
    /// Its cells are what stands between its commas.
    Plain,
    /// It has quotes; all the lines are there that belong to it.
    Quoted,
}

pub(super) struct Lines<R> {
    file: R,
    /// Whether all of it was read.
    ended: bool,
    buffer: Vec<u8>,
    /// What of the buffer comes after the record.
    unread: Range<usize>,
    /// Until here what is unread has neither a quote nor a carriage return.
    clear: usize,
    /// The record: a plain one without the end of its line.
    record: Range<usize>,
    number: usize,
    /// How many lines came before the record.
    before: usize,
}

impl Lines<Empty> {
    /// Lines in memory, of a file of which so many were read before.
    pub(super) fn of_text(text: Vec<u8>, number: usize) -> Self {
        let unread = 0..text.len();
        Self { ended: true, buffer: text, unread, number, before: number, ..Self::of_file(io::empty()) }
    }
}

impl<R: Read> Lines<R> {
    pub(super) fn of_file(file: R) -> Self {
        Self {
            file,
            ended: false,
            buffer: Vec::new(),
            unread: 0..0,
            clear: 0,
            record: 0..0,
            number: 0,
            before: 0,
        }
    }

    /// Goes on to the next record; none at the end of the file.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Line>> {
        self.before = self.number;
        let Some(mut end) = self.line_end(0)? else { return Ok(None) };
        let line = &self.buffer[self.unread.start..self.unread.start + end];
        let inner = line.strip_suffix(b"\n").unwrap_or(line);
        let inner = inner.strip_suffix(b"\r").unwrap_or(inner);
        let record = self.unread.start..self.unread.start + inner.len();
        if self.is_clear_until(record.end) {
            self.record = record;
            self.unread.start += end;
            return Ok(Some(Line::Plain));
        }
        loop {
            match quotes(&self.buffer[self.unread.start..self.unread.start + end]) {
                Quotes::Closed => break,
                Quotes::Open => {
                    let more = self.line_end(end)?;
                    end =
                        more.with_context(|| format!("line {}: a quote is never closed", self.before + 1))?;
                }
                Quotes::Astray => {
                    anyhow::bail!("line {}: an unexpected quote or line break", self.before + 1)
                }
            }
        }
        self.record = self.unread.start..self.unread.start + end;
        self.unread.start += end;
        Ok(Some(Line::Quoted))
    }

    /// Takes over those of the next lines that are plain and begin so, each from that byte on, and says how many: as far as the file
    /// was read. The one after them is the next record.
    pub(super) fn take_alike(&mut self, beginning: &[u8], from: usize, into: &mut Vec<u8>) -> usize {
        let mut taken = 0;
        while let Some(end) = memchr(b'\n', &self.buffer[self.unread.clone()]) {
            let end = self.unread.start + end;
            let is_alike = self.buffer[self.unread.start..end].starts_with(beginning);
            if !is_alike || !self.is_clear_until(end) {
                break;
            }
            into.extend_from_slice(&self.buffer[self.unread.start + from..=end]);
            self.unread.start = end + 1;
            taken += 1;
        }
        self.number += taken;
        taken
    }

    /// The bytes of the record.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.record.clone()]
    }

    pub(super) fn text(&self) -> anyhow::Result<&str> {
        std::str::from_utf8(self.bytes()).with_context(|| format!("line {} is not UTF-8", self.number()))
    }

    /// Takes the cells of a record that has quotes, without those.
    pub(super) fn read_quoted(&self, record: &mut csv::StringRecord) -> anyhow::Result<()> {
        let line = self.text()?;
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        record.clear();
        let mut begin = 0;
        for end in quoted_cell_ends(line.as_bytes()).chain([line.len()]) {
            let cell = &line[begin..end];
            match cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"')) {
                Some(inner) if inner.contains('"') => record.push_field(&inner.replace("\"\"", "\"")),
                Some(inner) => record.push_field(inner),
                None => record.push_field(cell),
            }
            begin = end + 1;
        }
        Ok(())
    }

    /// The number of the record's first line, as people count them.
    pub(super) fn number(&self) -> usize {
        self.before + 1
    }

    /// Where the line ends that begins so many bytes behind the record; none where the file ends there.
    fn line_end(&mut self, begin: usize) -> io::Result<Option<usize>> {
        let mut searched = begin;
        loop {
            if let Some(place) = memchr(b'\n', &self.buffer[self.unread.clone()][searched..]) {
                self.number += 1;
                return Ok(Some(searched + place + 1));
            }
            searched = self.unread.len();
            if !self.fill()? {
                let is_line = searched > begin;
                self.number += usize::from(is_line);
                return Ok(is_line.then_some(searched));
            }
        }
    }

    /// One search serves all lines until the next quote.
    fn is_clear_until(&mut self, end: usize) -> bool {
        if self.clear < end {
            let begin = self.clear.max(self.unread.start);
            let odd = memchr2(b'"', b'\r', &self.buffer[begin..self.unread.end]);
            self.clear = odd.map_or(self.unread.end, |place| begin + place);
        }
        end <= self.clear
    }

    /// Reads more of the file behind what is unread; false at its end.
    fn fill(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        self.buffer.copy_within(self.unread.clone(), 0);
        self.clear = self.clear.saturating_sub(self.unread.start);
        self.unread = 0..self.unread.len();
        if self.unread.len() >= LONGEST {
            let line = self.before + 1;
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("line {line} does not end within {LONGEST} bytes"),
            ));
        }
        if self.unread.end == self.buffer.len() {
            self.buffer.resize((2 * self.buffer.len()).max(CHUNK), 0);
        }
        loop {
            match self.file.read(&mut self.buffer[self.unread.end..]) {
                Ok(count) => {
                    self.unread.end += count;
                    self.ended = count == 0;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// How the quotes of some lines stand (RFC 4180).
enum Quotes {
    /// They are whole records.
    Closed,
    /// A cell goes on in the next line.
    Open,
    /// They are as no program writes them.
    Astray,
}

fn quotes(lines: &[u8]) -> Quotes {
    let mut rest = lines;
    loop {
        let end = if let Some(quoted) = rest.strip_prefix(b"\"") {
            let Some(end) = closing_quote(quoted) else { return Quotes::Open };
            end + 2
        } else {
            let end = rest.iter().position(|byte| matches!(byte, b'"' | b',' | b'\r' | b'\n'));
            end.unwrap_or(rest.len())
        };
        rest = match &rest[end..] {
            [] | b"\n" | b"\r\n" => return Quotes::Closed,
            [b',', next @ ..] => next,
            _ => return Quotes::Astray,
        };
    }
}

/// Where the quote is that ends a cell. A doubled one is part of it.
fn closing_quote(cell: &[u8]) -> Option<usize> {
    let mut begin = 0;
    loop {
        let end = begin + memchr(b'"', &cell[begin..])?;
        if cell.get(end + 1) != Some(&b'"') {
            return Some(end);
        }
        begin = end + 2;
    }
}

/// Where the commas of a record are that end its cells, whatever stands in quotes.
pub(super) fn quoted_cell_ends(line: &[u8]) -> impl Iterator<Item = usize> {
    let mut begin = 0;
    std::iter::from_fn(move || {
        let cell = line.get(begin..)?;
        let in_quotes = cell.strip_prefix(b"\"").and_then(closing_quote).map_or(0, |end| end + 2);
        let end = begin + in_quotes + memchr(b',', cell.get(in_quotes..)?)?;
        begin = end + 1;
        Some(end)
    })
}
