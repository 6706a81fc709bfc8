//! What `status` says, for people at two widths and for programs.

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;

use super::text::text;
use crate::cli::table::Paint;
use crate::daemon::status::{Observed, ObservedJob, UntakenFile, View, WaitingRun, late_since, view};
use crate::files::lock::Holder;
use crate::jobs::Job;
use crate::jobs::state::{ApiSeen, FailureReason, JobState};
use crate::mail::UnsentMail;
use crate::report::fixtures::{at, usage};
use crate::schedule::{Expression, Missed};

fn shown(view: &View, width: usize) -> String {
    text(view, Paint { colors: false, width })
}

/// An installation that does its work, at 9:31 in Berlin.
fn well() -> Observed {
    let now = at("11-22T08:31");
    let job = |job: Job| {
        let (last, took_ms, next) = match job {
            Job::Snapshot => ("11-22T08:00", 1_234, Some("11-22T09:00")),
            Job::Inbox => ("11-22T08:31", 12, Some("11-22T08:32")),
            Job::UsageReport => ("11-22T07:00", 431, Some("11-23T07:00")),
            Job::Digest => ("11-22T07:00", 25, Some("11-23T07:00")),
            Job::Prune => ("11-22T02:00", 105, Some("11-23T02:00")),
            Job::Outbox => ("11-22T08:31", 802, Some("11-22T08:32")),
            // Switched off, or never done yet.
            job => {
                return ObservedJob {
                    job,
                    last: None,
                    failing: None,
                    next: None,
                    due: false,
                    late: None,
                    missed: None,
                };
            }
        };
        let last = Some(JobState { last_success: at(last), took_ms, clock_ahead: 0 });
        ObservedJob { job, last, failing: None, next: next.map(at), due: false, late: None, missed: None }
    };
    Observed {
        now,
        zone: Tz::Europe__Berlin,
        instance: "nms-01".into(),
        api: "api.thousandeyes.com".into(),
        data_dir: "/var/lib/quotakeeper".into(),
        daemon: None,
        unused_config: None,
        running: Some(Holder { process: Some(812), host: "nms-01".into(), since: Some(at("11-03T07:00")) }),
        unreadable: Vec::new(),
        files: Vec::new(),
        has_token: true,
        templates: Vec::new(),
        routes: Vec::new(),
        jobs: Job::ALL.iter().copied().map(job).collect(),
        api_seen: Some(ApiSeen {
            at: at("11-22T08:31"),
            limit: Some(240),
            remaining: Some(231),
            day: "2026-11-22".parse().unwrap(),
            refusals: 0,
            clock_ahead: 0,
        }),
        snapshots: 568,
        snapshot_bytes: 41_000_000,
        last_snapshot: Some(at("11-22T08:00")),
        of_the_future: None,
        successes_of_the_future: Vec::new(),
        organizations: 3,
        account_groups: 142,
        without_usage: 0,
        held: vec![held(15)],
        scheduled: Vec::new(),
        owed: Vec::new(),
        answers_dir: "/var/lib/quotakeeper/inbox/answers".into(),
        expire: std::time::Duration::from_secs(7 * 24 * 3600),
        unsent: UnsentMail::default(),
        untaken: Vec::new(),
        free: Some(12_000_000_000),
        is_read_only: false,
        is_over_quota: false,
        nearest: usage().worst.into_iter().take(3).collect(),
    }
}

fn held(hours: i64) -> WaitingRun {
    let since = at("11-22T08:31") - Duration::hours(hours);
    WaitingRun {
        run: "20261121T170312Z-emea-cut".into(),
        file: "emea-cut.csv".into(),
        rows: 2,
        since,
        due: None,
    }
}

