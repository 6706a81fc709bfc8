//! Times as people write them.

use super::*;

fn when() -> TimeContext {
    TimeContext { zone: Tz::Europe__Berlin, now: "2026-11-22T18:00:00Z".parse().unwrap() }
}

fn moment(time: &str) -> String {
    when().moment(time).unwrap().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[test]
fn a_time_is_read_as_people_write_it() {
    for (time, means) in [
        ("2026-12-01", "2026-11-30T23:00:00Z"),
        ("2026-12-01 14:00", "2026-12-01T13:00:00Z"),
        (" 2026-07-01 14:00:30 ", "2026-07-01T12:00:30Z"),
        ("2026-12-01T14:00", "2026-12-01T13:00:00Z"),
        ("2026-12-01T14:00:00Z", "2026-12-01T14:00:00Z"),
        ("2026-12-01T14:00:00+05:30", "2026-12-01T08:30:00Z"),
        ("2026-12-01T14-00-00Z", "2026-12-01T14:00:00Z"),
        ("2026-12-01T14-00-00Z.csv", "2026-12-01T14:00:00Z"),
        ("now", "2026-11-22T18:00:00Z"),
        ("today", "2026-11-21T23:00:00Z"),
        ("yesterday", "2026-11-20T23:00:00Z"),
        ("Monday", "2026-11-15T23:00:00Z"),
        ("sun", "2026-11-21T23:00:00Z"),
        ("2026-09", "2026-08-31T22:00:00Z"),
        ("latest", "2026-11-22T18:01:00Z"),
    ] {
        assert_eq!(moment(time), means, "{time}");
    }
}

#[test]
fn an_hour_that_comes_twice_is_the_first_one_and_a_skipped_one_is_the_moment_of_the_skip() {
    assert_eq!(moment("2026-10-25 02:30"), "2026-10-25T00:30:00Z");
    assert_eq!(moment("2026-03-29 02:00"), "2026-03-29T01:00:00Z");
}

#[test]
fn since_is_a_time_or_a_duration() {
    let since = |time: &str| when().since(time).unwrap().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    assert_eq!(since("7d"), "2026-11-15T18:00:00Z");
    assert_eq!(since("15m"), "2026-11-22T17:45:00Z");
    assert_eq!(since("2026-11-01"), "2026-10-31T23:00:00Z");
}

#[test]
fn an_invalid_time_is_answered_with_the_valid_forms() {
    for wrong in
        ["tomorrow", "", "2026-13-01", "1.12.2026", "2026-12-01 25:00", "+262143-12-31", "-262144-01-01"]
    {
        let error = when().moment(wrong).unwrap_err().to_string();
        assert!(error.contains("is not a time: write 2026-12-01"), "{error}");
    }
    let error = when().since("7 moons").unwrap_err().to_string();
    assert!(error.starts_with("`7 moons` is neither a duration such as 7d nor a time"), "{error}");
    assert!(when().since("99999999999y").is_err());
}

#[test]
fn a_time_that_has_not_come_yet_is_named_and_nothing_is_looked_for_since_then() {
    let note = |time: &str| when().future_note(time, when().moment(time).unwrap());
    assert_eq!(note("2026-12").unwrap(), "`2026-12` is in the future: the latest snapshot is taken instead.");
    for past in ["now", "latest", "today", "2026-11-22 19:01"] {
        assert_eq!(note(past), None, "{past}");
    }
    let error = when().since("2027-01-01").unwrap_err().to_string();
    assert!(error.starts_with("`2027-01-01` is in the future"), "{error}");
}
