use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;
use crate::testing::pipe::make_pipe;

fn folder() -> (tempfile::TempDir, Folder) {
    let temporary = tempfile::tempdir().unwrap();
    let folder = Folder::open(temporary.path()).unwrap();
    (temporary, folder)
}

fn name(text: &str) -> &OsStr {
    OsStr::new(text)
}

#[test]
fn a_regular_file_with_one_name_is_read_and_nothing_else() {
    let (temporary, folder) = folder();
    let path = |name: &str| temporary.path().join(name);
    fs_err::write(path("plain"), "text").unwrap();
    assert_eq!(folder.open_file(name("plain"), Links::Refused).unwrap().read(4).unwrap(), b"text");

    symlink(path("plain"), path("link")).unwrap();
    symlink("link", path("link-to-a-link")).unwrap();
    fs_err::hard_link(path("plain"), path("second-name")).unwrap();
    make_pipe(&path("fifo"));
    let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
    fs_err::create_dir(path("folder")).unwrap();
    let open = |text: &str| folder.open_file(name(text), Links::Refused);
    for link in ["link", "link-to-a-link"] {
        assert!(matches!(open(link), Err(Unfit::Link)), "{link}");
    }
    for special in ["fifo", "socket", "folder"] {
        assert!(matches!(open(special), Err(Unfit::NotRegular)), "{special}");
    }
    for several in ["second-name", "plain"] {
        assert!(matches!(open(several), Err(Unfit::SeveralNames)), "{several}");
    }
    assert!(matches!(open("missing"), Err(Unfit::Missing)));
}

#[test]
fn a_name_never_leads_out_of_the_folder() {
    let (temporary, _) = folder();
    let inside = temporary.path().join("inside");
    fs_err::create_dir(&inside).unwrap();
    fs_err::write(temporary.path().join("secret"), "s").unwrap();
    let folder = Folder::open(&inside).unwrap();
    for outside in ["../secret", "..", ".", "", "/etc/passwd", "a/b"] {
        assert!(folder.open_file(name(outside), Links::Refused).is_err(), "{outside}");
        assert!(folder.open_file(name(outside), Links::Within).is_err(), "{outside}");
        assert!(folder.write(name(outside), b"x").is_err(), "{outside}");
        assert!(folder.create(name(outside), |_| Ok(())).is_err(), "{outside}");
        assert!(folder.remove(name(outside)).is_err(), "{outside}");
        assert!(folder.rename(name(outside), name("x")).is_err(), "{outside}");
        assert!(folder.create_folder(name(outside)).is_err(), "{outside}");
    }
    symlink("..", inside.join("up")).unwrap();
    assert!(folder.open_folder(name("up")).is_err());
    assert!(folder.create_folder(name("up")).is_err());
    assert_eq!(folder.names().unwrap(), ["up"]);
}

#[test]
fn links_of_a_mount_are_followed_only_within_it() {
    let (temporary, folder) = folder();
    let path = |name: &str| temporary.path().join(name);
    fs_err::create_dir(path("..2026")).unwrap();
    fs_err::write(path("..2026/plan.csv"), "text").unwrap();
    symlink("..2026", path("..data")).unwrap();
    symlink("..data/plan.csv", path("plan.csv")).unwrap();
    symlink("/etc/passwd", path("out.csv")).unwrap();
    symlink("../../etc/passwd", path("up.csv")).unwrap();
    symlink("..data/../../etc/passwd", path("over.csv")).unwrap();
    symlink("..data/../plan.csv", path("around.csv")).unwrap();
    symlink("circle.csv", path("circle.csv")).unwrap();
    symlink("..data", path("folder.csv")).unwrap();
    assert_eq!(folder.open_file(name("plan.csv"), Links::Within).unwrap().read(9).unwrap(), b"text");
    assert_eq!(folder.open_file(name("around.csv"), Links::Within).unwrap().read(9).unwrap(), b"text");
    assert!(matches!(folder.open_file(name("folder.csv"), Links::Within), Err(Unfit::NotRegular)));
    for out in ["out.csv", "up.csv", "over.csv", "circle.csv"] {
        assert!(matches!(folder.open_file(name(out), Links::Within), Err(Unfit::Link)), "{out}");
    }
}

#[test]
fn a_file_of_more_bytes_than_allowed_is_not_read_on() {
    let (temporary, folder) = folder();
    fs_err::write(temporary.path().join("five"), "12345").unwrap();
    let file = folder.open_file(name("five"), Links::Refused).unwrap();
    assert!(matches!(file.read(4), Err(Unfit::TooLarge { limit: 4 })));
}

