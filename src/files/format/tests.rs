//! Files of a later version.

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

#[test]
fn a_kind_of_file_that_says_no_version_is_refused_once_it_says_a_newer_one() {
    let check = |text: &str| check_first(Path::new("x.json"), text.as_bytes());
    for known in ["", "{", "{}", r#"{"version": 1}"#, r#"{"jobs": 2}"#] {
        assert!(check(known).is_ok(), "{known}");
    }
    assert!(matches!(check(r#"{"version": 2, "jobs": []}"#).unwrap_err(), FormatError::Newer { .. }));
}
