use super::*;
use crate::testing::fuzz::fuzzed;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn expression(text: &str) -> Expression {
    text.parse().unwrap()
}

const BERLIN: Tz = chrono_tz::Europe::Berlin;
const ZONES: [Tz; 4] =
    [BERLIN, chrono_tz::America::New_York, chrono_tz::Australia::Lord_Howe, chrono_tz::Asia::Kolkata];

/// What runs through these times sees, like the daemon: whenever something is due it succeeds at once.
fn served(
    expression: &Expression,
    zone: Tz,
    times: impl Iterator<Item = DateTime<Utc>>,
) -> Vec<DateTime<Utc>> {
    let mut last = None;
    let mut slots = Vec::new();
    for now in times {
        if let Some(slot) = expression.due(zone, last, now, None) {
            last = Some(now);
            slots.push(slot);
        }
    }
    slots
}

fn steps(from: DateTime<Utc>, to: DateTime<Utc>, step: Duration) -> impl Iterator<Item = DateTime<Utc>> {
    std::iter::successors(Some(from), move |at| Some(*at + step)).take_while(move |at| *at < to)
}

/// The minutes at which the zone's clocks change, from 2025 to 2034.
fn changes_of_clocks(zone: Tz) -> Vec<DateTime<Utc>> {
    let hours = steps(at("2025-01-01T00:00:00Z"), at("2035-01-01T00:00:00Z"), Duration::hours(1));
    let around = hours.filter(|hour| offset(zone, *hour) != offset(zone, *hour + Duration::hours(1)));
    around.map(|hour| change(zone, hour, hour + Duration::hours(1)).1).collect()
}

/// The wall's clock at a slot, such as `02:30`.
fn shown(zone: Tz, slot: DateTime<Utc>) -> String {
    slot.with_timezone(&zone).format("%H:%M").to_string()
}

#[test]
fn a_daily_slot_is_served_once_on_each_day_of_ten_years_in_four_zones() {
    for zone in ZONES {
        for text in ["30 2 * * *", "0 8 * * *", "15 1 * * *", "45 1 * * *", "0 0 * * *"] {
            // Looked at at odd moments, so that no slot is met exactly.
            let times = steps(at("2024-12-31T12:00:00Z"), at("2035-01-01T00:00:00Z"), Duration::minutes(697));
            let slots = served(&expression(text), zone, times);
            let days: Vec<_> = slots.iter().map(|slot| slot.with_timezone(&zone).date_naive()).collect();
            assert!(days.windows(2).all(|pair| pair[0].succ_opt() == Some(pair[1])), "{zone} {text}");
            assert!(days.len() >= 3652, "{zone} {text}: {}", days.len());
        }
    }
}

#[test]
fn around_every_change_of_clocks_of_ten_years_each_slot_is_served_once_minute_by_minute() {
    for zone in ZONES {
        let changes = changes_of_clocks(zone);
        assert_eq!(changes.len(), if zone == chrono_tz::Asia::Kolkata { 0 } else { 20 }, "{zone}");
        for change in changes {
            let (from, to) = (change - Duration::hours(4), change + Duration::hours(4));
            for text in
                ["30 2 * * *", "*/30 1-3 * * *", "0 */2 * * *", "0 * * * *", "*/15 * * * *", "30 0-23 * * 0"]
            {
                let job = expression(text);
                let minutes = served(&job, zone, steps(from, to, Duration::minutes(1)));
                let ahead = std::iter::successors(job.next(zone, minutes[0]), |slot| job.next(zone, *slot));
                let ahead: Vec<_> = ahead.take_while(|slot| *slot < to).collect();
                assert_eq!(
                    minutes[1..],
                    ahead,
                    "{zone} {change} {text}: what is served is what was said to come"
                );
                assert!(minutes.windows(2).all(|pair| pair[0] < pair[1]), "{zone} {change} {text}");
            }
        }
    }
}

