use std::sync::mpsc;

use tokio::sync::oneshot;

use super::*;

#[tokio::test]
async fn the_turn_of_somebody_who_left_ends_with_the_work_and_not_before() {
    let turn = Turn::new();
    let (start, is_working) = oneshot::channel();
    let (finish, is_over) = mpsc::channel::<()>();
    let first = turn.clone();
    let first = tokio::spawn(async move {
        let wait = move || {
            start.send(()).unwrap();
            is_over.recv().unwrap();
        };
        first.work(wait).await.unwrap();
    });
    is_working.await.unwrap();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert_eq!(turn.0.available_permits(), 0);
    finish.send(()).unwrap();
    assert_eq!(turn.work(|| 7).await.unwrap(), 7);
}

#[tokio::test]
async fn work_that_panics_gives_its_turn_back() {
    let turn = Turn::new();
    let panicked = turn.work::<()>(|| panic!("on purpose")).await;
    assert!(matches!(panicked, Err(NotDone::Panicked(_))));
    assert_eq!(turn.work(|| 7).await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_too_long_hears_that_and_the_turn_stays_with_who_has_it() {
    let turn = Turn::new();
    let taken = Arc::clone(&turn.0).acquire_owned().await.unwrap();
    assert!(matches!(turn.work(|| 7).await, Err(NotDone::TooLate)));
    drop(taken);
    assert!(matches!(turn.work(|| 7).await, Ok(7)));
}
