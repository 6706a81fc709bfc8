//! Other tables that people keep in a spreadsheet, beside change files: both are read, and their problems reported, in the same way.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::excerpt::{excerpt, list_a_dozen, torn_cell_message, trim_cell};
use super::header::{Field, detect_delimiter, field, normalized, separator_line};
use super::rows::Rows;
use super::{decode, numbers};

/// A table whose header names an `org_id` and an `aid`. Blank rows and comments are not in it.
pub(crate) struct Sheet {
    header: Vec<String>,
    pub(crate) rows: Vec<SheetRow>,
    /// What is wrong with single rows, a sentence each. Those rows are not in it.
    pub(crate) problems: Vec<String>,
}

pub(crate) struct SheetRow {
    /// As the spreadsheet shows it.
    pub(crate) number: usize,
    cells: Vec<String>,
}

impl SheetRow {
    /// Without the blanks around it; empty where the row ends before it.
    pub(crate) fn text(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", |cell| trim_cell(cell))
    }
}

impl Sheet {
    /// The error says why there is nothing to read.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = decode::decode(bytes)?;
        let (delimiter, text) =
            separator_line(&text).unwrap_or_else(|| (detect_delimiter(&text, &BTreeMap::new()), &text));
        let mut sheet = Self { header: Vec::new(), rows: Vec::new(), problems: Vec::new() };
        for row in Rows::new(text, delimiter) {
            match row {
                Err(sentence) => sheet.problems.push(sentence),
                Ok(row) if row.is_blank() || row.is_comment() => {}
                Ok(row) if sheet.header.is_empty() => sheet.header = owned(row.cells),
                Ok(row) => {
                    let beyond = row.cells.iter().skip(sheet.header.len());
                    let beyond: Vec<&str> =
                        beyond.map(|cell| trim_cell(cell)).filter(|cell| !cell.is_empty()).collect();
                    if let Some(text) = row.torn {
                        sheet.problems.push(format!("Row {}: {}", row.number, torn_cell_message(&text)));
                    } else if beyond.is_empty() {
                        sheet.rows.push(SheetRow { number: row.number, cells: owned(row.cells) });
                    } else {
                        sheet.problems.push(format!(
                            "Row {}: it has more cells than the header has columns (also {}). Put a text that \
                             contains a separator into quotes.",
                            row.number,
                            list_a_dozen(beyond.iter().map(|cell| format!("`{}`", excerpt(cell))))
                        ));
                    }
                }
            }
        }
        Ok(sheet)
    }

    pub(crate) fn org_id(&self) -> Option<usize> {
        self.header.iter().position(|name| field(name, &BTreeMap::new()) == Some(Field::OrgId))
    }

    pub(crate) fn aid(&self) -> Option<usize> {
        self.header.iter().position(|name| field(name, &BTreeMap::new()) == Some(Field::Aid))
    }

    /// Any other column, by its names without case, spaces and punctuation.
    pub(crate) fn column(&self, names: &[&str]) -> Option<usize> {
        self.header.iter().position(|name| names.contains(&normalized(name).as_str()))
    }

    /// The names of the columns, as a message can show them.
    pub(crate) fn header(&self) -> String {
        list_a_dozen(self.header.iter().map(|name| format!("`{}`", excerpt(trim_cell(name)))))
    }
}

fn owned(cells: Vec<Cow<'_, str>>) -> Vec<String> {
    cells.into_iter().map(Cow::into_owned).collect()
}

/// Checks a pattern of ids: digits, and `*` for any of them. The error says what is wrong with the text and what to type.
pub(crate) fn id_pattern(text: &str) -> Result<(), String> {
    if text.contains('*') && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'*') {
        return Ok(());
    }
    let is_mangled = numbers::is_scientific(text) || numbers::is_formula_error(text);
    if text.contains('*') || (text.contains(char::is_alphabetic) && !is_mangled) {
        return Err(format!(
            "`{}` is not a pattern of ids. Type digits, with * for any part of them: 204117, 2041*, or * for all.",
            excerpt(text)
        ));
    }
    numbers::id(text, "")
}
