//! Answers with odd characters.

use super::*;
use crate::thousandeyes::wire::Object;

#[test]
fn one_odd_character_does_not_spoil_the_whole_answer() {
    let seen = |json: &[u8]| {
        let json = repaired(json.to_vec());
        let object = Object::of_answer(&json).unwrap();
        (object.text("name").unwrap().unwrap().into_owned(), object.units("value").ok().flatten())
    };
    let with_7 = |name: &str| (name.to_owned(), Some(7));
    assert_eq!(seen(br#"{"name":"a\ud800b","value":7}"#), with_7("a\u{fffd}b"));
    assert_eq!(seen(br#"{"name":"a\udfff\ud83d","value":7}"#), with_7("a\u{fffd}\u{fffd}"));
    assert_eq!(seen(br#"{"name":"\ud83d\ude00 \\ud800","\ud800":1,"value":7}"#), with_7("😀 \\ud800"));
    assert_eq!(seen(b"{\"name\":\"a\xff\",\"value\":7}"), with_7("a\u{fffd}"));
    assert_eq!(seen(b"{\"name\":\"a\nb\x00c\",\n\t\"value\":7}"), with_7("a b c"));
    assert_eq!(seen(b"\xef\xbb\xbf{\"name\":\"NaN\",\"value\":7,\"x\":-Infinity}"), with_7("NaN"));
    assert_eq!(seen(b"{\"name\":\"a\",\"value\":NaN}"), ("a".to_owned(), None));
}