#[test]
fn every_hour_and_every_quarter_show_their_minutes_on_the_wall_and_go_by_real_time() {
    for zone in ZONES {
        for change in changes_of_clocks(zone).into_iter().chain([at("2026-06-01T00:00:00Z")]) {
            let (from, to) = (change - Duration::hours(4), change + Duration::hours(4));
            for (text, minutes) in [("0 * * * *", 60), ("*/15 * * * *", 15), ("30 0-23 * * *", 60)] {
                let slots = served(&expression(text), zone, steps(from, to, Duration::minutes(1)));
                // By hand: every minute whose wall clock fits.
                let minute = |slot: DateTime<Utc>| shown(zone, slot)[3..].parse::<i64>().unwrap();
                let fits = |slot: &DateTime<Utc>| {
                    minute(*slot) % minutes == if text.starts_with("30") { 30 } else { 0 }
                };
                let by_hand: Vec<_> = steps(from, to, Duration::minutes(1)).filter(fits).collect();
                let started_in = usize::from(slots[0] < from);
                assert_eq!(slots[started_in..], by_hand, "{zone} {change} {text}");
            }
        }
    }
}

#[test]
fn on_the_day_that_an_hour_comes_twice_an_hourly_job_has_25_slots_and_23_when_one_is_left_out() {
    let slots = |text: &str, day: &str, hours: i64| {
        let midnight = at(day);
        let times = steps(midnight, midnight + Duration::hours(hours), Duration::minutes(1));
        served(&expression(text), BERLIN, times).len()
    };
    assert_eq!(slots("0 * * * *", "2026-10-24T22:00:00Z", 25), 25);
    assert_eq!(slots("0 * * * *", "2026-03-28T23:00:00Z", 23), 23);
    assert_eq!(slots("*/15 * * * *", "2026-10-24T22:00:00Z", 25), 100);
    // Hours that are named come once: 00, 02, 04 … whatever the night was like.
    assert_eq!(slots("0 */2 * * *", "2026-10-24T22:00:00Z", 25), 12);
    assert_eq!(slots("0 */2 * * *", "2026-03-28T23:00:00Z", 23), 12);
}

#[test]
fn every_hour_of_some_days_means_the_days_of_the_zone() {
    let weekdays = expression("0 * * * 1-5");
    let sunday_night = at("2026-11-22T22:00:00Z");
    let first = weekdays.next(BERLIN, sunday_night).unwrap();
    assert_eq!(first, at("2026-11-22T23:00:00Z"), "Monday, 00:00 in Berlin");
    assert_eq!(weekdays.previous(BERLIN, first - Duration::seconds(1)), Some(at("2026-11-20T22:00:00Z")));
    // Half a year ahead, behind a change of clocks.
    let july = expression("0 * 1 7 *").next(BERLIN, at("2026-01-01T00:00:00Z"));
    assert_eq!(july, Some(at("2026-06-30T22:00:00Z")));
    assert_eq!(
        expression("0 * 1 1 *").previous(BERLIN, at("2026-07-01T00:00:00Z")),
        Some(at("2026-01-01T22:00:00Z"))
    );
}

#[test]
fn in_a_zone_of_half_hours_the_hour_is_full_on_the_wall() {
    let slot = expression("0 * * * *").next(chrono_tz::Asia::Kolkata, at("2026-11-22T08:00:00Z"));
    assert_eq!(slot, Some(at("2026-11-22T08:30:00Z")), "14:00 in Kolkata");
}

#[test]
fn a_day_that_a_zone_left_out_has_its_daily_slots_when_it_is_over_and_no_hourly_ones() {
    // Samoa had no 30 December 2011.
    let apia = chrono_tz::Pacific::Apia;
    let before = at("2011-12-30T08:00:00Z"); // 29 December, 22:00
    assert_eq!(
        expression("0 8 * * *").next(apia, before),
        Some(at("2011-12-30T10:00:00Z")),
        "31 December, 00:00"
    );
    assert_eq!(
        expression("0 * * * *").next(apia, at("2011-12-30T09:00:00Z")),
        Some(at("2011-12-30T10:00:00Z"))
    );
}

#[test]
fn a_time_that_does_not_exist_is_taken_at_the_end_of_the_gap() {
    // Also one that is on no quarter of an hour, and one with seconds, whose first field is not the hour.
    for daily in ["30 2 * * *", "7 2 * * *", "30 7 2 * * *", "0 * 2 * * *"] {
        let slot = expression(daily).next(BERLIN, at("2026-03-29T00:00:00Z"));
        assert_eq!(slot, Some(at("2026-03-29T01:00:00Z")), "{daily}");
    }
}

