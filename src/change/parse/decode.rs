//! The bytes of a dropped file → its text, in every encoding that a spreadsheet writes.
//!
//! What is not text gets one sentence that says what it is and what to do.

use std::borrow::Cow;

use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

const SAVE_AS: &str = "save it as \"CSV UTF-8 (comma delimited)\"";

/// The text without its byte order mark, or the sentence that says why there is none.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    if let Some(sentence) = other_format(bytes) {
        return Err(sentence);
    }
    if let Some(encoding) = utf_16(bytes) {
        let (text, damaged) = encoding.decode_with_bom_removal(bytes);
        return match text {
            _ if damaged => Err(format!(
                "This file is cut off or damaged. Open it in your spreadsheet again and {SAVE_AS}."
            )),
            text if text.contains('\0') => Err(binary_file_message()),
            text => Ok(text),
        };
    }
    // Programs of DOS and CP/M times end a text with it.
    let bytes = bytes.strip_suffix(b"\x1A").unwrap_or(bytes);
    let is_control = |byte: &&u8| **byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    if let Some(nul) = bytes.iter().position(|byte| *byte == 0) {
        // A text of which a little is damaged, as after a full disk: its owner knows it for a text.
        let is_text = bytes.iter().filter(is_control).count() <= bytes.len() / 20;
        return Err(if is_text { damaged_text_message(&bytes[..nul]) } else { binary_file_message() });
    }
    if let (text, false) = UTF_8.decode_with_bom_removal(bytes) {
        return Ok(text);
    }
    // Every byte means something in Windows-1252, so control characters must distinguish text from the rest.
    if bytes.iter().any(|byte| is_control(&byte)) {
        return Err(binary_file_message());
    }
    Ok(WINDOWS_1252.decode_without_bom_handling(bytes).0)
}

/// `before` is the text up to the byte that no text has.
fn damaged_text_message(before: &[u8]) -> String {
    // The same count as of rows, but that a line break in a quoted cell ends a line too.
    let line_ends = |byte: &u8, next: Option<&u8>| *byte == b'\n' || (*byte == b'\r' && next != Some(&b'\n'));
    let line =
        1 + (0..before.len()).filter(|index| line_ends(&before[*index], before.get(index + 1))).count();
    format!(
        "Line {line} contains a NUL character, which no spreadsheet writes, so the file may be damaged. Open it in your \
         spreadsheet, look at that line, and {SAVE_AS}."
    )
}

fn binary_file_message() -> String {
    format!("This is not a text file. Open the change file in your spreadsheet and {SAVE_AS}.")
}

/// Formats that people rename to `.csv`, recognized by their first bytes.
fn other_format(bytes: &[u8]) -> Option<String> {
    let holds = |name: &[u8]| bytes.windows(name.len()).any(|window| window == name);
    let what = if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        if holds(b"xl/") {
            format!("This is an Excel workbook (.xlsx) renamed to .csv. Open it in Excel and {SAVE_AS}.")
        } else if holds(b"opendocument.spreadsheet") {
            format!("This is a LibreOffice workbook (.ods). Open it in LibreOffice and {SAVE_AS}.")
        } else {
            "This is a ZIP archive. Unpack it and drop the CSV file inside.".to_owned()
        }
    } else if bytes.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        format!("This is an old Excel workbook (.xls). Open it in Excel and {SAVE_AS}.")
    } else if bytes.starts_with(b"%PDF") {
        "This is a PDF. Drop the CSV file that it was made from.".to_owned()
    } else if bytes.starts_with(b"\x1F\x8B") {
        "This file is compressed (gzip). Unpack it and drop the CSV file inside.".to_owned()
    } else if bytes.trim_ascii_start().starts_with(b"<") {
        format!("This is a web page or an XML file. Open the change file in your spreadsheet and {SAVE_AS}.")
    } else {
        return None;
    };
    Some(what)
}

/// By its byte order mark; without one, where every other byte of the beginning is zero, as in a Latin header row.
fn utf_16(bytes: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    match bytes {
        [0xFF, 0xFE, ..] => return Some(UTF_16LE),
        [0xFE, 0xFF, ..] => return Some(UTF_16BE),
        _ => {}
    }
    let beginning = bytes.get(..bytes.len().min(32) & !1).filter(|beginning| beginning.len() >= 4)?;
    let zeros = |offset| beginning.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    match (zeros(0), zeros(1), beginning.len() / 2) {
        (0, high, all) if high == all => Some(UTF_16LE),
        (high, 0, all) if high == all => Some(UTF_16BE),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
