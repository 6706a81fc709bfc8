//! Signals that are not meant to stop anything, and those that stop a pass.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use crate::standin::{Fault, World, key};
use crate::testbed::Bench;

/// Starts a command through another program, which becomes it.
fn start_through(launcher: &[&str], bench: &Bench, arguments: &[&str]) -> Child {
    let binary = bench.command(arguments);
    let mut started = Command::new(launcher[0]);
    started.args(&launcher[1..]).arg(binary.get_program()).args(arguments).env_clear();
    started
        .envs(binary.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("PATH", "/usr/bin:/bin");
    started.current_dir(bench.data().parent().unwrap()).stdin(Stdio::null()).stdout(Stdio::null());
    let log = fs_err::File::create(bench.data().with_file_name("started.log")).unwrap();
    started.stderr(log.into_file()).spawn().unwrap()
}

/// Starts a command that a hangup ends, also where the tests run under `nohup` and their children inherit that it is ignored.
fn on_a_terminal_of_its_own(bench: &Bench, arguments: &[&str]) -> Option<Child> {
    const DEFAULT: [&str; 2] = ["env", "--default-signal=HUP"];
    let tried = Command::new(DEFAULT[0]).args([DEFAULT[1], "true"]).stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success()).then(|| start_through(&DEFAULT, bench, arguments))
}

fn send(process: &Child, name: &str) {
    let kill = Command::new("kill").args([name, &process.id().to_string()]).status().unwrap();
    assert!(kill.success());
}

const SIGINT: u32 = 2;

/// Waits until a process answers a signal itself: before, the system ends it.
fn catches(process: &Child, signal: u32) {
    let status = format!("/proc/{}/status", process.id());
    loop {
        let status = fs_err::read_to_string(&status).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
        if u64::from_str_radix(mask, 16).unwrap() >> (signal - 1) & 1 == 1 {
            return;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_signal_without_a_meaning_is_one_log_line_and_the_daemon_continues() {
    let bench = Bench::new(World::small());
    let mut daemon = bench.start(&["run"]);
    bench.wait_for_log("history thinned");
    for _ in 0..3 {
        for name in ["-USR1", "-USR2", "-PIPE"] {
            send(&daemon, name);
        }
        bench.wait_for_log("SIGUSR1");
        bench.wait_for_log("SIGUSR2");
    }
    bench.drop_file("raise.csv", "org_id,aid,value\n10,101,6000\n");
    bench.standin.wait_until("the write", |log| log.iter().any(|one| one.call.starts_with("POST")));
    send(&daemon, "-TERM");
    let ended = daemon.wait().unwrap();
    assert_eq!(ended.code(), Some(0), "{:?}", ended.signal());
    let log = bench.log();
    assert_eq!(log.matches("this signal is ignored").count(), 2, "{log}");
}

#[test]
fn a_pass_whose_terminal_is_closed_stops_cleanly_and_the_next_one_goes_on() {
    let bench = Bench::new(World::small());
    bench.standin.at("GET /usage", 1, Fault::Stall);
    let Some(mut pass) = on_a_terminal_of_its_own(&bench, &["once"]) else {
        eprintln!("skipped: `env` has no --default-signal");
        return;
    };
    bench.standin.wait_until("the stall", |log| log.iter().any(|one| one.status.is_none()));
    send(&pass, "-USR1");
    bench.wait_for_log("SIGUSR1");
    send(&pass, "-HUP");
    let ended = pass.wait().unwrap();
    assert_eq!(ended.code(), Some(1), "{:?}", ended.signal());
    assert!(bench.log().contains("stopping"), "{}", bench.log());
    bench.run(&["once"]).ends_with(0);
    assert_eq!(bench.csv_files("history").len(), 1);
}

#[test]
fn a_pass_that_was_started_to_outlive_its_terminal_does() {
    let bench = Bench::new(World::small());
    bench.standin.at("GET /usage", 0, Fault::RateLimit { reset_in: 2 });
    let mut pass = start_through(&["nohup"], &bench, &["once"]);
    bench.wait_for_log("the rate limit is used up");
    send(&pass, "-HUP");
    assert_eq!(pass.wait().unwrap().code(), Some(0), "{}", bench.log());
    assert_eq!(bench.csv_files("history").len(), 1);
}

/// What a program wrote into a pipe before Ctrl-C ended both: the last value is cut.
const CUT: &[u8] = b"org_id,aid,value\n10,101,6000\n10,102,2";

#[test]
fn a_file_from_a_pipe_that_a_signal_cuts_off_is_not_applied_then_or_later() {
    let bench = Bench::new(World::small());
    let before = bench.quotas();
    let mut apply =
        bench.command(&["apply", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = apply.stdin.take().unwrap();
    pipe.write_all(CUT).unwrap();
    catches(&apply, SIGINT);
    send(&apply, "-INT");
    drop(pipe);
    let ended = apply.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("nothing was done"), "{said}");
    bench.run(&["once"]).ends_with(0);
    assert_eq!((bench.quotas(), bench.posts()), (before, 0));
}

#[test]
fn a_file_from_a_pipe_that_ends_within_a_line_is_not_applied_but_one_on_disk_is() {
    let bench = Bench::new(World::small());
    for (command, content) in [("apply", CUT), ("plan", CUT)] {
        let mut cut =
            bench.command(&[command, "-"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        cut.stdin.take().unwrap().write_all(content).unwrap();
        let ended = cut.wait_with_output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(said.contains("ends in the middle of a line"), "{said}");
        assert_eq!((ended.status.code(), bench.posts()), (Some(1), 0));
    }
    let path = bench.data().with_file_name("whole.csv");
    fs_err::write(&path, "org_id,aid,value\n10,101,6000").unwrap();
    let file = fs_err::File::open(&path).unwrap().into_file();
    let applied = bench.command(&["apply", "-"]).stdin(file).output().unwrap().status;
    assert_eq!((applied.code(), bench.quotas()[&key("10", "101")]), (Some(0), 6_000));
}

#[test]
fn a_command_that_waits_for_its_standard_input_ends_at_a_signal() {
    for command in ["plan", "apply"] {
        let bench = Bench::new(World::small());
        let mut waiting =
            bench.command(&[command, "-"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let pipe = waiting.stdin.take().unwrap();
        catches(&waiting, SIGINT);
        send(&waiting, "-INT");
        let ended = waiting.wait_with_output().unwrap();
        drop(pipe);
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains("quotakeeper: stopped by a signal"), "{said}");
        assert!(!said.contains("the next start"), "it ends before the longest stop: {said}");
    }
}

#[test]
fn a_command_that_only_reads_waits_for_no_answer_after_a_signal() {
    let bench = Bench::new(World::small());
    bench.standin.at("GET /quotas", 0, Fault::Stall);
    let mut export = bench.command(&["export"]);
    let export = export.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    bench.standin.wait_until("the read", |log| log.iter().any(|one| one.call == "GET /quotas"));
    send(&export, "-INT");
    let ended = export.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!((ended.status.code(), ended.stdout.is_empty()), (Some(1), true), "{said}");
    // The log line that it stops may come before or after it.
    assert!(said.lines().any(|line| line == "quotakeeper: stopped by a signal"), "{said}");
    assert!(!said.contains("the next start"), "nothing goes on then: {said}");
}
