//! What users mistype, what readers of the output do, and what a server that isn't the API answers.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use crate::support::{Place, Simulator, files};

/// What the command says on standard error, and its exit code.
fn said(place: &Place, arguments: &[&str]) -> String {
    let ran = place.run(arguments);
    assert_eq!(ran.stdout, "", "{arguments:?}");
    let text = ran.stderr.lines().filter(|line| !line.starts_with('{') && !line.is_empty());
    let text = text.collect::<Vec<_>>().join("\n  ");
    format!("$ quotakeeper {}\n  {text}\n  exit {}\n", arguments.join(" "), ran.code.unwrap())
}

#[test]
fn each_mistake_is_answered_with_what_to_do() {
    let simulator = Simulator::start();
    let place = Place::new(&simulator);
    let mistakes: [&[&str]; 20] = [
        &["snapshto"],
        &["plan"],
        &["plan", "missing.csv"],
        &["apply", "missing.csv"],
        &["runs", "nope"],
        &["runs", "../../etc"],
        &["approve", "nope"],
        &["reject", "nope"],
        &["history", "show", "yesterday"],
        &["history", "show", "2020-01-01T00:00:00Z"],
        &["history", "diff", "a", "b"],
        &["export", "--at", "yesterday"],
        &["report", "usage"],
        &["report", "closing", "--out", "closing.html"],
        &["report", "usage", "--out", "usage.pdf"],
        &["report", "changes", "--out", ""],
        &["report", "changes", "--since", "soon"],
        &["simulate", "--listen", "0.0.0.0:0"],
        &["-c", "missing.toml", "status"],
        &["-c", "", "status"],
    ];
    insta::assert_snapshot!("mistakes", mistakes.map(|arguments| said(&place, arguments)).concat());
    let unset = place.command(&["status"]).env("QUOTAKEEPER_CONFIG", "").output().unwrap();
    assert!(unset.status.success(), "an empty variable is as good as unset: {unset:?}");
    let without = Place::new(&simulator).with("TE_TOKEN", "");
    insta::assert_snapshot!("no token", said(&without, &["snapshot"]));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let simulator = Simulator::start();
    let place = Place::new(&simulator);
    place.run(&["snapshot"]);
    std::fs::write(place.path().join("export.csv"), place.run(&["export"]).stdout).unwrap();
    let commands: [&[&str]; 13] = [
        &["--help"],
        &["status"],
        &["status", "--format", "json"],
        &["runs"],
        &["history", "list"],
        &["history", "show", "2100-01-01T00:00:00Z"],
        &["export"],
        &["plan", "export.csv"],
        &["plan", "export.csv", "--format", "json"],
        &["plan", "export.csv", "--format", "markdown"],
        &["check", "--online"],
        &["completions", "bash"],
        &["man"],
    ];
    for arguments in commands {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = place.command(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
    }
}

#[test]
fn check_says_where_no_mail_would_have_a_reader() {
    let simulator = Simulator::start();
    for transport in ["directory", "smtp"] {
        let place = Place::new(&simulator)
            .with("QUOTAKEEPER__MAIL__TRANSPORT", transport)
            .with("QUOTAKEEPER__MAIL__FROM", "q@example.com")
            .with("QUOTAKEEPER__SMTP__HOST", "127.0.0.1")
            .with("QUOTAKEEPER__MAIL__TO", "[]");
        let checked = place.run(&["check"]);
        assert!(checked.stdout.contains("mail.to names nobody"), "{transport}: {}", checked.stdout);
    }
}

#[test]
fn endless_standard_input_is_read_up_to_the_limit_of_a_file() {
    let simulator = Simulator::start();
    let place = Place::new(&simulator).with("QUOTAKEEPER__INBOX__MAX_BYTES", "100000");
    for arguments in [["plan", "-"], ["apply", "-"], ["plan", "/dev/zero"]] {
        let endless = std::fs::File::open("/dev/zero").unwrap();
        let output = place.command(&arguments).stdin(Stdio::from(endless)).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("more than 100000 bytes (inbox.max_bytes)"), "{arguments:?}: {said}");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(output.stdout.is_empty() && place.runs().is_empty(), "{arguments:?}");
    }
}

#[test]
fn an_environment_variable_that_is_not_text_is_ignored_unless_it_is_a_setting() {
    use std::os::unix::ffi::OsStrExt;
    let simulator = Simulator::start();
    let place = Place::new(&simulator);
    let strange = std::ffi::OsStr::from_bytes(b"\xFF");
    let output = place.command(&["status"]).env("STRANGE", strange).env(strange, "x").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    for setting in ["QUOTAKEEPER__DATA__DIR", "QUOTAKEEPER__GUARD__APPROVAL", "TE_TOKEN", "TE_BASE_URL"] {
        let output = place.command(&["once"]).env(setting, strange).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{setting}: {said}");
        assert!(said.contains(&format!("{setting}: its value is not UTF-8 text: set it again")), "{said}");
    }
    assert!(place.runs().is_empty() && !place.data().join("history").exists());
}

