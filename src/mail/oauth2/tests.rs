//! When a token server is asked, and when not.

use super::*;

fn second(number: u64) -> Duration {
    Duration::from_secs(number)
}

fn issued(use_for: u64) -> Issued {
    Issued { token: "tok.en-1".into(), use_for: second(use_for) }
}

#[test]
fn a_token_is_kept_until_it_is_to_be_renewed() {
    let now = Instant::now();
    assert!(KeptAnswer::default().valid_at(now).is_none());
    let kept = KeptAnswer::from_answer(&Ok(issued(10)), now);
    for (after, is_kept) in [(0, true), (9, true), (10, false), (3600, false)] {
        assert_eq!(kept.valid_at(now + second(after)).is_some(), is_kept, "{after}");
    }
    assert!(
        KeptAnswer::from_answer(&Ok(issued(0)), now).valid_at(now).is_none(),
        "one that ends at once is used once"
    );
}

#[test]
fn a_server_that_asks_for_it_is_left_alone_and_any_other_is_asked_again() {
    let now = Instant::now();
    let refused = |wait| Err(TokenRefusal { sentence: "too many".to_owned(), wait });
    let kept = KeptAnswer::from_answer(&refused(Some(second(30))), now);
    let known = |after| kept.valid_at(now + second(after)).map(|known| known.map(drop));
    assert_eq!(known(29), Some(Err("too many".to_owned())));
    assert_eq!(known(30), None);
    assert!(KeptAnswer::from_answer(&refused(None), now).valid_at(now).is_none());
}
