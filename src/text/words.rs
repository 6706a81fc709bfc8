//! The small words of all that people read: counts, days, ages and shares.

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

pub(crate) use crate::text::clean::clean;

/// `1 account group`, `3 account groups`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{} {noun}{}", number(count), if count == 1 { "" } else { "s" })
}

/// A count as people read it.
pub(crate) fn number(count: usize) -> String {
    grouped(i64::try_from(count).unwrap_or(i64::MAX))
}

/// A number as people read it here, grouped by spaces: `12 345`.
pub(crate) fn grouped(units: i64) -> String {
    let mut text = String::new();
    push_grouped(&mut text, units, " ");
    text
}

/// The same with what shall stand between the groups.
pub(crate) fn push_grouped(text: &mut String, units: i64, between: &str) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(units.unsigned_abs());
    if units < 0 {
        text.push('-');
    }
    let (first, groups) = digits.split_at((digits.len() - 1) % 3 + 1);
    *text += first;
    for group in 0..groups.len() / 3 {
        *text += between;
        *text += &groups[3 * group..][..3];
    }
}

/// A quota as people read it: the number, or `no quota`.
pub(crate) fn quota_text(quota: Option<i64>) -> String {
    quota.map_or_else(|| "no quota".to_owned(), grouped)
}

/// `row 3`, `rows 3 and 7`, `rows 3, 7, 8 and 12 more`. Takes no more of the numbers than it shows.
pub(crate) fn rows_text(mut numbers: impl Iterator<Item = usize>, count: usize) -> String {
    const SHOWN: usize = 3;
    let mut shown: Vec<String> = numbers.by_ref().take(SHOWN).map(|number| number.to_string()).collect();
    let last = if count > SHOWN { Some(format!("{} more", count - SHOWN)) } else { shown.pop() };
    let word = if count == 1 { "row" } else { "rows" };
    match (shown.join(", "), last.unwrap_or_default()) {
        (first, last) if first.is_empty() => format!("{word} {last}"),
        (first, last) => format!("{word} {first} and {last}"),
    }
}

/// `a, b and 3 more`.
pub(crate) fn listed(names: &[String], max: usize) -> String {
    match names {
        [one] => one.clone(),
        _ => first_of(&names[..max.min(names.len())], names.len()),
    }
}

/// `a, b and 3 more`: the first names of so many.
pub(crate) fn first_of(names: &[String], count: usize) -> String {
    match names {
        _ if names.len() < count => {
            format!("{} and {} more", names.join(", "), number(count - names.len()))
        }
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `Fri 27 Nov`.
pub(crate) fn day(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%a %-d %b").to_string()
}

/// `today`, or what names another day: nobody should have to look at a calendar for what is urgent.
pub(crate) fn today_or(
    at: DateTime<Utc>,
    now: DateTime<Utc>,
    zone: Tz,
    day: impl FnOnce() -> String,
) -> String {
    let date = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
    if date(at) == date(now) { "today".to_owned() } else { day() }
}

/// `27 Nov`.
pub(crate) fn short_day(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%-d %b").to_string()
}

/// `Sun 22 Nov 2026, 08:00`.
pub(crate) fn moment(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%a %-d %b %Y, %H:%M").to_string()
}

/// `Sun 22 Nov 2026, 08:00 CET`, where nothing else says the zone.
pub(crate) fn moment_in(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%a %-d %b %Y, %H:%M %Z").to_string()
}

/// `Sun 29 Nov 2026, 07:55`: when a run that was held then is rejected, if nobody decides.
pub(crate) fn decision_due(held: DateTime<Utc>, expire: Duration, zone: Tz) -> String {
    let expire = TimeDelta::from_std(expire).ok();
    let until = expire.and_then(|expire| held.checked_add_signed(expire));
    until.map_or_else(|| "a person decides".to_owned(), |until| moment(until, zone))
}

/// `between 10:00 and 11:00 on Sat 21 Nov`, or with both days where they differ; `at 10:00 on Sat 21 Nov` within a minute.
pub(crate) fn between(from: DateTime<Utc>, to: DateTime<Utc>, zone: Tz) -> String {
    let (from, to) = (from.with_timezone(&zone), to.with_timezone(&zone));
    if from.date_naive() == to.date_naive() {
        let (first, last) = (from.format("%H:%M").to_string(), to.format("%H:%M").to_string());
        let when = if first == last { format!("at {last}") } else { format!("between {first} and {last}") };
        format!("{when} on {}", to.format("%a %-d %b"))
    } else {
        let format = "%a %-d %b, %H:%M";
        format!("between {} and {}", from.format(format), to.format(format))
    }
}

/// `4 minutes`, `1 hour`, `3 days`: the largest unit that fits.
pub(crate) fn age(age: TimeDelta) -> String {
    let minutes = usize::try_from(age.num_minutes()).unwrap_or(0);
    match minutes {
        0 => "less than a minute".to_owned(),
        1..60 => counted(minutes, "minute"),
        60..2880 => counted(minutes / 60, "hour"),
        _ => counted(minutes / 1440, "day"),
    }
}

/// `five minutes`, `one hour`, `14 days`: a fixed time within a sentence, its number in letters up to twelve.
pub(crate) fn spelled_time(time: TimeDelta) -> String {
    const LETTERS: [&str; 12] =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    let figures = age(time);
    let letters = |(number, unit): (&str, &str)| {
        let index = number.parse::<usize>().ok()?.checked_sub(1)?;
        Some(format!("{} {unit}", LETTERS.get(index)?))
    };
    figures.split_once(' ').and_then(letters).unwrap_or(figures)
}

/// The share in per cent, never rounded over 100: 99.9 % is 99, and 100.1 % is 101. None of nothing.
pub(crate) fn percent(part: i64, whole: i64) -> Option<i64> {
    if whole <= 0 {
        return None;
    }
    let (part, whole) = (i128::from(part.max(0)) * 100, i128::from(whole));
    let share = if part > whole * 100 { (part + whole - 1) / whole } else { part / whole };
    Some(i64::try_from(share).unwrap_or(i64::MAX))
}

/// The operating system's words for what went wrong that say less than ours.
const SYSTEM_WORDS: [(&str, &str); 2] = [
    ("No space left on device", "the disk is full"),
    ("Disk quota exceeded", "the disk quota of the user that runs quotakeeper is used up"),
];

/// Errors of the operating system in words alone: `cannot write x: the disk is full`. Their number is for the log.
pub(crate) fn without_error_numbers(text: &str) -> Cow<'_, str> {
    const NUMBER: &str = " (os error ";
    if !text.contains('(') {
        return Cow::Borrowed(text);
    }
    let mut said = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(NUMBER) {
        let (before, number) = (&rest[..at], &rest[at + NUMBER.len()..]);
        let after = number.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix(')');
        let ours = SYSTEM_WORDS.iter().find_map(|(theirs, ours)| Some((before.strip_suffix(theirs)?, *ours)));
        match (after, ours) {
            (Some(_), Some((before, ours))) => said.extend([before, ours]),
            (Some(_), None) => said += before,
            (None, _) => said.extend([before, NUMBER]),
        }
        rest = after.unwrap_or(number);
    }
    if said.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(said + rest) }
}

