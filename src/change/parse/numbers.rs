//! Numbers as people and spreadsheets write them: what is certain is read, the rest is refused with what to type instead.

use super::excerpt::excerpt;
use crate::domain::quota::Units;
use crate::text::lookalike;

/// 2⁵³ − 1. Beyond it JSON readers and spreadsheets lose digits, so that a quota would not read back as it was sent.
pub(super) const LARGEST: Units = 9_007_199_254_740_991;

const SEPARATORS: [char; 9] = [',', '.', ' ', '\'', '’', '_', '\u{a0}', '\u{2009}', '\u{202f}'];

/// What people call a target without a quota.
const UNLIMITED: [&str; 4] = ["unlimited", "no quota", "no limit", "unassign"];

const CURRENCIES: [char; 7] = ['$', '€', '£', '¥', '₹', '₩', '¤'];

/// A quota: a whole number without decoration. The error is a sentence about the text.
pub(super) fn quota(text: &str) -> Result<Units, String> {
    quota_up_to(LARGEST, text)
}

/// A quota that is there, and not asked for: whatever the API allows.
pub(super) fn quota_seen(text: &str) -> Result<Units, String> {
    quota_up_to(Units::MAX, text)
}

fn quota_up_to(most: Units, text: &str) -> Result<Units, String> {
    if !is_digits(text) {
        return Err(why_not_a_quota(text));
    }
    if text.len() > 1 && text.starts_with('0') {
        let text_shown = excerpt(text);
        return Err(if text.len() == 3 {
            format!(
                "`{text_shown}` looks like the rest of a number that was split at its separator. Type the whole \
                 number without separators."
            )
        } else {
            format!("`{text_shown}` begins with a zero. Type {}.", without_zeros(text))
        });
    }
    text.parse()
        .ok()
        .filter(|value| *value <= most)
        .ok_or_else(|| format!("`{}` is too large. The largest quota is {most}.", excerpt(text)))
}

/// Checks an id: digits only. They are kept as text. `names` is the column in which a name may stand instead.
pub(super) fn id(text: &str, names: &str) -> Result<(), String> {
    const AS_TEXT: &str = "Format the column as Text and type";
    if is_digits(text) {
        return if text.len() <= 20 {
            Ok(())
        } else {
            Err(format!("`{}` is too long for an id.", excerpt(text)))
        };
    }
    let text_shown = excerpt(text);
    Err(if let Some(digits) = wide_digits(text) {
        format!("`{text_shown}` is written in wide digits. {AS_TEXT} {digits}.")
    } else if is_too_narrow(text) {
        too_narrow(text)
    } else if is_formula_error(text) {
        format!("`{text_shown}` is what the spreadsheet shows for a formula that failed. {AS_TEXT} the id.")
    } else if is_scientific(text) {
        format!("`{text_shown}` is an id that the spreadsheet shortened. {AS_TEXT} the whole id again.")
    } else if let Some(digits) = text.strip_prefix('\'').filter(|rest| is_digits(rest)) {
        format!("`{text_shown}` begins with an apostrophe. {AS_TEXT} {digits}.")
    } else if let Some((whole, true)) = fraction(text).filter(|_| ungrouped_digits(text).is_none()) {
        format!("`{text_shown}` is an id that the spreadsheet turned into a fraction. {AS_TEXT} {whole}.")
    } else if let Some(digits) = ungrouped_digits(text) {
        format!("`{text_shown}` is an id with separators in it. {AS_TEXT} {digits}.")
    } else if text.contains(char::is_alphabetic) {
        format!(
            "`{text_shown}` is not an id. Ids are digits only, such as 204117. Type the id here, or the name into a column \
             `{names}`."
        )
    } else if is_digits(&text_shown) {
        format!("`{text_shown}` contains an invisible character. {AS_TEXT} the id again.")
    } else {
        format!("`{text_shown}` is not an id. Ids are digits only, such as 204117. {AS_TEXT} the id again.")
    })
}

/// Digits as East Asian keyboards write them, in those of ASCII.
fn wide_digits(text: &str) -> Option<String> {
    let digits = lookalike::key(text);
    (digits != text
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '０'..='９'))
        && is_digits(&digits))
    .then_some(digits)
}

