//! How to reach the API: the address, the token, and the limits of every request.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

use super::retry;
use crate::config::Secret;
use crate::domain::quota::Aid;

/// How to reach the API, and how much of it to use.
#[derive(Clone)]
pub struct Settings {
    /// Ends with `/v7/`; https, except on this machine.
    pub base_url: Url,
    /// The bearer token. A file is read at each request, and again after a 401.
    pub token: Secret,
    /// Sent as the `aid` query parameter of all writes, if set.
    pub aid: Option<Aid>,
    /// For one try, from the connection to the last byte.
    pub timeout: Duration,
    /// Never more than this, whatever the server allows.
    pub requests_per_minute: u32,
    /// The part of the organization's rate limit that is left to others.
    pub reserve_percent: u8,
    /// More certificates to trust, in PEM form.
    pub ca_file: Option<PathBuf>,
    /// Instead of the environment's proxies. The API on this machine is always reached directly.
    pub proxy: Option<Url>,
    /// For one request with all its waits and tries.
    pub max_total: Duration,
    /// An answer that unpacks to more is not read; one about a single organization, of which several are read at once, has
    /// a bound of 16 MiB besides. A million account groups with their names are two thirds of the usual 256 MiB.
    pub max_answer_bytes: usize,
}

impl Settings {
    /// The usual limits; set what differs.
    pub fn new(base_url: Url, token: Secret) -> Self {
        Self {
            base_url,
            token,
            aid: None,
            timeout: Duration::from_secs(30),
            requests_per_minute: 240,
            reserve_percent: 25,
            ca_file: None,
            proxy: None,
            max_total: retry::LONGEST_REQUEST,
            max_answer_bytes: 256 << 20,
        }
    }
}
