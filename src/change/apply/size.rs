//! How many rows one request may have, learned from the server's earlier answers. Pure.
//!
//! The API states no limit. What a server once found too much is not sent again in this run: the rest is cut smaller
//! beforehand, not refused and halved batch by batch.

/// Rows in one request at the most, before anything is learned.
pub(super) const MOST_ROWS: usize = 2_500;

/// Lost answers never teach less than this: so few rows are not what the server stumbled over.
const SMALL: usize = 100;

/// Which half of a refused batch a batch is, and of how many rows that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    First { of: usize },
    Second { of: usize },
}

#[derive(Debug)]
pub(super) struct Size {
    most: usize,
    /// The first half of a refused batch of so many rows was just taken.
    first_half_of: Option<usize>,
}

impl Size {
    pub(super) fn new() -> Self {
        Self { most: MOST_ROWS, first_half_of: None }
    }

    pub(super) fn max_rows(&self) -> usize {
        self.most
    }

    /// The server said that so many rows are too many (413).
    pub(super) fn too_large(&mut self, rows: usize) {
        self.first_half_of = None;
        self.most = self.most.min(rows.div_ceil(2)).max(1);
    }

    /// Nobody knows what became of so many rows: a server that works too long on a batch is given less.
    pub(super) fn on_unknown(&mut self, rows: usize) {
        self.first_half_of = None;
        if rows > SMALL {
            self.most = self.most.min(rows.div_ceil(2).max(SMALL));
        }
    }

    /// A refusal for a reason of its own.
    pub(super) fn on_refused(&mut self) {
        self.first_half_of = None;
    }

    /// Taken. Where both halves of a refused batch are, no row of it was bad: it was refused for its size.
    pub(super) fn on_accepted(&mut self, half: Option<Half>) {
        match half {
            Some(Half::Second { of }) if self.first_half_of == Some(of) => self.too_large(of),
            Some(Half::First { of }) => self.first_half_of = Some(of),
            Some(Half::Second { .. }) | None => self.first_half_of = None,
        }
    }
}

#[cfg(test)]
mod tests;
