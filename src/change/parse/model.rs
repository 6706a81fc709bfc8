//! A change file's rows, as they are written and as they are understood.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::excerpt::{excerpt, trim_cell};
use super::fields::Fields;
use super::header::{Columns, Field};
use super::percent::Percent;
use crate::change::codes::{Code, Problem};
use crate::domain::quota::{Aid, OrgId, Units};
use crate::files::csv_cell;
use crate::text::words::{counted, listed};

/// A change file as it was written and as it is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChangeFile {
    /// The column names as written, without those that our own results add.
    pub headers: Vec<String>,
    /// What its author calls our fields.
    pub columns: Columns,
    /// The rows of data in their order; blank rows and comments are not among them.
    pub records: Vec<Record>,
    /// The plans that comment rows approve (`# approved: SHA256`); what counts is whether `inbox.approvals` is set.
    pub approved: Vec<String>,
    /// How many rows were skipped.
    pub skipped: SkippedRows,
    /// A sentence for each comment row that looks meant to approve and does not.
    pub doubtful: Vec<String>,
}

/// The columns of an export. What is used stands beside the quotas for those who edit them.
pub(crate) const EXPORTED: [&str; 10] = [
    "action",
    "org_id",
    "org_name",
    "aid",
    "account_group_name",
    "value",
    "expected_value",
    "used",
    "projected",
    "comment",
];

/// A file may have more columns than a person reads beside a row.
const EXTRA_COLUMNS: usize = 5;

impl ChangeFile {
    /// What stands in the first columns that are none of our fields, by row, each with its header in short; without empty cells.
    pub(crate) fn extra_cells(&self) -> BTreeMap<usize, Vec<(String, String)>> {
        // It is kept with each row, so its length in the file must not count. What was used says nothing of why.
        let in_short = |header: &String| {
            let header = trim_cell(header);
            let is_extra = !header.is_empty() && !self.columns.hold(header) && !EXPORTED.contains(&header);
            is_extra.then(|| excerpt(header))
        };
        let headers: Vec<Option<String>> = self.headers.iter().map(in_short).collect();
        let further = |(header, cell): (&Option<String>, &str)| {
            let header = header.as_ref()?;
            let cell = csv_cell::without_inert_mark(trim_cell(cell)).into_owned();
            (!cell.is_empty()).then(|| (header.clone(), cell))
        };
        let of = |record: &Record| -> Vec<_> {
            headers.iter().zip(record.fields.iter()).filter_map(further).take(EXTRA_COLUMNS).collect()
        };
        let rows = self.records.iter().map(|record| (record.row, of(record)));
        rows.filter(|(_, cells)| !cells.is_empty()).collect()
    }
}

/// Rows that are none of data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SkippedRows {
    pub comments: usize,
    /// Between rows of data; not those at the end.
    pub blanks: usize,
}

impl SkippedRows {
    /// `1 comment and 2 blank rows were skipped.`; nothing where none was.
    pub(crate) fn sentence(self) -> Option<String> {
        let counts = [(self.comments, "comment"), (self.blanks, "blank row")];
        let said: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, noun)| counted(*count, noun))
            .collect();
        let were = if self.comments + self.blanks == 1 { "was" } else { "were" };
        (!said.is_empty()).then(|| format!("{} {were} skipped.", said.join(" and ")))
    }
}

/// One row of data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The row's number as a spreadsheet shows it.
    pub row: usize,
    /// The cells as written, each below its header, without the empty ones at the end.
    pub fields: Fields,
    /// What the row asks for, or why that is not clear.
    pub change: Result<RowChange, BadRow>,
}

/// A quota that may be none: `none` in a cell.
pub(crate) type Quota = Option<Units>;

/// The new quota as a row writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Units(Units),
    /// Only the organization's plan says how many units it is.
    OfPlan(Percent),
}

/// Whose quota a row is about, as far as it says. An empty name is none; names are as written, without blanks around them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TargetRef {
    pub org_id: Option<OrgId>,
    pub org_name: String,
    pub aid: Option<Aid>,
    pub group_name: String,
}

impl TargetRef {
    /// The name and the id of its account group, or else of its organization: `Helpdesk 208001`.
    pub(crate) fn label(&self) -> String {
        let group = (self.group_name.as_str(), self.aid.as_ref().map_or("", |aid| aid.as_str()));
        let organization = (self.org_name.as_str(), self.org_id.as_ref().map_or("", |id| id.as_str()));
        let (name, id) = if group == ("", "") { organization } else { group };
        [name, id].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" ")
    }
}

/// What a row of a change file asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// Create or update a quota.
    Assign,
    /// Take a quota off; the target becomes uncapped.
    Unassign,
}

/// What a row asks for. At least one id or name is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowChange {
    pub action: Action,
    pub whose: TargetRef,
    /// None for an unassign, and for an unedited row of a target without a quota.
    pub value: Option<Value>,
    /// What the editor saw: none if the row does not say, `Some(None)` for `none`.
    pub expected: Option<Quota>,
    pub comment: String,
    /// None: now.
    pub effective: Option<Effective>,
}

/// When a row is to take effect: its column `effective`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effective {
    /// From the beginning of this day, in the configured zone.
    On(NaiveDate),
    /// `next_cycle`: from the end of the organization's billing cycle.
    NextCycle,
}

/// A row that makes no change. What is known of its target stays known, so that it can refuse what it falls together with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadRow {
    pub whose: TargetRef,
    /// Neither id was written in a way that can't be read: without this, a bad `aid` would look like none at all.
    pub ids_are_good: bool,
    /// At least one; each with its column, where it is in one.
    pub problems: Vec<(Option<Field>, Problem)>,
}

impl BadRow {
    /// Keeps of several problems the first, and names the columns of the others: what is expected there, enough other rows say.
    pub(super) fn shorten(&mut self, called: &Columns) {
        let others = self.problems.iter().skip(1).filter_map(|(field, _)| *field);
        let columns: Vec<String> = others.map(|field| format!("`{}`", called.name(field))).collect();
        if columns.is_empty() {
            return;
        }
        let mut is_first = true;
        self.problems.retain(|(field, _)| std::mem::take(&mut is_first) || field.is_none());
        let columns = listed(&columns, columns.len());
        let message = format!("Also wrong, in a way that is explained in earlier rows: {columns}.");
        self.problems.push((None, Problem { code: Code::BadRow, message }));
    }
}
