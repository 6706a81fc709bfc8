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
    assert!(turn.work::<()>(|| panic!("on purpose")).await.unwrap_err().is_panic());
    assert_eq!(turn.work(|| 7).await.unwrap(), 7);
}
