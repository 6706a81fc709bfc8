//! Which events wake the daemon.

use notify::event::{CreateKind, DataChange, RemoveKind};

use super::*;

fn event(kind: EventKind, paths: &[&str]) -> Event {
    paths.iter().fold(Event::new(kind), |event, path| event.add_path(Path::new("/inbox").join(path)))
}

#[test]
fn an_inbox_that_is_mounted_or_made_again_is_not_the_one_that_is_watched() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.data.dir = folder.path().to_owned();
    let watch = Watch::begin(&config, &Arc::default(), &Arc::default());
    assert!(watch.is_current(&config));
    fs_err::rename(config.inbox_dir(), folder.path().join("before")).unwrap();
    assert!(!watch.is_current(&config));
    fs_err::create_dir(config.inbox_dir()).unwrap();
    assert!(!watch.is_current(&config));
}

#[test]
fn only_what_can_be_worked_on_wakes_the_daemon() {
    let created = EventKind::Create(CreateKind::File);
    let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    let closed = EventKind::Access(AccessKind::Close(AccessMode::Write));
    let renamed = |mode| EventKind::Modify(ModifyKind::Name(mode));
    for (kind, paths, wakes) in [
        (created, &["a.csv"][..], true),
        (written, &["a.csv"], true),
        (closed, &["a.csv"], true),
        (renamed(RenameMode::To), &["a.csv"], true),
        (renamed(RenameMode::Both), &[".upload", "a.csv"], true),
        (renamed(RenameMode::To), &["..data"], true),
        (created, &[".a.csv.part"], false),
        (written, &[".a.csv.part"], false),
        (written, &["~$a.xlsx"], false),
        (renamed(RenameMode::From), &["a.csv"], false),
        (renamed(RenameMode::To), &[".20261122T180500Z-a.claimed"], false),
        (renamed(RenameMode::Both), &["a.csv", ".20261122T180500Z-a.claimed"], false),
        (EventKind::Remove(RemoveKind::File), &["a.csv"], false),
        (EventKind::Access(AccessKind::Close(AccessMode::Read)), &["a.csv"], false),
        (created, &[], false),
    ] {
        assert_eq!(is_drop(&event(kind, paths)), wakes, "{kind:?} {paths:?}");
    }
}
