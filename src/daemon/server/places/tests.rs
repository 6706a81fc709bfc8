//! Who gives way, and who is refused.

use std::future::{pending, ready};
use std::pin::pin;

use super::*;

#[tokio::test]
async fn the_slowest_gives_way_and_a_place_is_free_when_its_sender_left() {
    let places = Places::new();
    let mut slow: Vec<_> =
        (0..PLACES).map(|_| Box::pin(places.receive(pending::<Result<(), RefusedUpload>>()))).collect();
    for sender in &mut slow {
        assert!(still_waits(sender).await);
    }
    assert!(places.receive(async { ready(Ok(5)).await }).await.is_ok_and(|(file, _)| file == 5));
    assert_eq!(slow.remove(0).await.map(drop), Err(RefusedUpload::TooSlow), "the first that came");
    assert!(still_waits(&mut slow[0]).await, "no other");
    drop(slow);
    assert!(places.receiving().senders.is_empty());
}

/// Whether it still waits.
async fn still_waits<F: Future + Unpin>(future: &mut F) -> bool {
    let mut future = pin!(future);
    std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_pending())).await
}

#[tokio::test]
async fn of_whole_files_no_more_wait_to_be_looked_at_than_there_are_places() {
    let places = Places::new();
    let mut kept = Vec::new();
    for _ in 0..PLACES {
        kept.push(places.receive(ready(Ok(()))).await.unwrap());
    }
    assert_eq!(places.receive(ready(Ok(()))).await.map(drop), Err(RefusedUpload::TooMany));
    kept.pop();
    assert!(places.receive(ready(Ok(()))).await.is_ok());
}