/// Everything is wrong at once.
fn ill() -> Observed {
    let mut observed = well();
    let why = |error: &str| FailureReason {
        error: error.into(),
        hint: Some("give the user that runs quotakeeper access to it".into()),
        ..FailureReason::default()
    };
    for job in &mut observed.jobs {
        match job.job {
            Job::Snapshot => {
                let error = "GET /quotas: the token was not accepted (401: invalid_token). It is wrong or has expired: create a new one in your ThousandEyes profile and put it in the file /etc/quotakeeper/te_token.";
                job.failing = Some((
                    at("11-21T20:00"),
                    Some(FailureReason { error: error.into(), ..FailureReason::default() }),
                ));
                job.due = true;
            }
            Job::Inbox => {
                let error = "failed to read directory `/srv/quota-inbox`: Permission denied (os error 13)";
                job.failing = Some((at("11-22T06:00"), Some(why(error))));
            }
            Job::UsageReport => job.late = Some(at("11-20T07:00")),
            _ => {}
        }
    }
    Observed {
        unreadable: vec![
            "/var/lib/quotakeeper/alerts.json was written by a newer quotakeeper: use that version".into(),
        ],
        routes: vec!["line 3: `ann` is not an address".into(), "line 5: no owner".into()],
        templates: vec!["usage/body.html:3: unknown function: the shipped one is used instead".into()],
        api_seen: observed.api_seen.map(|seen| ApiSeen {
            at: at("11-21T20:00"),
            refusals: 9,
            clock_ahead: -7_260,
            ..seen
        }),
        free: Some(0),
        without_usage: 1,
        held: vec![held(50)],
        scheduled: vec![WaitingRun {
            run: "20261122T080000Z-december".into(),
            file: "q4.csv".into(),
            rows: 1,
            since: observed.now,
            due: Some(at("11-30T23:00")),
        }],
        unsent: UnsentMail {
            waiting: 4,
            dead: 1,
            since: Some(at("11-20T08:00")),
            error: Some("no answer within smtp.timeout (1m)".into()),
            refusal: Some("1 of 4 recipients refused it: 550 no such user".into()),
            unreadable: vec!["20261122T080000Z-0123456789abcdef.eml: its recipients are unknown".into()],
        },
        untaken: vec![
            UntakenFile { file: "q4.csv".into(), since: at("11-22T04:00"), reason: None },
            UntakenFile {
                file: "q4.xlsx".into(),
                since: at("11-22T04:00"),
                reason: Some("This is a workbook.".into()),
            },
        ],
        ..observed
    }
}

#[test]
fn all_is_well_on_one_screen_of_120_columns() {
    insta::assert_snapshot!(shown(&view(well()), 120));
}

#[test]
fn all_is_well_on_one_screen_of_80_columns() {
    let screen = shown(&view(well()), 80);
    assert!(screen.lines().all(|line| crate::text::width::columns(line) <= 80), "{screen}");
    insta::assert_snapshot!(screen);
}

#[test]
fn no_time_is_cut_in_60_columns() {
    let screen = shown(&view(well()), 60);
    assert!(screen.lines().all(|line| crate::text::width::columns(line) <= 60), "{screen}");
    insta::assert_snapshot!(screen);
}

#[test]
fn no_line_of_its_head_is_longer_than_60_columns() {
    let mut view = view(ill());
    for (api, lines) in [("api.thousandeyes.com", 3), ("api.thousandeyes.internal.example.com:8443", 4)] {
        view.api = api.to_owned();
        let screen = shown(&view, 60);
        let head: Vec<&str> = screen.lines().take_while(|line| !line.is_empty()).collect();
        assert!(head.iter().all(|line| crate::text::width::columns(line) <= 60), "{head:?}");
        assert_eq!((head.len(), head.last()), (lines, Some(&"15 things are wrong")));
    }
}

#[test]
fn each_problem_is_shown_with_its_fix() {
    let screen = shown(&view(ill()), 100);
    assert!(screen.lines().all(|line| crate::text::width::columns(line) <= 100), "{screen}");
    insta::assert_snapshot!(screen);
}

#[test]
fn a_program_reads_the_same() {
    let mut observed = ill();
    observed.nearest.truncate(1);
    insta::assert_snapshot!(serde_json::to_string_pretty(&view(observed)).unwrap());
}

#[test]
fn a_new_installation_sees_what_to_start() {
    let mut observed = well();
    for job in &mut observed.jobs {
        (job.last, job.due) = (None, job.next.is_some());
    }
    let observed = Observed {
        running: None,
        api_seen: None,
        held: Vec::new(),
        nearest: Vec::new(),
        organizations: 0,
        snapshots: 0,
        ..observed
    };
    insta::assert_snapshot!(shown(&view(observed), 100));
}

#[test]
fn a_waiting_run_and_mail_that_was_just_refused_are_no_problem() {
    let observed = Observed {
        unsent: UnsentMail {
            waiting: 1,
            since: Some(at("11-22T08:00")),
            error: Some("450".into()),
            ..UnsentMail::default()
        },
        held: vec![held(23)],
        ..well()
    };
    assert!(view(observed).well);
}

