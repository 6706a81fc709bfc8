//! What the mail of alerts is made from.

use crate::change::propose::Terms;
use crate::config::Alerts;
use crate::domain::quota::Snapshot;
use crate::report::alerts::crossings::{AlertEvent, AlertTiming};
use crate::report::shared::Audience;
use crate::report::shared::week::Slopes;

/// What the mail is made from.
pub(crate) struct AlertInput<'a> {
    pub occasion: AlertTiming,
    /// What is to be reported.
    pub news: &'a [AlertEvent],
    pub latest: &'a Snapshot,
    /// How fast units were used in the last days.
    pub slopes: &'a Slopes,
    pub alerts: &'a Alerts,
    /// What the proposed change file goes by.
    pub terms: Terms<'a>,
    pub audience: Audience,
}
