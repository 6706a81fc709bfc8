//! What the log says: one line for each fact, each failure once with its causes and the fix, and to the journal with priorities.

use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::standin::World;
use crate::testbed::{Bench, Ran};

/// The log of a pipe: one object a line.
fn lines(ran: &Ran) -> Vec<Value> {
    ran.log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect()
}

fn of_level<'l>(lines: &'l [Value], level: &str) -> Vec<&'l Value> {
    lines.iter().filter(|line| line["level"] == level).collect()
}

#[test]
fn a_failure_is_one_line_with_its_job_its_causes_and_the_request_before_it() {
    let bench = Bench::new(World::small()).with_mail();
    bench.standin.world(|world| world.broken = Some(("GET /quotas", 403)));
    let ran = bench.run(&["once"]).ends_with(1);
    let lines = lines(&ran);
    let errors = of_level(&lines, "ERROR");
    assert_eq!(errors.len(), 1, "{}", ran.log);
    assert_eq!((&errors[0]["job"], &errors[0]["message"]), (&"snapshot".into(), &"failed".into()));
    let error = errors[0]["error"].as_str().unwrap();
    assert!(error.contains("GET /quotas: not allowed (403"), "{error}");
    assert!(error.contains("needs the permission `Edit organization and account group quotas`"), "{error}");
    let request = lines.iter().find(|line| line["message"] == "refused").unwrap();
    assert_eq!((&request["status"], &request["path"]), (&403.into(), &"/quotas".into()));
    assert_eq!(request["request"].as_str().unwrap().len(), 16);
}

#[test]
fn a_failure_of_this_machine_says_what_to_do() {
    let bench = Bench::new(World::small());
    fs_err::write(bench.data().join("history"), "in the way").unwrap();
    let ran = bench.run(&["once"]).ends_with(1);
    assert!(
        ran.log.lines().any(|line| line.contains("\"level\":\"ERROR\"") && line.contains("history")),
        "{}",
        ran.log
    );

    fs_err::remove_dir_all(bench.data().join("inbox")).unwrap();
    let outside = bench.data().join("elsewhere");
    fs_err::create_dir_all(&outside).unwrap();
    let bench = bench.with("QUOTAKEEPER__INBOX__DIR", outside.join("no").to_str().unwrap());
    fs_err::write(outside.join("no"), "a file").unwrap();
    bench.run(&["inbox"]).ends_with(1);
}

#[test]
fn each_problem_of_a_configuration_is_a_line_of_a_services_log() {
    let bench = Bench::new(World::small());
    bench.configure("[api]\ntimeout = \"soon\"\n[inbox]\nmode = \"rows\"\n");
    for command in ["once", "run"] {
        let ran = bench.run(&[command]).ends_with(1);
        let problems: Vec<Value> = lines(&ran).into_iter().map(|line| line["problem"].clone()).collect();
        let problems: Vec<&str> = problems.iter().filter_map(Value::as_str).collect();
        assert_eq!(problems.len(), 2, "{}", ran.log);
        assert!(problems[0].contains("quotakeeper.toml:2: api.timeout"), "{problems:?}");
    }
}

#[test]
fn to_the_journal_each_line_has_its_priority_and_no_second_time() {
    let bench = Bench::new(World::small());
    bench.standin.world(|world| world.broken = Some(("GET /quotas", 403)));
    let path = bench.data().join("journal");
    let log = fs_err::File::create(&path).unwrap().into_file();
    let stream = log.metadata().unwrap();
    let mut once = bench.command(&["once"]);
    once.env("JOURNAL_STREAM", format!("{}:{}", stream.dev(), stream.ino()))
        .stdout(Stdio::null())
        .stderr(log);
    assert_eq!(once.status().unwrap().code(), Some(1));
    let log = fs_err::read_to_string(&path).unwrap();
    let failed: Vec<&str> = log.lines().filter(|line| line.starts_with("<3>")).collect();
    assert_eq!(failed.len(), 1, "{log}");
    assert!(
        failed[0].starts_with("<3>failed job=\"snapshot\" error=\"the snapshot job failed: GET /quotas"),
        "{log}"
    );
    assert!(
        log.lines().all(|line| ["<3>", "<4>", "<6>"].iter().any(|known| line.starts_with(known))),
        "{log}"
    );

    // The variable is inherited by everything; where it names another stream the log is none of the journal's.
    let other = bench.command(&["once"]).env("JOURNAL_STREAM", "1:2").output().unwrap();
    let other = String::from_utf8(other.stderr).unwrap();
    assert!(other.lines().all(|line| line.starts_with('{')), "{other}");
}

#[test]
fn on_a_terminal_the_log_is_text() {
    let bench = Bench::new(World::small());
    let Some(shown) = bench.on_a_terminal(&["snapshot", "--color", "never"]) else { return };
    assert!(shown.contains("INFO snapshot written rows="), "{shown}");
}

#[test]
fn a_log_that_nobody_reads_stops_neither_work_nor_the_end_and_later_says_what_it_lost() {
    let bench = Bench::new(World::small());
    let (mut reader, writer) = std::io::pipe().unwrap();
    // Nearly full: the first lines of the daemon find no room.
    (&writer).write_all(&vec![b'x'; 65_000]).unwrap();
    let mut command = bench.command(&["run"]);
    command.stdout(Stdio::null()).stderr(writer);
    let mut daemon = command.spawn().unwrap();
    drop(command); // its copy of the writer
    bench.drop_file("raise.csv", "org_id,aid,value\n10,101,6000\n");
    until(|| bench.data().join("inbox/answers/raise.csv/success.csv").exists());
    let mut filler = vec![0; 65_000];
    reader.read_exact(&mut filler).unwrap();
    bench.drop_file("again.csv", "org_id,aid,value\n10,101,6100\n");
    until(|| bench.data().join("inbox/answers/again.csv/success.csv").exists());
    let stop = Command::new("kill").args(["-TERM", &daemon.id().to_string()]).status().unwrap();
    assert!(stop.success());
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
    let mut log = String::new();
    reader.read_to_string(&mut log).unwrap();
    let lost = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|line| line["lost"].is_u64());
    assert_eq!(lost.map(|line| line["level"].clone()), Some(Value::from("WARN")), "{log}");
}

/// Waits for what a daemon does.
fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        std::thread::sleep(std::time::Duration::from_millis(10)); // how soon it is seen
    }
}
