//! `20% of plan`: the one value that is not a number, as the vendor's own page has it. Any other arithmetic is refused, so
//! that a file means the same the second time.

use std::fmt;

use super::excerpt::excerpt;
use super::numbers::{LARGEST, is_digits};
use crate::domain::quota::Units;

/// How many parts a percent has: four digits after the point.
const PARTS: i128 = 10_000;
const DIGITS: usize = 4;

/// More is a zero too many.
const MOST_PERCENT: i128 = 1000;

/// A share of an organization's contracted plan, exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Percent {
    /// Ten-thousandths of a percent.
    parts: i128,
}

impl Percent {
    /// What the text says; none where it is not a share of the plan at all. The error is a sentence about the text.
    pub(super) fn read(text: &str) -> Option<Result<Self, String>> {
        if !text.contains('%') {
            return None;
        }
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        let (number, of, plan) = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [number, of, plan] => (number.strip_suffix('%')?, of, plan),
            [number, "%", of, plan] => (number, of, plan),
            _ => return None,
        };
        ((of, plan) == ("of", "plan"))
            .then(|| Self::number(number).map_err(|why| format!("`{}` {why}", excerpt(text))))
    }

    fn number(number: &str) -> Result<Self, String> {
        if let Some((whole, fraction)) =
            number.split_once(',').filter(|(whole, fraction)| is_digits(whole) && is_digits(fraction))
        {
            return Err(format!(
                "has a comma. Type the percentage with a point, such as {whole}.{fraction}% of plan."
            ));
        }
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        if !is_digits(whole) || !is_digits(fraction) {
            return Err("is not a percentage. Type it as in 20% of plan or 12.5% of plan.".to_owned());
        }
        if fraction.len() > DIGITS {
            return Err(format!("has too many digits. Type at most {DIGITS} digits after the point."));
        }
        let too_large = || format!("is too large. The largest is {MOST_PERCENT}% of plan.");
        let whole: i128 = whole.parse().map_err(|_| too_large())?;
        let fraction: i128 = format!("{fraction:0<DIGITS$}").parse().map_err(|_| too_large())?;
        if whole > MOST_PERCENT || (whole == MOST_PERCENT && fraction > 0) {
            return Err(too_large());
        }
        match whole * PARTS + fraction {
            0 => Err("is 0 units. Type 0 for a quota of no units, or change the action to unassign to remove the quota."
                .to_owned()),
            parts => Ok(Self { parts }),
        }
    }

    /// The share of a plan in units, rounded to the nearest (half a unit goes up); none where that is too large for a quota.
    pub(crate) fn units_of(self, plan: Units) -> Option<Units> {
        let whole = 100 * PARTS;
        let share = (i128::from(plan) * self.parts + whole / 2) / whole;
        Units::try_from(share).ok().filter(|share| *share <= LARGEST)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.parts / PARTS, self.parts % PARTS);
        let number = format!("{whole}.{fraction:0>DIGITS$}");
        write!(f, "{}% of plan", number.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests;
