//! The version that each of our own files carries: what an older program wrote is read, what a newer one wrote is refused.
//!
//! The version is looked at before anything else of a file, because a newer one may look different in every other way.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Why one of our files says nothing to this program.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FormatError {
    #[error(
        "{path} was written by a newer quotakeeper (format {found}, this one knows {newest}): use that version or a later one"
    )]
    Newer { path: String, found: u64, newest: u32 },
    /// `fix` says what to do about it.
    #[error("{path} cannot be read: {fix}")]
    Damaged { path: String, fix: String, source: serde_json::Error },
}

/// Reads a JSON file whose newest known version is `newest`.
pub(crate) fn read_json<T: DeserializeOwned>(
    path: &Path,
    bytes: &[u8],
    newest: u32,
    fix: &str,
) -> Result<T, FormatError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u64,
    }
    let damaged =
        |source| FormatError::Damaged { path: path.display().to_string(), fix: fix.to_owned(), source };
    let Versioned { version } = serde_json::from_slice(bytes).map_err(damaged)?;
    check(path, version, newest)?;
    serde_json::from_slice(bytes).map_err(damaged)
}

/// Refuses a newer file of a kind that has had one format so far, and says none: a version is what a newer one has.
pub(crate) fn check_first(path: &Path, bytes: &[u8]) -> Result<(), FormatError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u64,
    }
    match serde_json::from_slice(bytes) {
        Ok(Versioned { version }) => check(path, version, 1),
        Err(_) => Ok(()), // whoever reads the rest says what is wrong with it
    }
}

/// Refuses a version that is newer than those that are known.
pub(crate) fn check(path: &Path, version: u64, newest: u32) -> Result<(), FormatError> {
    if version > u64::from(newest) {
        return Err(FormatError::Newer { path: path.display().to_string(), found: version, newest });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
