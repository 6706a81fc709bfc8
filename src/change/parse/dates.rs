//! The column `effective`: a date that can be read in one way only, or `next_cycle`; for all else, what to type instead.

use chrono::{Days, NaiveDate};

use super::excerpt::excerpt;
use super::model::Effective;
use super::numbers;

/// When a row is to take effect. The error is a sentence about the text.
pub(super) fn effective(text: &str) -> Result<Effective, String> {
    let word = text.to_lowercase().replace([' ', '-'], "_");
    if word == "next_cycle" {
        return Ok(Effective::NextCycle);
    }
    let date = is_like_ours(text).then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten();
    date.map(Effective::On).ok_or_else(|| why_not_a_date(text))
}

/// Why a text is not a date here, and what to type where that is certain.
fn why_not_a_date(text: &str) -> String {
    if numbers::is_too_narrow(text) {
        return numbers::too_narrow(text);
    }
    let text_shown = excerpt(text);
    let instead = match readings(text)[..] {
        [] if is_like_ours(text) => {
            return format!(
                "`{text_shown}` is not a day of the calendar. Type it as year-month-day, such as 2026-12-01."
            );
        }
        [] => {
            return format!(
                "`{text_shown}` is not a date. Type it as year-month-day, such as 2026-12-01 (format the \
                 column as Text), or next_cycle, or nothing for now."
            );
        }
        [date] => format!("Type {date}"),
        [month_first, day_first, ..] => {
            format!("In one country it is {month_first}, in another {day_first}. Type one of these")
        }
    };
    format!("`{text_shown}` is not written as year-month-day. {instead} (format the column as Text).")
}

/// The dates that a text may mean; where it can be two, first as in the United States.
fn readings(text: &str) -> Vec<NaiveDate> {
    // A spreadsheet writes the midnight of a date too.
    let text =
        text.split_once([' ', 'T']).map_or(text, |(date, time)| if is_midnight(time) { date } else { text });
    if text.len() == 5
        && let Ok(serial) = text.parse::<u64>()
    {
        // Excel counts days from the last of 1899, and takes 1900 for a leap year.
        let date =
            NaiveDate::from_ymd_opt(1899, 12, 30).and_then(|first| first.checked_add_days(Days::new(serial)));
        return date.into_iter().collect();
    }
    let Some(separator) = text.chars().find(|letter| ['/', '.', '-'].contains(letter)) else {
        return Vec::new();
    };
    let parts: Vec<Option<u32>> = text.split(separator).map(|part| part.parse().ok()).collect();
    let [Some(first), Some(second), Some(third)] = parts[..] else { return Vec::new() };
    let date = |year: u32, month, day| NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day);
    // Points are written where the day comes first; two digits of a year could be a day.
    let is_year = |number| (1000..=9999).contains(&number);
    let orders = match separator {
        _ if is_year(first) => vec![date(first, second, third)],
        _ if !is_year(third) => Vec::new(),
        '.' => vec![date(third, second, first)],
        _ => vec![date(third, first, second), date(third, second, first)],
    };
    let mut dates: Vec<NaiveDate> = orders.into_iter().flatten().collect();
    dates.dedup();
    dates
}

fn is_midnight(time: &str) -> bool {
    !time.is_empty() && time.chars().all(|letter| matches!(letter, '0' | ':' | '.' | 'Z'))
}

/// Four digits, two and two.
fn is_like_ours(text: &str) -> bool {
    let digits = text.split('-').map(|part| (part.len(), part.bytes().all(|byte| byte.is_ascii_digit())));
    digits.eq([(4, true), (2, true), (2, true)])
}

#[cfg(test)]
mod tests;
