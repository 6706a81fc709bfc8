//! What is known of finished runs spares their records, and hides no other run.

use chrono::TimeDelta;

use super::*;
use crate::change::run::{Answers, Owed};

fn noon() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// The runs of a data folder.
struct Runs {
    _data: tempfile::TempDir,
    folder: PathBuf,
}

impl Runs {
    fn path(&self) -> &Path {
        &self.folder
    }
}

/// A run of each of these states, one a minute.
fn runs(states: impl IntoIterator<Item = RunState>) -> (Runs, Vec<Run>) {
    let data = tempfile::tempdir().unwrap();
    let folder = Runs { folder: data.path().join("runs"), _data: data };
    let of = |(at, state)| {
        let at = noon() + TimeDelta::minutes(at);
        let mut run = Run::create(folder.path(), at, "a.csv", |record| record).unwrap();
        run.set_state(state, at).unwrap();
        run
    };
    let made = (0..).zip(states).map(of).collect();
    (folder, made)
}

fn many() -> impl Iterator<Item = RunState> {
    let finished = [RunState::Done, RunState::Failed, RunState::Rejected].into_iter().cycle();
    finished.take(WORTH_WRITING).chain([RunState::Held, RunState::Stale])
}

fn remembered(folder: &Path) {
    Run::list_unfinished(folder).unwrap().remember(folder, noon()).unwrap();
}

fn opened(folder: &Path) -> Vec<RunState> {
    Run::list_unfinished(folder).unwrap().runs.iter().map(|run| run.record.state).collect()
}

#[test]
fn the_record_of_a_run_that_is_known_to_be_finished_is_not_read_and_it_is_counted_all_the_same() {
    let (folder, runs) = runs(many());
    let before = Run::list_unfinished(folder.path()).unwrap();
    assert_eq!(before.runs, runs);
    before.remember(folder.path(), noon()).unwrap();
    for run in runs.iter().filter(|run| run.is_finished()) {
        fs_err::write(run.path("run.json"), "{").unwrap();
    }
    let after = Run::list_unfinished(folder.path()).unwrap();
    assert_eq!(after.runs, runs[WORTH_WRITING..]);
    assert_eq!((after.broken.len(), after.counts()), (0, before.counts()));
    assert_eq!(Run::list(folder.path()).unwrap().1.len(), WORTH_WRITING, "whoever reads all reads these too");
    Run::forget_finished(folder.path()).unwrap();
    assert_eq!(Run::list_unfinished(folder.path()).unwrap().broken.len(), WORTH_WRITING);
}

#[test]
fn what_finishes_later_is_added_and_what_was_removed_does_not_count() {
    let (folder, runs) = runs(many());
    remembered(folder.path());
    Run::remove(folder.path(), &runs[0].record.id).unwrap();
    for at in 0..WORTH_WRITING {
        let at = noon() + TimeDelta::hours(i64::try_from(at).unwrap());
        Run::create(folder.path(), at, "b.csv", |record| RunRecord { state: RunState::Done, ..record })
            .unwrap();
    }
    assert_eq!(opened(folder.path()).len(), WORTH_WRITING + 2);
    remembered(folder.path());
    assert_eq!(opened(folder.path()), [RunState::Held, RunState::Stale]);
    let counts = Run::list_unfinished(folder.path()).unwrap().counts();
    assert_eq!(counts.values().sum::<usize>(), WORTH_WRITING * 2 + 1, "{counts:?}");
}

#[test]
fn to_write_it_down_does_not_look_as_if_a_run_had_come_or_gone() {
    let (folder, _) = runs(many());
    let modified = || fs_err::metadata(folder.path()).unwrap().modified().unwrap();
    let before = modified();
    remembered(folder.path());
    assert!(path(folder.path()).exists());
    Run::forget_finished(folder.path()).unwrap();
    assert_eq!(modified(), before);
}

