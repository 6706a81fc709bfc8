//! The file of metrics while somebody reads it.

use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn the_file_is_replaced_as_a_whole_and_everybody_may_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("quotakeeper.prom");
    for text in ["first 1\n", "second 2\n"] {
        write_textfile(&path, text.as_bytes()).unwrap();
        assert_eq!(fs_err::read_to_string(&path).unwrap(), text);
        assert_eq!(fs_err::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
    }
    assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    assert!(write_textfile(&folder.path().join("missing/x.prom"), b"").is_err());
}
