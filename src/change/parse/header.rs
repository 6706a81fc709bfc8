//! Which character separates the cells, and which column is which field.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::excerpt::{excerpt, list_a_dozen, torn_cell_message, trim_cell};
use super::rows::{Row, Rows};
use crate::text::similarity::nearest;

/// The fields of a change file; the numbers index [`NAMES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Action,
    OrgId,
    OrgName,
    Aid,
    GroupName,
    Value,
    Expected,
    Comment,
    Effective,
}

/// Each field with the name that we write and the names that it may have, without case, spaces and punctuation.
const NAMES: [(Field, &str, &[&str]); 9] = [
    (Field::Action, "action", &["action", "operation"]),
    (
        Field::OrgId,
        "org_id",
        &["orgid", "org", "organizationid", "organization", "organisationid", "organisation"],
    ),
    (Field::OrgName, "org_name", &["orgname", "organizationname", "organisationname"]),
    (Field::Aid, "aid", &["aid", "accountgroupid", "accountgroup", "accountid"]),
    (Field::GroupName, "account_group_name", &["accountgroupname", "groupname", "accountname"]),
    (Field::Value, "value", &["value", "newvalue", "quota", "newquota", "quotavalue", "units", "newunits"]),
    (
        Field::Expected,
        "expected_value",
        &["expectedvalue", "expected", "oldvalue", "oldquota", "currentvalue", "currentquota"],
    ),
    (Field::Comment, "comment", &["comment", "comments", "note", "notes", "reason"]),
    (Field::Effective, "effective", &["effective", "effectivedate", "effectivefrom", "effectiveon"]),
];

/// The columns that our own results add, in their order. Beside each other in it they are not carried, or each round would add them
/// once more; one of them alone is somebody else's.
pub(in crate::change) const SUCCESS: [&str; 5] = ["row", "status", "before", "after", "message"];
pub(in crate::change) const ERROR: [&str; 3] = ["row", "code", "message"];

/// In front of ours where a file has a column of that name already.
pub(in crate::change) const PREFIX: &str = "quotakeeper_";

/// No name of a field is longer, also mistyped.
const LONGEST_NAME: usize = 40;

/// Without one of these a file means something else, so that a typing error in its name must not make it a further column.
const NEVER_MISSED: [Field; 4] = [Field::Aid, Field::GroupName, Field::Expected, Field::Effective];

/// Columns of our own tables that say what was: snapshots, and what reports and `targets` write. Beside one of them, `quota` is what
/// there was and no new quota.
const OF_RECORDS: [&str; 3] = ["taken_at", "percent_projected", "percent_used"];

/// What the author of a file calls its fields, for the messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Columns([Option<String>; NAMES.len()]);

impl Columns {
    /// The header of a field as written, else our name for it.
    pub(crate) fn name(&self, field: Field) -> &str {
        self.0[field as usize].as_deref().unwrap_or(NAMES[field as usize].1)
    }

    /// Whether a header is what the author calls one of the fields.
    pub(in crate::change) fn hold(&self, header: &str) -> bool {
        self.0.iter().flatten().any(|name| *name == excerpt(trim_cell(header)))
    }
}

/// The header row, understood.
#[derive(Debug)]
pub(super) struct Header {
    /// The names of the columns that are carried into the results, as written.
    pub names: Vec<String>,
    /// Where the carried columns stand in the file.
    pub carried: Vec<usize>,
    /// How many cells a row of the file has.
    pub width: usize,
    /// What its author calls the fields.
    pub called: Columns,
    columns: [Option<usize>; NAMES.len()],
}

