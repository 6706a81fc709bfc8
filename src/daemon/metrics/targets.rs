//! How every organization and account group stands: the part of the metrics that is large, and that only a snapshot changes.

use std::io::Write;

use tempfile::SpooledTempFile;

use super::exposition::{Exposition, Kind};
use super::text::Text;
use crate::report::QuotaStatus;

/// So much of a text is written at a time.
const CHUNK: usize = 64 << 10;

/// The families of all targets, by the figures that `status` and the reports show, each written to what `spool` gives.
///
/// An organization's own figures have no `aid`: `{aid=""}` selects them, `{aid!=""}` the account groups.
pub(crate) fn targets(
    statuses: impl Iterator<Item = anyhow::Result<QuotaStatus>>,
    spool: impl Fn() -> SpooledTempFile,
) -> anyhow::Result<Vec<Text>> {
    let units = [
        (
            "quotakeeper_quota_units",
            "The quota of an organization or account group; absent where none is assigned.",
            (|status| status.quota) as fn(&QuotaStatus) -> Option<i64>,
        ),
        (
            "quotakeeper_used_units",
            "Units used in this billing cycle, counted as a quota counts; absent while unknown.",
            |status| status.used,
        ),
        (
            "quotakeeper_projected_units",
            "Units by the end of this billing cycle, as the API projects; absent while unknown.",
            |status| status.projected,
        ),
        (
            "quotakeeper_runs_out_timestamp_seconds",
            "When the quota will be used up; absent if it suffices, or if it is already used up.",
            |status| status.runs_out_at.map(|at| at.timestamp()),
        ),
    ];
    // Each family stands by itself, and a status is looked at once: there may be a million.
    let mut texts = units.map(|_| Exposition::default());
    let families = texts.iter_mut().zip(units);
    let mut families: Vec<_> = families
        .map(|(text, (name, help, figure))| (text.family(Kind::Gauge, name, help), figure, spool()))
        .collect();
    for status in statuses {
        let status = status?;
        let aid = status.target.aid.as_ref().map_or("", |aid| aid.as_str());
        let labels = [
            ("org_id", status.target.org_id.as_str()),
            ("org_name", &status.org_name),
            ("aid", aid),
            ("account_group_name", if aid.is_empty() { "" } else { &status.name }),
        ];
        for (family, figure, whole) in &mut families {
            family.add_if_known(&labels, figure(&status));
            if family.text().len() >= CHUNK {
                whole.write_all(family.text().as_bytes())?;
                family.text().clear();
            }
        }
    }
    let written: Vec<SpooledTempFile> = families.into_iter().map(|(_, _, whole)| whole).collect();
    let whole = |(mut whole, last): (SpooledTempFile, Exposition)| {
        whole.write_all(last.finish().as_bytes())?;
        Ok(Text::of_spooled(whole)?)
    };
    written.into_iter().zip(texts).map(whole).collect()
}
