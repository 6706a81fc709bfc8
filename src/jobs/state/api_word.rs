//! What the API's answers say of this machine's clock and of the rate limit, for `state.json`.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tracing::warn;

use super::{ApiSeen, State};
use crate::thousandeyes::LazyClient;

/// How often the API refused a request of this process for its rate.
pub(in crate::jobs) fn refusals(api: &LazyClient) -> u64 {
    api.if_used().map_or(0, |client| client.budget().refusals)
}

/// What the API's last answers said, if there were any; `before` are the refusals that are noted already.
pub(in crate::jobs) fn seen(api: &LazyClient, zone: Tz, before: u64, now: DateTime<Utc>) -> Option<ApiSeen> {
    let client = api.if_used()?;
    let (ago, server) = client.last_answer()?;
    let (budget, at) = (client.budget(), now - ago);
    Some(ApiSeen {
        at,
        limit: budget.limit,
        remaining: budget.remaining,
        day: at.with_timezone(&zone).date_naive(),
        refusals: budget.refusals - before,
        clock_ahead: (at - server).num_seconds(),
    })
}

/// Takes over what the API said. That the clocks differ is said when it begins.
pub(in crate::jobs) fn note(state: &mut State, seen: Option<ApiSeen>) {
    let Some(seen) = seen else { return };
    if seen.is_clock_wrong() && !state.api().is_some_and(|before| before.is_clock_wrong()) {
        let hint = "set this machine's clock: schedules and the times in the history depend on it";
        warn!(seconds_ahead = seen.clock_ahead, hint, "this machine's clock differs from the API's");
    }
    state.saw(seen);
}