#[test]
fn a_file_system_that_became_read_only_is_the_problem_and_not_that_it_is_full() {
    let screen = shown(&view(Observed { is_read_only: true, free: Some(0), ..well() }), 200);
    assert!(
        screen.contains("1 thing is wrong") && screen.contains("is read-only, as after a disk error"),
        "{screen}"
    );
    assert!(screen.contains("→ see `dmesg`"), "{screen}");
}

#[test]
fn a_disk_quota_that_is_used_up_is_a_problem_though_the_disk_has_room_and_no_job_could_say_that_it_fails() {
    let screen = shown(&view(Observed { is_over_quota: true, ..well() }), 200);
    assert!(screen.contains("1 thing is wrong") && screen.contains("the disk quota that"), "{screen}");
    assert!(screen.contains("→ raise it, make room"), "{screen}");
}

#[test]
fn who_cannot_read_the_token_of_a_daemon_that_runs_is_not_told_that_there_is_none() {
    let screen = |daemon| shown(&view(Observed { has_token: false, daemon, ..well() }), 200);
    assert!(screen(None).contains("there is no API token"));
    let running = serde_json::json!({"version": 1, "process": 812, "problems": [], "needs_restart": []});
    let screen = screen(Some(serde_json::from_value(running).unwrap()));
    assert!(!screen.contains("token"), "{screen}");
}

#[test]
fn five_of_thousands_of_files_that_are_not_taken_are_named() {
    let untaken = |number| UntakenFile {
        file: format!("{number}.bak"),
        since: at("11-22T08:00"),
        reason: Some("why".into()),
    };
    let screen = shown(&view(Observed { untaken: (0..3000).map(untaken).collect(), ..well() }), 100);
    assert_eq!(screen.matches(" in the inbox is not taken: why").count(), 5, "{screen}");
    assert!(screen.contains("2 995 more files in the inbox are not taken"), "{screen}");
}

#[test]
fn a_job_is_late_after_one_period_of_its_own_and_never_before_a_timer_could_have_fired() {
    let now = at("11-22T08:31");
    let seldom = |schedule: &str, last: DateTime<Utc>| {
        late_since(&schedule.parse::<Expression>().unwrap(), Tz::UTC, last, false, now)
    };
    assert_eq!(seldom("0 * * * *", at("11-22T06:00")), Some(at("11-22T07:00")));
    assert_eq!(seldom("0 * * * *", at("11-22T07:00")), None);
    assert_eq!(seldom("* * * * *", at("11-22T07:31")), None, "a timer may ring once an hour");
    assert_eq!(seldom("* * * * *", at("11-22T07:19")), Some(at("11-22T07:20")));
    assert_eq!(seldom("0 8 * * *", at("11-21T08:00")), None);
    assert_eq!(seldom("0 7 * * *", at("11-20T07:00")), Some(at("11-21T07:00")));
    let minutely = "* * * * *".parse::<Expression>().unwrap();
    let beside_a_daemon = |at| late_since(&minutely, Tz::UTC, at, true, now);
    assert_eq!(beside_a_daemon(at("11-22T08:00")), Some(at("11-22T08:01")));
    assert_eq!(beside_a_daemon(at("11-22T08:20")), None);
}

#[test]
fn a_small_difference_between_two_hosts_clocks_is_no_problem() {
    let off = |clock_ahead| {
        let observed = well();
        view(Observed { api_seen: observed.api_seen.map(|seen| ApiSeen { clock_ahead, ..seen }), ..observed })
            .well
    };
    assert_eq!([off(59), off(-59), off(60), off(-60)], [true, true, false, false]);
}

#[test]
fn a_gap_of_days_says_when_it_began() {
    let missed = |first: &str, slots| {
        let mut observed = well();
        observed.jobs[0].missed = Some(Missed { slots, first: at(first), last: at("11-22T07:00") });
        shown(&view(observed), 160)
    };
    let short = missed("11-22T05:00", 3);
    assert!(short.contains("3 slots missed until Sun 22 Nov 2026, 08:00 CET"), "{short}");
    let long = missed("10-22T05:00", 747);
    let since = "747 slots missed from Thu 22 Oct 2026, 07:00 CEST until Sun 22 Nov 2026, 08:00 CET";
    assert!(long.contains(since), "{long}");
}