impl Header {
    /// Reads the names, and says everything that is wrong with them.
    pub(super) fn read(row: &Row<'_>, configured: &BTreeMap<String, String>) -> (Self, Vec<String>) {
        let width = row.cells.iter().rposition(|cell| !trim_cell(cell).is_empty()).map_or(0, |last| last + 1);
        let names = &row.cells[..width];
        let mut columns = [None; NAMES.len()];
        let mut problems: Vec<String> =
            row.torn.iter().map(|text| format!("Row {}: {}", row.number, torn_cell_message(text))).collect();
        let mut unknown = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let Some(field) = field(name, configured) else {
                unknown.push(&**name);
                continue;
            };
            match columns[field as usize] {
                None => columns[field as usize] = Some(index),
                Some(first) => problems.push(format!(
                    "The columns `{}` and `{}` both mean `{}`. Keep one of them, or rename the other.",
                    trim_cell(&names[first]),
                    trim_cell(name),
                    NAMES[field as usize].1
                )),
            }
        }
        let is_ours = result_columns(names);
        let carried: Vec<usize> =
            (0..width).filter(|index| columns.contains(&Some(*index)) || !is_ours[*index]).collect();
        let header = Self {
            called: Columns(columns.map(|column| Some(excerpt(trim_cell(&names[column?]))))),
            names: carried.iter().map(|index| names[*index].to_string()).collect(),
            carried,
            width,
            columns,
        };
        problems.extend(header.missing_columns(names));
        problems.extend(header.record_of_the_past(names, configured));
        problems.extend(unknown.into_iter().filter_map(|name| header.mistyped_column(name)));
        (header, problems)
    }

    /// The columns that say whose quota a row is about.
    pub(super) fn targets(&self) -> impl Iterator<Item = Field> {
        [Field::OrgId, Field::OrgName, Field::Aid, Field::GroupName]
            .into_iter()
            .filter(|field| self.column(*field).is_some())
    }

    pub(super) fn has_target(&self) -> bool {
        self.targets().next().is_some()
    }

    /// Whether a row holds the names of the columns once more.
    pub(super) fn is_repeated_by(&self, cells: &[Cow<'_, str>]) -> bool {
        let repeats = |(name, index): (&String, &usize)| {
            cells.get(*index).is_some_and(|cell| trim_cell(cell) == trim_cell(name))
        };
        self.names.iter().zip(&self.carried).all(repeats)
    }

    /// Whether a row that begins with `#` says nothing that could be a change: all that it has besides its first cell stands in
    /// columns that nobody reads, or is a comment.
    pub(super) fn is_comment(&self, row: &Row<'_>) -> bool {
        let of_change =
            self.columns.iter().enumerate().filter(|(field, _)| *field != Field::Comment as usize);
        let is_empty = |column: usize| row.cells.get(column).is_none_or(|cell| trim_cell(cell).is_empty());
        row.is_comment()
            && of_change.filter_map(|(_, column)| *column).all(|column| column == 0 || is_empty(column))
    }

    /// Whether any column is known: else it is not a header, and says nothing of the rows below it.
    pub(super) fn is_understood(&self) -> bool {
        self.columns.iter().any(Option::is_some)
    }

    /// A column that nobody knows, but that was all but certainly meant to be one that the file lacks.
    fn mistyped_column(&self, name: &str) -> Option<String> {
        let written = normalized(name);
        if written.len() > LONGEST_NAME {
            return None;
        }
        let names_a_group = |field| matches!(field, Field::Aid | Field::GroupName);
        let has_group = self.column(Field::Aid).or(self.column(Field::GroupName)).is_some();
        let (_, meant, _) = NAMES.iter().find(|(field, _, aliases)| {
            NEVER_MISSED.contains(field)
                && self.column(*field).is_none()
                && !(has_group && names_a_group(*field))
                && aliases.iter().any(|alias| {
                    // A short word is one letter away from too many others.
                    alias.len() >= 8 && strsim::damerau_levenshtein(&written, alias) <= alias.len() / 8
                })
        })?;
        Some(format!(
            "The column `{}` is not known, and `{meant}` is missing. Rename it to `{meant}` if that is what it is, or to \
             something less similar.",
            excerpt(trim_cell(name))
        ))
    }

    /// Our own table, dropped as it is or with a cell edited: nothing in it says which quotas were changed since it was written,
    /// and all of them would be set back.
    fn record_of_the_past(
        &self,
        names: &[Cow<'_, str>],
        configured: &BTreeMap<String, String>,
    ) -> Option<String> {
        let quota = trim_cell(&names[self.column(Field::Value)?]);
        let beside = names.iter().map(|name| trim_cell(name)).find(|name| OF_RECORDS.contains(name))?;
        let is_meant = configured.keys().any(|theirs| trim_cell(theirs).eq_ignore_ascii_case(quota));
        (quota == "quota" && !is_meant && self.column(Field::Expected).is_none()).then(|| {
            format!(
                "This is a table of past quotas: the column `quota` beside `{beside}` has no new quotas, and every quota change \
                 made since then would be undone. Rename `quota` to `expected_value` and type the new quotas into a column \
                 `value`, or edit what `quotakeeper export` writes."
            )
        })
    }

    /// What the columns lack for any row to be understood.
    fn missing_columns(&self, names: &[Cow<'_, str>]) -> Option<String> {
        let mut needed = Vec::new();
        if !self.has_target() {
            needed.push("no column for the target (`org_id`, `aid`, or a name)");
        }
        if self.column(Field::Value).is_none() && self.column(Field::Action).is_none() {
            needed.push("no `value` (the new quota)");
        }
        if needed.is_empty() {
            return None;
        }
        let known = NAMES.map(|(_, name, _)| name);
        let is_lacking = |name: &&str| match *name {
            "value" => self.column(Field::Value).is_none(),
            "org_id" | "org_name" | "aid" | "account_group_name" => !self.has_target(),
            _ => false,
        };
        let others = names.iter().enumerate().filter(|(index, _)| !self.columns.contains(&Some(*index)));
        let meant = others.filter_map(|(_, name)| {
            let written = trim_cell(name).to_lowercase();
            // A letter or two are like anything, and other files than tables have no names there.
            let is_word = written.chars().all(|c| c.is_alphanumeric() || " _-.".contains(c));
            (is_word && written.len() > 2).then_some(())?;
            let meant = *nearest(&written, known.into_iter().filter(is_lacking), 1).first()?;
            Some(format!(" Is `{}` meant to be `{meant}`?", excerpt(trim_cell(name))))
        });
        Some(format!(
            "The first row must name the columns. It has {}, but {}.{} Known columns are {}.",
            list_a_dozen(names.iter().map(|name| format!("`{}`", excerpt(name)))),
            needed.join(" and "),
            meant.take(1).collect::<String>(),
            known.join(", ")
        ))
    }

    /// Where a field stands in the file.
    pub(super) fn column(&self, field: Field) -> Option<usize> {
        self.columns[field as usize]
    }
}

pub(super) fn field(name: &str, configured: &BTreeMap<String, String>) -> Option<Field> {
    let wanted = trim_cell(name).to_lowercase();
    let named = |field: &str| NAMES.iter().find(|(_, own, _)| *own == field);
    let by_configuration = configured
        .iter()
        .find(|(theirs, _)| trim_cell(theirs).to_lowercase() == wanted)
        .and_then(|(_, field)| named(field));
    let squeezed = normalized(name);
    by_configuration
        .or_else(|| NAMES.iter().find(|(_, _, aliases)| aliases.contains(&squeezed.as_str())))
        .map(|(field, ..)| *field)
}

/// Which columns are those of our own results.
fn result_columns(names: &[Cow<'_, str>]) -> Vec<bool> {
    let bare: Vec<&str> = names
        .iter()
        .map(|name| {
            let mut name = trim_cell(name);
            while let Some(rest) = name.strip_prefix(PREFIX) {
                name = rest;
            }
            name
        })
        .collect();
    let mut ours = vec![false; names.len()];
    for group in [&SUCCESS[..], &ERROR[..]] {
        for at in 0..bare.len().saturating_sub(group.len() - 1) {
            if bare[at..at + group.len()] == *group {
                ours[at..at + group.len()].fill(true);
            }
        }
    }
    ours
}

/// `Org ID`, `org-id` and `orgId` are one name.
pub(super) fn normalized(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Excel's `sep=;` line, which it does not show as a row: the delimiter, and the text after it.
pub(super) fn separator_line(text: &str) -> Option<(char, &str)> {
    // Four letters, the delimiter, quotes and blanks: a first line of megabytes is not read to its end for it.
    const LONGEST: usize = 64;
    let line_end = |byte: u8| matches!(byte, b'\r' | b'\n');
    let end =
        text.bytes().take(LONGEST).position(line_end).or((text.len() < LONGEST).then_some(text.len()))?;
    let (line, rest) = text.split_at(end);
    let line = line.trim_matches([' ', '"']);
    let (key, delimiter) = line.split_at_checked(4)?;
    let mut delimiters = delimiter.chars();
    let delimiter =
        delimiters.next().filter(|_| key.eq_ignore_ascii_case("sep=") && delimiters.next().is_none())?;
    let rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix(['\r', '\n'])).unwrap_or(rest);
    Some((delimiter, rest))
}

/// A row that begins with `#` and is the header anyway: a column is called `#` or `#ticket`, beside columns that are known.
pub(super) fn is_header_with_sign(row: &Row<'_>, configured: &BTreeMap<String, String>) -> bool {
    let first = row.cells.first().map_or("", |cell| trim_cell(cell));
    let is_word =
        first.chars().count() <= 20 && first.trim_start_matches(['#', ' ']).split_whitespace().count() <= 1;
    let known = row.cells.iter().skip(1).filter(|name| field(name, configured).is_some()).count();
    is_word && !first.contains(':') && known >= 2
}

/// The delimiter with which most of the header's names are understood; where none is, the one that makes most cells.
pub(super) fn detect_delimiter(text: &str, configured: &BTreeMap<String, String>) -> char {
    const DELIMITERS: [char; 4] = ['|', '\t', ';', ','];
    let is_blank =
        |row: &Row<'_>| row.cells.iter().all(|cell| trim_cell(cell.trim_matches(DELIMITERS)).is_empty());
    let score = |delimiter: char| {
        let is_header = |row: &Result<Row<'_>, String>| {
            let is_skipped = |row: &Row<'_>| row.is_comment() && !is_header_with_sign(row, configured);
            row.as_ref().is_ok_and(|row| !is_blank(row) && !is_skipped(row))
        };
        match Rows::new(text, delimiter).find(|row| row.is_err() || is_header(row)) {
            None => (0, 0),
            // A header whose quote is never closed. Only with its own delimiter does the quote begin a cell.
            Some(Err(_)) => (0, usize::MAX),
            Some(Ok(row)) => {
                (row.cells.iter().filter(|name| field(name, configured).is_some()).count(), row.cells.len())
            }
        }
    };
    // The last of equals wins, hence the comma at the end.
    DELIMITERS.into_iter().max_by_key(|delimiter| score(*delimiter)).unwrap_or(',')
}

#[cfg(test)]
mod tests;
