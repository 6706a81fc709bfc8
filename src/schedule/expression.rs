//! Reads an expression, or says which of its fields is wrong and what could stand there.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use super::Expression;

/// The fields in their order, and what may stand in each as a number.
const FIELDS: [(&str, &str); 6] = [
    ("second", "0 to 59"),
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31, or L for the last"),
    ("month", "1 to 12, or JAN to DEC"),
    ("weekday", "0 to 7 (0 and 7 are Sunday), or SUN to SAT"),
];

impl FromStr for Expression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let fields: Vec<&str> = text.split_whitespace().collect();
        let known = match fields.len() {
            5 => &FIELDS[1..],
            6 => &FIELDS[..],
            count => return Err(wrong_count(text, count)),
        };
        let cron = parse(text).ok_or_else(|| {
            let wrong = (0..fields.len()).find(|index| parse(&alone(&fields, *index)).is_none());
            wrong.map_or_else(
                || format!("`{text}` is not a schedule"),
                |wrong| wrong_field(text, fields[wrong], known[wrong]),
            )
        })?;
        // Croner looks thousands of years ahead before it gives up.
        if cron.find_next_occurrence(&DateTime::<Utc>::UNIX_EPOCH, false).is_err() {
            return Err(format!("`{text}` is not a schedule: there is no such day in any year"));
        }
        let hour = fields[fields.len() - 4];
        let every_hour = matches!(hour, "*" | "*/1" | "0-23");
        Ok(Self { text: text.to_owned(), cron, every_hour })
    }
}

fn parse(text: &str) -> Option<Cron> {
    let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).dom_and_dow(false);
    parser.build().parse(text).ok()
}

/// One field of an expression, the others being whatever fits.
fn alone(fields: &[&str], index: usize) -> String {
    let field = |other: usize| if other == index { fields[index] } else { "*" };
    (0..fields.len()).map(field).collect::<Vec<_>>().join(" ")
}

fn wrong_count(text: &str, count: usize) -> String {
    let fields = match count {
        1 => "1 field".to_owned(),
        count => format!("{count} fields"),
    };
    format!(
        "`{text}` is not a schedule: it has {fields}. Write five, minute hour day month weekday, such as `0 8 * * 1-5`, or \
         six with seconds first"
    )
}

/// The expression once more, with a mark below the field that is wrong.
fn wrong_field(text: &str, field: &str, (name, allowed): (&str, &str)) -> String {
    let before = field.as_ptr().addr() - text.as_ptr().addr();
    let blank = " ".repeat(text[..before].chars().count());
    let mark = "^".repeat(field.chars().count());
    format!(
        "`{text}` is not a schedule:\n    {text}\n    {blank}{mark} {name}: {allowed}; * for any, 1,2 for several, 1-5 for a range, \
         */5 for every fifth"
    )
}
