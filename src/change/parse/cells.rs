//! The cells of one row → the change that it asks for, or every problem that it has.

use super::header::{Field, Header};
use chrono::NaiveDate;

use super::{BadRow, Effective, Quota, RowChange, bad_row, listed, numbers, shown, trimmed};
use crate::change::{Action, Problem};
use crate::csv_text;
use crate::quota::{Aid, OrgId, Units};

/// Understands a row. Missing cells at its end are blank, and blank cells beyond the header are fine.
pub(super) fn change(
    number: usize,
    cells: &[String],
    torn: Option<&str>,
    header: &Header,
) -> Result<RowChange, BadRow> {
    let mut row = Reading { number, cells, header, problems: Vec::new() };
    if let Some(text) = torn {
        row.problem(&format!(
            "`{}` follows a closing quote (\"), so cells may have run together. Double the quotes inside a text, or \
             take them away.",
            shown(text)
        ));
    }
    row.beyond_the_header();
    let action = row.action();
    let before_ids = row.problems.len();
    let org_id = row.id(Field::OrgId).map(OrgId::new);
    let aid = row.id(Field::Aid).map(Aid::new);
    let ids_are_good = row.problems.len() == before_ids;
    if row.text(Field::OrgId).is_empty() && row.text(Field::Aid).is_empty() {
        row.problem(
            "it names neither an organization nor an account group. Fill in `org_id`, `aid` or both.",
        );
    }
    let expected = row.quota(Field::Expected);
    let value = row.value(action, expected);
    row.split_number();
    let effective = row.effective();
    let comment = csv_text::plain(row.text(Field::Comment)).to_owned();
    match (action, row.problems) {
        (Some(action), problems) if problems.is_empty() => {
            Ok(RowChange { action, org_id, aid, value, expected, comment, effective })
        }
        (_, problems) => Err(BadRow { org_id, aid, ids_are_good, problems }),
    }
}

/// A row that is being understood, and what was found wrong so far.
struct Reading<'a> {
    number: usize,
    cells: &'a [String],
    header: &'a Header,
    problems: Vec<Problem>,
}

impl<'a> Reading<'a> {
    /// The text of a field; empty where the file has no such column or the row ends before it.
    fn text(&self, field: Field) -> &'a str {
        self.header.column(field).and_then(|index| self.cells.get(index)).map_or("", |cell| trimmed(cell))
    }

    fn problem(&mut self, sentence: &str) {
        self.problems.push(bad_row(format!("Row {}: {sentence}", self.number)));
    }

    /// A problem of one cell, named by the header as its author wrote it.
    fn problem_in(&mut self, field: Field, sentence: &str) {
        let name = self.header.column(field).and_then(|index| self.name_of(index)).unwrap_or("value");
        self.problems.push(bad_row(format!("Row {}, column `{name}`: {sentence}", self.number)));
    }

    fn name_of(&self, column: usize) -> Option<&'a str> {
        let carried = self.header.carried.iter().position(|index| *index == column)?;
        Some(trimmed(&self.header.names[carried]))
    }

    fn beyond_the_header(&mut self) {
        let extra = self.cells.get(self.header.width..).unwrap_or_default();
        if extra.iter().any(|cell| !trimmed(cell).is_empty()) {
            self.problem(&format!(
                "it has more cells than the header has columns ({} more: {}). Put a number that was split back \
                 together without its separator (12000, not 12,000), and a text with a separator in it into quotes.",
                extra.len(),
                listed(extra.iter().map(|cell| format!("`{}`", shown(cell))))
            ));
        }
    }

    fn action(&mut self) -> Option<Action> {
        let text = self.text(Field::Action);
        match text.to_ascii_lowercase().as_str() {
            "" | "assign" => Some(Action::Assign),
            "unassign" => Some(Action::Unassign),
            _ => {
                let sentence = format!(
                    "`{}` is not an action. Type assign (set a quota), unassign (take it off), or nothing for assign.",
                    shown(text)
                );
                self.problem_in(Field::Action, &sentence);
                None
            }
        }
    }

    fn id(&mut self, field: Field) -> Option<&'a str> {
        let text = self.text(field);
        if text.is_empty() {
            return None;
        }
        match numbers::id(text) {
            Ok(()) => Some(text),
            Err(sentence) => {
                self.problem_in(field, &sentence);
                None
            }
        }
    }

    /// A quota, `none` or nothing: `Some(Some(5))`, `Some(None)`, `None`.
    fn quota(&mut self, field: Field) -> Option<Quota> {
        let text = self.text(field);
        if text.is_empty() {
            return None;
        }
        if text.eq_ignore_ascii_case("none") {
            return Some(None);
        }
        numbers::quota(text).map_err(|sentence| self.problem_in(field, &sentence)).ok().map(Some)
    }

    fn effective(&mut self) -> Option<Effective> {
        let text = self.text(Field::Effective);
        if text.is_empty() {
            return None;
        }
        if text.eq_ignore_ascii_case("next_cycle") || text.eq_ignore_ascii_case("next cycle") {
            return Some(Effective::NextCycle);
        }
        let date = (text.len() == 10).then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten();
        if date.is_none() {
            let sentence = format!(
                "`{}` is not a date that can be read only one way. Type it as year-month-day, such as 2026-12-01 (format \
                 the column as Text), or next_cycle, or nothing for now.",
                shown(text)
            );
            self.problem_in(Field::Effective, &sentence);
        }
        date.map(Effective::On)
    }

    /// The new quota. Checks it against the action, where that is known.
    fn value(&mut self, action: Option<Action>, expected: Option<Quota>) -> Option<Units> {
        let text = self.text(Field::Value);
        let value = self.quota(Field::Value);
        match (action, value) {
            (Some(Action::Unassign), Some(Some(_))) => {
                let sentence = format!(
                    "unassign takes the quota off, so there can be no value `{}`. Empty the cell, or make the action \
                     assign.",
                    shown(text)
                );
                self.problem_in(Field::Value, &sentence);
            }
            // An export shows a target without a quota so, and leaving it alone is no mistake.
            (Some(Action::Assign), None | Some(None)) if expected == Some(None) && !self.is_unreadable(value) => {}
            (Some(Action::Assign), None) if text.is_empty() => self.problem_in(
                Field::Value,
                "the cell is empty. Type the new quota as a whole number, or make the action unassign to take the \
                 quota off.",
            ),
            (Some(Action::Assign), Some(None)) => self.problem_in(
                Field::Value,
                "`none` is not a quota. To take the quota off, make the action unassign and empty the cell.",
            ),
            _ => {}
        }
        value.flatten()
    }

    /// There is text, but no quota came of it.
    fn is_unreadable(&self, value: Option<Quota>) -> bool {
        value.is_none() && !self.text(Field::Value).is_empty()
    }

    /// An unquoted `12,000` right before the comment reads as 12 with the comment 000, a very different quota.
    fn split_number(&mut self) {
        let (Some(value), Some(comment)) =
            (self.header.column(Field::Value), self.header.column(Field::Comment))
        else {
            return;
        };
        let (head, tail) = (self.text(Field::Value), self.text(Field::Comment));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if comment == value + 1
            && (1..=3).contains(&head.len())
            && tail.len() == 3
            && digits(head)
            && digits(tail)
        {
            let sentence = format!(
                "`{head}` followed by `{tail}` looks like one number that was split at its separator. Type {head}{tail}, \
                 or another comment."
            );
            self.problem_in(Field::Value, &sentence);
        }
    }
}