/// As the beginning of a sentence.
pub(crate) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The words of a text, between which a line may break. What stands between backticks is one: it is to be typed or copied.
pub(crate) fn unbreakable_words(text: &str) -> Vec<String> {
    let is_break = |letter: char| letter.is_whitespace() && letter != '\u{202f}' && letter != '\u{a0}';
    let mut words: Vec<String> = Vec::new();
    let backticks = |text: &str| text.matches('`').count();
    let has_code = backticks(text).is_multiple_of(2);
    let mut is_in_code = false;
    let mut before = "";
    for word in text.split(is_break).filter(|word| !word.is_empty()) {
        match words.last_mut() {
            Some(last) if is_in_code || glue(before, word).is_some() => *last += &format!(" {word}"),
            _ => words.push(word.to_owned()),
        }
        is_in_code ^= has_code && !backticks(word).is_multiple_of(2);
        before = word;
    }
    words
}

/// The space that keeps two words on one line, if they belong together: the groups of a number (`12 000`), a number and its sign
/// (`90 %`) or unit of time (`3 days`), a date (`Fri 4 Dec 2026`), a figure in brackets or behind some (`(uid 0)`,
/// `(Page Load) 444`). The dot between two facts stays with the first: no line begins with it.
pub(crate) fn glue(before: &str, after: &str) -> Option<char> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const OF_A_NUMBER: Option<char> = Some('\u{202f}');
    const OF_WORDS: Option<char> = Some('\u{a0}');
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    let is_digits = digits == after.len();
    let is_after_digit = before.ends_with(|letter: char| letter.is_ascii_digit());
    let opened = before.strip_prefix('(');
    let word = opened.unwrap_or(before);
    let is_month = after.get(..3).is_some_and(|month| MONTHS.contains(&month))
        && !after[3..].starts_with(char::is_alphanumeric);
    match after {
        "·" => OF_WORDS,
        _ if is_after_digit && (digits == 3 || after.starts_with('%')) => OF_A_NUMBER,
        _ if is_month && word.len() <= 2 && is_after_digit => OF_WORDS,
        _ if WEEKDAYS.contains(&word) && is_digits && digits <= 2 => OF_WORDS,
        _ if MONTHS.contains(&word) && digits == 4 => OF_WORDS,
        _ if is_after_digit && is_time(after) => OF_WORDS,
        _ if before.ends_with(')') && digits > 0 => OF_WORDS,
        _ if opened.is_some() && digits > 0 && after[digits..].starts_with(')') => OF_WORDS,
        _ => None,
    }
}

/// `days`, also before a comma.
fn is_time(word: &str) -> bool {
    const UNITS: [&str; 6] = ["minute", "hour", "day", "week", "month", "year"];
    let word = word.trim_end_matches(|letter: char| !letter.is_alphanumeric());
    UNITS.contains(&word.strip_suffix('s').unwrap_or(word))
}

#[cfg(test)]
mod tests;
