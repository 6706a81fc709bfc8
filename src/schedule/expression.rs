//! Reads an expression, or says what in it is wrong, with a mark below that place and what could stand there.
//!
//! The crate that evaluates expressions is lenient: it skips empty items of a list, replaces names wherever they stand
//! (`MON` becomes 1 as a month too), and takes steps that are never reached. An expression that runs at another time than
//! its author meant is worse than an error, so each item is read here first.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use super::Expression;

/// What may stand in a field.
struct Field {
    name: &'static str,
    allowed: &'static str,
    first: u16,
    /// That of a weekday is Saturday: 7 is Sunday once more.
    last: u16,
    /// In the order of their numbers.
    names: &'static [&'static str],
    /// The letter that may follow a number. Where there is one, `?` stands for any.
    suffix: Option<char>,
}

const SECOND: Field =
    Field { name: "second", allowed: "0 to 59", first: 0, last: 59, names: &[], suffix: None };
const MINUTE: Field = Field { name: "minute", ..SECOND };
const HOUR: Field = Field { name: "hour", allowed: "0 to 23", last: 23, ..SECOND };
const DAY: Field = Field {
    name: "day of the month",
    allowed: "1 to 31, or L for the last",
    first: 1,
    last: 31,
    names: &[],
    suffix: Some('W'),
};
const MONTH: Field = Field {
    name: "month",
    allowed: "1 to 12, or JAN to DEC",
    first: 1,
    last: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    suffix: None,
};
const WEEKDAY: Field = Field {
    name: "weekday",
    allowed: "0 to 7 (0 and 7 are Sunday), or SUN to SAT",
    first: 0,
    last: 6,
    names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    suffix: Some('L'),
};
const FIELDS: [Field; 6] = [SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY];

/// What other schedulers have names for.
const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

impl FromStr for Expression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let fields: Vec<&str> = text.split_whitespace().collect();
        // Before they are counted too.
        if let Some((part, zone)) = fields.iter().find_map(|field| Some((*field, zone(field)?))) {
            let rest: Vec<&str> = fields.iter().copied().filter(|field| *field != part).collect();
            let reason = format!(
                "a schedule has no time zone of its own: write schedule.timezone = \"{zone}\", and `{}` here",
                rest.join(" ")
            );
            return Err(marked_expression(text, part, &reason));
        }
        // Before the fields are counted: a blank behind a comma makes one more of them.
        if let Some(list) = fields.iter().find(|field| field.split(',').any(str::is_empty)) {
            let reason = "an item of a list is empty: write lists without blanks, such as 1,5";
            return Err(marked_expression(text, list, reason));
        }
        let known = match fields.len() {
            5 => &FIELDS[1..],
            6 => &FIELDS[..],
            _ => return Err(wrong_count(text, &fields)),
        };
        for (field, known) in fields.iter().zip(known) {
            for item in field.split(',') {
                if let Some(reason) = known.problem(item) {
                    return Err(marked_expression(text, item, &reason));
                }
            }
        }
        let Some(cron) = parse(text) else {
            // In a field there is what no rule above knows of.
            let mut fields_known = fields.iter().enumerate().zip(known);
            let found =
                fields_known.find(|((index, _), _)| parse(&one_field_alone(&fields, *index)).is_none());
            return Err(match found {
                Some(((_, field), known)) => marked_expression(text, field, &known.in_general()),
                None => format!("`{text}` is not a schedule"),
            });
        };
        // It looks thousands of years ahead before it gives up.
        if cron.find_next_occurrence(&DateTime::<Utc>::UNIX_EPOCH, false).is_err() {
            let (day, month) = (fields[fields.len() - 3], fields[fields.len() - 2]);
            let both = &text[offset_in(text, day)..offset_in(text, month) + month.len()];
            return Err(marked_expression(text, both, "there is no such day in any year"));
        }
        let hour = fields[fields.len() - 4];
        let every_hour = matches!(hour, "*" | "*/1" | "0-23");
        Ok(Self { text: text.to_owned(), cron, every_hour })
    }
}

impl Field {
    fn in_general(&self) -> String {
        format!(
            "{}: {}; * for any, 1,2 for several, 1-5 for a range, */5 for every fifth",
            self.name, self.allowed
        )
    }

    fn is_weekday(&self) -> bool {
        self.last == WEEKDAY.last
    }

