//! Small JSON files beside `state.json` that remember what was told, each with a version.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::files::durable;
use crate::files::format;

const VERSION: u32 = 1;

/// The file.
#[derive(Serialize, Deserialize)]
struct File<T> {
    version: u32,
    #[serde(flatten)]
    content: T,
}

/// A file that is not there is the beginning. A broken one is an error: guessing would tell everything again. `removed` says
/// what becomes of it when a person removes the file.
pub(crate) fn load<T: DeserializeOwned + Default>(path: &Path, removed: &str) -> anyhow::Result<T> {
    let bytes = match fs_err::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(T::default()),
        read => read?,
    };
    let mend = format!("remove it, and {removed}");
    let file: File<T> = format::read_json(path, &bytes, VERSION, &mend)?;
    Ok(file.content)
}

pub(crate) fn save<T: Serialize>(path: &Path, content: &T) -> anyhow::Result<()> {
    Ok(durable::write(path, &serde_json::to_vec_pretty(&File { version: VERSION, content })?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Record;

    #[test]
    fn a_record_of_a_newer_version_is_refused_and_one_that_is_not_there_is_the_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts.json");
        let load = || load::<Record>(&path, "all begins anew");
        assert_eq!(load().unwrap(), Record::default());
        save(&path, &Record::default()).unwrap();
        assert_eq!(load().unwrap(), Record::default());
        let newer = fs_err::read_to_string(&path).unwrap().replace(": 1,", ": 2,");
        fs_err::write(&path, newer).unwrap();
        assert!(load().unwrap_err().to_string().contains("newer"));
        fs_err::write(&path, "{").unwrap();
        assert!(load().unwrap_err().to_string().contains("remove it, and all begins anew"));
    }
}
