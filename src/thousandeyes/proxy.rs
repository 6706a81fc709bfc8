//! Which proxy a request goes through, as the environment says it. Pure.
//!
//! A variable that cannot be understood is an error: going past the proxy then would be a connection that nobody allowed.

use reqwest::Url;

use crate::config::proxy_url;

/// A proxy, and where it is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConfiguredProxy {
    pub url: Url,
    pub from: &'static str,
}

impl ConfiguredProxy {
    /// Without its user and password.
    pub(super) fn name(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port_or_known_default().map_or_else(String::new, |port| format!(":{port}"));
        format!("{host}{port} ({})", self.from)
    }

    /// What somebody can do about a proxy that gives no connection to a host.
    pub(super) fn advice(&self, host: &str) -> String {
        let must = format!("It must let CONNECT to {host} through");
        if self.url.username().is_empty() {
            format!("{must}; if it needs a login, write user:password@ before its name there")
        } else {
            format!("{must}, and accept the user and the password before its name there")
        }
    }
}

/// What the environment says for a URL; none where it says nothing, or names the host in `NO_PROXY`.
pub(super) fn from_environment(
    url: &Url,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<ConfiguredProxy>, String> {
    let names: [&'static str; 4] = match url.scheme() {
        "https" => ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        _ => ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
    };
    let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let excepted = set("NO_PROXY").or_else(|| set("no_proxy")).unwrap_or_default();
    let host = url.host_str().unwrap_or_default();
    if excepted.split(',').any(|entry| covers(entry.trim(), host)) {
        return Ok(None);
    }
    let Some((from, value)) = names.iter().find_map(|name| Some((*name, set(name)?))) else {
        return Ok(None);
    };
    let value = value.trim();
    let with_scheme = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let url = proxy_url(&with_scheme).map_err(|problem| format!("the variable {from} {problem}"))?;
    Ok(Some(ConfiguredProxy { url, from }))
}

/// A name covers itself and all below it. Networks of addresses are left to the HTTP client, which knows them too.
fn covers(entry: &str, host: &str) -> bool {
    let name = entry.trim_start_matches("*.").trim_start_matches('.');
    entry == "*"
        || (!name.is_empty()
            && (host.eq_ignore_ascii_case(name)
                || host.to_ascii_lowercase().ends_with(&format!(".{}", name.to_ascii_lowercase()))))
}

#[cfg(test)]
mod tests;
