//! Which character separates the cells, and which column is which field.

use std::collections::BTreeMap;

use super::rows::{Row, Rows};
use super::{listed, trimmed};

/// The fields of a change file; the numbers index [`Header::columns`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Action,
    OrgId,
    Aid,
    Value,
    Expected,
    Comment,
    Effective,
}

/// Each field with the name that we write and the names that it may have, without case, spaces and punctuation.
const NAMES: [(Field, &str, &[&str]); 7] = [
    (Field::Action, "action", &["action", "operation"]),
    (
        Field::OrgId,
        "org_id",
        &["orgid", "org", "organizationid", "organization", "organisationid", "organisation"],
    ),
    (Field::Aid, "aid", &["aid", "accountgroupid", "accountgroup", "accountid"]),
    (Field::Value, "value", &["value", "newvalue", "quota", "newquota", "quotavalue", "units", "newunits"]),
    (
        Field::Expected,
        "expected_value",
        &["expectedvalue", "expected", "oldvalue", "oldquota", "currentvalue", "currentquota"],
    ),
    (Field::Comment, "comment", &["comment", "comments", "note", "notes", "reason"]),
    (Field::Effective, "effective", &["effective", "effectivedate", "effectivefrom", "effectiveon"]),
];

/// The columns that our own results add: not carried, or each round would add them once more.
const OURS: [&str; 6] = ["row", "status", "before", "after", "code", "message"];

/// The header row, understood.
#[derive(Debug)]
pub(super) struct Header {
    /// The names of the columns that are carried into the results, as written.
    pub names: Vec<String>,
    /// Where the carried columns stand in the file.
    pub carried: Vec<usize>,
    /// How many cells a row of the file has.
    pub width: usize,
    columns: [Option<usize>; NAMES.len()],
}

impl Header {
    /// Reads the names, or says everything that is wrong with them.
    pub(super) fn read(row: &Row, configured: &BTreeMap<String, String>) -> Result<Self, Vec<String>> {
        let width = row.cells.iter().rposition(|cell| !trimmed(cell).is_empty()).map_or(0, |last| last + 1);
        let names = &row.cells[..width];
        let mut columns = [None; NAMES.len()];
        let mut problems = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let Some(field) = field(name, configured) else { continue };
            match columns[field as usize] {
                None => columns[field as usize] = Some(index),
                Some(first) => problems.push(format!(
                    "The columns `{}` and `{}` both mean `{}`. Keep one of them, or rename the other.",
                    trimmed(&names[first]),
                    trimmed(name),
                    NAMES[field as usize].1
                )),
            }
        }
        let carried: Vec<usize> =
            (0..width).filter(|index| !OURS.contains(&&*squeezed(&names[*index]))).collect();
        let header = Self {
            names: carried.iter().map(|index| names[*index].clone()).collect(),
            carried,
            width,
            columns,
        };
        problems.extend(header.missing(names));
        if problems.is_empty() { Ok(header) } else { Err(problems) }
    }

    /// What the columns lack for any row to be understood.
    fn missing(&self, names: &[String]) -> Option<String> {
        let mut needed = Vec::new();
        if self.column(Field::OrgId).is_none() && self.column(Field::Aid).is_none() {
            needed.push("no `org_id` or `aid` (whose quota)");
        }
        if self.column(Field::Value).is_none() && self.column(Field::Action).is_none() {
            needed.push("no `value` (the new quota)");
        }
        if needed.is_empty() {
            return None;
        }
        Some(format!(
            "The first row must name the columns. It has {}, but {}. Understood are action, org_id, aid, value, \
             expected_value, effective and comment.",
            listed(names.iter().map(|name| format!("`{}`", super::shown(name)))),
            needed.join(" and ")
        ))
    }

    /// Where a field stands in the file.
    pub(super) fn column(&self, field: Field) -> Option<usize> {
        self.columns[field as usize]
    }
}

