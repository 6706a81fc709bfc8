//! A server's reply, put together byte by byte: only a whole one, with its last line's end, is ever one (RFC 5321, section 4.2).
//!
//! What is cut, contradicts itself or has no end is an error or nothing yet. Lines and replies are bounded, so that a server
//! that never comes to an end costs no memory.

/// RFC 5321 has 512 octets for a line; real servers write longer ones, in EHLO replies and explanations.
const LONGEST_LINE: usize = 4096;
/// The longest known replies, to EHLO, have some twenty lines.
const MOST_LINES: usize = 100;

/// A whole reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::mail) struct Reply {
    pub code: u16,
    /// The text of each line, as the server sent it: clean it before anybody sees it.
    pub lines: Vec<String>,
}

impl Reply {
    pub(in crate::mail) fn is_refusal(&self) -> bool {
        self.code >= 400
    }

    /// The lines as one text. An enhanced status code that each line repeats (RFC 2034) is there once.
    pub(in crate::mail) fn text(&self) -> String {
        let Some((first, rest)) = self.lines.split_first() else { return String::new() };
        let status = first.split(' ').next().filter(|word| is_enhanced_status(word));
        let bare = |line: &String| {
            let repeated = status.and_then(|status| line.strip_prefix(status)?.strip_prefix(' '));
            repeated.unwrap_or(line).trim().to_owned()
        };
        std::iter::once(first.trim().to_owned()).chain(rest.iter().map(bare)).collect::<Vec<_>>().join(" ")
    }
}

/// `5.7.25`.
fn is_enhanced_status(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let is_number = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    parts.len() == 3 && parts.iter().all(is_number)
}

/// Why bytes are no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::mail) enum Malformed {
    #[error("a line that is not an SMTP reply")]
    NotSmtp,
    #[error("a reply whose lines have different codes")]
    Codes,
    #[error("a line of over {LONGEST_LINE} bytes")]
    Line,
    #[error("a reply of over {MOST_LINES} lines")]
    Lines,
}

/// What there is of a reply so far.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    line: Vec<u8>,
    code: Option<u16>,
    lines: Vec<String>,
}

impl Assembly {
    pub(super) fn is_empty(&self) -> bool {
        self.line.is_empty() && self.lines.is_empty()
    }

    /// Takes one byte; it may be the last of a reply.
    pub(super) fn push(&mut self, byte: u8) -> Result<Option<Reply>, Malformed> {
        if self.line.len() == LONGEST_LINE {
            return Err(Malformed::Line);
        }
        if !may_have(byte, self.line.len()) {
            return Err(Malformed::NotSmtp);
        }
        self.line.push(byte);
        if byte != b'\n' {
            return Ok(None);
        }
        let line = std::mem::take(&mut self.line);
        // A bare line feed ends no line: whoever reads it so can be told two different things at once.
        let line = line.strip_suffix(b"\r\n").ok_or(Malformed::NotSmtp)?;
        let (code, rest) = line.split_at_checked(3).ok_or(Malformed::NotSmtp)?;
        let code = code.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
        if *self.code.get_or_insert(code) != code {
            return Err(Malformed::Codes);
        }
        let text = rest.get(1..).unwrap_or_default();
        self.lines.push(String::from_utf8_lossy(text).into_owned());
        if rest.first() == Some(&b'-') {
            return if self.lines.len() == MOST_LINES { Err(Malformed::Lines) } else { Ok(None) };
        }
        self.code = None;
        Ok(Some(Reply { code, lines: std::mem::take(&mut self.lines) }))
    }
}

/// Whether a line of a reply can have this byte there: a code from 200 to 559, then its end, a blank or a hyphen.
fn may_have(byte: u8, at: usize) -> bool {
    match at {
        0 => (b'2'..=b'5').contains(&byte),
        1 => (b'0'..=b'5').contains(&byte),
        2 => byte.is_ascii_digit(),
        3 => matches!(byte, b' ' | b'-' | b'\r'),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
