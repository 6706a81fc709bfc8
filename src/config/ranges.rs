//! The ranges of whole numbers, where the type of a key alone allows more: in one place, so that a number is told the same range
//! whether its type refuses it (`-1`) or only its key does (`95`).

use super::shape::Step;
use super::typed::WrongValue;

/// What the number of a key must be, as a sentence that follows the key. An override has the range of the limit for all.
pub(super) fn range(key: &str) -> Option<&'static str> {
    Some(match key {
        "api.requests_per_minute" => "must be between 1 and 100000",
        "api.reserve_percent" => "must be between 0 and 90",
        "inbox.max_rows" => "must be at least 1: a file without rows changes nothing",
        "guard.max_lowered_percent" => "must be between 0 and 100 (100 never holds)",
        "alerts.warn_projected_percent" => "must be at least 1: at 0, any use at all would be a warning",
        "alerts.critical_used_percent" => "must be between 1 and 100 (100: when nothing is left)",
        "smtp.port" => "must be between 1 and 65535",
        _ => return None,
    })
}

/// Why a value cannot be used: a number outside its type is told the range of its key.
pub(super) fn describe(wrong: &WrongValue, path: &[Step]) -> String {
    let names = path.iter().filter_map(|step| match step {
        Step::Key(name) if name != "overrides" => Some(name.as_str()),
        Step::Key(_) | Step::Index(_) => None,
    });
    match (wrong, range(&names.collect::<Vec<_>>().join("."))) {
        (WrongValue::Unfit { found, .. }, Some(range)) if found.parse::<i128>().is_ok() => {
            format!("is {found}, but {range}")
        }
        _ => wrong.to_string(),
    }
}

#[cfg(test)]
mod tests;
