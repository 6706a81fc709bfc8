use super::*;
use crate::collect::Reading;

fn live(read_at: Instant) -> Box<LiveState> {
    Box::new(LiveState::new(
        Reading::from_answers(Vec::new(), Vec::new(), chrono::DateTime::UNIX_EPOCH),
        read_at,
    ))
}

#[test]
fn a_reading_serves_the_files_of_its_pass_until_something_is_sent_or_it_is_too_old() {
    let shared = SharedReading::default();
    let now = Instant::now();
    shared.keep(live(now));
    assert!(shared.take(now).is_none(), "no pass is under way");

    shared.begin();
    assert!(shared.take(now).is_none());
    shared.keep(live(now));
    let kept = shared.take(now).expect("it is young");
    assert!(shared.take(now).is_none(), "one file has it");
    shared.keep(kept);
    shared.forget();
    assert!(shared.take(now).is_none(), "something was sent");

    shared.keep(live(now - MOST_AGE - Duration::from_secs(1)));
    assert!(shared.take(now).is_none(), "it is old");

    shared.keep(live(now));
    shared.end();
    assert!(shared.take(now).is_none(), "the pass ended");
}
