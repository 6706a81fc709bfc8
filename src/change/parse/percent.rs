//! `20% of plan`: the one value that is not a number, as the vendor's own page has it. Any other arithmetic is refused, so
//! that a file means the same the second time.

use std::fmt;

use super::numbers::{LARGEST, is_digits};
use super::shown::shown;
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
            .then(|| Self::number(number).map_err(|why| format!("`{}` {why}", shown(text))))
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
            return Err("has no percentage that can be read. Type it such as 20% of plan or 12.5% of plan."
                .to_owned());
        }
        if fraction.len() > DIGITS {
            return Err(format!("is too exact. Type at most {DIGITS} digits after the point."));
        }
        let too_large = || format!("is too large. The largest is {MOST_PERCENT}% of plan.");
        let whole: i128 = whole.parse().map_err(|_| too_large())?;
        let fraction: i128 = format!("{fraction:0<DIGITS$}").parse().map_err(|_| too_large())?;
        if whole > MOST_PERCENT || (whole == MOST_PERCENT && fraction > 0) {
            return Err(too_large());
        }
        match whole * PARTS + fraction {
            0 => Err("is nothing of the plan. Type 0 for a quota of no units, or make the action unassign to remove the quota."
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn percent(text: &str) -> Percent {
        Percent::read(text).unwrap().unwrap()
    }

    #[test]
    fn a_share_of_the_plan_is_read_however_it_is_spaced_and_shown_in_one_way() {
        for text in ["20% of plan", "20 % of plan", "20%  OF\u{a0}Plan", "020.0% of plan"] {
            assert_eq!(percent(text).to_string(), "20% of plan", "{text}");
        }
        assert_eq!(percent("12.50% of plan").to_string(), "12.5% of plan");
        assert_eq!(percent("1000% of plan").to_string(), "1000% of plan");
        assert_eq!(percent("0.0001% of plan").to_string(), "0.0001% of plan");
    }

    #[test]
    fn a_value_that_is_no_share_is_left_to_other_parsers_and_a_bad_share_says_why() {
        assert!(Percent::read("12,5% of plan").unwrap().unwrap_err().contains("such as 12.5% of plan"));
        for text in ["12,x% of plan", "x,5% of plan"] {
            assert!(
                Percent::read(text).unwrap().unwrap_err().contains("no percentage that can be read"),
                "{text}"
            );
        }
        for text in
            ["", "20%", "20", "20% of quota", "20% of plan + 5", "plan", "% of", "20 of plan", "20%of plan"]
        {
            assert_eq!(Percent::read(text), None, "{text}");
        }
        for text in [
            "0% of plan",
            "0.0000% of plan",
            "% of plan",
            "-5% of plan",
            "+5% of plan",
            "1e2% of plan",
            "1.% of plan",
            "12,5% of plan",
            "1.00001% of plan",
            "1000.0001% of plan",
            "99999999999999999999999999999999999999999999% of plan",
        ] {
            assert!(Percent::read(text).unwrap().is_err(), "{text}");
        }
    }

    #[test]
    fn a_share_is_rounded_to_the_nearest_unit_and_half_a_unit_goes_up() {
        let half = percent("50% of plan");
        assert_eq!(
            (half.units_of(0), half.units_of(1), half.units_of(2), half.units_of(3)),
            (Some(0), Some(1), Some(1), Some(2))
        );
        assert_eq!(percent("33.3333% of plan").units_of(100), Some(33));
        assert_eq!(percent("20% of plan").units_of(92_000), Some(18_400));
    }

    #[test]
    fn a_share_that_rounds_to_no_valid_quota_is_none() {
        assert_eq!(percent("100% of plan").units_of(LARGEST), Some(LARGEST));
        assert_eq!(percent("100% of plan").units_of(LARGEST + 1), None);
        assert_eq!(percent("1000% of plan").units_of(Units::MAX), None);
    }

    proptest! {
        #[test]
        fn any_share_reads_back_as_it_is_shown_and_lies_within_half_a_unit(
            parts in 1..=MOST_PERCENT * PARTS, plan in 0..=LARGEST / 10,
        ) {
            let share = Percent { parts };
            prop_assert_eq!(percent(&share.to_string()), share);
            let units = i128::from(share.units_of(plan).unwrap());
            let exact = i128::from(plan) * parts;
            prop_assert!((units * 100 * PARTS - exact).abs() * 2 <= 100 * PARTS);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9.,%+-]{0,50} ?%? ?(of|OF|) ?(plan|quota|)") {
            if let Some(Err(sentence)) = Percent::read(&text) {
                prop_assert!(sentence.ends_with('.'));
            }
        }
    }
}
