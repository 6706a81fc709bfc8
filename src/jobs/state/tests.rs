//! What is remembered of the jobs: across starts, across damage, and where a clock was wrong.

use super::*;
use crate::config;
use crate::domain::quota::Snapshot;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn now() -> DateTime<Utc> {
    at("2026-11-26T14:20:00Z")
}

/// What the file lives with, in a process that holds the lock.
struct Process {
    config: Config,
    history: History,
    unwritten: Arc<UnwrittenState>,
}

impl Process {
    fn state(&self, now: DateTime<Utc>) -> State {
        StateFile { config: &self.config, history: &self.history, unwritten: &self.unwritten }
            .read_or_begin(now)
    }
}

fn process(folder: &tempfile::TempDir) -> Process {
    let settings = [("QUOTAKEEPER__DATA__DIR", folder.path().to_str().unwrap())];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let config = config::load(None, &settings).unwrap();
    Process { history: History::new(&config.data.dir), unwritten: Arc::default(), config }
}

fn takes(process: &Process, time: &str) {
    process.history.write(&Snapshot::new(at(time), [])).unwrap();
}

#[test]
fn a_success_is_remembered_and_a_newer_file_is_neither_read_nor_written() {
    let folder = tempfile::tempdir().unwrap();
    let process = process(&folder);
    process.state(now()).succeeded(Job::Snapshot, now(), 12).unwrap();
    assert_eq!(process.state(now()).last_success(Job::Snapshot), Some(now()));
    assert_eq!(process.state(now()).last_success(Job::Prune), None);

    let newer = fs_err::read_to_string(folder.path().join("state.json")).unwrap().replace(": 1,", ": 2,");
    fs_err::write(folder.path().join("state.json"), &newer).unwrap();
    let mut state = process.state(now());
    assert!(!state.is_usable());
    assert_eq!(
        state
            .failed(Job::Inbox, now(), FailureReason { error: "x".into(), ..FailureReason::default() })
            .unwrap(),
        None
    );
    state.succeeded(Job::Snapshot, now(), 12).unwrap();
    assert_eq!(fs_err::read_to_string(folder.path().join("state.json")).unwrap(), newer);
    // What takes up whatever waits goes on, and so do mails.
    let due: Vec<Job> = Job::ALL
        .iter()
        .copied()
        .filter(|job| {
            job.due(&process.config.schedule, &process.history, &process.state(now()), now()).is_some()
        })
        .collect();
    assert_eq!(due, [Job::Inbox, Job::Outbox]);
}

#[test]
fn refusals_add_up_over_a_day_and_begin_again_with_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = process(&folder).state(now());
    let seen = |at: &str| ApiSeen {
        at: at.parse().unwrap(),
        limit: Some(240),
        remaining: Some(231),
        day: at[..10].parse().unwrap(),
        refusals: 2,
        clock_ahead: 0,
    };
    let times = ["2026-11-22T08:00:00Z", "2026-11-22T09:00:00Z", "2026-11-23T08:00:00Z"];
    let counted = times.map(|at| {
        state.saw(seen(at));
        state.api().unwrap().refusals
    });
    assert_eq!(counted, [2, 4, 2]);
}

#[test]
fn a_job_fails_since_its_first_failure_until_it_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let process = process(&folder);
    let at = |hour| at(&format!("2026-11-22T{hour:02}:00:00Z"));
    let why = |hour: u32| FailureReason { error: format!("at {hour}"), ..FailureReason::default() };
    let failed = |hour| process.state(at(hour)).failed(Job::Snapshot, at(hour), why(hour)).unwrap().unwrap();
    assert_eq!([failed(8), failed(9)], [at(8), at(8)]);
    let state = process.state(at(9));
    assert_eq!((state.failing(Job::Snapshot), state.why(Job::Snapshot)), (Some(at(8)), Some(&why(9))));
    process.state(at(10)).succeeded(Job::Snapshot, at(10), 12).unwrap();
    assert_eq!(process.state(at(10)).failing(Job::Snapshot), None);
    assert_eq!(failed(11), at(11));
    // A failure that a wrong clock dated into the future began now at the latest.
    assert_eq!(failed(7), at(7));
}

#[test]
fn what_a_wrong_clock_wrote_into_the_future_does_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let process = process(&folder);
    let ahead = at("2029-11-25T14:00:00Z");
    for job in Job::ALL.iter().copied() {
        process.state(ahead).succeeded(job, ahead, 12).unwrap();
    }
    let mut state = process.state(ahead);
    state.missed(Job::Snapshot, Missed { slots: 26_279, first: now(), last: ahead });
    state.saw(ApiSeen {
        at: ahead,
        limit: None,
        remaining: None,
        day: ahead.date_naive(),
        refusals: 0,
        clock_ahead: 1,
    });
    state.save().unwrap();

    let state = process.state(now());
    assert_eq!(state.in_the_future().len(), Job::ALL.len());
    assert_eq!((state.last_missed(Job::Snapshot), state.api()), (None, None));
    for job in Job::ALL.iter().copied() {
        assert_eq!(state.last_success(job), None, "{job:?}");
        if job.schedule(&process.config.schedule).is_some() && job != Job::UsageReport {
            assert!(job.due(&process.config.schedule, &process.history, &state, now()).is_some(), "{job:?}");
        }
    }
    process.state(now()).succeeded(Job::Snapshot, now(), 1).unwrap();
    let state = process.state(now());
    assert_eq!(
        (state.last_success(Job::Snapshot), state.in_the_future().len()),
        (Some(now()), Job::ALL.len() - 1)
    );
    // A clock that is only seconds off is no reason to do anything twice.
    assert!(process.state(now() - TimeDelta::seconds(30)).job(Job::Snapshot).is_some());
}

