//! An organization as the lines of its rows: most of what two snapshots show is the same, and need not be read to be compared.

use std::io::{Empty, Read};

use anyhow::Context;
use memchr::{memchr, memrchr};

use super::columns::{ORG_ID, QUOTA};
use super::commas::Commas;
use super::lines::{Line, Lines, quoted_cell_ends};
use super::reader::{Order, Organizations, Rows, UNSORTED, order};
use super::usage_rows;
use crate::domain::quota::{Aid, OrgId, Organization, SnapshotRow};
use crate::domain::usage_rows::UsageRows;
use crate::files::csv_cell::push;

/// What one snapshot shows of one organization.
pub(crate) struct Block(Content);

enum Content {
    Lines(RowLines),
    /// Of a file with other columns.
    Read(Organization),
}

impl Block {
    pub(crate) fn id(&self) -> &OrgId {
        match &self.0 {
            Content::Lines(lines) => &lines.id,
            Content::Read(organization) => &organization.id,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        match &self.0 {
            Content::Lines(lines) => lines.rows,
            Content::Read(organization) => organization.row_count(),
        }
    }

    /// Whether both show the same. They may even where this says no.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Content::Lines(lines), Content::Lines(other)) => lines.text == other.text,
            (Content::Read(organization), Content::Read(other)) => organization == other,
            _ => false,
        }
    }

    /// Both without the rows that show the same target, names and quota, and how many those are.
    pub(crate) fn without_same_rows(self, other: Self) -> (Self, Self, usize) {
        match (self.0, other.0) {
            (Content::Lines(lines), Content::Lines(other)) if lines.can_be_paired_with(&other) => {
                let (lines, other, same) = lines.without_same(&other);
                (Self(Content::Lines(lines)), Self(Content::Lines(other)), same)
            }
            (content, other) => (Self(content), Self(other), 0),
        }
    }

    /// What the lines say.
    pub(crate) fn organization(self) -> anyhow::Result<Organization> {
        match self.0 {
            Content::Read(organization) => Ok(organization),
            lines @ Content::Lines(_) => Self(lines).filtered(|_| true),
        }
    }

    /// Hands out the rows as they stand in the file: for those who keep none.
    pub(crate) fn for_each_row(
        self,
        mut each: impl FnMut(&SnapshotRow<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        match self.0 {
            Content::Lines(lines) => lines.for_each(|rows| each(&rows.row()?)),
            Content::Read(organization) => organization.rows().try_for_each(|row| each(&row)),
        }
    }

    /// What they say of the organization, and of those targets whose rows are wanted.
    pub(crate) fn filtered(
        self,
        is_wanted: impl Fn(&SnapshotRow<'_>) -> bool,
    ) -> anyhow::Result<Organization> {
        let take = |organization: &mut Organization, row: SnapshotRow<'_>| {
            organization.describe(&row);
            if is_wanted(&row) {
                organization.add(row);
            }
        };
        match self.0 {
            Content::Lines(lines) => lines.read(|rows, organization| {
                take(organization, rows.row()?);
                Ok(())
            }),
            Content::Read(read) => {
                let mut organization = Organization::new(read.id.clone());
                read.rows().for_each(|row| take(&mut organization, row));
                Ok(organization)
            }
        }
    }

    /// What they say of the usage of those targets that another snapshot shows of the organization.
    pub(crate) fn usage_like(self, like: &Organization) -> anyhow::Result<UsageRows> {
        let plain = match &self.0 {
            Content::Lines(lines) if !lines.is_broken => usage_rows::of_lines(&lines.id, &lines.text, like),
            _ => None,
        };
        match plain {
            Some(rows) => Ok(rows),
            None => Ok(UsageRows::beside(&self.organization_like(like)?, like)),
        }
    }

    /// What they say of those targets that another snapshot shows of the organization.
    pub(crate) fn organization_like(self, like: &Organization) -> anyhow::Result<Organization> {
        if like.row_count() * 2 > self.rows() {
            return self.organization(); // to choose would take longer
        }
        self.filtered_by_aid(|aid| like.place(aid.map(Aid::new).as_ref()).is_some())
    }

    /// What they say of those targets that are wanted: account groups by their ids, and the organization itself as none.
    pub(crate) fn filtered_by_aid(
        self,
        is_wanted: impl Fn(Option<&str>) -> bool,
    ) -> anyhow::Result<Organization> {
        match self.0 {
            Content::Lines(lines) => lines.read(|rows, organization| {
                if is_wanted(rows.aid()?) {
                    organization.add(rows.row()?);
                }
                Ok(())
            }),
            read @ Content::Read(_) => {
                Self(read).filtered(|row| is_wanted(row.target.aid.as_ref().map(Aid::as_str)))
            }
        }
    }
}

