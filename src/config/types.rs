//! The small types of configuration values: durations, expressions, addresses of servers, secrets, and the error.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono_tz::Tz;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::secret_text::{Kind, first_line, problem_with};
use crate::schedule::Expression;
use crate::text::redact;

/// Where a secret comes from. A file is read at each use, so that a vault can rotate it.
#[derive(Clone, Debug)]
pub enum Secret {
    /// From the environment.
    Value(SecretString),
    /// The first line of a file.
    File(PathBuf),
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Value(one), Self::Value(other)) => one.expose_secret() == other.expose_secret(),
            (Self::File(one), Self::File(other)) => one == other,
            (Self::Value(_), Self::File(_)) | (Self::File(_), Self::Value(_)) => false,
        }
    }
}

impl Secret {
    /// The secret as it is now, which may be a password. The error names the file, never its content. From now on no text that
    /// leaves contains it.
    pub(crate) fn read(&self) -> anyhow::Result<SecretString> {
        self.read_as(Kind::Password)
    }

    /// A token: what none of them holds is an error.
    pub(crate) fn read_token(&self) -> anyhow::Result<SecretString> {
        self.read_as(Kind::Token)
    }

    fn read_as(&self, kind: Kind) -> anyhow::Result<SecretString> {
        let text = match self {
            Self::Value(value) => value.expose_secret().as_bytes().to_vec(),
            Self::File(path) if looks_like_a_path(path) => read_bounded(path)?,
            Self::File(path) => {
                // People paste the secret itself.
                redact::register(&path.to_string_lossy());
                std::fs::read(path).map_err(|error| {
                    anyhow::anyhow!(
                        "{} cannot be read ({error}): put the secret into a file and write that file's path",
                        self.place()
                    )
                })?
            }
        };
        let secret = first_line(&text).and_then(|secret| match problem_with(secret, kind) {
            None => Ok(secret),
            Some(problem) => Err(problem),
        });
        match secret {
            Ok(secret) => {
                redact::register(secret);
                Ok(secret.into())
            }
            Err(problem) => {
                let place = match self {
                    Self::Value(_) if kind == Kind::Token => "the environment variable TE_TOKEN".to_owned(),
                    Self::Value(_) => "the environment variable".to_owned(),
                    Self::File(_) => self.place(),
                };
                anyhow::bail!("{place} {problem}")
            }
        }
    }

    /// What it is, with the key that a person has to look at where it comes from a file.
    pub(crate) fn with_key(&self, what: &str, key: &str) -> String {
        match self {
            Self::Value(_) => what.to_owned(),
            Self::File(_) => format!("{what} ({key})"),
        }
    }

    /// What to edit where it is wrong; `variable` is the one that it comes from in the environment.
    pub(crate) fn origin(&self, variable: &str) -> String {
        match self {
            Self::Value(_) => format!("the environment variable {variable}"),
            // systemd's copy is made again at each start of the service.
            Self::File(path) if is_credential(path) => {
                let name = path.file_name().unwrap_or_default().display();
                format!(
                    "the file that LoadCredential={name} names in the unit (/etc/quotakeeper/{name} as installed), then restart \
                     the service: {} is a copy of it",
                    path.display()
                )
            }
            Self::File(_) => self.place(),
        }
    }

    /// Where it comes from, for messages.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Value(_) => "the environment variable".to_owned(),
            Self::File(path) if looks_like_a_path(path) => format!("the file {}", path.display()),
            Self::File(_) => {
                "the file that is configured (its name is not shown, because it does not look like a path)"
                    .to_owned()
            }
        }
    }
}

fn is_credential(path: &Path) -> bool {
    path.starts_with("/run/credentials")
        || std::env::var_os("CREDENTIALS_DIRECTORY").is_some_and(|folder| path.starts_with(folder))
}

/// What is on a secret's path may be anything: a pipe would never end, and a device has no end.
fn read_bounded(path: &Path) -> anyhow::Result<Vec<u8>> {
    const LIMIT: u64 = 64 << 10;
    let metadata = match fs_err::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            anyhow::bail!("there is no file {}", path.display())
        }
        metadata => metadata?,
    };
    anyhow::ensure!(!metadata.is_dir(), "{} is a folder: write the path of the file in it", path.display());
    anyhow::ensure!(metadata.is_file(), "{} is not a regular file", path.display());
    let mut bytes = Vec::new();
    fs_err::File::open(path)?.take(LIMIT + 1).read_to_end(&mut bytes)?;
    let is_small = bytes.len() as u64 <= LIMIT;
    anyhow::ensure!(is_small, "{} is larger than 64 KiB, too large for a secret", path.display());
    Ok(bytes)
}

fn looks_like_a_path(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().contains(&b'/') || path.exists()
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

/// A URL that is none, as a message shows it: not where it may hold a user and password.
fn written(text: &str) -> String {
    if text.contains('@') { "the text".to_owned() } else { format!("`{text}`") }
}

/// Official tools write the base URL without `/v7`, people with it or with a slash: all end as `…/v7/`.
pub(super) fn base_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    let trimmed = text.trim().trim_end_matches('/');
    let root = trimmed.strip_suffix("/v7").unwrap_or(trimmed);
    let url = Url::parse(&format!("{root}/v7/")).map_err(|error| {
        D::Error::custom(format!(
            "{} is not a URL such as https://api.thousandeyes.com: {error}",
            written(&text)
        ))
    })?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(D::Error::custom(format!(
            "{} is not a URL such as https://api.thousandeyes.com",
            written(&text)
        )));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(D::Error::custom("must have no user, password or query"));
    }
    Ok(url)
}

/// `http://proxy.example:3128`, with a user and password where it wants them.
pub(super) fn proxy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if !text.contains("://") {
        return Err(D::Error::custom("is not a URL such as http://proxy.example:3128"));
    }
    proxy_url(text.trim()).map(Some).map_err(D::Error::custom)
}

/// The URL of a proxy. The error never shows it: it may hold a password.
pub(crate) fn proxy_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).ok().filter(|url| url.host().is_some());
    let url = url.ok_or("is not a URL such as http://proxy.example:3128")?;
    if url.scheme().starts_with("socks") {
        return Err(
            "names a SOCKS proxy, which is not supported: name an HTTP proxy, such as http://proxy.example:3128",
        );
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err("is not a URL such as http://proxy.example:3128");
    }
    // What stands behind an unescaped `#`, `?`, `/` or `\` of a password would be taken for a path.
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(
            "is not a URL such as http://user:password@proxy.example:3128: in user and password write `#` as %23, `?` as %3F, \
             `/` as %2F, `\\` as %5C and `@` as %40",
        );
    }
    Ok(url)
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
