//! The cells of one row → the change that it asks for, or every problem that it has.

use std::borrow::Cow;

use super::excerpt::{self, excerpt, list_a_dozen, trim_cell};
use super::header::{Field, Header};
use super::model::{Action, BadRow, Effective, Quota, RowChange, TargetRef, Value};
use super::percent::Percent;
use super::{dates, numbers};
use crate::change::codes::{Code, Problem};
use crate::domain::quota::{Aid, OrgId};
use crate::files::csv_cell;

/// Understands a row. Missing cells at its end are blank, and blank cells beyond the header are fine.
pub(super) fn change(
    cells: &[Cow<'_, str>],
    torn: Option<&str>,
    header: &Header,
) -> Result<RowChange, BadRow> {
    let mut row = Reading { cells, header, problems: Vec::new() };
    if header.is_repeated_by(cells) {
        // As where one file was put below another: what its cells are not is of no use to anybody.
        row.add_problem("it repeats the header. Delete the row.");
        return Err(BadRow { whose: TargetRef::default(), ids_are_good: false, problems: row.problems });
    }
    if let Some(text) = torn {
        row.add_problem(&excerpt::torn_cell_message(text));
    }
    row.beyond_the_header();
    let action = row.action();
    let before_ids = row.problems.len();
    let whose = TargetRef {
        org_id: row.id(Field::OrgId, Field::OrgName).map(OrgId::new),
        org_name: row.name(Field::OrgName),
        aid: row.id(Field::Aid, Field::GroupName).map(Aid::new),
        group_name: row.name(Field::GroupName),
    };
    let ids_are_good = row.problems.len() == before_ids;
    if ids_are_good && whose == TargetRef::default() && header.has_target() {
        row.add_problem(&format!(
            "it names neither an organization nor an account group. Fill in {}.",
            header
                .targets()
                .map(|field| format!("`{}`", header.called.name(field)))
                .collect::<Vec<_>>()
                .join(" or ")
        ));
    }
    let expected = row.expected();
    let value = row.value(action, expected);
    row.split_number();
    let effective = row.effective();
    let first = cells.first().map_or("", |cell| trim_cell(cell));
    let is_shown_so = numbers::is_formula_error(first) || numbers::is_too_narrow(first);
    if !row.problems.is_empty() && first.starts_with('#') && !is_shown_so {
        row.add_problem(
            "it begins with `#`, but it is not a comment: other cells are filled. A comment must be the only cell in its row. If it \
             contains a separator, put it into quotes.",
        );
    }
    let comment = csv_cell::without_inert_mark(row.text(Field::Comment)).into_owned();
    match (action, row.problems) {
        (Some(action), problems) if problems.is_empty() => {
            Ok(RowChange { action, whose, value, expected, comment, effective })
        }
        (_, problems) => Err(BadRow { whose, ids_are_good, problems }),
    }
}

/// A row that is being understood, and what was found wrong so far.
struct Reading<'a> {
    cells: &'a [Cow<'a, str>],
    header: &'a Header,
    /// Each with its column, where it is in one.
    problems: Vec<(Option<Field>, Problem)>,
}

