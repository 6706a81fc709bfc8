//! Times and sizes as `status` says them.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// `Sun 22 Nov, 08:00`: a moment without its year, for a table that has to fit 80 columns and is about days.
pub(crate) fn near_moment(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%a %-d %b, %H:%M").to_string()
}

/// `Berlin` of `Europe/Berlin`.
pub(crate) fn zone_place(zone: Tz) -> String {
    let name = zone.name();
    name.rsplit_once('/').map_or(name, |(_, place)| place).replace('_', " ")
}

/// `41 MB`, `12 kB`.
pub(crate) fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}

/// How long a job took: `< 0.1 s`, `0.3 s`, `12 min`. Nothing takes 0.0 s.
pub(super) fn duration(ms: u64) -> String {
    match ms {
        0..100 => "< 0.1 s".to_owned(),
        100..120_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        120_000..7_200_000 => format!("{} min", ms / 60_000),
        _ => format!("{} h", ms / 3_600_000),
    }
}

#[cfg(test)]
mod tests;