#[test]
fn an_argument_that_is_not_text_is_named_where_it_has_to_be_text() {
    use std::os::unix::ffi::OsStrExt;
    let simulator = Simulator::start();
    let place = Place::new(&simulator);
    let strange = std::ffi::OsStr::from_bytes(b"b\xFFd");
    for before in [&["approve"][..], &["history", "of"], &["targets", "--name"]] {
        let output = place.command(before).arg(strange).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{before:?}: {said}");
        assert!(said.contains("`b\u{fffd}d` is not UTF-8 text"), "{before:?}: {said}");
    }
}

#[test]
fn standard_output_has_only_json_and_logs_go_to_standard_error() {
    let simulator = Simulator::start();
    let place = Place::new(&simulator);
    place.run(&["snapshot"]);
    let export = place.run(&["export"]).stdout;
    std::fs::write(place.path().join("export.csv"), &export).unwrap();
    for arguments in [&["status"][..], &["runs"], &["plan", "export.csv"]] {
        let ran = place.run(&[arguments, &["--format", "json", "-vv"]].concat());
        serde_json::from_str::<serde_json::Value>(&ran.stdout).unwrap();
        for line in ran.stderr.lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    let mut plan = place.command(&["plan", "-"]);
    let mut plan = plan.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    plan.stdin.take().unwrap().write_all(export.as_bytes()).unwrap();
    let mut text = String::new();
    plan.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(plan.wait().unwrap().success());
    assert!(text.contains("42 unchanged"), "{text}");
}

/// What a terminal of so many columns shows.
fn on_a_terminal(place: &Place, columns: usize, shell: &str, no_color: bool) -> Option<String> {
    let mut script = Command::new("script");
    script.args(["-qec", &format!("stty cols {columns} rows 40; {shell}"), "/dev/null"]).stdin(Stdio::null());
    place.prepare(&mut script);
    if no_color {
        script.env("NO_COLOR", "1");
    }
    let output = script.output().ok()?;
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_narrow_terminal_gets_tables_that_fit_and_colours_unless_it_wants_none() {
    let simulator = Simulator::start();
    let place = Place::new(&simulator);
    place.run(&["snapshot"]);
    std::fs::write(place.path().join("cut.csv"), "aid,value\n204117,1\n204120,999999\n204123,x\n").unwrap();
    // The figures of a plan alone need 65 columns.
    for (columns, command) in [(60, "status"), (66, "plan cut.csv")] {
        let shell = format!("{} {command}", testkit::binary());
        let Some(coloured) = on_a_terminal(&place, columns, &shell, false) else {
            eprintln!("skipped: there is no `script`");
            return;
        };
        let plain = on_a_terminal(&place, columns, &shell, true).unwrap();
        assert!(coloured.contains("\u{1b}["), "{coloured}");
        assert!(!plain.contains('\u{1b}'), "{plain}");
        // A command to copy stays whole, and an organization's line is no table.
        let is_table = |line: &&str| !line.contains("quotakeeper apply") && !line.contains("allocated of");
        for line in plain.lines().filter(is_table) {
            assert!(
                line.chars().count() <= columns,
                "{command}: {} columns: {line}\n{plain}",
                line.chars().count()
            );
        }
    }
}

#[test]
fn an_outage_is_mailed_once_until_it_is_over() {
    let simulator = Simulator::start();
    let mails = |place: &Place| {
        let files = files(&place.data().join("outbox/new"));
        files.iter().filter(|(path, _)| path.extension().is_some_and(|extension| extension == "eml")).count()
    };
    let place = Place::new(&simulator).with("TE_TOKEN", "wrong");
    place.run(&["snapshot"]);
    assert_eq!(mails(&place), 1);
    // Over a second, since times are shown in seconds.
    let started = std::time::Instant::now();
    while started.elapsed() < std::time::Duration::from_millis(1100) {
        place.run(&["snapshot"]);
    }
    assert_eq!(mails(&place), 1, "however often it is tried");
    let place = place.with("TE_TOKEN", &simulator.token);
    assert_eq!(place.run(&["snapshot"]).code, Some(0));
    let place = place.with("TE_TOKEN", "wrong");
    place.run(&["snapshot"]);
    assert_eq!(mails(&place), 3, "the next outage is another, after the mail that the first is over");
}
