//! Requests, from their command to the holder of the lock and back.

use super::*;
use crate::config::Config;

fn now() -> DateTime<Utc> {
    "2026-11-22T18:05:00Z".parse().unwrap()
}

fn basis() -> Basis {
    Basis::from_config(&Config::default())
}

fn prune() -> Ask {
    Ask::Job { job: Job::Prune, since: None }
}

#[test]
fn a_request_is_taken_once_answered_and_fetched() {
    let data = tempfile::tempdir().unwrap();
    let id = new_id(now());
    let _waits = write_request(data.path(), &id, &prune(), &basis(), Some(b"x")).unwrap();
    assert_eq!(waiting(data.path()).unwrap().requests, BTreeSet::from([id.clone()]));
    let taken = begin_request(data.path(), &id, &basis()).unwrap().unwrap();
    assert_eq!((taken.ask.unwrap(), taken.uid), (prune(), rustix::process::geteuid().as_raw()));
    assert_eq!(read_input(data.path(), &id, 1).unwrap(), b"x");
    assert!(!withdraw(data.path(), &id).unwrap(), "it was begun");
    let done = Answer::new(4, vec!["a".into()], None);
    write_answer(data.path(), &id, &done).unwrap();
    assert_eq!(waiting(data.path()).unwrap(), WaitingRequests::default());
    sweep(data.path()).unwrap();
    assert_eq!(read_answer(data.path(), &id).unwrap(), Some(done));
    remove_all_files(data.path(), &id).unwrap();
    assert_eq!(fs_err::read_dir(folder(data.path())).unwrap().count(), 0);
}

#[test]
fn a_request_that_was_withdrawn_or_whose_command_is_gone_is_not_done() {
    let data = tempfile::tempdir().unwrap();
    let id = new_id(now());
    let waits = write_request(data.path(), &id, &prune(), &basis(), None).unwrap();
    assert!(withdraw(data.path(), &id).unwrap());
    assert!(begin_request(data.path(), &id, &basis()).unwrap().is_none());
    drop(waits);
    drop(write_request(data.path(), &id, &prune(), &basis(), Some(b"x")).unwrap()); // killed
    assert!(begin_request(data.path(), &id, &basis()).unwrap().is_none());
    assert_eq!(fs_err::read_dir(folder(data.path())).unwrap().count(), 0, "and nothing is left of it");
}

#[test]
fn requests_that_an_earlier_holder_began_are_taken_up_and_unfetched_answers_are_swept() {
    let data = tempfile::tempdir().unwrap();
    let id = new_id(now());
    let waits = write_request(data.path(), &id, &prune(), &basis(), None).unwrap();
    begin_request(data.path(), &id, &basis()).unwrap().unwrap();
    assert_eq!(waiting(data.path()).unwrap().requests, BTreeSet::from([id.clone()]));
    assert!(begin_request(data.path(), &id, &basis()).unwrap().is_some());
    write_answer(data.path(), &id, &Answer::new(0, Vec::new(), None)).unwrap();
    drop(waits);
    sweep(data.path()).unwrap();
    assert_eq!(fs_err::read_dir(folder(data.path())).unwrap().count(), 0);
}

#[test]
fn files_of_a_command_killed_while_it_asked_are_removed_when_they_are_old() {
    let data = tempfile::tempdir().unwrap();
    assert_eq!(sweep_unseen(data.path(), now()).unwrap(), 0, "there is no folder yet");
    let (id, killed) = (new_id(now()), new_id(now()));
    let _waits = write_request(data.path(), &id, &prune(), &basis(), Some(b"x")).unwrap();
    let path = |name: String| folder(data.path()).join(name);
    for left in [format!("{killed}.csv"), format!(".{killed}.asking")] {
        fs_err::write(path(left), "x").unwrap();
    }
    let made = fs_err::metadata(path(format!(".{killed}.asking"))).unwrap().modified().unwrap();
    let later = DateTime::from(made) + chrono::TimeDelta::minutes(2);
    assert_eq!(sweep_unseen(data.path(), DateTime::from(made)).unwrap(), 0);
    assert_eq!(sweep_unseen(data.path(), later).unwrap(), 2);
    let left = fs_err::read_dir(folder(data.path())).unwrap();
    let left: BTreeSet<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(
        left,
        BTreeSet::from([file_name(&id, "csv"), file_name(&id, "json")]),
        "one that waits keeps its own"
    );
}

#[test]
fn a_request_of_a_newer_version_says_so() {
    let data = tempfile::tempdir().unwrap();
    let id = new_id(now());
    let _waits = write_request(data.path(), &id, &prune(), &basis(), None).unwrap();
    let path = folder(data.path()).join(format!("{id}.json"));
    let file = fs_err::read_to_string(&path).unwrap();
    std::io::Write::write_all(
        &mut fs_err::File::options().write(true).open(&path).unwrap(),
        file.replace(":1,", ":2,").as_bytes(),
    )
    .unwrap();
    assert!(begin_request(data.path(), &id, &basis()).unwrap().unwrap().ask.unwrap_err().contains("newer"));
}