#[test]
fn a_link_is_replaced_or_removed_and_never_written_through() {
    let (temporary, folder) = folder();
    let target = temporary.path().join("target");
    fs_err::write(&target, "mine").unwrap();
    symlink(&target, temporary.path().join("status.txt")).unwrap();
    folder.write(name("status.txt"), b"news").unwrap();
    symlink(&target, temporary.path().join("old")).unwrap();
    folder.remove(name("old")).unwrap();
    assert_eq!(fs_err::read_to_string(&target).unwrap(), "mine");
    assert_eq!(fs_err::read_to_string(temporary.path().join("status.txt")).unwrap(), "news");
    assert_eq!(folder.names().unwrap(), ["status.txt", "target"]);
}

#[test]
fn modes_do_not_depend_on_the_umask_and_a_group_that_shares_a_folder_shares_what_is_made_in_it() {
    let (temporary, folder) = folder();
    let mode_of = |path: &Path| fs_err::metadata(path).unwrap().mode() & 0o7777;
    let made = folder.create_folder(name("own")).unwrap();
    made.write(name("file"), b"").unwrap();
    assert_eq!(mode_of(&temporary.path().join("own")), 0o750);
    assert_eq!(mode_of(&temporary.path().join("own/file")), 0o640);

    for (mode, folder_mode, file_mode) in [
        (0o2770, 0o2770, 0o660),
        (0o2775, 0o2770, 0o660),
        (0o770, 0o770, 0o660),
        // What a lax umask left is no sign.
        (0o775, 0o750, 0o640),
        (0o777, 0o750, 0o640),
    ] {
        let place = temporary.path().join(format!("{mode:o}"));
        fs_err::create_dir(&place).unwrap();
        fs_err::set_permissions(&place, std::fs::Permissions::from_mode(mode)).unwrap();
        let made = Folder::open(&place).unwrap().create_folder(name("answers")).unwrap();
        made.write(name("file"), b"").unwrap();
        assert_eq!(mode_of(&place.join("answers")), folder_mode, "{mode:o}");
        assert_eq!(mode_of(&place.join("answers/file")), file_mode, "{mode:o}");
    }
}

#[test]
fn files_that_root_makes_in_the_services_folder_belong_to_the_service() {
    let (temporary, folder) = folder();
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can give files away");
        return;
    }
    std::os::unix::fs::chown(temporary.path(), Some(12_345), Some(12_346)).unwrap();
    folder.create_folder(name("runs")).unwrap().write(name("run.json"), b"{}").unwrap();
    for made in ["runs", "runs/run.json"] {
        let metadata = fs_err::metadata(temporary.path().join(made)).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (12_345, 12_346), "{made}");
    }
}

#[test]
fn a_name_that_is_taken_is_not_renamed_over() {
    let (temporary, folder) = folder();
    fs_err::write(temporary.path().join("a"), "a").unwrap();
    fs_err::write(temporary.path().join("b"), "b").unwrap();
    assert!(!folder.rename_to_free(name("a"), name("b")).unwrap());
    assert!(folder.rename_to_free(name("a"), name("c")).unwrap());
    assert_eq!(folder.names().unwrap(), ["b", "c"]);
    assert!(folder.rename_to_free(name("a"), name("d")).is_err(), "it is gone");
    assert_eq!(fs_err::read_to_string(temporary.path().join("b")).unwrap(), "b");
}

#[test]
fn published_metrics_can_be_read_by_everybody() {
    let (temporary, folder) = folder();
    for text in ["first", "second"] {
        folder.publish(name("x.prom"), text.as_bytes()).unwrap();
        let path = temporary.path().join("x.prom");
        assert_eq!(fs_err::read_to_string(&path).unwrap(), text);
        assert_eq!(fs_err::metadata(&path).unwrap().mode() & 0o7777, 0o644);
    }
    assert_eq!(folder.names().unwrap(), ["x.prom"]);
}

#[test]
fn a_file_that_is_kept_has_the_mode_of_its_folder_and_is_never_a_link() {
    let (temporary, folder) = folder();
    folder.open_or_create(name("lock")).unwrap().write_all(b"1").unwrap();
    folder.open_or_create(name("lock")).unwrap();
    assert_eq!(fs_err::read_to_string(temporary.path().join("lock")).unwrap(), "1");
    assert_eq!(fs_err::metadata(temporary.path().join("lock")).unwrap().mode() & 0o7777, 0o640);
    symlink("lock", temporary.path().join("link")).unwrap();
    assert!(folder.open_or_create(name("link")).is_err());

    let shared = temporary.path().join("shared");
    fs_err::create_dir(&shared).unwrap();
    fs_err::set_permissions(&shared, std::fs::Permissions::from_mode(0o2770)).unwrap();
    Folder::open(&shared).unwrap().open_or_create(name("lock")).unwrap();
    assert_eq!(fs_err::metadata(shared.join("lock")).unwrap().mode() & 0o7777, 0o660);
}