/// The blocks of a file, one after the other in the order of the organizations' ids.
pub(crate) struct Blocks<R> {
    source: Source<R>,
    /// Nothing comes after the end, or after an error.
    ended: bool,
}

enum Source<R> {
    Lines {
        lines: Lines<R>,
        /// Of which the next lines are.
        begun: Option<RowLines>,
    },
    /// The file has other columns.
    Rows(Box<Organizations<R>>),
}

/// The rows of an organization as our columns have them in our order, without the moment of the snapshot.
struct RowLines {
    id: OrgId,
    rows: usize,
    text: Vec<u8>,
    /// Whether a line breaks within a name.
    is_broken: bool,
    /// How many lines of the file came before them.
    lines_before: usize,
    /// What the last of them began with.
    head: Head,
}

/// The beginning of a plain line until the comma behind its organization's id. Nearly every line begins as the one before.
#[derive(Default)]
struct Head {
    bytes: Vec<u8>,
    /// Where the first cell ends.
    first: usize,
    /// Where the id begins.
    id: usize,
}

impl Head {
    /// None where the line has no such cells.
    fn parse(line: &[u8]) -> Option<Self> {
        let mut commas = Commas::new(line);
        let first = commas.next()?;
        let (before, end) = (commas.nth(ORG_ID - 2)?, commas.next()?);
        Some(Self { bytes: line[..=end].to_vec(), first, id: before + 1 })
    }

    fn id(&self) -> &[u8] {
        self.bytes.get(self.id..self.bytes.len().saturating_sub(1)).unwrap_or_default()
    }

    /// A line of the same organization without its first cell; none where it begins in another way.
    fn cells<'l>(&self, line: &'l [u8]) -> Option<&'l [u8]> {
        (!self.bytes.is_empty() && line.starts_with(&self.bytes)).then(|| &line[self.first..])
    }
}

impl RowLines {
    fn new(id: &str, lines_before: usize) -> Self {
        let (text, head) = (Vec::new(), Head::default());
        Self { id: OrgId::new(id), rows: 0, text, is_broken: false, lines_before, head }
    }

    fn add(&mut self, cells: &[u8]) {
        self.rows += 1;
        self.is_broken |= memchr(b'\n', cells).is_some();
        self.text.extend_from_slice(cells);
        self.text.push(b'\n');
    }

    /// Takes over the next lines that are the organization's too: where there is a million of them, one call for each takes longer.
    fn take_alike<R: Read>(&mut self, lines: &mut Lines<R>) {
        let Head { bytes, first, id: _ } = &self.head;
        self.rows += lines.take_alike(bytes, *first, &mut self.text);
    }
}

impl RowLines {
    /// Whether as many rows are in both.
    fn can_be_paired_with(&self, other: &Self) -> bool {
        self.rows == other.rows && !self.is_broken && !other.is_broken
    }

    fn read(
        self,
        mut take: impl FnMut(&mut Rows<Empty>, &mut Organization) -> anyhow::Result<()>,
    ) -> anyhow::Result<Organization> {
        let mut organization = Organization::new(self.id.clone());
        self.for_each(|rows| take(rows, &mut organization))?;
        Ok(organization.sorted())
    }

    fn for_each(self, mut take: impl FnMut(&mut Rows<Empty>) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let mut rows = Rows::with_our_columns(Lines::of_text(self.text, self.lines_before));
        while rows.advance()? {
            take(&mut rows)?;
        }
        Ok(())
    }

    fn without_same(self, other: &Self) -> (Self, Self, usize) {
        let empty = |lines: &Self| Self::new(lines.id.as_str(), lines.lines_before);
        let (mut left, mut right) = (empty(&self), empty(other));
        let (mut lines, mut others) = (&self.text[..], &other.text[..]);
        loop {
            // Most lines are the same, and are passed over together.
            let alike = common_prefix(lines, others);
            let begin = memrchr(b'\n', &lines[..alike]).map_or(0, |end| end + 1);
            let (next, other_next) = (first_line(&lines[begin..]), first_line(&others[begin..]));
            let (Some((line, rest)), Some((other, others_rest))) = (next, other_next) else { break };
            if !other.starts_with(until_quota(line)) {
                left.add_line(line);
                right.add_line(other);
            }
            (lines, others) = (rest, others_rest);
        }
        let same = self.rows - left.rows;
        (left, right, same)
    }

