//! The small types of configuration values: durations, expressions, addresses of servers, secrets, and the error.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::schedule::Expression;

/// Where a secret comes from. A file is read at each use, so that a vault can rotate it.
#[derive(Clone, Debug)]
pub enum Secret {
    /// From the environment.
    Value(SecretString),
    /// The first line of a file.
    File(PathBuf),
}

impl Secret {
    /// The secret as it is now. The error names the file, never its content.
    pub(crate) fn read(&self) -> anyhow::Result<SecretString> {
        let text = match self {
            Self::Value(value) => value.expose_secret().to_owned(),
            Self::File(path) => fs_err::read_to_string(path)?,
        };
        let secret = text.lines().next().unwrap_or_default().trim();
        if secret.is_empty() {
            anyhow::bail!(
                "{} is empty: put the secret on its first line",
                match self {
                    Self::Value(_) => "the environment variable".to_owned(),
                    Self::File(path) => path.display().to_string(),
                }
            );
        }
        Ok(secret.into())
    }
}

/// All problems of a configuration, each with file, line and key where there is one.
#[derive(Debug)]
pub(crate) struct ConfigError {
    pub problems: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text)
        .map_err(|_| D::Error::custom(format!("`{text}` is not a duration: write 30s, 15m, 12h or 7d")))
}

pub(super) fn optional_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

pub(super) fn expression<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Expression, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

pub(super) fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
    let text = String::deserialize(deserializer)?;
    let known = text.parse();
    known.map_err(|_| {
        D::Error::custom(format!("`{text}` is not a time zone such as `Europe/Berlin` or `UTC`"))
    })
}

/// An empty expression is "never".
pub(super) fn optional_expression<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Expression>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() { Ok(None) } else { text.parse().map(Some).map_err(D::Error::custom) }
}

/// Official tools write the base URL without `/v7`, people with it or with a slash: all end as `…/v7/`.
pub(super) fn base_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    let trimmed = text.trim().trim_end_matches('/');
    let root = trimmed.strip_suffix("/v7").unwrap_or(trimmed);
    let url = Url::parse(&format!("{root}/v7/")).map_err(|error| {
        D::Error::custom(format!("`{text}` is not a URL such as https://api.thousandeyes.com: {error}"))
    })?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(D::Error::custom(format!("`{text}` is not a URL such as https://api.thousandeyes.com")));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(D::Error::custom("a base URL carries no user, password or query"));
    }
    Ok(url)
}

/// `http://proxy.example:3128`, with a user and password where it wants them.
pub(super) fn proxy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let url = Url::parse(&text).ok().filter(|url| url.host().is_some());
    url.map(Some).ok_or_else(|| D::Error::custom("is not a URL such as http://proxy.example:3128"))
}

/// The fields that a foreign header can stand for.
pub(crate) const FIELDS: [&str; 9] = [
    "action",
    "org_id",
    "org_name",
    "aid",
    "account_group_name",
    "value",
    "expected_value",
    "comment",
    "effective",
];

pub(super) fn columns<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let columns = BTreeMap::<String, String>::deserialize(deserializer)?;
    for field in columns.values() {
        if !FIELDS.contains(&field.as_str()) {
            return Err(D::Error::custom(format!(
                "`{field}` is not a field: use one of {}",
                FIELDS.join(", ")
            )));
        }
    }
    Ok(columns)
}
