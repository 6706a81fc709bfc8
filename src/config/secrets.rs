//! Where the secrets come from, and what else is secret: none of it is ever written into a log, a mail or a file.

use std::path::{Path, PathBuf};

use super::Config;
use super::environment::Environment;
use crate::config::health::SecretUrl;
use crate::config::types::Secret;
use crate::text::redact;

/// Variables that are no keys of the configuration.
pub(super) const PASSWORD: &str = "QUOTAKEEPER__SMTP__PASSWORD";
pub(crate) const CLIENT_SECRET: &str = "QUOTAKEEPER__SMTP__OAUTH2__CLIENT_SECRET";

/// Sets each secret to where it comes from. `folder` is that of the configuration file.
pub(super) fn find_secrets(config: &mut Config, environment: &Environment, folder: Option<&Path>) {
    let beside = |name: &str| folder.map(|folder| folder.join(name));
    config.api.token =
        secret("TE_TOKEN", config.api.token_file.as_ref(), "te_token", environment, beside("te_token"));
    config.smtp.password = secret(
        PASSWORD,
        config.smtp.password_file.as_ref(),
        "smtp_password",
        environment,
        beside("smtp_password"),
    );
    if let Some(oauth2) = &mut config.smtp.oauth2 {
        oauth2.client_secret = secret(
            CLIENT_SECRET,
            oauth2.client_secret_file.as_ref(),
            "smtp_client_secret",
            environment,
            beside("smtp_client_secret"),
        );
        // A password that is only there, such as the empty credential of the systemd units, is not configured.
        let is_configured = config.smtp.password_file.is_some();
        let is_meant = |password: &Secret| is_configured || matches!(password, Secret::Value(_));
        config.smtp.password = config.smtp.password.take().filter(is_meant);
    }
}

/// The variable first, then the file that the configuration names, then systemd's credential of that name, then the file that
/// systemd loads it from: so root's commands work beside the service.
fn secret(
    variable: &str,
    file: Option<&PathBuf>,
    credential: &str,
    environment: &Environment,
    beside: Option<PathBuf>,
) -> Option<Secret> {
    if let Some(value) = environment.get(variable).filter(|value| !value.trim().is_empty()) {
        return Some(Secret::Value(value.clone().into()));
    }
    // One that is there and cannot be read is the one that is meant.
    let is_there = |path: &PathBuf| fs_err::symlink_metadata(path).is_ok();
    let from_systemd = || {
        let folder = environment.get("CREDENTIALS_DIRECTORY").filter(|folder| !folder.is_empty())?;
        Some(Path::new(folder).join(credential)).filter(is_there)
    };
    file.cloned().or_else(from_systemd).or_else(|| beside.filter(is_there)).map(Secret::File)
}

/// What is secret besides the token and the password: users and passwords in URLs, and the heartbeat's path.
pub(super) fn register_secrets(config: &Config, environment: &Environment) {
    let proxies =
        ["http_proxy", "https_proxy", "all_proxy"].map(|name| [name.to_owned(), name.to_uppercase()]);
    let proxies = proxies.iter().flatten().filter_map(|name| environment.get(name)?.parse().ok());
    let heartbeat = config.heartbeat.url.as_ref().map(SecretUrl::expose);
    let urls =
        [config.api.proxy.as_ref(), config.metrics.push_url.as_ref().map(SecretUrl::expose), heartbeat];
    for url in urls.into_iter().flatten().cloned().chain(proxies) {
        redact::register_userinfo(&url);
    }
    if let Some(url) = heartbeat {
        redact::register(url.path().trim_matches('/'));
        url.path().split('/').filter(|part| part.len() >= 16).for_each(redact::register);
        url.query().into_iter().for_each(redact::register);
    }
}