    fn add_line(&mut self, line: &[u8]) {
        self.rows += 1;
        self.text.extend_from_slice(line);
    }
}

/// How many bytes are the same at the beginning of both.
fn common_prefix(one: &[u8], other: &[u8]) -> usize {
    const AT_ONCE: usize = 64;
    let chunks = one.chunks_exact(AT_ONCE).zip(other.chunks_exact(AT_ONCE));
    let begin = AT_ONCE * chunks.take_while(|(one, other)| one == other).count();
    let rest = one[begin..].iter().zip(&other[begin..]);
    begin + rest.take_while(|(one, other)| one == other).count()
}

/// A line with its end, and what follows; none where nothing is left.
fn first_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    text.split_at_checked(memchr(b'\n', text)? + 1)
}

/// A line, which begins with the comma behind its first cell, until the comma behind its quota: all that changes are made of.
fn until_quota(line: &[u8]) -> &[u8] {
    let until = |end: Option<usize>| &line[..end.map_or(line.len(), |end| end + 1)];
    let cells = until(Commas::new(line).nth(QUOTA));
    // Of a name in quotes the commas are a part.
    if memchr(b'"', cells).is_some() { until(quoted_cell_ends(line).nth(QUOTA)) } else { cells }
}

impl<R: Read> Blocks<R> {
    pub(crate) fn new(file: R) -> anyhow::Result<Self> {
        let mut lines = Lines::of_file(file);
        let source = match order(&mut lines)? {
            Order::Ours => Source::Lines { lines, begun: None },
            other @ Order::Other(_) => {
                Source::Rows(Box::new(Organizations::from_rows(Rows::in_order(lines, other))))
            }
        };
        Ok(Self { source, ended: false })
    }
}

impl<R: Read> Iterator for Blocks<R> {
    type Item = anyhow::Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = match &mut self.source {
            Source::Rows(organizations) => {
                return organizations.next().map(|read| read.map(|seen| Block(Content::Read(seen))));
            }
            Source::Lines { .. } if self.ended => return None,
            Source::Lines { lines, begun } => next_block(lines, begun).transpose(),
        };
        self.ended = !matches!(read, Some(Ok(_)));
        read
    }
}

/// The lines of the next organization. The first one of the organization after it is in `begun` then.
fn next_block<R: Read>(lines: &mut Lines<R>, begun: &mut Option<RowLines>) -> anyhow::Result<Option<Block>> {
    let (mut record, mut written) = (csv::StringRecord::new(), Vec::new());
    while let Some(line) = lines.next()? {
        let before = lines.number() - 1;
        let mut head = Head::default();
        let (id, cells) = match line {
            Line::Plain if lines.bytes().is_empty() => continue,
            Line::Plain => {
                if let Some(begun) = begun
                    && let Some(cells) = begun.head.cells(lines.bytes())
                {
                    begun.add(cells);
                    begun.take_alike(lines);
                    continue;
                }
                head = Head::parse(lines.bytes()).unwrap_or_default();
                (head.id(), &lines.bytes()[head.first..])
            }
            Line::Quoted => {
                lines.read_quoted(&mut record)?;
                written.clear();
                for cell in record.iter().skip(1) {
                    written.push(b',');
                    push(&mut written, cell.as_bytes());
                }
                (record.get(ORG_ID).unwrap_or_default().as_bytes(), &written[..])
            }
        };
        anyhow::ensure!(!id.is_empty(), "line {}: it has no org_id", lines.number());
        let whole = match begun {
            Some(begun) if begun.id.as_bytes() == id => {
                begun.add(cells);
                None
            }
            _ => {
                let id = std::str::from_utf8(id)
                    .with_context(|| format!("line {} is not UTF-8", lines.number()))?;
                let mut next = RowLines::new(id, before);
                // Most have about as many account groups as the one before.
                next.text.reserve(begun.as_ref().map_or(0, |begun| begun.text.len()));
                next.add(cells);
                let is_sorted = begun.as_ref().is_none_or(|begun| begun.id < next.id);
                anyhow::ensure!(is_sorted, UNSORTED);
                begun.replace(next)
            }
        };
        if let Some(begun) = begun {
            begun.head = head;
        }
        if let Some(whole) = whole {
            return Ok(Some(Block(Content::Lines(whole))));
        }
    }
    Ok(begun.take().map(|last| Block(Content::Lines(last))))
}
