//! Files that somebody still writes, seen by what the system says of them.

use notify::event::{DataChange, RenameMode};

use super::*;

#[test]
fn a_written_file_is_open_until_it_is_closed_moved_or_removed() {
    let (writers, now) = (Writers::default(), Instant::now());
    let notify = |kind| {
        let event = notify::Event::new(kind).add_path("/inbox/a.csv".into());
        writers.observe(&event, now);
    };
    let is_open = |bytes| writers.has_open(OsStr::new("a.csv"), bytes, now);
    let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    assert!(!is_open(5));
    for end in [
        EventKind::Access(AccessKind::Close(AccessMode::Write)),
        EventKind::Modify(ModifyKind::Name(RenameMode::From)),
        EventKind::Remove(notify::event::RemoveKind::File),
    ] {
        notify(EventKind::Create(CreateKind::File));
        assert!(is_open(0) && !is_open(5), "a second name is made like a new file");
        notify(written);
        assert!(is_open(5));
        notify(EventKind::Access(AccessKind::Close(AccessMode::Read)));
        assert!(is_open(5), "a reader is no writer");
        notify(end);
        assert!(!is_open(5) && !is_open(0));
    }
    notify(written);
    assert!(!writers.has_open(OsStr::new("a.csv"), 5, now + PATIENCE), "closed unheard");
    writers.observe(&notify::Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan), now);
    assert!(!is_open(5), "a closing may be among what was lost");
}

#[test]
fn a_file_that_is_open_for_writing_is_seen_and_one_that_is_read_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs_err::write(path("read.csv"), "a").unwrap();
    let _reader = fs_err::File::open(path("read.csv")).unwrap();
    let writer = fs_err::File::create(path("written.csv")).unwrap();
    assert_eq!(open_for_writing(folder.path()), BTreeSet::from(["written.csv".into()]));
    drop(writer);
    // A process that another test starts has all that is open here, for the moment until it is another program.
    assert!((0..1000).any(|_| open_for_writing(folder.path()).is_empty()));
}
