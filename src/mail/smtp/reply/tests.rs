//! Replies of servers, whole, cut, endless and false.

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
