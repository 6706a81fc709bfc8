//! Where the commas of a line are. Eight bytes are looked at in one go: most cells are shorter than what pays to call a search for.

/// Their places, one after the other.
pub(super) struct Commas<'a> {
    /// What was not looked at yet.
    rest: &'a [u8],
    /// How far the line was looked at.
    seen: usize,
    /// The highest bit of each of the last eight bytes that is a comma to come.
    found: u64,
}

const EACH: u64 = u64::from_ne_bytes([1; 8]);
const LOW: u64 = u64::from_ne_bytes([0x7f; 8]);

impl<'a> Commas<'a> {
    pub(super) fn new(line: &'a [u8]) -> Self {
        Self { rest: line, seen: 0, found: 0 }
    }

    /// The next eight bytes; zeros behind the end, and none where nothing is left.
    fn next_eight_bytes(&mut self) -> Option<[u8; 8]> {
        if let Some((eight, rest)) = self.rest.split_first_chunk() {
            self.rest = rest;
            return Some(*eight);
        }
        let last = std::mem::take(&mut self.rest);
        let mut eight = [0; 8];
        eight.get_mut(..last.len())?.copy_from_slice(last);
        (!last.is_empty()).then_some(eight)
    }
}

impl Iterator for Commas<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.found == 0 {
            let differs = u64::from_le_bytes(self.next_eight_bytes()?) ^ (EACH * u64::from(b','));
            // Exactly those bytes that do not differ, whatever stands beside them.
            self.found = !(((differs & LOW) + LOW) | differs | LOW);
            self.seen += 8;
        }
        let place = self.seen - 8 + (self.found.trailing_zeros() / 8) as usize;
        self.found &= self.found - 1;
        Some(place)
    }
}

#[cfg(test)]
mod tests;
