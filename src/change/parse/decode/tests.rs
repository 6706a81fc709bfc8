//! Texts in each encoding that spreadsheets write.

use super::*;

fn utf_16_bytes(text: &str, bytes_of: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes_of).collect()
}

#[test]
fn every_encoding_of_a_spreadsheet_gives_the_same_text() {
    let text = "aid,value\n5,100\n";
    let marked = format!("\u{feff}{text}");
    let files = [
        text.as_bytes().to_vec(),
        marked.as_bytes().to_vec(),
        utf_16_bytes(&marked, u16::to_le_bytes),
        utf_16_bytes(&marked, u16::to_be_bytes),
        utf_16_bytes(text, u16::to_le_bytes),
        utf_16_bytes(text, u16::to_be_bytes),
    ];
    for bytes in files {
        assert_eq!(decode(&bytes).as_deref(), Ok(text));
    }
}

#[test]
fn a_character_that_is_nothing_is_in_no_text_of_any_encoding() {
    let marked = "\u{feff}aid,value\n5,\0\n";
    for bytes in [utf_16_bytes(marked, u16::to_le_bytes), b"\0\x01\x02\x03".to_vec()] {
        assert_eq!(decode(&bytes), Err(binary_file_message()), "{bytes:?}");
    }
}

#[test]
fn text_that_is_not_utf_8_is_windows_1252() {
    assert_eq!(decode(b"Z\xFCrich \x80").as_deref(), Ok("Zürich €"));
}
