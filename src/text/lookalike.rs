//! Names as people type them: which are the same, and where two only look the same.
//!
//! Unicode writes one letter in several ways (a Mac's `ü` is a `u` and two dots), and keyboards and word processors put dashes,
//! quotes and Cyrillic letters where others have the ones of ASCII.

use unicode_normalization::UnicodeNormalization;

use super::clean::clean;

/// The name as it was written, whatever wrote it: composed, on one line, one blank between words.
pub(crate) fn composed(name: &str) -> String {
    clean(name, usize::MAX).nfc().collect()
}

/// The same for all that people take for one name: also without case, and in letters of the usual width.
pub(crate) fn key(name: &str) -> String {
    let wide: String = clean(name, usize::MAX).nfkc().collect();
    clean(&wide.to_lowercase().nfkc().collect::<String>(), usize::MAX)
}

/// The same for all names that look the same.
pub(crate) fn skeleton(name: &str) -> String {
    key(name).chars().map(usual_letter).collect()
}

/// What differs in a name that looks like another one; none where nothing does, or where they do not look the same.
pub(crate) fn difference(written: &str, known: &str) -> Option<String> {
    let [written, known] = [written, known].map(key);
    let looks_same = written.chars().map(usual_letter).eq(known.chars().map(usual_letter));
    let pair = written.chars().zip(known.chars()).find(|(a, b)| a != b)?;
    looks_same.then(|| format!("{} instead of {}", letter_name(pair.0), letter_name(pair.1)))
}

/// The usual letter or sign with that look.
fn usual_letter(letter: char) -> char {
    match letter {
        '\u{2010}'..='\u{2015}'
        | '\u{2212}'
        | '\u{fe58}'
        | '\u{fe63}'
        | '\u{ff0d}'
        | '\u{2043}'
        | '\u{30fc}' => '-',
        '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{b4}' | '`' | '\u{2bc}' => '\'',
        '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{ab}' | '\u{bb}' => '"',
        '\u{2044}' | '\u{2215}' => '/',
        '\u{b7}' | '\u{2022}' | '\u{2027}' | '\u{22c5}' => '\u{b7}',
        // Cyrillic, then Greek; lower case, as a key is.
        'а' | 'α' => 'a',
        'в' | 'β' => 'b',
        'с' => 'c',
        'ԁ' => 'd',
        'е' | 'ё' | 'ε' => 'e',
        'һ' => 'h',
        'і' | 'ι' | 'ı' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'м' | 'μ' => 'm',
        'н' | 'η' => 'n',
        'о' | 'ο' => 'o',
        'р' | 'ρ' => 'p',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'ν' => 'v',
        'ԝ' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'υ' => 'y',
        'ζ' => 'z',
        other => other,
    }
}

/// As a person who cannot see the difference needs it.
fn letter_name(letter: char) -> String {
    let what = match letter {
        '-' => "a hyphen",
        '\u{2212}' => "a minus sign",
        '\u{2010}'..='\u{2015}' => "a dash",
        '\'' => "a straight apostrophe",
        '"' => "straight quotes",
        '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{b4}' | '`' | '\u{2bc}' => "an apostrophe or quote",
        '\u{201c}'..='\u{201f}' | '\u{2033}' => "typographic quotes",
        '\u{370}'..='\u{3ff}' => "a Greek letter",
        '\u{400}'..='\u{52f}' => "a Cyrillic letter",
        'a'..='z' => "a Latin letter",
        _ => "the sign",
    };
    format!("{what} `{letter}` (U+{:04X})", u32::from(letter))
}

#[cfg(test)]
mod tests;