#[test]
fn a_few_are_not_worth_a_file() {
    let (folder, _) = runs(many().skip(1));
    remembered(folder.path());
    assert!(!path(folder.path()).exists());
}

#[test]
fn a_run_that_owes_somebody_a_mail_or_its_answers_is_opened() {
    let (folder, mut runs) = runs(many());
    runs[0].record.mail_due = true;
    let owed = Some(Owed { since: noon(), error: "full".to_owned() });
    runs[1].record.answers = Some(Answers { folder: "a".to_owned(), turn: 0, place: None, owed });
    for run in &runs[..2] {
        run.save().unwrap();
        Run::create(folder.path(), noon(), "c.csv", |record| RunRecord { state: RunState::Done, ..record })
            .unwrap();
    }
    remembered(folder.path());
    let opened = Run::list_unfinished(folder.path()).unwrap().runs;
    assert_eq!(opened.len(), 4, "and the two that wait for a person");
    assert!(opened.starts_with(&runs[..2]));
}

#[test]
fn a_record_that_was_put_back_is_read_within_the_hour() {
    let (folder, runs) = runs(many());
    remembered(folder.path());
    let record = RunRecord { state: RunState::Held, ..runs[3].record.clone() };
    Run { record, ..runs[3].clone() }.save().unwrap();
    let pass_at = |minutes| {
        let listing = Run::list_unfinished(folder.path()).unwrap();
        listing.remember(folder.path(), noon() + TimeDelta::minutes(minutes)).unwrap();
        listing.counts()[&RunState::Held]
    };
    assert_eq!([59, -59].map(pass_at), [1, 1]);
    // What finishes meanwhile makes it no younger.
    for second in 0..WORTH_WRITING {
        let at = noon() + TimeDelta::seconds(i64::try_from(second).unwrap());
        Run::create(folder.path(), at, "b.csv", |record| RunRecord { state: RunState::Done, ..record })
            .unwrap();
    }
    assert_eq!([59, 60, 61].map(pass_at), [1, 1, 2]);
    // Nor does a clock that was wrong.
    remembered(folder.path());
    assert_eq!([-61, -61].map(pass_at), [2, 2]);
    assert!(
        fs_err::read_to_string(path(folder.path())).unwrap().starts_with("read_at,2026-11-22T10:59:00Z\n")
    );
}

#[test]
fn what_is_known_is_written_once_also_of_links_and_copies() {
    let (folder, runs) = runs(many());
    let elsewhere = tempfile::tempdir().unwrap();
    for run in &runs {
        let moved = elsewhere.path().join(&run.record.id);
        fs_err::rename(&run.folder, &moved).unwrap();
        std::os::unix::fs::symlink(&moved, &run.folder).unwrap();
        let copy = folder.path().join(format!("{}-copy", run.record.id));
        fs_err::create_dir(&copy).unwrap();
        fs_err::copy(moved.join("run.json"), copy.join("run.json")).unwrap();
    }
    remembered(folder.path());
    assert_eq!(opened(folder.path()).len(), 2 * 2);
}

#[test]
fn whoever_asks_for_what_happened_since_gets_the_later_ones() {
    let (folder, runs) = runs(many());
    remembered(folder.path());
    let since = runs[5].record.updated;
    let listing = Run::list_since(folder.path(), since).unwrap();
    assert_eq!(listing.runs, runs[5..]);
    assert_eq!(listing.counts().values().sum::<usize>(), runs.len());
}

#[test]
fn however_the_file_is_cut_off_or_damaged_no_run_that_waits_is_left_out() {
    let (folder, _) = runs(many());
    remembered(folder.path());
    let file = path(folder.path());
    let whole = fs_err::read(&file).unwrap();
    for at in (0..whole.len()).step_by(5) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x15;
        for bytes in [&whole[..at], &damaged] {
            fs_err::write(&file, bytes).unwrap();
            let opened = opened(folder.path());
            assert!(opened.ends_with(&[RunState::Held, RunState::Stale]), "at {at}");
        }
    }
    let text = String::from_utf8(whole).unwrap();
    fs_err::write(&file, text.replace('\n', "\n1")).unwrap();
    assert!(opened(folder.path()).len() > 2, "where another folder is meant, the run is opened");
}

