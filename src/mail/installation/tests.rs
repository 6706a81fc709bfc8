//! The id of an installation, made once.

use super::*;

fn now() -> DateTime<Utc> {
    "2026-11-22T08:00:00Z".parse().unwrap()
}

#[test]
fn an_id_is_made_once_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(name(folder.path(), "pod-a"), "pod-a");
    let first = id(folder.path(), now());
    assert_eq!((first.len(), id(folder.path(), now())), (12, first.clone()));
    assert_eq!(name(folder.path(), "pod-b"), format!("{first} on pod-b"));
}

#[test]
fn a_damaged_file_is_set_aside_and_a_newer_one_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE.name);
    for damaged in ["", "{", "[]", r#"{"version": 1}"#, r#"{"version": 1, "id": "<a b>"}"#] {
        fs_err::write(&path, damaged).unwrap();
        let made = id(folder.path(), now());
        assert_eq!((made.len(), id(folder.path(), now())), (12, made.clone()), "{damaged}");
    }
    assert_eq!(versioned_json::set_aside_in(folder.path()).unwrap().len(), 5);
    fs_err::write(&path, r#"{"version": 9, "id": "abc", "more": []}"#).unwrap();
    assert_eq!(id(folder.path(), now()), "abc");
}

#[test]
fn what_is_in_its_place_is_set_aside_and_where_it_cannot_be_kept_it_is_that_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE.name);
    let others: [&dyn Fn(); 4] = [
        &|| fs_err::create_dir(&path).unwrap(),
        &|| std::os::unix::fs::symlink("not/there", &path).unwrap(),
        &|| std::os::unix::fs::symlink(FILE.name, &path).unwrap(),
        &|| fs_err::File::create(&path).unwrap().set_len(files::TEXT + 1).unwrap(),
    ];
    for put in others {
        put();
        assert_eq!(id(folder.path(), now()), id(folder.path(), now()));
        assert_eq!(read(folder.path()).unwrap().unwrap(), id(folder.path(), now()));
        fs_err::remove_file(&path).unwrap();
    }
    assert_eq!(id(&folder.path().join("not/there"), now()).len(), 12);
}
