//! What is left of writing, and what never is overwritten.

use super::*;

#[test]
fn a_taken_name_is_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b.csv");
    assert!(create(&path, b"first").unwrap());
    assert!(!create(&path, b"second").unwrap());
    assert_eq!(fs_err::read(&path).unwrap(), b"first");
    write(&path, b"third").unwrap();
    assert_eq!(fs_err::read(&path).unwrap(), b"third");
}

#[test]
fn nothing_but_the_file_is_left_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("x"), b"1").unwrap();
    create(&folder.path().join("x"), b"2").unwrap();
    assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_moves_to_another_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("a/x"), folder.path().join("b/y"));
    write(&from, b"1").unwrap();
    create_folder(&folder.path().join("b")).unwrap();
    rename(&from, &to).unwrap();
    assert!(!from.exists());
    assert_eq!(fs_err::read(to).unwrap(), b"1");
    remove(&from).unwrap(); // gone already
    remove(&folder.path().join("c/z")).unwrap(); // and so is its folder
}
