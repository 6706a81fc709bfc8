use super::*;

#[test]
fn trying_whether_a_quota_leaves_room_leaves_nothing_and_says_nothing_of_other_errors() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!is_over_quota(folder.path()));
    assert!(!is_over_quota(&folder.path().join("not/there")));
    assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 0);
}
