//! How every organization and account group stands: the part of the metrics that is large, and that only a snapshot changes.

use std::io;
use std::path::Path;

use super::exposition::{Exposition, Kind};
use super::text::{Text, Writing};
use crate::report::Standing;

/// The families of all targets, by the figures that `status` and the reports show. What is large lies in the folder.
///
/// An organization's own figures have no `aid`: `{aid=""}` selects them, `{aid!=""}` the account groups.
pub(crate) fn targets(standings: impl Iterator<Item = Standing>, folder: &Path) -> io::Result<Vec<Text>> {
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
    // Each family stands by itself, and a standing is looked at once: there may be a million.
    let mut texts = units.map(|_| Exposition::default());
    let families = texts.iter_mut().zip(units);
    let mut families: Vec<_> = families
        .map(|(text, (name, help, figure))| {
            (text.family(Kind::Gauge, name, help), figure, Writing::new(folder))
        })
        .collect();
    for standing in standings {
        let aid = standing.target.aid.as_ref().map_or("", |aid| aid.as_str());
        let labels = [
            ("org_id", standing.target.org_id.as_str()),
            ("org_name", &standing.org_name),
            ("aid", aid),
            ("account_group_name", if aid.is_empty() { "" } else { &standing.name }),
        ];
        for (family, figure, whole) in &mut families {
            family.some(&labels, figure(&standing));
            whole.take(family.text())?;
        }
    }
    let written: Vec<Writing<'_>> = families.into_iter().map(|(_, _, whole)| whole).collect();
    written.into_iter().zip(texts).map(|(whole, last)| whole.finish(last.finish())).collect()
}
