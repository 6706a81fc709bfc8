//! What becomes of a file that is damaged in any way, and of a newer one.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::testing::pipe::make_pipe;

const KIND: Kind = Kind { name: "counts.json", version: 2, without: "all is reported again", limit: 1000 };

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Counts {
    count: u32,
}

fn now() -> DateTime<Utc> {
    "2026-11-26T10:15:00Z".parse().unwrap()
}

fn take(folder: &Path) -> Result<Loaded<Counts>, UnusableFile> {
    super::read_or_set_aside(folder, &KIND, now())
}

#[test]
fn a_saved_record_is_read_and_so_is_an_older_format() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(take(folder.path()).unwrap(), Loaded::Missing);
    assert_eq!(take(&folder.path().join("missing")).unwrap(), Loaded::Missing);
    save(folder.path(), &KIND, &Counts { count: 3 }).unwrap();
    assert_eq!(take(folder.path()).unwrap(), Loaded::Known(Counts { count: 3 }));
    fs_err::write(folder.path().join("counts.json"), r#"{"version": 1, "count": 4}"#).unwrap();
    assert_eq!(take(folder.path()).unwrap(), Loaded::Known(Counts { count: 4 }));
    // As a backup that links files leaves it.
    fs_err::hard_link(folder.path().join("counts.json"), folder.path().join("backup.json")).unwrap();
    assert_eq!(take(folder.path()).unwrap(), Loaded::Known(Counts { count: 4 }));
}

#[test]
fn a_newer_file_stays_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("counts.json"), r#"{"version": 3, "count": []}"#).unwrap();
    assert!(matches!(take(folder.path()).unwrap_err(), UnusableFile::Newer(_)));
    assert!(folder.path().join("counts.json").exists());
}

#[test]
fn a_damaged_file_is_set_aside_unchanged_and_the_next_read_begins_again() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 10] = [
        ("empty", |path| fs_err::write(path, "").unwrap()),
        ("half", |path| fs_err::write(path, r#"{"version": 2, "cou"#).unwrap()),
        ("garbage", |path| fs_err::write(path, [0xff, 0x00, 0x80]).unwrap()),
        ("zeros", |path| fs_err::write(path, [0; 600]).unwrap()),
        ("no version", |path| fs_err::write(path, "{}").unwrap()),
        ("another type", |path| fs_err::write(path, r#"{"version": 2, "count": "x"}"#).unwrap()),
        ("folder", |path| fs_err::create_dir(path).unwrap()),
        ("link", |path| symlink("/etc/passwd", path).unwrap()),
        ("dangling", |path| symlink("nowhere", path).unwrap()),
        ("pipe", make_pipe),
    ];
    for (name, damage) in damages {
        let folder = tempfile::tempdir().unwrap();
        damage(&folder.path().join("counts.json"));
        assert!(matches!(read::<Counts>(folder.path(), &KIND), Err(UnusableFile::Damaged { .. })), "{name}");
        assert_eq!(take(folder.path()).unwrap(), Loaded::SetAside, "{name}");
        assert_eq!(take(folder.path()).unwrap(), Loaded::Missing, "{name}");
        let known = set_aside_in(folder.path()).unwrap();
        let expected = ("counts.json".to_owned(), now(), "counts.json.damaged-20261126T101500Z".to_owned());
        assert_eq!(known, [expected], "{name}");
        save(folder.path(), &KIND, &Counts { count: 1 }).unwrap();
        assert_eq!(take(folder.path()).unwrap(), Loaded::Known(Counts { count: 1 }), "{name}");
    }
}

#[test]
fn a_file_set_aside_earlier_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["first", "second", "third"] {
        fs_err::write(folder.path().join("counts.json"), text).unwrap();
        assert_eq!(take(folder.path()).unwrap(), Loaded::SetAside);
    }
    let content = |end: &str| {
        fs_err::read_to_string(folder.path().join(format!("counts.json.damaged-20261126T101500Z{end}")))
            .unwrap()
    };
    assert_eq!(["", "-1", "-2"].map(content), ["first", "second", "third"]);
    assert_eq!(set_aside_in(folder.path()).unwrap().len(), 3);
}

#[test]
fn a_file_that_the_service_may_not_read_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("counts.json");
    fs_err::write(&path, r#"{"version": 2, "count": 3}"#).unwrap();
    fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if fs_err::read(&path).is_ok() {
        eprintln!("skipped: root may read everything");
        return;
    }
    assert_eq!(take(folder.path()).unwrap(), Loaded::SetAside);
}
