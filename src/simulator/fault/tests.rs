//! Which requests a fault strikes.

use super::*;

fn strikes(spec: &str, requests: usize) -> Vec<bool> {
    let mut armed = ArmedFault::new(spec.parse().unwrap());
    (0..requests).map(|_| armed.take_if_due("POST /v7/quotas/assign", "").is_some()).collect()
}

#[test]
fn a_plain_fault_strikes_always() {
    assert_eq!(strikes("500", 3), [true; 3]);
}

#[test]
fn after_every_and_count_choose_requests() {
    assert_eq!(strikes("429:every=2", 4), [false, true, false, true]);
    assert_eq!(strikes("429:count=2", 3), [true, true, false]);
    assert_eq!(strikes("drop-after:after=2:count=1", 4), [false, false, true, false]);
}

#[test]
fn a_path_is_part_of_the_request_line() {
    assert_eq!(strikes("500:path=/quotas/assign", 1), [true]);
    assert_eq!(strikes("500:path=POST", 1), [true]);
    assert_eq!(strikes("500:path=GET /v7/quotas", 1), [false]);
    assert_eq!(strikes("usage-403", 1), [false]);
    assert_eq!(strikes("429:done:reset=5:path=POST", 1), [true]);
}

#[test]
fn a_bad_row_concerns_only_batches_that_hold_it() {
    let mut armed = ArmedFault::new("bad-row:aid=204117:silent:count=1".parse().unwrap());
    let groups = "POST /v7/quotas/account-groups/assign";
    assert_eq!(armed.take_if_due(groups, r#"{"aid":"204118"}"#), None);
    assert_eq!(armed.take_if_due("POST /v7/quotas/assign", r#"{"orgId":"204117"}"#), None);
    let bad = BadRow { level: Level::AccountGroup, id: "204117".into(), silent: true, partial: false };
    assert_eq!(armed.take_if_due(groups, r#"{"aid":"204117"}"#), Some(Kind::BadRow(bad)));
    assert_eq!(armed.take_if_due(groups, r#"{"aid":"204117"}"#), None);
}

#[test]
fn an_error_says_what_is_wrong_and_lists_what_exists() {
    let problem = |spec: &str| {
        let text = spec.parse::<Fault>().unwrap_err();
        let (problem, help) = text.split_once("\n\n").unwrap();
        assert_eq!(help, HELP);
        problem.to_owned()
    };
    assert_eq!(problem("explode"), "there is no fault `explode`");
    assert_eq!(problem(""), "there is no fault ``");
    assert_eq!(problem("200"), "a fault's status is 400 to 599, not 200");
    assert_eq!(problem("slow"), "`slow` needs its milliseconds: slow:ms=500");
    assert_eq!(problem("slow:ms=1s"), "`ms` is a whole number, not `1s`");
    assert_eq!(problem("bad-row"), "`bad-row` needs one id: bad-row:aid=204117 or bad-row:org=10452");
    assert_eq!(problem("500:ms=5"), "`500` takes no `ms`");
    assert_eq!(problem("500:every=0"), "`every` is at least 1");
}
