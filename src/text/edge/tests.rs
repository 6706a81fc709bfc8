//! What leaves for a terminal, a log and a template.

use super::*;

#[test]
fn lines_stay_lines_and_nothing_else_moves_the_cursor() {
    assert_eq!(lines("a\u{1b}[31mb\u{7}\r\nc\u{202e}d\n"), "a [31mb  \ncd\n");
    assert_eq!(lines("→ 12 000\n\n  x"), "→ 12 000\n\n  x");
}

#[test]
fn people_read_no_number_of_an_error_and_the_log_keeps_it() {
    let full = "cannot write a: No space left on device (os error 28)";
    assert_eq!(lines(full), "cannot write a: the disk is full");
    assert_eq!(painted_lines(full), "cannot write a: the disk is full");
    assert_eq!(values(full.into()), "cannot write a: the disk is full");
    assert_eq!(logged_lines(full), full);
}

#[test]
fn our_colours_stay_and_those_of_others_do_not() {
    let painted = "\u{1b}[1m\u{1b}[31mheld\u{1b}[0m a\u{1b}]0;title\u{7} \u{1b}[2Jb\u{9b}31m\n";
    assert_eq!(painted_lines(painted), "\u{1b}[1m\u{1b}[31mheld\u{1b}[0m a ]0;title   [2Jb 31m\n");
}

#[test]
fn what_is_written_in_pieces_is_the_text_that_is_made_at_once() {
    super::super::redact::register("a-secret-in-json");
    let row = |number: usize| {
        let name = if number.is_multiple_of(7) { "a\u{202e}b a-secret-in-json é" } else { "Lab" };
        serde_json::json!({ "name": name, "number": number, "note": "n".repeat(number % 400) })
    };
    let rows: Vec<_> = (0..2_000).map(row).collect();
    let mut written = Vec::new();
    write_json(&mut written, &rows).unwrap();
    let at_once = json(&serde_json::to_string_pretty(&rows).unwrap()) + "\n";
    assert!(at_once.contains("\\u202eb [redacted] é") && at_once.len() > 3 << 16);
    assert_eq!(String::from_utf8(written).unwrap(), at_once);
}

#[test]
fn a_reader_that_ends_before_all_json_is_written_is_told_from_other_errors() {
    let (reader, mut closed) = std::io::pipe().unwrap();
    drop(reader);
    let error = write_json(&mut closed, &vec!["a long line"; 10_000]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn json_means_the_same_when_its_hidden_letters_are_escaped() {
    let value = serde_json::json!({ "name": "a\u{202e}b\u{9b}\u{1b}👩\u{200d}💻\u{e0041}é" });
    let text = json(&serde_json::to_string_pretty(&value).unwrap());
    assert!(text.contains("a\\u202eb\\u009b\\u001b👩\\u200d💻\\udb40\\udc41é"), "{text}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
}
