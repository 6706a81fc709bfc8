//! How every organization and account group stands: the part of the metrics that is large, and that only a snapshot changes.

use super::exposition::{Exposition, Kind};
use crate::report::Standing;

/// The families of all targets, by the figures that `status` and the reports show.
///
/// An organization's own figures have no `aid`: `{aid=""}` selects them, `{aid!=""}` the account groups.
pub(crate) fn targets(standings: &[Standing]) -> String {
    let mut text = Exposition::with_capacity(standings.len() * 512);
    let units = [
        (
            "quotakeeper_quota_units",
            "The quota of an organization or account group; absent where none is assigned.",
            (|standing| standing.quota) as fn(&Standing) -> Option<i64>,
        ),
        (
            "quotakeeper_used_units",
            "Units used in this billing cycle, counted as a quota counts; absent while unknown.",
            |standing| standing.used,
        ),
        (
            "quotakeeper_projected_units",
            "Units by the end of this billing cycle, as the API projects; absent while unknown.",
            |standing| standing.projected,
        ),
        (
            "quotakeeper_runs_out_timestamp_seconds",
            "When the quota will be used up; absent where it will do, and where it is used up already.",
            |standing| standing.runs_out_at.map(|at| at.timestamp()),
        ),
    ];
    for (name, help, figure) in units {
        let mut family = text.family(Kind::Gauge, name, help);
        for standing in standings {
            let aid = standing.target.aid.as_ref().map_or("", |aid| aid.as_str());
            let labels = [
                ("org_id", standing.target.org_id.as_str()),
                ("org_name", &standing.org_name),
                ("aid", aid),
                ("account_group_name", if aid.is_empty() { "" } else { &standing.name }),
            ];
            family.some(&labels, figure(standing));
        }
    }
    text.finish()
}
