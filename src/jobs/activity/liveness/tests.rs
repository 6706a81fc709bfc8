//! Silence that is a wait, and silence that is a hang.

use tokio::time::sleep;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_wait_is_silent_until_it_ends_and_one_that_never_ends_stays_silent() {
    let liveness = Liveness::new();
    liveness
        .watch(async {
            sleep(MINUTE).await;
            assert!(liveness.silent_for() < MINUTE, "{:?}", liveness.silent_for());
            sleep(MINUTE).await;
        })
        .await;
    let stuck = liveness.watch(std::future::pending::<()>());
    assert!(tokio::time::timeout(30 * MINUTE, stuck).await.is_err());
    // The end of the timeout polled it once more; from then on nothing does.
    sleep(10 * MINUTE).await;
    assert!(liveness.silent_for() >= 10 * MINUTE, "{:?}", liveness.silent_for());
}

#[test]
fn a_call_that_blocks_is_silence_too_seen_from_another_thread() {
    let liveness = Liveness::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (began, has_begun) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let moving = &liveness;
        scope.spawn(move || {
            runtime.block_on(moving.watch(async {
                began.send(Instant::now()).unwrap();
                let _ = ended.recv(); // as a read from a network drive that does not answer
            }));
        });
        let stuck_since = has_begun.recv().unwrap();
        while stuck_since.elapsed() < Duration::from_millis(5) {
            std::thread::yield_now();
        }
        assert!(liveness.silent_for() >= Duration::from_millis(5), "{:?}", liveness.silent_for());
        end.send(()).unwrap();
    });
}