impl<'a> Reading<'a> {
    /// The text of a field; empty where the file has no such column or the row ends before it.
    fn text(&self, field: Field) -> &'a str {
        self.header.column(field).and_then(|index| self.cells.get(index)).map_or("", |cell| trim_cell(cell))
    }

    fn add_problem(&mut self, sentence: &str) {
        self.problems.push((None, Problem { code: Code::BadRow, message: sentence.to_owned() }));
    }

    /// A problem of one cell, named by the header as its author wrote it.
    fn problem_in(&mut self, field: Field, sentence: &str) {
        let name = self.header.called.name(field);
        self.problems.push((Some(field), Problem::in_column(Code::BadRow, name, sentence)));
    }

    fn beyond_the_header(&mut self) {
        let extra = self.cells.get(self.header.width..).unwrap_or_default();
        if extra.iter().any(|cell| !trim_cell(cell).is_empty()) {
            self.add_problem(&format!(
                "it has more cells than the header has columns ({} more: {}). If a number was split, type \
                 it without its separator (12000, not 12,000). Put a text that contains a separator into quotes.",
                extra.len(),
                list_a_dozen(extra.iter().map(|cell| format!("`{}`", excerpt(cell))))
            ));
        }
    }

    fn action(&mut self) -> Option<Action> {
        let text = self.text(Field::Action);
        if text.is_empty() || text.eq_ignore_ascii_case("assign") {
            return Some(Action::Assign);
        }
        if text.eq_ignore_ascii_case("unassign") {
            return Some(Action::Unassign);
        }
        let sentence = format!(
            "`{}` is not an action. Type assign (set a quota), unassign (remove it), or nothing for assign.",
            excerpt(text)
        );
        self.problem_in(Field::Action, &sentence);
        None
    }

    /// A name as our own exports write it, or as somebody typed it.
    fn name(&self, field: Field) -> String {
        csv_cell::without_inert_mark(self.text(field)).into_owned()
    }

    fn id(&mut self, field: Field, names: Field) -> Option<&'a str> {
        let text = self.text(field);
        if text.is_empty() {
            return None;
        }
        match numbers::id(text, self.header.called.name(names)) {
            Ok(()) => Some(text),
            Err(sentence) => {
                self.problem_in(field, &sentence);
                None
            }
        }
    }

    /// What the editor saw: a quota, `none` or nothing (`Some(Some(5))`, `Some(None)`, `None`). Nobody sees a percentage.
    fn expected(&mut self) -> Option<Quota> {
        let text = self.text(Field::Expected);
        if text.is_empty() {
            return None;
        }
        if text.eq_ignore_ascii_case("none") {
            return Some(None);
        }
        let quota = if text.contains('%') {
            Err(format!(
                "`{}` is a percentage. Type the number of units that the quota had, or none.",
                excerpt(text)
            ))
        } else if !text.contains(|letter: char| letter.is_numeric()) {
            Err(format!(
                "`{}` is not a quota. Type the number of units that the quota had, none if there was no quota, or leave the cell empty.",
                excerpt(text)
            ))
        } else {
            numbers::quota_seen(text)
        };
        quota.map_err(|sentence| self.problem_in(Field::Expected, &sentence)).ok().map(Some)
    }

    fn effective(&mut self) -> Option<Effective> {
        let text = self.text(Field::Effective);
        if text.is_empty() {
            return None;
        }
        dates::effective(text).map_err(|sentence| self.problem_in(Field::Effective, &sentence)).ok()
    }

    /// The new quota. Checks it against the action, where that is known.
    fn value(&mut self, action: Option<Action>, expected: Option<Quota>) -> Option<Value> {
        let text = self.text(Field::Value);
        if !text.is_empty() && !text.eq_ignore_ascii_case("none") {
            let value = match Percent::read(text) {
                Some(share) => share.map(Value::OfPlan),
                // A row that nobody edited, as an export writes it.
                None if text == self.text(Field::Expected) => numbers::quota_seen(text).map(Value::Units),
                None => numbers::quota(text).map(Value::Units),
            };
            if let Err(sentence) = &value {
                self.problem_in(Field::Value, sentence);
            } else if action == Some(Action::Unassign) {
                let sentence = format!(
                    "unassign removes the quota, so there can be no value `{}`. Clear the cell, or change the action to \
                     assign.",
                    excerpt(text)
                );
                self.problem_in(Field::Value, &sentence);
            }
            return value.ok();
        }
        // An export shows a target without a quota as `none`: whether that changes nothing, the live quota says. Without the
        // column it is the file that lacks it.
        let is_fine =
            !text.is_empty() || expected == Some(None) || self.header.column(Field::Value).is_none();
        if action == Some(Action::Assign) && !is_fine {
            self.problem_in(
                Field::Value,
                "the cell is empty. Type the new quota as a whole number, or change the action to unassign to remove the quota.",
            );
        }
        None
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
