//! Which columns of a change file its results keep.
//!
//! Our own columns stand behind the input's, so short rows are filled up with blank cells. Below a thousand headers, a file of less than
//! a megabyte would become hundreds that way: columns that would need so many are left out, and the file is not lost by that.

use crate::change::parse::{ChangeFile, EXPORTED, excerpt, trim_cell};
use crate::text::words::number;

/// So many cells may be filled up in one file; each takes a byte.
const MOST_FILLED: usize = 10_000_000;

/// The columns that are kept, by their place in the input.
#[derive(Debug)]
pub(super) struct KeptColumns {
    pub kept: Vec<usize>,
    first_left_out: Option<usize>,
}

impl KeptColumns {
    pub(super) fn of(file: &ChangeFile) -> Self {
        Self::within(file, MOST_FILLED)
    }

    pub(super) fn within(file: &ChangeFile, most: usize) -> Self {
        let mut ending = vec![0; file.headers.len() + 1];
        for record in &file.records {
            ending[record.fields.len().min(file.headers.len())] += 1;
        }
        let (mut too_short, mut filled, mut columns) =
            (0, 0, Self { kept: Vec::new(), first_left_out: None });
        for (index, header) in file.headers.iter().enumerate() {
            too_short += ending[index];
            let header = trim_cell(header);
            // Without what it asks for, a row could not be corrected and dropped again.
            let is_needed = file.columns.hold(header) || EXPORTED.contains(&header);
            if is_needed || filled + too_short <= most {
                filled += too_short;
                columns.kept.push(index);
            } else {
                columns.first_left_out.get_or_insert(index);
            }
        }
        columns
    }

    /// What whoever opens the results has to know.
    pub(super) fn sentence(&self, file: &ChangeFile) -> Option<String> {
        let first = self.first_left_out?;
        Some(format!(
            "The results leave out {} of the {} columns, from column {}, `{}`, on. Most rows end before them, and the blank cells would \
             take far more space than this file. The file itself still has them.",
            number(file.headers.len() - self.kept.len()),
            number(file.headers.len()),
            number(first + 1),
            excerpt(trim_cell(&file.headers[first]))
        ))
    }
}

#[cfg(test)]
mod tests;
