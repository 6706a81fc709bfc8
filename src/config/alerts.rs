//! `[alerts]`: from where on a target is a warning or critical, other limits for single targets, and what is muted.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::guards::id_problems;
use super::ranges::range;
use super::types::{duration, optional_duration};
use crate::domain::quota::{Aid, OrgId, SnapshotRow, Target};
use crate::schedule::instant;
use crate::text::glob;

/// `[alerts]`. Reports and alerts show the same levels.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Alerts {
    pub warn_projected_percent: u32,
    pub critical_used_percent: u32,
    #[serde(deserialize_with = "duration")]
    pub critical_within: Duration,
    pub overrides: Vec<AlertOverride>,
    pub mutes: Vec<Mute>,
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            warn_projected_percent: 100,
            critical_used_percent: 95,
            critical_within: Duration::from_secs(3 * 24 * 3600),
            overrides: Vec::new(),
            mutes: Vec::new(),
        }
    }
}

/// The limits of one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub warn_projected_percent: u32,
    pub critical_used_percent: u32,
    pub critical_within: Duration,
}

/// `[[alerts.overrides]]`: other limits for one organization (all of its targets) or one account group of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AlertOverride {
    pub org_id: Option<OrgId>,
    /// Without it the override is for the organization and all of its account groups.
    pub aid: Option<Aid>,
    pub warn_projected_percent: Option<u32>,
    pub critical_used_percent: Option<u32>,
    #[serde(deserialize_with = "optional_duration")]
    pub critical_within: Option<Duration>,
}

/// `[[alerts.mutes]]`: targets that no alert names for a while. `*` in a pattern is any text; all that are given must fit.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Mute {
    pub org_id: Option<String>,
    pub aid: Option<String>,
    /// The target's own name, compared without case.
    pub name: Option<String>,
    pub reason: String,
    /// Its last day or moment. None only in a configuration that is refused.
    pub until: Option<MuteEnd>,
}

/// The end of a mute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MuteEnd {
    /// That day is still muted.
    Day(NaiveDate),
    /// A time on the clock of the configured zone.
    Local(NaiveDateTime),
    Moment(DateTime<Utc>),
}

impl MuteEnd {
    pub(crate) fn moment(self, zone: Tz) -> DateTime<Utc> {
        match self {
            Self::Day(day) => {
                let next = day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
                instant(zone, next.and_time(NaiveTime::MIN))
            }
            Self::Local(time) => instant(zone, time),
            Self::Moment(moment) => moment,
        }
    }
}

impl<'de> Deserialize<'de> for MuteEnd {
    /// A text, or a date of TOML's own.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => text,
            other => other.to_string(),
        };
        let text = text.trim();
        let local = |format| NaiveDateTime::parse_from_str(text, format).ok();
        let day = text.parse::<NaiveDate>().ok().filter(|_| text.len() == 10);
        let found = day
            .map(Self::Day)
            .or_else(|| Some(Self::Moment(DateTime::parse_from_rfc3339(text).ok()?.to_utc())))
            .or_else(|| local("%Y-%m-%dT%H:%M:%S").or_else(|| local("%Y-%m-%dT%H:%M")).map(Self::Local));
        // Years that no calendar here holds would end nothing.
        let sane =
            found.filter(|until| (2000..10_000).contains(&chrono::Datelike::year(&until.moment(Tz::UTC))));
        sane.ok_or_else(|| {
            D::Error::custom("is not a day or a time: write \"2026-12-31\" or \"2026-12-31T18:00:00+01:00\"")
        })
    }
}

impl Alerts {
    /// The limits of one target: the last override that names it wins, key by key.
    pub(crate) fn limits(&self, target: &Target) -> Limits {
        let mut limits = Limits {
            warn_projected_percent: self.warn_projected_percent,
            critical_used_percent: self.critical_used_percent,
            critical_within: self.critical_within,
        };
        for other in &self.overrides {
            let named = other.org_id.as_ref() == Some(&target.org_id)
                && (other.aid.is_none() || other.aid == target.aid);
            if named {
                limits.warn_projected_percent =
                    other.warn_projected_percent.unwrap_or(limits.warn_projected_percent);
                limits.critical_used_percent =
                    other.critical_used_percent.unwrap_or(limits.critical_used_percent);
                limits.critical_within = other.critical_within.unwrap_or(limits.critical_within);
            }
        }
        limits
    }