/// Why a text is not a quota, and what to type.
fn why_not_a_quota(text: &str) -> String {
    let text_shown = excerpt(text);
    if let Some(digits) = wide_digits(text) {
        return format!("`{text_shown}` is written in wide digits. Type {digits}.");
    }
    let bare = text.trim_matches(|letter: char| CURRENCIES.contains(&letter) || letter.is_whitespace());
    if is_too_narrow(text) {
        too_narrow(text)
    } else if is_formula_error(text) {
        format!(
            "`{text_shown}` is what the spreadsheet shows for a formula that failed. Type the number of units."
        )
    } else if text.starts_with('=') {
        format!("`{text_shown}` is a formula. Type its result.")
    } else if let Some(share) = text.strip_suffix('%').map(str::trim_end).filter(|share| is_digits(share)) {
        format!(
            "`{text_shown}` does not say what it is a percentage of. Type the number of units, or {share}% of plan for a \
             share of the organization's plan."
        )
    } else if text.contains('%') {
        format!(
            "`{text_shown}` is a percentage that quotakeeper does not understand. Type the number of units, or a share of the \
             organization's plan, such as 20% of plan."
        )
    } else if is_scientific(text) {
        format!("`{text_shown}` is a number that the spreadsheet shortened. Type all of its digits.")
    } else if text.starts_with(['-', '−', '–']) {
        format!("`{text_shown}` has a minus sign. Type the new quota, 0 or more.")
    } else if text.starts_with('+') {
        format!("`{text_shown}` has a plus sign. Type the whole new quota, not the difference.")
    } else if let Some(digits) = text.strip_prefix('\'').filter(|rest| is_digits(rest)) {
        format!("`{text_shown}` begins with an apostrophe. Type {}.", without_zeros(digits))
    } else if bare != text {
        match ungrouped_digits(bare).or_else(|| is_digits(bare).then(|| bare.to_owned())) {
            Some(digits) => format!("`{text_shown}` has a currency sign. Type {digits}."),
            None => format!("`{text_shown}` has a currency sign. Type the number of units, digits only."),
        }
    } else if let Some(digits) = ungrouped_digits(text) {
        format!("`{text_shown}` has a thousands separator. Type {digits}.")
    } else if let Some((whole, is_whole)) = fraction(text) {
        match whole.parse::<Units>() {
            Ok(below) if !is_whole && below < LARGEST => {
                format!("`{text_shown}` is not a whole number. Type {below} or {}.", below + 1)
            }
            _ => format!("`{text_shown}` has a fraction. Type {whole}."),
        }
    } else if UNLIMITED.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        format!(
            "`{text_shown}` is not a quota. To remove the quota, change the action to unassign and clear the cell."
        )
    } else if is_digits(&text_shown) {
        format!("`{text_shown}` contains an invisible character. Type it again.")
    } else {
        format!("`{text_shown}` is not a whole number. Type digits only, such as 12000.")
    }
}

/// `########`: what a cell shows when its column is too narrow. Excel saves what it shows.
pub(super) fn is_too_narrow(text: &str) -> bool {
    text.len() > 1 && text.bytes().all(|byte| byte == b'#')
}

pub(super) fn too_narrow(text: &str) -> String {
    format!(
        "`{}` is what the spreadsheet shows, and saves, if a column is too narrow. Make the column wider and save again.",
        excerpt(text)
    )
}

/// `#N/A`, `#REF!`, `#BEZUG!`: what a cell shows when its formula failed.
pub(super) fn is_formula_error(text: &str) -> bool {
    let Some(name) = text.strip_prefix('#') else { return false };
    let capitals = name.trim_end_matches(['!', '?']);
    let is_name = capitals
        .chars()
        .all(|letter| letter.is_uppercase() || letter.is_ascii_digit() || matches!(letter, '/' | '_'));
    is_name && !capitals.is_empty() && (capitals.len() < name.len() || matches!(name, "N/A" | "NV" | "N/D"))
}

pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn without_zeros(digits: &str) -> &str {
    let rest = digits.trim_start_matches('0');
    if rest.is_empty() { "0" } else { rest }
}

/// `12,000` → 12000: one to three digits, then groups of three behind one and the same separator.
fn ungrouped_digits(text: &str) -> Option<String> {
    let separator = text.chars().find(|letter| SEPARATORS.contains(letter))?;
    let mut groups = text.split(separator);
    let first =
        groups.next().filter(|first| is_digits(first) && first.len() <= 3 && !first.starts_with('0'))?;
    let mut digits = first.to_owned();
    for group in groups {
        if !(is_digits(group) && group.len() == 3) {
            return None;
        }
        digits.push_str(group);
    }
    Some(digits)
}

/// `12000.0`, `1,234.50` → the whole part without separators, and whether the fraction is zero.
fn fraction(text: &str) -> Option<(String, bool)> {
    let (whole, fraction) = text.rsplit_once(['.', ','])?;
    let whole = if is_digits(whole) { without_zeros(whole).to_owned() } else { ungrouped_digits(whole)? };
    is_digits(fraction).then(|| (whole, fraction.bytes().all(|digit| digit == b'0')))
}

/// `1.2E+05`. Nobody knows how many digits the spreadsheet dropped: it may have been 123 456.
pub(super) fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    [whole, fraction, exponent].into_iter().all(is_digits)
}

#[cfg(test)]
mod tests;
