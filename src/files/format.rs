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

/// Refuses a version that is newer than those that are known.
pub(crate) fn check(path: &Path, version: u64, newest: u32) -> Result<(), FormatError> {
    if version > u64::from(newest) {
        return Err(FormatError::Newer { path: path.display().to_string(), found: version, newest });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct File {
        version: u32,
        jobs: u32,
    }

    #[test]
    fn a_newer_file_is_refused_by_its_version_whatever_else_it_holds() {
        let read = |text: &str| read_json::<File>(Path::new("x.json"), text.as_bytes(), 1, "remove it");
        assert_eq!(read(r#"{"version": 1, "jobs": 2}"#).unwrap(), File { version: 1, jobs: 2 });
        assert_eq!(
            read(r#"{"version": 2, "jobs": []}"#).unwrap_err().to_string(),
            "x.json was written by a newer quotakeeper (format 2, this one knows 1): use that version or a later one"
        );
        assert!(matches!(read(r#"{"version": 99999999999}"#).unwrap_err(), FormatError::Newer { .. }));
        for broken in ["", "{", "{}", r#"{"version": 1, "jobs": []}"#, r#"{"version": "1", "jobs": 2}"#] {
            assert_eq!(read(broken).unwrap_err().to_string(), "x.json cannot be read: remove it");
        }
    }
}
