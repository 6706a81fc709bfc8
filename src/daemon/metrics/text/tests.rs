//! Large texts that are read piece by piece.

use std::io::Write;

use super::*;

fn rest(text: &mut Text) -> Vec<u8> {
    let mut all = Vec::new();
    while text.length() > 0 {
        all.extend(text.next_piece().unwrap());
    }
    all
}

#[test]
fn a_large_text_is_read_piece_by_piece_by_several_at_once() {
    let content: Vec<u8> = (0..5 * PIECE / 2).map(|place| (place % 251) as u8).collect();
    for (most, is_file) in [(1024, true), (1 << 20, false)] {
        let mut spooled = SpooledTempFile::new(most);
        content.chunks(1000).for_each(|chunk| spooled.write_all(chunk).unwrap());
        let mut text = Text::of_spooled(spooled).unwrap();
        assert_eq!(matches!(text, Text::File(..)), is_file);
        let mut other = text.clone();
        let first = text.next_piece().unwrap();
        assert_eq!(rest(&mut other), content);
        assert_eq!([&first[..], &rest(&mut text)].concat(), content);
        assert!(text.next_piece().unwrap().is_empty());
    }
}

#[test]
fn a_file_that_was_cut_off_is_an_error() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(10).unwrap();
    let mut text = Text::of_file(file.try_clone().unwrap()).unwrap();
    file.set_len(5).unwrap();
    assert!(text.next_piece().is_err());
}
