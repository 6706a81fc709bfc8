//! Keeps a panic inside the job in which it happened: it becomes an error, and whoever started the job goes on.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// A defect of quotakeeper itself.
#[derive(Debug, thiserror::Error)]
#[error("quotakeeper panicked: {0}. This is a bug: please report it with the log")]
pub(crate) struct Panicked(String);

/// Does the work until it is done, fails or panics. A job leaves whole files or none, so what it stood in can be used again.
pub(in crate::jobs) async fn catch<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let mut work = pin!(work);
    std::future::poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        polled.unwrap_or_else(|panic| Poll::Ready(Err(Panicked(message(panic.as_ref())).into())))
    })
    .await
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it did not say why".to_owned())
}
