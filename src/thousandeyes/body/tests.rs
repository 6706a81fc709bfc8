//! Answers that repeat themselves, or have more entries than they should.

use std::fmt::Write as _;

use super::*;

const BOUNDS: Bounds = Bounds { bytes: 64 << 20, entries: MOST_ENTRIES };

/// What is said to a body that begins so and goes on with these parts, and how much of it was read.
fn said<'p>(beginning: &str, parts: impl IntoIterator<Item = &'p [u8]>, bounds: Bounds) -> (NextStep, usize) {
    let mut body = Body::default();
    let mut next = body.add(beginning.as_bytes(), None, bounds);
    let mut parts = parts.into_iter();
    while next == NextStep::Read
        && let Some(part) = parts.next()
    {
        next = body.add(part, None, bounds);
    }
    (next, body.bytes.len())
}

fn over_and_over(entry: &str) -> (NextStep, usize) {
    let part = entry.repeat(16_000 / entry.len());
    said(r#"{"accountGroups":["#, std::iter::repeat_n(part.as_bytes(), 10_000), BOUNDS)
}

#[test]
fn a_repetitive_answer_is_read_up_to_four_megabytes() {
    let long = format!(r#"{{"aid":"1","accountGroupName":"{}"}},"#, "n".repeat(9000));
    let two = r#"{"aid":"1","accountGroupName":"A team"},{"aid":"1","accountGroupName":"A tent"},"#;
    for entry in [" ", "[", "{\"a\":", r#"{"aid":"1","accountGroupName":"Acme"},"#, two, &long] {
        let (next, read) = over_and_over(entry);
        assert_eq!(next, NextStep::Refuse("the answer repeats itself".to_owned()), "{entry:.40}");
        assert!(read < 5 << 20, "{read} of {entry:.40}");
    }
}

#[test]
fn what_differs_anywhere_is_read() {
    let mut text = String::from(r#"{"accountGroups":["#);
    for aid in 0..300_000 {
        write!(text, r#"{{"aid":"{aid}","accountGroupName":"Acme"}},"#).unwrap();
    }
    assert!(text.len() > 2 * LOOK_EVERY);
    let (next, read) = said("", text.as_bytes().chunks(16_000), BOUNDS);
    assert_eq!((next, read), (NextStep::Read, text.len()));
}

#[test]
fn many_tiny_entries_are_refused_while_they_come() {
    let bounds = Bounds::of_answer("/usage", usize::MAX);
    let entries = "{},".repeat(5_000);
    let (next, read) = said("{", std::iter::repeat_n(entries.as_bytes(), 100), bounds);
    assert!(matches!(&next, NextStep::Refuse(why) if why.contains("over 100000 entries")), "{next:?}");
    assert!(read < 700_000, "{read}");
}

#[test]
fn only_the_beginning_of_what_is_no_object_is_read() {
    for beginning in ["<html>", "", "[{"] {
        let (next, read) = said(beginning, std::iter::repeat_n(&[b' '; 1000][..], 100), BOUNDS);
        assert_eq!(next, NextStep::Enough, "{beginning}");
        assert!(read < 6000, "{read}");
    }
    let (next, _) = said("\u{feff} \n{", std::iter::repeat_n(&[b' '; 1000][..], 100), BOUNDS);
    assert_eq!(next, NextStep::Read);
}
