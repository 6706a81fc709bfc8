//! Messages whose lines look like their end.

use super::*;

#[test]
fn no_line_of_a_message_is_its_end() {
    assert_eq!(dot_stuffed(b".\r\na.\r\n..b\n.\r\n"), b"..\r\na.\r\n...b\n..\r\n");
    assert_eq!(dot_stuffed(b"a"), b"a\r\n");
    assert_eq!(dot_stuffed(b"a\n"), b"a\n\r\n");
    assert_eq!(dot_stuffed(b""), b"\r\n");
}
