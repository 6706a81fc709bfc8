//! Counts, shares, times and errors in words.

use super::*;

#[test]
fn numbers_are_grouped_by_threes() {
    assert_eq!(
        [0, 999, 1000, -12_345, 1_234_567].map(grouped),
        ["0", "999", "1 000", "-12 345", "1 234 567"]
    );
}

#[test]
fn an_error_of_the_system_is_said_in_words_without_its_number() {
    let said = [
        "cannot write /a: No space left on device (os error 28)",
        "mail.example.com cannot be reached (Connection refused (os error 111)): check smtp.host",
        "a: Disk quota exceeded (os error 122); b: Permission denied (os error 13)",
        "cut after (os error 2…",
        "nothing of the system",
    ]
    .map(without_error_numbers);
    assert_eq!(
        said,
        [
            "cannot write /a: the disk is full",
            "mail.example.com cannot be reached (Connection refused): check smtp.host",
            "a: the disk quota of the user that runs quotakeeper is used up; b: Permission denied",
            "cut after (os error 2…",
            "nothing of the system",
        ]
    );
}

#[test]
fn no_line_breaks_within_a_number_a_date_or_brackets_with_a_figure() {
    let words = [
        "(Transaction) 1 152",
        "of",
        "12 000 000,",
        "row",
        "17",
        "204151",
        "90 %",
        "by",
        "Fri 4 Dec 2026,",
        "08:05",
        "(14 Sep",
        "to",
        "14 Oct:",
        "121 173)",
        "root",
        "(uid 0),",
        "4",
        "Decoys",
        "2026",
        "May",
        "(7",
        "more)",
        "within",
        "3 days),",
        "4",
        "daytime",
    ];
    assert_eq!(unbreakable_words(&format!(" {} ", words.join("  "))), words);
    assert_eq!(unbreakable_words("5\u{202f}285 used"), ["5\u{202f}285", "used"]);
}

#[test]
fn what_is_to_be_typed_is_one_word() {
    assert_eq!(
        unbreakable_words("(`check --online`) or `a`, `b c`: why"),
        ["(`check --online`)", "or", "`a`,", "`b c`:", "why"]
    );
    assert_eq!(unbreakable_words("the server said `a b"), ["the", "server", "said", "`a", "b"]);
}

#[test]
fn the_dot_between_two_facts_begins_no_line() {
    assert_eq!(
        unbreakable_words("10 used · 12 000 projected · x"),
        ["10", "used ·", "12 000", "projected ·", "x"]
    );
}

#[test]
fn a_share_is_never_rounded_over_the_quota() {
    assert_eq!(percent(999, 1000), Some(99));
    assert_eq!(percent(1000, 1000), Some(100));
    assert_eq!(percent(1001, 1000), Some(101));
    assert_eq!(percent(5, 0), None);
    assert_eq!(percent(i64::MAX, 1), Some(i64::MAX));
}

#[test]
fn names_beyond_the_limit_are_counted() {
    let names = ["a", "b", "c"].map(str::to_owned);
    assert_eq!(listed(&names, 5), "a, b and c");
    assert_eq!(listed(&names, 2), "a, b and 1 more");
    assert_eq!(listed(&names[..1], 2), "a");
}

#[test]
fn a_window_over_midnight_names_both_days() {
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let berlin = Tz::Europe__Berlin;
    assert_eq!(
        between(at("2026-11-21T13:00:00Z"), at("2026-11-21T14:00:00Z"), berlin),
        "between 14:00 and 15:00 on Sat 21 Nov"
    );
    assert_eq!(
        between(at("2026-11-21T22:30:00Z"), at("2026-11-21T23:30:00Z"), berlin),
        "between Sat 21 Nov, 23:30 and Sun 22 Nov, 00:30"
    );
    assert_eq!(
        between(at("2026-11-21T13:00:05Z"), at("2026-11-21T13:00:50Z"), berlin),
        "at 14:00 on Sat 21 Nov"
    );
}

#[test]
fn an_age_is_shown_in_its_largest_unit() {
    let said = [0, 4, 60, 1500, 4320].map(|minutes| age(TimeDelta::minutes(minutes)));
    assert_eq!(said, ["less than a minute", "4 minutes", "1 hour", "25 hours", "3 days"]);
}

#[test]
fn a_fixed_time_is_spelled_in_letters_up_to_twelve() {
    let said = [1, 5, 60, 13 * 60, 7200].map(|minutes| spelled_time(TimeDelta::minutes(minutes)));
    assert_eq!(said, ["one minute", "five minutes", "one hour", "13 hours", "five days"]);
}
