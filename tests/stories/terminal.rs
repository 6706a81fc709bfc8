//! Long work on a terminal, and nothing of it in a pipe.

use crate::standin::{Fault, World};
use crate::testbed::{Bench, counts};

const BAR: [char; 2] = ['━', '╌'];

/// A run that waits for the rate limit a while before it sends.
fn waiting() -> Bench {
    let bench = Bench::new(World::small());
    bench.standin.at("POST", 0, Fault::RateLimit { reset_in: 1 });
    bench.drop_file("raise.csv", "org_id,aid,value\n10,101,6000\n");
    bench
}

#[test]
fn a_terminal_shows_what_long_work_is_at_and_takes_it_away_from_the_log_lines() {
    let bench = waiting();
    let Some(shown) = bench.on_a_terminal(&["inbox"]) else {
        eprintln!("skipped: `script` is absent");
        return;
    };
    assert_eq!(bench.only_run().counts(), counts([("applied", 1)]));
    assert!(shown.contains("sending ╌╌╌╌╌╌╌╌ 0 of 1 rows · "), "{shown:?}");
    assert!(shown.contains(" requests, "), "{shown:?}");
    // What comes before a log line on the terminal's line was taken away.
    for line in shown.lines().filter(|line| line.contains(" INFO ")) {
        let (before, log) = line.split_once(" INFO ").unwrap();
        let left = before.rsplit("\u{1b}[2K").next().unwrap();
        assert!(!left.contains(BAR) && !log.contains(BAR), "{line:?}");
    }
    let end = shown.rsplit("\u{1b}[2K").next().unwrap();
    assert!(!end.contains(BAR), "nothing of it is left: {end:?}");
}

#[test]
fn a_pipe_and_a_quiet_terminal_show_no_progress() {
    let ran = waiting().run(&["inbox"]).ends_with(0);
    assert!(!ran.log.contains(BAR) && !ran.out.contains(BAR), "{}", ran.log);
    let shown = waiting().on_a_terminal(&["-q", "inbox"]).unwrap_or_default();
    assert!(!shown.contains(BAR), "{shown:?}");
}

#[test]
fn somebody_who_tries_undo_is_pointed_to_its_file_and_not_to_the_daemon() {
    let said = Bench::new(World::small()).run(&["undo"]).ends_with(2).log;
    assert!(said.contains("undo.csv beside its other answers") && !said.contains("'run'"), "{said}");
}
