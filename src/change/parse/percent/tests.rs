//! Shares of a plan as people write them, and the units they come to.

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
        assert!(Percent::read(text).unwrap().unwrap_err().contains("is not a percentage"), "{text}");
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
