//! The outbox job: one round of deliveries.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::info;

use super::job::done::{Done, Trigger};
use crate::clock::Clock;
use crate::exit_code::Findings;
use crate::mail::{DeliveryScope, Mailer};

/// So long a scheduled round keeps other work waiting, and one delivery more.
const PATIENCE: Duration = Duration::from_secs(10);

/// Delivers queued mail; what a server refuses for now waits and is tried again. A person has all of it tried, whether its time
/// has come or not, and reads by the exit code whether all of it went out.
pub(super) async fn deliver(
    mailer: &Mailer,
    cancel: &CancellationToken,
    clock: &Clock,
    trigger: Trigger,
) -> anyhow::Result<Done> {
    let is_person = matches!(trigger, Trigger::Person { .. });
    let scope = if is_person { DeliveryScope::All } else { DeliveryScope::Due { patience: PATIENCE } };
    let delivered = mailer.deliver(clock.now(), scope, cancel).await?;
    let is_idle = delivered.sent + delivered.dead == 0 && delivered.problems.is_empty();
    if delivered.sent + delivered.dead > 0 {
        info!(sent = delivered.sent, waiting = delivered.waiting, dead = delivered.dead, "outbox");
    }
    let failed = is_person && delivered.waiting + delivered.dead > 0;
    Ok(Done { findings: Findings { failed, ..Findings::default() }, is_idle, ..Done::default() })
}