#[test]
fn a_lost_file_is_begun_again_with_what_the_newest_snapshot_shows_to_be_done() {
    let folder = tempfile::tempdir().unwrap();
    let process = process(&folder);
    takes(&process, "2026-11-26T14:00:01Z");
    takes(&process, "2029-01-01T00:00:00Z"); // by a clock that was wrong
    fs_err::write(folder.path().join("state.json"), "").unwrap();
    let state = process.state(now());
    assert_eq!(state.last_success(Job::Snapshot), Some(at("2026-11-26T14:00:01Z")));
    for job in [Job::Snapshot, Job::UsageReport, Job::Digest, Job::ClosingReport, Job::Prune] {
        assert_eq!(job.due(&process.config.schedule, &process.history, &state, now()), None, "{job:?}");
    }
    // The morning's reports may have been cut off where the snapshot was just taken.
    takes(&process, "2026-11-27T08:00:02Z");
    fs_err::write(folder.path().join("state.json"), "{").unwrap();
    let morning = at("2026-11-27T08:00:30Z");
    let state = process.state(morning);
    assert_eq!(state.last_success(Job::UsageReport), Some(at("2026-11-26T08:00:00Z")));
    assert!(Job::UsageReport.due(&process.config.schedule, &process.history, &state, morning).is_some());
    assert_eq!(Job::Snapshot.due(&process.config.schedule, &process.history, &state, morning), None);
}

#[test]
fn a_job_of_a_later_program_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{"version": 1, "jobs": {"snapshot": {"last_success": "2026-11-26T14:00:00Z", "took_ms": 1},
        "weather": {"last_success": "2026-11-26T14:00:00Z", "took_ms": 1}}}"#;
    fs_err::write(folder.path().join("state.json"), text).unwrap();
    assert!(process(&folder).state(now()).job(Job::Snapshot).is_some());
}

#[test]
fn a_state_that_cannot_be_written_is_kept_in_memory_and_written_with_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let process = process(&folder);
    let aside = folder.path().with_extension("aside");
    process.state(now()).succeeded(Job::Prune, now(), 12).unwrap();
    let mut state = process.state(now());
    // A file where the folder should be: nothing can be written, and nothing read.
    fs_err::rename(folder.path(), &aside).unwrap();
    fs_err::write(folder.path(), "").unwrap();
    state.succeeded(Job::Snapshot, now(), 12).unwrap_err();
    let state = process.state(now());
    assert_eq!(
        (state.last_success(Job::Snapshot), state.last_success(Job::Prune)),
        (Some(now()), Some(now()))
    );
    fs_err::remove_file(folder.path()).unwrap();
    fs_err::rename(&aside, folder.path()).unwrap();
    assert_eq!(State::read(folder.path(), now()).unwrap().last_success(Job::Snapshot), None);
    process.state(now()).succeeded(Job::Digest, now(), 12).unwrap();
    let written = State::read(folder.path(), now()).unwrap();
    assert!([Job::Snapshot, Job::Prune, Job::Digest].iter().all(|job| written.last_success(*job).is_some()));
}

#[test]
fn slots_between_a_clock_that_was_a_year_slow_and_the_same_clock_set_right_were_not_missed() {
    let folder = tempfile::tempdir().unwrap();
    let process = process(&folder);
    let (schedule, year) = (&process.config.schedule, TimeDelta::days(365));
    let seen = |at: DateTime<Utc>, clock_ahead: i64| ApiSeen {
        at,
        limit: None,
        remaining: None,
        day: at.date_naive(),
        refusals: 0,
        clock_ahead,
    };
    let missed = |began: DateTime<Utc>| {
        let missed = Job::Snapshot.missed(schedule, &process.state(began), began);
        missed.map_or(0, |missed| missed.slots)
    };
    let slow = now() - year;
    let mut state = process.state(slow);
    state.saw(seen(slow, -year.num_seconds()));
    state.succeeded(Job::Snapshot, slow, 12).unwrap();
    assert_eq!(
        missed(slow + TimeDelta::hours(4)),
        3,
        "as long as the clock is as wrong, time goes on as ever"
    );
    assert_eq!(missed(now() + TimeDelta::hours(1)), 0, "set right");
    assert_eq!(missed(now() + TimeDelta::hours(4)), 3);

    // Without the API's word for it, a year is a year.
    let mut state = process.state(slow);
    state.saw(seen(slow, 0));
    state.succeeded(Job::Snapshot, slow, 12).unwrap();
    assert_eq!(missed(now() + TimeDelta::hours(1)), 365 * 24);
}

#[test]
fn an_api_whose_date_was_wrong_once_makes_no_slot_missed() {
    let folder = tempfile::tempdir().unwrap();
    let process = process(&folder);
    let decade = TimeDelta::days(3650).num_seconds();
    for clock_ahead in [decade, -decade] {
        let mut state = process.state(now());
        state.saw(ApiSeen {
            at: now(),
            limit: None,
            remaining: None,
            day: now().date_naive(),
            refusals: 0,
            clock_ahead,
        });
        state.succeeded(Job::Snapshot, now(), 12).unwrap();
        let mut state = process.state(now() + TimeDelta::hours(3));
        let seen = state.api().unwrap();
        state.saw(ApiSeen { at: now() + TimeDelta::hours(3), clock_ahead: 0, ..seen });
        let missed = Job::Snapshot.missed(&process.config.schedule, &state, now() + TimeDelta::hours(3));
        assert_eq!(missed.map(|missed| missed.slots), Some(2), "{clock_ahead}");
    }
}