#[test]
fn a_time_that_comes_twice_is_taken_once_at_its_first() {
    let daily = expression("30 2 * * *");
    assert_eq!(daily.next(BERLIN, at("2026-10-24T23:00:00Z")), Some(at("2026-10-25T00:30:00Z")));
    assert_eq!(daily.next(BERLIN, at("2026-10-25T00:30:00Z")), Some(at("2026-10-26T01:30:00Z")));
}

#[test]
fn a_missed_slot_is_due_once_and_only_the_latest() {
    let hourly = expression("0 * * * *");
    let due = |last: &str, now: &str| hourly.due(Tz::UTC, Some(at(last)), at(now), None);
    assert_eq!(due("2026-11-22T08:00:01Z", "2026-11-22T08:59:59Z"), None);
    assert_eq!(due("2026-11-22T08:00:01Z", "2026-11-22T09:00:00Z"), Some(at("2026-11-22T09:00:00Z")));
    assert_eq!(due("2026-11-20T08:00:01Z", "2026-11-22T09:10:00Z"), Some(at("2026-11-22T09:00:00Z")));
}

#[test]
fn a_success_in_the_second_of_its_slot_serves_it_at_any_fraction_of_that_second() {
    for text in ["0 * * * *", "0 8 * * *"] {
        let job = expression(text);
        let due = |last: &str, now: &str| job.due(BERLIN, Some(at(last)), at(now), None);
        let slot = at("2026-11-22T07:00:00Z");
        assert_eq!(due("2026-11-22T06:59:59.999Z", "2026-11-22T07:00:00.001Z"), Some(slot));
        assert_eq!(due("2026-11-22T07:00:00.450Z", "2026-11-22T07:30:00.900Z"), None, "{text}");
        assert_eq!(job.next(BERLIN, at("2026-11-22T06:59:59.999Z")), Some(slot));
        assert!(job.next(BERLIN, at("2026-11-22T07:00:00.001Z")) > Some(slot));
    }
}

#[test]
fn missed_slots_are_counted_from_the_last_success_to_the_served_slot() {
    let hourly = expression("0 * * * *");
    let missed = |last: &str, began: &str| hourly.missed(Tz::UTC, Some(at(last)), at(began));
    assert_eq!(missed("2026-11-22T08:00:01Z", "2026-11-22T09:00:01Z"), None);
    assert_eq!(missed("2026-11-22T08:00:01Z", "2026-11-22T09:59:00Z"), None, "late is not missed");
    let slots = |slots, first, last| Some(Missed { slots, first: at(first), last: at(last) });
    assert_eq!(
        missed("2026-11-22T08:00:01Z", "2026-11-22T10:00:00Z"),
        slots(1, "2026-11-22T09:00:00Z", "2026-11-22T09:00:00Z")
    );
    assert_eq!(
        missed("2026-11-22T08:59:59Z", "2026-11-23T09:10:00Z"),
        slots(24, "2026-11-22T09:00:00Z", "2026-11-23T08:00:00Z")
    );
    assert_eq!(
        hourly.missed(Tz::UTC, None, at("2026-11-22T08:00:00Z")),
        None,
        "the first success ends no gap"
    );
    assert_eq!(
        missed("2026-12-01T00:00:00Z", "2026-11-22T08:00:00Z"),
        None,
        "a success in the future neither"
    );
}

#[test]
fn a_job_that_never_succeeded_is_due() {
    assert!(expression("0 8 * * *").due(Tz::UTC, None, at("2026-11-22T07:00:00Z"), None).is_some());
}

#[test]
fn a_success_in_the_future_does_not_silence_a_job() {
    let last = Some(at("2027-01-01T00:00:00Z"));
    assert!(expression("0 * * * *").due(Tz::UTC, last, at("2026-11-22T07:00:00Z"), None).is_some());
}

#[test]
fn without_catch_up_an_old_slot_is_let_go() {
    let daily = expression("0 8 * * *");
    let grace = Some(Duration::minutes(5));
    let last = Some(at("2026-11-21T08:00:00Z"));
    assert_eq!(daily.due(Tz::UTC, last, at("2026-11-22T08:10:00Z"), grace), None);
    assert!(daily.due(Tz::UTC, last, at("2026-11-22T08:05:00Z"), grace).is_some());
}

