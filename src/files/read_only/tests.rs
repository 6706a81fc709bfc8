use super::*;

#[test]
fn a_file_system_that_the_kernel_made_read_only_is_known_by_the_options_of_its_own() {
    let mounts = "\
        21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n\
        22 21 8:2 / /srv rw,relatime - ext4 /dev/sdb1 ro,errors=remount-ro\n\
        23 21 8:3 / /opt rw,relatime - ext4 /dev/sdc1 rw,abort,errors=remount-ro,emergency_ro\n\
        24 21 8:1 /var /mnt ro,relatime - ext4 /dev/sda1 rw,errors=remount-ro\n";
    let found: Vec<u64> = (20..26).filter(|id| has_read_only(mounts, *id)).collect();
    assert_eq!(found, [22, 23], "a mount that is read-only only here (24) says nothing of the others");
}

#[test]
fn a_folder_that_can_be_written_is_not_read_only_and_of_one_that_is_not_there_nothing_is_known() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!is_read_only(folder.path()));
    assert!(!is_read_only(&folder.path().join("not/there")));
}
