//! The cells of one row, as written, in one piece of memory: of a file with millions of short cells, each as a string of its own would
//! take fifty times its size.

/// Cells side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    text: Box<str>,
    /// Where each cell ends in the text.
    ends: Box<[u32]>,
}

impl Fields {
    /// Without the empty cells at the end.
    pub(super) fn new<'c>(cells: impl Iterator<Item = &'c str> + Clone) -> Self {
        let (length, count) =
            cells.clone().fold((0, 0), |(length, count), cell| (length + cell.len(), count + 1));
        let (mut text, mut ends) = (String::with_capacity(length), Vec::with_capacity(count));
        let mut filled = 0;
        for cell in cells {
            text.push_str(cell);
            ends.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
            if !cell.is_empty() {
                filled = ends.len();
            }
        }
        ends.truncate(filled);
        Self { text: text.into(), ends: ends.into() }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A cell; empty where the row ends before it.
    pub(crate) fn get(&self, index: usize) -> &str {
        let end = |index: usize| self.ends.get(index).map(|end| *end as usize);
        let start = index.checked_sub(1).map_or(Some(0), end);
        start.zip(end(index)).and_then(|(start, end)| self.text.get(start..end)).unwrap_or_default()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index))
    }
}

#[cfg(test)]
mod tests;