    /// The first mute that hides a target now.
    pub(crate) fn active_mute(&self, row: &SnapshotRow, now: DateTime<Utc>, zone: Tz) -> Option<&Mute> {
        self.mutes.iter().find(|mute| !mute.has_ended(now, zone) && mute.hides(row))
    }

    /// Mutes that hide nothing any more, a sentence each.
    pub(crate) fn ended_mutes(&self, now: DateTime<Utc>, zone: Tz) -> Vec<String> {
        let ended = self.mutes.iter().enumerate().filter(|(_, mute)| mute.has_ended(now, zone));
        let sentences = ended.map(|(index, mute)| {
            format!(
                "alerts.mutes[{index}] ({}) has ended and mutes nothing: remove it, or change its `until`",
                mute.reason
            )
        });
        sentences.collect()
    }

    /// What the types alone cannot say: each problem as the key (an entry of a list by its place) and a sentence.
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let of_all =
            ("alerts".to_owned(), Some(self.warn_projected_percent), Some(self.critical_used_percent));
        let of_targets = self.overrides.iter().enumerate().map(|(index, other)| {
            (format!("alerts.overrides.{index}"), other.warn_projected_percent, other.critical_used_percent)
        });
        for (place, warn, critical) in std::iter::once(of_all).chain(of_targets) {
            if warn == Some(0) {
                let fix = range("alerts.warn_projected_percent").unwrap_or_default();
                found.push((format!("{place}.warn_projected_percent"), fix.to_owned()));
            }
            if critical.is_some_and(|percent| !(1..=100).contains(&percent)) {
                let fix = range("alerts.critical_used_percent").unwrap_or_default();
                found.push((format!("{place}.critical_used_percent"), fix.to_owned()));
            }
        }
        for (index, other) in self.overrides.iter().enumerate() {
            let place = format!("alerts.overrides.{index}");
            found.extend(id_problems(&place, other.org_id.as_ref(), other.aid.as_ref()));
            let AlertOverride {
                org_id: _,
                aid: _,
                warn_projected_percent,
                critical_used_percent,
                critical_within,
            } = other;
            if warn_projected_percent.is_none()
                && critical_used_percent.is_none()
                && critical_within.is_none()
            {
                let fix =
                    "sets no limit: add warn_projected_percent, critical_used_percent or critical_within";
                found.push((place, fix.to_owned()));
            }
        }
        for (index, mute) in self.mutes.iter().enumerate() {
            let place = format!("alerts.mutes.{index}");
            let patterns = [("org_id", &mute.org_id), ("aid", &mute.aid), ("name", &mute.name)];
            if patterns.iter().all(|(_, pattern)| pattern.is_none()) {
                let fix = "names no target: add org_id, aid or name, each a pattern such as \"Lab *\" (\"*\" is all)";
                found.push((place.clone(), fix.to_owned()));
            }
            for (key, pattern) in patterns {
                if pattern.as_ref().is_some_and(|pattern| pattern.trim().is_empty()) {
                    found.push((format!("{place}.{key}"), "is empty, which matches no target".to_owned()));
                }
            }
            if mute.reason.trim().is_empty() {
                let fix = "is needed: the mails show it";
                found.push((format!("{place}.reason"), fix.to_owned()));
            }
            if mute.until.is_none() {
                let fix = "is needed: a day such as \"2026-12-31\", or a time such as \"2026-12-31T18:00:00+01:00\"";
                found.push((format!("{place}.until"), fix.to_owned()));
            }
        }
        found
    }
}

impl Mute {
    pub(crate) fn has_ended(&self, now: DateTime<Utc>, zone: Tz) -> bool {
        self.until.is_none_or(|until| until.moment(zone) <= now)
    }

    fn hides(&self, row: &SnapshotRow) -> bool {
        let fits = |pattern: &Option<String>, text: Option<&str>| {
            pattern
                .as_ref()
                .is_none_or(|pattern| text.is_some_and(|text| glob::matches(pattern.trim(), text.trim())))
        };
        let Target { org_id, aid } = &row.target;
        fits(&self.org_id, Some(org_id.as_str()))
            && fits(&self.aid, aid.as_ref().map(Aid::as_str))
            && fits(&self.name, Some(row.name()))
    }
}

#[cfg(test)]
mod tests;
