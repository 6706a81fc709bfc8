//! What is a day, and what is suggested for what is none.

use proptest::prelude::*;

use super::*;

#[test]
fn only_year_month_day_is_a_date() {
    let day = "2026-12-01".parse().unwrap();
    assert_eq!(effective("2026-12-01"), Ok(Effective::On(day)));
    for text in ["next_cycle", "Next cycle", "NEXT-CYCLE"] {
        assert_eq!(effective(text), Ok(Effective::NextCycle), "{text}");
    }
    for text in [
        "2026-12-1",
        "2026-13-01",
        "2026-02-30",
        "12/1/2026",
        "tomorrow",
        "46000",
        "now",
        "+2026-12-1",
        "+99999-1-1",
    ] {
        assert!(effective(text).is_err(), "{text}");
    }
}

#[test]
fn a_fix_is_suggested_if_it_is_certain() {
    for text in [
        "1.12.2026",
        "01.12.2026",
        "2026-12-1",
        "2026/12/01",
        "2026-12-01 00:00:00",
        "46357",
        "2026-12-01T00:00:00Z",
    ] {
        assert!(
            effective(text).unwrap_err().contains("Type 2026-12-01 ("),
            "{text}: {}",
            effective(text).unwrap_err()
        );
    }
    assert!(effective("13/1/2027").unwrap_err().contains("Type 2027-01-13 ("));
    assert!(effective("12/12/2026").unwrap_err().contains("Type 2026-12-12 ("));
    assert!(effective("12/1/2026").unwrap_err().contains("it is 2026-12-01, in another 2026-01-12"));
    assert!(effective("2026-12-01 18:30").unwrap_err().contains("is not a date"));
    for of_few_or_many_digits in ["1/2/26", "999-1-2", "1-2-999", "262142-12-31", "1-2-10000"] {
        assert!(
            effective(of_few_or_many_digits).unwrap_err().contains("is not a date"),
            "{of_few_or_many_digits}"
        );
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[0-9]{0,12}[-/. T:Z]?[0-9]{0,12}[-/. T:Z]?[0-9]{0,12}.{0,3}") {
        prop_assert!(effective(&text).is_ok_and(|_| text.len() == 10) || effective(&text).is_err());
    }
}