#[test]
fn a_range_of_one_value_and_a_step_to_the_end_of_its_range_are_taken() {
    let slots = |text: &str| {
        let expression = expression(text);
        assert_eq!(expression.to_string(), text);
        let next = |after: DateTime<Utc>| expression.next(Tz::UTC, after);
        let first = next(at("2026-11-22T08:00:00Z")).unwrap();
        [first, next(first).unwrap()].map(|slot| shown(Tz::UTC, slot))
    };
    assert_eq!(slots("5-5 8 * * *"), ["08:05", "08:05"]);
    assert_eq!(slots("0-30/30 * * * *"), ["08:30", "09:00"]);
}

#[test]
fn six_fields_have_seconds() {
    let slot = expression("*/10 * * * * *").next(Tz::UTC, at("2026-11-22T08:00:01Z"));
    assert_eq!(slot, Some(at("2026-11-22T08:00:10Z")));
    let slot = expression("30 0 8 * * *").next(BERLIN, at("2026-11-22T07:00:30Z"));
    assert_eq!(slot, Some(at("2026-11-23T07:00:30Z")));
}

#[test]
fn an_invalid_expression_is_reported_with_a_mark_below_the_mistake() {
    let error = |text: &str| text.parse::<Expression>().unwrap_err();
    let wrong = [
        "0 25 * * *",
        "61 8 * * 1-5",
        "0 8 32 * *",
        "0 8 * 13 *",
        "0 8 * * MO",
        "99 0 8 * * *",
        "0 8-6 * * *",
        "0 8 * * FRI-MON",
        "0 8 30 2 *",
        "0 0 8 31 4,6,9,11 *",
        "0 8 * *",
        "0 0 8 * * * 2027",
        "@daily",
        "@reboot",
        "every day",
        "",
        // Lists that a blank breaks, and empty items.
        "0 8 * * 1, 5",
        "0 8, 20 * * *",
        "0 8 * * MON, WED, FRI",
        "0 8 * * 1 ,5",
        "0 8,20, * * *",
        "0 8,,20 * * *",
        "0 ,8 * * *",
        // Steps that come to nothing.
        "*/90 * * * *",
        "0 */24 * * *",
        "0 8-12/6 * * *",
        "0 8 * * 5/3",
        "*/MON * * * *",
        // Names where they mean nothing.
        "0 8 * MON *",
        "0 8 JAN * *",
        "0 8 * * 1MON",
        "0 8 * JANFEB *",
        "0 8 * * FRI#MON",
        "0 8 * * L",
        "0 8 * * 1,L",
        "0 ? * * *",
    ];
    insta::assert_snapshot!(wrong.map(error).join("\n\n"));
}

#[test]
fn expressions_from_other_schedulers_run_when_people_expect() {
    let now = at("2026-11-26T13:44:00Z"); // a Thursday
    let next = |text: &str| {
        let slot =
            text.parse::<Expression>().unwrap_or_else(|problem| panic!("{problem}")).next(Tz::UTC, now);
        slot.unwrap().format("%a %-d %b %H:%M").to_string()
    };
    for (text, expected) in [
        ("0 8 * * MON-FRI", "Fri 27 Nov 08:00"),
        ("0 8 * * mon", "Mon 30 Nov 08:00"),
        ("0 8 * * 0", "Sun 29 Nov 08:00"),
        ("0 8 * * 7", "Sun 29 Nov 08:00"),
        ("0 8 * * SAT-SUN", "Sat 28 Nov 08:00"),
        ("0 8 * * 6-7", "Sat 28 Nov 08:00"),
        ("0 8 * * 5#2", "Fri 11 Dec 08:00"),
        ("0 8 * * FRI#2", "Fri 11 Dec 08:00"),
        ("0 8 * * FRIL", "Fri 27 Nov 08:00"),
        ("0 8 L * *", "Mon 30 Nov 08:00"),
        ("0 8 1,L * *", "Mon 30 Nov 08:00"),
        ("0 8 15W * *", "Tue 15 Dec 08:00"),
        ("0 8 ? * TUE", "Tue 1 Dec 08:00"),
        ("0 0 8 ? * 2", "Tue 1 Dec 08:00"),
        ("0 8 1 * MON", "Mon 30 Nov 08:00"),
        ("0 8 29 2 *", "Tue 29 Feb 08:00"),
        ("0 8 1 JAN,APR *", "Fri 1 Jan 08:00"),
        ("0 8 1 1-12/3 *", "Fri 1 Jan 08:00"),
        ("0 8-18/2 * * *", "Thu 26 Nov 14:00"),
        ("5/15 * * * *", "Thu 26 Nov 13:50"),
        ("*/7 * * * *", "Thu 26 Nov 13:49"),
        ("0  08,20\t* * *", "Thu 26 Nov 20:00"),
    ] {
        assert_eq!(next(text), expected, "{text}");
    }
}