    /// What is wrong with one item of a list, as far as it can be said without the crate.
    fn problem(&self, item: &str) -> Option<String> {
        let is_number = |text: &str| text.parse::<u16>().is_ok();
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
        // `+` in front of a weekday: the day of the month has to match too.
        let range = range.strip_prefix('+').filter(|_| self.is_weekday()).unwrap_or(range);
        let (range, nth) = range.split_once('#').map_or((range, None), |(range, nth)| (range, Some(nth)));
        if nth.is_some_and(|nth| nth != "L" && !is_number(nth)) || step.is_some_and(|step| !is_number(step)) {
            return Some(self.in_general());
        }
        let (first, last) = match range.split_once('-') {
            None if range == "*" || (range == "?" && self.suffix.is_some()) => (self.first, self.last),
            None if range.eq_ignore_ascii_case("L") && self.name == DAY.name => (self.last, self.last),
            None => match self.value(range) {
                Some(value) => (value, if step.is_some() { self.last } else { value }),
                None => return Some(self.in_general()),
            },
            Some((from, to)) => match (self.value(from), self.value(to)) {
                // The end of a range is the Sunday after the days before it.
                (Some(from), Some(_)) if to.eq_ignore_ascii_case("SUN") => (from, 7),
                (Some(from), Some(to)) => (from, to),
                _ => return Some(self.in_general()),
            },
        };
        if first > last && range.contains('-') {
            return Some(format!(
                "{}: a range goes up; this one is {first}-{},{}-{last}",
                self.name, self.last, self.first
            ));
        }
        let step: u16 = step?.parse().ok()?;
        (step > last.saturating_sub(first)).then(|| {
            format!("{}: a step of {step} leaves {first} alone: write that, or a smaller step", self.name)
        })
    }

    /// The number of a name, or of digits with the letter that may follow them; none if it is no value of this field.
    fn value(&self, text: &str) -> Option<u16> {
        let text = text.to_ascii_uppercase();
        let bare = self.suffix.and_then(|suffix| text.strip_suffix(suffix)).unwrap_or(&text);
        let named = |name: &str| self.names.iter().position(|known| *known == name);
        let number = match named(bare) {
            Some(position) => self.first + u16::try_from(position).ok()?,
            None if bare.bytes().all(|byte| byte.is_ascii_digit()) => bare.parse().ok()?,
            None => return None,
        };
        let largest = if self.is_weekday() { 7 } else { self.last };
        (self.first..=largest).contains(&number).then_some(number)
    }
}

fn parse(text: &str) -> Option<Cron> {
    let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).dom_and_dow(false);
    parser.build().parse(text).ok()
}

/// The time zone that a field names, as other schedulers take it in front of an expression or behind it.
fn zone(field: &str) -> Option<&str> {
    let is_variable = |name: &str| ["TZ", "CRON_TZ"].iter().any(|known| name.eq_ignore_ascii_case(known));
    match field.split_once('=') {
        Some((name, zone)) => is_variable(name).then_some(zone.trim_matches(['"', '\''])),
        None => chrono_tz::Tz::from_str(field).is_ok().then_some(field),
    }
}

/// One field of an expression, the others being whatever fits.
fn one_field_alone(fields: &[&str], index: usize) -> String {
    let field = |other: usize| if other == index { fields[index] } else { "*" };
    (0..fields.len()).map(field).collect::<Vec<_>>().join(" ")
}

fn wrong_count(text: &str, fields: &[&str]) -> String {
    if let Some((_, same)) = NICKNAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        return marked_expression(text, text, &format!("write `{same}`"));
    }
    let count = match fields.len() {
        1 => "1 field".to_owned(),
        count => format!("{count} fields"),
    };
    let rule = format!(
        "it has {count}. Write five, minute hour day month weekday, such as `0 8 * * 1-5`, or six with seconds first"
    );
    match fields.get(FIELDS.len()) {
        Some(beyond) => marked_expression(text, &text[offset_in(text, beyond)..], &rule),
        None => format!("`{text}` is not a schedule: {rule}"),
    }
}

/// Where a part of the text begins.
fn offset_in(text: &str, part: &str) -> usize {
    part.as_ptr().addr() - text.as_ptr().addr()
}

/// The expression once more, with a mark below the part of it that is wrong.
fn marked_expression(text: &str, part: &str, reason: &str) -> String {
    let blank = " ".repeat(text[..offset_in(text, part)].chars().count());
    let mark = "^".repeat(part.chars().count());
    format!("`{text}` is not a schedule:\n    {text}\n    {blank}{mark} {reason}")
}
