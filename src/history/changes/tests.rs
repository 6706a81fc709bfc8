//! Change files, written and read back, or damaged.

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn changed() -> Diff {
    let change = |after, made_by| Change {
        target: Target::account_group("1", "2"),
        org_name: "Acme".into(),
        account_group_name: "=EMEA".into(),
        before: Some(5),
        after,
        since: at("2026-11-22T08:00:00Z"),
        made_by,
    };
    let by_run = MadeBy::Run(Box::new(ByRun {
        id: "r".into(),
        file: "=q4.csv".into(),
        comment: "why, \"so\"".into(),
        at: at("2026-11-22T08:30:00Z"),
    }));
    Diff {
        from: at("2026-11-22T08:00:00Z"),
        to: at("2026-11-22T09:00:00Z"),
        changes: vec![change(Some(6), by_run), change(None, MadeBy::Outside)],
        vanished: Vec::new(),
        suspect: false,
    }
}

#[test]
fn changes_read_back_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &changed()).unwrap();
    let now = at("2026-11-22T09:00:00Z");
    let between = |since, now| between(folder.path(), since, now).unwrap();
    assert_eq!(between(at("2026-11-22T08:59:59Z"), now), [changed()]);
    assert_eq!(between(now, now), []);
    let earlier = at("2026-11-22T08:30:00Z");
    assert_eq!(between(at("2026-11-22T08:00:00Z"), earlier), [], "what is dated after now");
}

#[test]
fn a_damaged_file_is_left_out_and_the_others_are_read() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &changed()).unwrap();
    let later = Diff { to: at("2026-11-22T10:00:00Z"), ..changed() };
    write(folder.path(), &later).unwrap();
    let first = partition(&super::folder(folder.path()), changed().to);
    for damage in ["", "seen_at,since,before\n1,2,many\n", "\0\0\0\0"] {
        fs_err::write(&first, damage).unwrap();
        let read = between(folder.path(), at("2026-11-22T00:00:00Z"), later.to).unwrap();
        assert_eq!(read.last(), Some(&later), "{damage:?}");
    }
}

#[test]
fn nothing_changed_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &Diff { changes: Vec::new(), ..changed() }).unwrap();
    assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_file_that_no_snapshot_can_have_written_is_left_out_unread() {
    let data = tempfile::tempdir().unwrap();
    let to = at("2026-11-22T09:00:00Z");
    let path = partition(&folder(data.path()), to);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::File::create(&path).unwrap().set_len(20 << 30).unwrap();
    assert_eq!(between(data.path(), at("2026-11-01T00:00:00Z"), to).unwrap(), []);
}
