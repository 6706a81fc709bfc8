//! The text of an answer: as it came, which does for nearly every answer, or repaired, so that one odd name cannot spoil all of it.

/// The body of an answer that has come whole.
#[derive(Debug)]
pub(super) struct AnswerText {
    bytes: Vec<u8>,
    /// At most so many objects.
    pub entries: usize,
}

impl AnswerText {
    pub(super) fn new(bytes: Vec<u8>, entries: usize) -> Self {
        Self { bytes, entries }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// As it came, for those who take nothing odd; none where it is not UTF-8. They need no [repaired](Self::repaired) one: what differs
    /// there is no JSON, or stands in a text that they do not read.
    pub(super) fn as_it_came(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }

    /// What is not UTF-8, the half of a surrogate pair and raw control characters are replaced; `NaN` and `Infinity`, which are no JSON,
    /// become texts of question marks.
    pub(super) fn repaired(self) -> String {
        repaired(self.bytes)
    }
}

/// The same of any body, as [`AnswerText::repaired`] says.
pub(super) fn repaired(mut body: Vec<u8>) -> String {
    if body.starts_with(b"\xEF\xBB\xBF") {
        body.drain(..3);
    }
    repair(&mut body);
    String::from_utf8(body).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// In place: each replacement is as long as what it replaces.
fn repair(body: &mut [u8]) {
    let mut in_text = false;
    let mut at = 0;
    while at < body.len() {
        let mut next = at + 1;
        match body[at] {
            b'"' => in_text = !in_text,
            b'\\' if in_text => {
                next = at + 2;
                match (escaped_unit(&body[at..]), body.get(at + 6..).and_then(escaped_unit)) {
                    (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => next = at + 12,
                    (Some(0xD800..=0xDFFF), _) => body[at + 2..at + 6].copy_from_slice(b"fffd"),
                    _ => {}
                }
            }
            // Outside of a text these are blanks.
            control @ 0..0x20 if in_text || !matches!(control, b'\t' | b'\n' | b'\r') => body[at] = b' ',
            b'N' | b'I' | b'-' if !in_text => {
                let words: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];
                if let Some(word) = words.iter().find(|word| body[at..].starts_with(word)) {
                    next = at + word.len();
                    body[at..next].fill(b'?'); // what is shown of it should not look like an answer
                    (body[at], body[next - 1]) = (b'"', b'"');
                }
            }
            _ => {}
        }
        at = next;
    }
}

/// The number of the escape, such as `\u00e9`, that these bytes begin with.
fn escaped_unit(bytes: &[u8]) -> Option<u16> {
    let digits = std::str::from_utf8(bytes.strip_prefix(b"\\u")?.get(..4)?).ok()?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests;