fn field(name: &str, configured: &BTreeMap<String, String>) -> Option<Field> {
    let wanted = trimmed(name).to_lowercase();
    let named = |field: &str| NAMES.iter().find(|(_, own, _)| *own == field);
    let by_configuration = configured
        .iter()
        .find(|(theirs, _)| trimmed(theirs).to_lowercase() == wanted)
        .and_then(|(_, field)| named(field));
    let squeezed = squeezed(name);
    by_configuration
        .or_else(|| NAMES.iter().find(|(_, _, aliases)| aliases.contains(&squeezed.as_str())))
        .map(|(field, ..)| *field)
}

/// `Org ID`, `org-id` and `orgId` are one name.
fn squeezed(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Excel's `sep=;` line, which it does not show as a row: the delimiter, and the text after it.
pub(super) fn separator_line(text: &str) -> Option<(char, &str)> {
    let end = text.find(['\r', '\n']).unwrap_or(text.len());
    let (line, rest) = text.split_at(end);
    let line = line.trim_matches([' ', '"']);
    let (key, delimiter) = line.split_at_checked(4)?;
    let mut delimiters = delimiter.chars();
    let delimiter =
        delimiters.next().filter(|_| key.eq_ignore_ascii_case("sep=") && delimiters.next().is_none())?;
    let rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix(['\r', '\n'])).unwrap_or(rest);
    Some((delimiter, rest))
}

/// The delimiter with which most of the header's names are understood; where none is, the one that makes most cells.
pub(super) fn detect_delimiter(text: &str, configured: &BTreeMap<String, String>) -> char {
    const DELIMITERS: [char; 4] = ['|', '\t', ';', ','];
    let is_blank = |row: &Row| row.cells.iter().all(|cell| trimmed(cell.trim_matches(DELIMITERS)).is_empty());
    let score = |delimiter: char| {
        let mut rows = Rows::new(text, delimiter).map_while(Result::ok);
        let header = rows.find(|row| !is_blank(row) && !row.is_comment());
        header.map_or((0, 0), |row| {
            (row.cells.iter().filter(|name| field(name, configured).is_some()).count(), row.cells.len())
        })
    };
    // The last of equals wins, hence the comma at the end.
    DELIMITERS.into_iter().max_by_key(|delimiter| score(*delimiter)).unwrap_or(',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_known_by_our_name_by_the_apis_and_by_obvious_ones() {
        let known = |name: &str| field(name, &BTreeMap::new());
        for name in ["org_id", "orgId", "Org ID", " ORG-ID ", "organization id", "org"] {
            assert_eq!(known(name), Some(Field::OrgId), "{name}");
        }
        for name in ["aid", "accountGroupId", "Account Group ID", "account_group"] {
            assert_eq!(known(name), Some(Field::Aid), "{name}");
        }
        for name in ["account_group_name", "org_name", "value2", ""] {
            assert_eq!(known(name), None, "{name}");
        }
    }

    #[test]
    fn a_configured_header_is_compared_without_case() {
        let configured = BTreeMap::from([("Neues Limit".to_owned(), "value".to_owned())]);
        assert_eq!(field("NEUES LIMIT", &configured), Some(Field::Value));
    }

    #[test]
    fn the_delimiter_is_what_makes_the_header_readable() {
        let detect = |text| detect_delimiter(text, &BTreeMap::new());
        assert_eq!(detect("aid,value"), ',');
        assert_eq!(detect("# a, b, c\n;;\naid;value;a,b,c"), ';');
        assert_eq!(detect("aid\tvalue"), '\t');
        assert_eq!(detect("aid|value"), '|');
        assert_eq!(detect("\"aid\";\"value\";\"a,b,c,d\""), ';');
        assert_eq!(detect("value"), ',');
    }

    #[test]
    fn excels_separator_line_is_honoured_and_nothing_else_is_taken_for_one() {
        assert_eq!(separator_line("sep=;\r\na;b"), Some((';', "a;b")));
        assert_eq!(separator_line("\"SEP=|\"\na|b"), Some(('|', "a|b")));
        for other in ["", "sep=", "sep=;;", "aid,value\n", "sépâ"] {
            assert_eq!(separator_line(other), None, "{other}");
        }
    }
}
