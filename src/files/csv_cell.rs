//! Text in CSV files that people open: a spreadsheet must show it, not run it.
//!
//! A cell that begins like a formula gets a leading `'`. [`plain`] takes it off again, so that a file that we wrote
//! and somebody dropped again means what it meant, and apostrophes never pile up.

use std::borrow::Cow;

/// The text as it may stand in a cell. A plain number such as `-120` is no formula and stays a number.
pub(crate) fn inert(text: &str) -> Cow<'_, str> {
    if begins_like_a_formula(text) && !is_number(text) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text that [`inert`] was given.
pub(crate) fn plain(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if begins_like_a_formula(rest) => rest,
        _ => text,
    }
}

/// The wide signs count as formulas where a spreadsheet speaks Japanese.
fn begins_like_a_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    [whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_formula_becomes_text_and_a_number_stays_one() {
        for formula in ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", "\r=1", "-", "-1-cmd|' /C calc'!A0", "＝1"]
        {
            assert_eq!(inert(formula), format!("'{formula}"));
        }
        for harmless in ["", "Acme", "12", "-120", "+5", "-0.5", "'=1", "a=b", " =1"] {
            assert_eq!(inert(harmless), harmless);
        }
    }

    proptest! {
        #[test]
        fn making_text_inert_again_adds_nothing(text in "['=+@-]{0,3}.{0,8}") {
            let once = inert(&text).into_owned();
            prop_assert_eq!(inert(&once), once.as_str());
        }

        #[test]
        fn plain_text_comes_back(text in "[=+@a-]{1,3}.{0,8}") {
            let written = inert(&text);
            prop_assert_eq!(plain(&written), text.as_str());
        }
    }
}
