//! A folder that takes another's place.

use super::*;

fn set(folder: &Folder, name: &str, content: &[u8]) {
    folder.create_folder(OsStr::new(name)).unwrap().write(OsStr::new("x"), content).unwrap();
}

#[test]
fn a_folder_takes_the_place_of_another_or_of_nothing_with_all_that_is_in_it() {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::open(root.path()).unwrap();
    let read = |name: &str| fs_err::read(root.path().join(name).join("x")).ok();
    set(&folder, "new", b"1");
    assert!(!folder.put_in_place(OsStr::new("new"), OsStr::new("a.csv")).unwrap());
    assert_eq!((read("a.csv"), read("new")), (Some(b"1".to_vec()), None));
    set(&folder, "new", b"2");
    assert!(folder.put_in_place(OsStr::new("new"), OsStr::new("a.csv")).unwrap());
    assert_eq!((read("a.csv"), read("new")), (Some(b"2".to_vec()), Some(b"1".to_vec())));
    // And where it takes steps.
    assert!(folder.put_in_steps(OsStr::new("new"), OsStr::new("a.csv")).unwrap());
    assert_eq!((read("a.csv"), read("new")), (Some(b"1".to_vec()), Some(b"2".to_vec())));
    assert!(!folder.put_in_steps(OsStr::new("new"), OsStr::new("b.csv")).unwrap());
    assert_eq!(read("b.csv"), Some(b"2".to_vec()));
    assert!(folder.put_in_steps(OsStr::new("gone"), OsStr::new("a.csv")).is_err());
    assert_eq!(read("a.csv"), Some(b"1".to_vec()), "put back");
}
