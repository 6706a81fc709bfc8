//! The words of the domain as data, and what follows from them: pure, and knows nothing of ours.

pub(crate) mod diff;
pub(crate) mod forecast;
mod ids;
pub(crate) mod known;
pub(crate) mod last_cycle;
pub(crate) mod merge;
pub mod quota;
mod snapshot;
mod target;
pub(crate) mod top_consumers;
mod units;
pub(crate) mod usage_rows;
