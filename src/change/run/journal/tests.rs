//! Journals that end in the middle, are another run's, or were changed.

use super::*;
use crate::testing::fuzz::fuzzed;

#[test]
fn a_half_written_last_line_is_cut_off_and_the_rest_stands() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let at = "2026-11-22T18:05:00Z".parse().unwrap();
    let (mut journal, past) = Journal::open(&path, "a").unwrap();
    assert_eq!(past, JournalSummary::default());
    journal.append(&Event::Intent { at, batch: 0, operation: "assign".into(), rows: vec![2, 3] }).unwrap();
    let message = "no".to_owned();
    journal.append(&Event::Settled { at, rows: vec![3], code: Code::Refused, message }).unwrap();
    journal.file.write_all(b"{\"event\":\"veri").unwrap();
    drop(journal);

    assert_eq!(Journal::read(&path, "a").unwrap().intended, BTreeMap::from([(2, at), (3, at)]));
    let (mut journal, past) = Journal::open(&path, "a").unwrap();
    assert_eq!(past.settled[&3].code, Code::Refused);
    assert_eq!(past.next_batch, 1);
    journal.append(&Event::Verified { at, rows: vec![2] }).unwrap();
    assert_eq!(Journal::open(&path, "a").unwrap().1.verified[&2], at);
}

#[test]
fn a_line_that_cannot_be_written_names_the_journal() {
    let file = File::options().write(true).open("/dev/full").unwrap();
    let mut journal = Journal { file, path: "runs/r/journal.jsonl".into(), digest: Sha256::new() };
    let error = journal.append(&Event::Verified { at: DateTime::UNIX_EPOCH, rows: vec![2] }).unwrap_err();
    assert!(error.to_string().starts_with("cannot write runs/r/journal.jsonl: "), "{error}");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}

#[test]
fn rows_of_which_the_server_did_nothing_count_as_never_sent_unless_an_earlier_batch_sent_them() {
    let at = "2026-11-22T18:05:00Z".parse().unwrap();
    let intent =
        |batch, rows: &[usize]| Event::Intent { at, batch, operation: "assign".into(), rows: rows.to_vec() };
    let nothing = |batch| Event::NothingDone { at, batch, answer: "429".into(), put_off: batch > 1 };
    let mut past = JournalSummary::default();
    let events = [intent(0, &[2, 3]), intent(1, &[3, 4]), nothing(1)];
    for event in events {
        past.apply_event(event);
    }
    assert_eq!(past.intended.keys().copied().collect::<Vec<_>>(), [2, 3]);
    past.apply_event(intent(2, &[4]));
    assert!(past.intended.contains_key(&4), "sent again");
    assert_eq!((past.next_batch, past.put_off.len()), (3, 0));
    past.apply_event(nothing(2));
    assert_eq!(past.put_off.keys().copied().collect::<Vec<_>>(), [4]);
    past.apply_event(intent(3, &[4]));
    assert!(past.intended.contains_key(&4) && past.put_off.is_empty(), "sent once more");
}

#[test]
fn a_journal_that_was_changed_or_is_another_runs_is_refused_and_one_without_marks_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let at = "2026-11-22T18:05:00Z".parse().unwrap();
    let (mut journal, _) = Journal::open(&path, "a").unwrap();
    for batch in 0..3 {
        let rows = vec![batch + 2];
        journal.append(&Event::Intent { at, batch, operation: "assign".into(), rows }).unwrap();
    }
    let whole = fs_err::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let read = |text: &str, run: &str| {
        fs_err::write(&path, text).unwrap();
        Journal::read(&path, run).map(|past| past.intended.len())
    };
    assert_eq!(read(&whole, "a").unwrap(), 3);
    assert_eq!(read(&lines[..2].concat(), "a").unwrap(), 2, "as a crash leaves it");
    assert!(read(&whole, "b").unwrap_err().to_string().contains("was changed at line 1"));
    assert!(read(&lines[1..].concat(), "a").is_err());
    assert!(read(&[lines[0], lines[2]].concat(), "a").is_err());
    assert!(read(&whole.replacen("[3]", "[4]", 1), "a").is_err());
    let bare: Vec<&str> = lines.iter().flat_map(|line| [line.split(MARK).next().unwrap(), "}\n"]).collect();
    let bare = bare.concat();
    assert_eq!(read(&bare, "a").unwrap(), 3, "of an earlier version");
    let (mut journal, _) = Journal::open(&path, "a").unwrap();
    journal.append(&Event::Verified { at, rows: vec![2] }).unwrap();
    assert_eq!(Journal::read(&path, "a").unwrap().verified.len(), 1);
    let later = fs_err::read_to_string(&path).unwrap();
    assert!(read(&later.replacen("[3]", "[4]", 1), "a").is_err());
}

#[test]
fn fuzzed_journals_are_read_or_refused_and_every_reader_sees_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let at = "2026-11-22T18:05:00Z".parse().unwrap();
    let (mut journal, _) = Journal::open(&path, "a").unwrap();
    for batch in 0..3 {
        journal.append(&Event::Intent { at, batch, operation: "assign".into(), rows: vec![2, 3] }).unwrap();
    }
    let whole = fs_err::read(&path).unwrap();
    fuzzed("journals", &[&whole], |text| {
        fs_err::write(&path, text).unwrap();
        match (Journal::read(&path, "a"), Journal::open(&path, "a")) {
            (Ok(read), Ok((_, opened))) => assert_eq!(read, opened),
            (read, opened) => assert!(read.is_err() && opened.is_err()),
        }
    });
}
