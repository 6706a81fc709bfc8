use super::*;

#[test]
fn what_is_left_of_the_room_after_a_power_cut_is_made_whole_again() {
    let folder = tempfile::tempdir().unwrap();
    let length = || path(folder.path()).metadata().unwrap().len();
    for left in [None, Some(0), Some(5_000)] {
        if let Some(left) = left {
            File::options().write(true).open(path(folder.path())).unwrap().set_len(left).unwrap();
        }
        keep(folder.path()).unwrap();
        assert_eq!(length(), BYTES as u64);
    }
    give_up(folder.path()).unwrap();
    assert!(!path(folder.path()).exists());
}

#[test]
fn trying_whether_a_quota_leaves_room_leaves_nothing_and_says_nothing_of_other_errors() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!is_over_quota(folder.path()));
    assert!(!is_over_quota(&folder.path().join("not/there")));
    assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 0);
}