#[test]
fn a_time_zone_in_an_expression_is_an_error_that_names_its_own_key() {
    for (text, zone, rest) in [
        ("TZ=Europe/Berlin 0 8 * * *", "Europe/Berlin", "0 8 * * *"),
        ("CRON_TZ=UTC 0 8 * * 1-5", "UTC", "0 8 * * 1-5"),
        ("cron_tz='Asia/Kolkata' 0 0 8 * * *", "Asia/Kolkata", "0 0 8 * * *"),
        ("0 8 * * * America/New_York", "America/New_York", "0 8 * * *"),
        ("0 8 * * 1-5 UTC", "UTC", "0 8 * * 1-5"),
        ("TZ=Europe/Berlin @daily", "Europe/Berlin", "@daily"),
    ] {
        let said = text.parse::<Expression>().unwrap_err();
        assert!(said.contains(&format!("schedule.timezone = \"{zone}\", and `{rest}` here")), "{said}");
        assert!(!said.contains("second"), "{said}");
    }
}

#[test]
fn a_gap_since_1970_is_reported_without_counting_millions_of_slots() {
    let minutely: Expression = "* * * * *".parse().unwrap();
    let began = "2026-11-22T12:00:30Z".parse().unwrap();
    let missed = minutely.missed(Tz::UTC, Some(DateTime::UNIX_EPOCH), began).unwrap();
    assert_eq!(missed.first, DateTime::UNIX_EPOCH + Duration::minutes(1));
    assert_eq!(missed.last, "2026-11-22T11:59:00Z".parse::<DateTime<Utc>>().unwrap());
    let minutes = (missed.last - missed.first).num_minutes();
    assert_eq!(missed.slots, usize::try_from(minutes).unwrap() + 1);
}

#[test]
fn fuzzed_expressions_have_slots_in_the_future_or_none_or_are_refused_with_a_reason() {
    let after: DateTime<Utc> = "2026-11-22T18:05:00Z".parse().unwrap();
    fuzzed(
        "expressions",
        &[b"*/15 6-18/2 1,15,L * MON-FRI", b"@hourly", b"30 59 23 31 DEC SUN#2", b"0 0 15W * 5L"],
        |text| match String::from_utf8_lossy(text).parse::<Expression>() {
            Ok(expression) => {
                assert!(expression.next(Tz::Europe__Berlin, after).is_none_or(|next| next > after));
            }
            Err(reason) => assert!(!reason.is_empty()),
        },
    );
}

#[test]
fn a_moment_that_no_clock_shows_stops_no_schedule() {
    let now = at("2026-11-29T23:00:00Z");
    for text in ["0 * * * *", "30 2 * * *", "0 8 * * 1"] {
        let expression = expression(text);
        for zone in ZONES.into_iter().chain([chrono_tz::UTC]) {
            for odd in [DateTime::<Utc>::MIN_UTC, at("0000-01-01T00:00:00Z")] {
                assert!(expression.due(zone, Some(odd), now, None).is_some());
                assert!(expression.missed(zone, Some(odd), now).is_some());
                assert!(expression.next(zone, odd).is_some());
            }
            for odd in [DateTime::<Utc>::MAX_UTC, at("9999-12-31T23:59:59Z")] {
                assert_eq!(expression.missed(zone, Some(odd), now), None);
                assert_eq!(expression.next(zone, odd), None);
            }
        }
    }
}
