//! The variables of the process, and which of them are settings.

use std::collections::BTreeMap;

/// The variables of the process, given so that tests need not change their own. Bytes of a value that are no text are replaced.
pub(crate) type Environment = BTreeMap<String, String>;

/// Every key can come from the environment under this prefix: `QUOTAKEEPER__SECTION__KEY`.
pub(super) const PREFIX: &str = "QUOTAKEEPER__";

/// Those that others give their names.
const OTHERS: [&str; 4] = ["TE_TOKEN", "TE_BASE_URL", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY"];

/// The settings that are no text. To go on without one would be to work with another folder, token or guard than was asked for.
pub(super) fn unreadable(environment: &Environment) -> impl Iterator<Item = String> {
    let is_setting = |name: &str| name.starts_with(PREFIX) || OTHERS.contains(&name);
    environment
        .iter()
        .filter(move |(name, value)| is_setting(name) && value.contains(char::REPLACEMENT_CHARACTER))
        .map(|(name, _)| format!("{name}: its value is not UTF-8 text: set it again, as UTF-8"))
}

#[cfg(test)]
mod tests;
