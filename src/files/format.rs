//! The version that each of our own files carries: what an older program wrote is read, what a newer one wrote is refused.
//!
//! The version is looked at before anything else of a file, because a newer one may look different in every other way.

use std::path::Path;

use anyhow::Context;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Reads a JSON file whose newest known version is `newest`. `mend` says what to do about one that is broken.
pub(crate) fn read_json<T: DeserializeOwned>(
    path: &Path,
    bytes: &[u8],
    newest: u32,
    mend: &str,
) -> anyhow::Result<T> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let broken = || format!("{} cannot be read: {mend}", path.display());
    let Versioned { version } = serde_json::from_slice(bytes).with_context(broken)?;
    check(path, version, newest)?;
    serde_json::from_slice(bytes).with_context(broken)
}

/// Refuses a version that is newer than those that are known.
pub(crate) fn check(path: &Path, version: u32, newest: u32) -> anyhow::Result<()> {
    anyhow::ensure!(
        version <= newest,
        "{} was written by a newer quotakeeper (format {version}, this one knows {newest}): use that one again, or one later than it",
        path.display()
    );
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
    fn a_newer_file_is_refused_by_its_version_however_it_looks_otherwise() {
        let read = |text: &str| read_json::<File>(Path::new("x.json"), text.as_bytes(), 1, "remove it");
        assert_eq!(read(r#"{"version": 1, "jobs": 2}"#).unwrap(), File { version: 1, jobs: 2 });
        assert_eq!(
            read(r#"{"version": 2, "jobs": []}"#).unwrap_err().to_string(),
            "x.json was written by a newer quotakeeper (format 2, this one knows 1): use that one again, or one later than it"
        );
        for broken in ["", "{", "{}", r#"{"version": 1, "jobs": []}"#] {
            assert_eq!(read(broken).unwrap_err().to_string(), "x.json cannot be read: remove it");
        }
    }
}
