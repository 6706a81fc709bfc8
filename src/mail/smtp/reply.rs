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
    #[error("a line that is no SMTP reply")]
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
        if !fits(byte, self.line.len()) {
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
fn fits(byte: u8, at: usize) -> bool {
    match at {
        0 => (b'2'..=b'5').contains(&byte),
        1 => (b'0'..=b'5').contains(&byte),
        2 => byte.is_ascii_digit(),
        3 => matches!(byte, b' ' | b'-' | b'\r'),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every reply in these bytes, and what is left over: none where it is malformed.
    fn read(bytes: &[u8]) -> Result<(Vec<Reply>, bool), Malformed> {
        let mut assembly = Assembly::default();
        let mut replies = Vec::new();
        for byte in bytes {
            replies.extend(assembly.push(*byte)?);
        }
        Ok((replies, assembly.is_empty()))
    }

    fn reply(code: u16, lines: &[&str]) -> Reply {
        Reply { code, lines: lines.iter().map(|line| (*line).to_owned()).collect() }
    }

    #[test]
    fn a_reply_of_one_line_of_many_and_of_a_bare_code() {
        let (replies, whole) = read(b"250-one\r\n250 two\r\n354\r\n221 bye\r\n").unwrap();
        assert_eq!(replies, [reply(250, &["one", "two"]), reply(354, &[""]), reply(221, &["bye"])]);
        assert!(whole);
    }

    #[test]
    fn what_is_cut_is_nothing_yet() {
        for cut in ["2", "25", "250", "250 taken", "250 taken\r", "250-more\r\n", "250-more\r\n25"] {
            assert_eq!(read(cut.as_bytes()), Ok((vec![], false)), "{cut:?}");
        }
    }

    #[test]
    fn what_contradicts_itself_or_is_something_else_is_an_error() {
        for (bytes, error) in [
            (&b"250-more\r\n550 no\r\n"[..], Malformed::Codes),
            (b"250-more\r\n251 no\r\n", Malformed::Codes),
            (b"250 taken\n", Malformed::NotSmtp),
            (b"250\tok\r\n", Malformed::NotSmtp),
            (b"2500 ok\r\n", Malformed::NotSmtp),
            (b"150 ok\r\n", Malformed::NotSmtp),
            (b"\r\n", Malformed::NotSmtp),
            (b" 250 ok\r\n", Malformed::NotSmtp),
            (b"SSH-2.0-OpenSSH_9.6\r\n", Malformed::NotSmtp),
            (b"+OK ready\r\n", Malformed::NotSmtp),
            (b"\x15\x03\x03\x00\x02\x02\x46", Malformed::NotSmtp),
        ] {
            assert_eq!(read(bytes), Err(error), "{bytes:?}");
        }
    }

    #[test]
    fn what_has_no_end_has_a_bound() {
        let line = [&b"250 "[..], &vec![b'x'; LONGEST_LINE]].concat();
        assert_eq!(read(&line), Err(Malformed::Line));
        assert_eq!(read(&b"250-x\r\n".repeat(MOST_LINES)), Err(Malformed::Lines));
    }

    #[test]
    fn a_status_that_each_line_repeats_is_there_once() {
        let many = reply(550, &["5.7.25 no PTR record", "5.7.25 for this host"]);
        assert_eq!(many.text(), "5.7.25 no PTR record for this host");
        assert_eq!(reply(550, &["no", "5.7.25 x"]).text(), "no 5.7.25 x");
    }

    proptest! {
        #[test]
        fn no_prefix_of_a_reply_is_a_reply(code in 200_u16..560, texts in prop::collection::vec("[^\r\n]{0,20}", 1..6)) {
            prop_assume!(code / 10 % 10 <= 5);
            let last = texts.len() - 1;
            let line = |(index, text): (usize, &String)| {
                format!("{code}{}{text}\r\n", if index == last { ' ' } else { '-' })
            };
            let whole: String = texts.iter().enumerate().map(line).collect();
            for end in 0..whole.len() {
                prop_assert_eq!(read(&whole.as_bytes()[..end]).unwrap().0, vec![], "{}", end);
            }
            let (replies, is_whole) = read(whole.as_bytes()).unwrap();
            prop_assert_eq!(replies, vec![Reply { code, lines: texts }]);
            prop_assert!(is_whole);
        }

        #[test]
        fn whatever_comes_little_is_kept(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let mut assembly = Assembly::default();
            for byte in bytes {
                if assembly.push(byte).is_err() {
                    break;
                }
                prop_assert!(assembly.line.len() <= LONGEST_LINE && assembly.lines.len() < MOST_LINES);
            }
        }
    }
}