/// As if the last folder had been made long ago.
fn listed(folder: &Path, before: Option<&Listing>) -> Listing {
    Run::list_again(folder, before, DateTime::<Utc>::MAX_UTC).unwrap()
}

#[test]
fn the_next_listing_sees_what_became_of_the_runs_that_the_first_opened() {
    let (folder, mut runs) = runs(many());
    remembered(folder.path());
    let empty = folder.path().join("20261122T000000Z-begun");
    fs_err::create_dir(&empty).unwrap();
    let first = listed(folder.path(), None);
    assert_eq!(first, listed(folder.path(), Some(&first)));

    let held = &mut runs[WORTH_WRITING];
    held.set_state(RunState::Done, noon()).unwrap();
    fs_err::write(runs[WORTH_WRITING + 1].path("run.json"), "{").unwrap();
    Run { folder: empty, record: RunRecord::new("20261122T000000Z-begun".into(), "begun.csv", true, noon()) }
        .save()
        .unwrap();
    let next = listed(folder.path(), Some(&first));
    let states: Vec<RunState> = next.runs.iter().map(|run| run.record.state).collect();
    assert_eq!((states, next.broken.len()), (vec![RunState::Done, RunState::Planned], 1));
    let sum = |listing: &Listing| listing.counts().values().sum::<usize>();
    assert_eq!(sum(&next), sum(&first), "one more, and one that cannot be read");
}

#[test]
fn the_next_listing_sees_what_was_made_and_removed() {
    let (folder, runs) = runs(many());
    remembered(folder.path());
    let first = listed(folder.path(), None);
    Run::remove(folder.path(), &runs[0].record.id).unwrap();
    Run::create(folder.path(), noon(), "c.csv", |record| record).unwrap();
    let next = listed(folder.path(), Some(&first));
    assert_eq!(next.counts(), Run::list_unfinished(folder.path()).unwrap().counts());
    assert_eq!(next.counts()[&RunState::Planned], 1);
}

#[test]
fn a_listing_at_once_after_a_change_is_not_relied_on() {
    let (folder, _) = runs(many());
    let changed = DateTime::<Utc>::from(fs_err::metadata(folder.path()).unwrap().modified().unwrap());
    let at_once = Run::list_again(folder.path(), None, changed).unwrap();
    assert_eq!(at_once.source, None);
    assert!(listed(folder.path(), Some(&at_once)).source.is_some());
}

#[test]
fn the_next_listing_opens_no_record_that_was_opened_before_it_was_known_to_be_finished() {
    let (folder, runs) = runs(many());
    let first = listed(folder.path(), None);
    assert_eq!(first.runs, runs);
    remembered(folder.path());
    let next = listed(folder.path(), Some(&first));
    assert_eq!(next.runs, runs[WORTH_WRITING..]);
    assert_eq!(next, listed(folder.path(), Some(&next)));
}

#[test]
fn the_next_listing_sees_a_record_that_was_put_back_as_soon_as_work_does() {
    let (folder, runs) = runs(many());
    remembered(folder.path());
    let first = listed(folder.path(), None);
    let record = RunRecord { state: RunState::Held, ..runs[3].record.clone() };
    Run { record, ..runs[3].clone() }.save().unwrap();
    assert_eq!(listed(folder.path(), Some(&first)).counts()[&RunState::Held], 1);
    for _pass in 0..2 {
        let listing = Run::list_unfinished(folder.path()).unwrap();
        listing.remember(folder.path(), noon() + TimeDelta::minutes(61)).unwrap();
        let work = Run::list_unfinished(folder.path()).unwrap();
        assert_eq!(work.counts()[&RunState::Held], 2);
        assert_eq!(listed(folder.path(), Some(&first)).counts(), work.counts());
    }
}
