//! What others name, drop and answer never steers a terminal, a log or a mail, no secret leaves, and no log ends the process.

use std::io::Write;
use std::process::Stdio;

use crate::standin::{TOKEN, World, key};
use crate::testbed::{Bench, files};

/// A title for the window, a bell, a line turned around, a blank that nobody sees, a tag.
const HOSTILE: &str = "raise\u{1b}]0;owned\u{7}\u{202e}vsc\u{200b}\u{e0041}\u{ad}.csv";

/// Control characters beside line ends, and what Unicode hides.
fn hidden(text: &str) -> Vec<char> {
    let is_hidden = |c: &char| {
        c.is_control() && *c != '\n'
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
            || matches!(c, '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
    };
    text.chars().filter(is_hidden).collect()
}

#[test]
fn a_file_name_steers_nothing_that_people_read() {
    let bench = Bench::new(World::small()).with_mail();
    bench.drop_file(HOSTILE, "org_id,aid,value\n10452,x\u{1b}[31m\u{202e}y,1\n");
    for format in ["text", "json"] {
        let inbox = bench.command(&["inbox", "--log-format", format]).output().unwrap();
        let log = String::from_utf8(inbox.stderr).unwrap();
        assert_eq!(hidden(&log), [], "{format}: {log:?}");
    }
    let id = bench.only_run().id();
    let path = bench.data().join("in the way");
    fs_err::create_dir(&path).unwrap();
    let file = path.join(HOSTILE);
    fs_err::write(&file, "org_id,aid,value\n10452,\u{1b}[2J,1\n").unwrap();
    let file = file.to_str().unwrap();
    for arguments in [
        &["runs"][..],
        &["runs", &id],
        &["runs", "--format", "json"],
        &["status"],
        &["plan", file],
        &["plan", file, "--format", "markdown"],
        &["plan", file, "--format", "json"],
        &["plan", HOSTILE],
        &["check", "--config", HOSTILE],
        &["runs", HOSTILE],
        &["report", HOSTILE],
        &[HOSTILE],
    ] {
        let ran = bench.run(arguments);
        assert_eq!(hidden(&ran.out), [], "{arguments:?}: {:?}", ran.out);
        assert_eq!(hidden(&ran.log), [], "{arguments:?}: {:?}", ran.log);
    }
    let status =
        files(&bench.data().join("inbox")).into_iter().find(|path| path.ends_with("status.txt")).unwrap();
    let status = fs_err::read_to_string(status).unwrap();
    assert_eq!(hidden(&status), [], "{status:?}");
    for mail in bench.delivered() {
        let message = mail_parser::MessageParser::default().parse(mail.as_bytes()).unwrap();
        let texts =
            [message.subject().unwrap().into(), message.body_text(0).unwrap(), message.body_html(0).unwrap()];
        for text in texts {
            assert_eq!(hidden(&text.replace('\r', "")), [], "{text:?}");
        }
    }
}

#[test]
fn a_token_pasted_where_its_file_belongs_is_not_printed() {
    let pasted = "0aB1-pasted-token-9xYz77";
    let bench = Bench::new(World::small());
    bench.configure(&format!("[api]\ntoken_file = \"{pasted}\"\n"));
    for arguments in [&["check"][..], &["snapshot"], &["once"], &["check", "--online"], &["status"]] {
        let output = bench.command(arguments).env_remove("TE_TOKEN").output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(!said.contains(pasted), "{arguments:?}: {said}");
        if arguments != ["status"] {
            assert!(said.contains("api.token_file"), "{arguments:?}: {said}");
        }
    }
    for path in files(&bench.data()) {
        assert!(
            !String::from_utf8_lossy(&fs_err::read(&path).unwrap()).contains(pasted),
            "{}",
            path.display()
        );
    }
}

#[test]
fn credentials_in_urls_are_not_printed() {
    let urls = [
        ("QUOTAKEEPER__API__BASE_URL", "https://ann:pass-word-1@api.example/v7"),
        ("TE_BASE_URL", "https://ann:pass-word-1@exa mple/"),
        ("TE_BASE_URL", "ann:pass-word-1@api.example"),
        ("QUOTAKEEPER__API__PROXY", "ann:pass-word-1@proxy.example:3128"),
        ("QUOTAKEEPER__METRICS__PUSH_URL", "http://ann:pass-word-1@127.0.0.1:9/metrics/job/q"),
        ("QUOTAKEEPER__HEARTBEAT__URL", "http://ann:pass-word-1@127.0.0.1:9/ping/pass-word-1"),
    ];
    for (name, url) in urls {
        let bench = Bench::new(World::small());
        for arguments in [&["check"][..], &["once"]] {
            let output = bench.command(arguments).env(name, url).output().unwrap();
            let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            assert!(!said.contains("pass-word-1"), "{name} {arguments:?}: {said}");
        }
    }
}

/// Whether writing to a full device fails here: it is Linux's.
fn full() -> Option<Stdio> {
    Some(fs_err::OpenOptions::new().write(true).open("/dev/full").ok()?.into_file().into())
}

#[test]
fn a_log_that_cannot_be_written_ends_nothing() {
    let bench = Bench::new(World::small());
    bench.drop_file("a.csv", "org_id,aid,value\n10452,204117,1\n");
    let Some(stderr) = full() else { return };
    let once = bench.command(&["once"]).stdout(Stdio::null()).stderr(stderr).status().unwrap();
    assert_eq!(once.code(), Some(0));
    assert_ne!(bench.only_run().state(), "planned");

    // Nobody reads on.
    bench.drop_file("b.csv", "org_id,aid,value\n10452,204117,2\n");
    let mut once = bench.command(&["once"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    drop(once.stderr.take());
    assert_eq!(once.wait().unwrap().code(), Some(0));
    assert_eq!(bench.runs().len(), 2);

    for arguments in [&["snapshot", "-vv"][..], &["plan", "missing.csv"], &["nonsense"], &["runs", "missing"]]
    {
        let ran = bench.command(arguments).stdout(Stdio::null()).stderr(full().unwrap()).status().unwrap();
        assert!(matches!(ran.code(), Some(0..=5)), "{arguments:?}: {ran}");
    }
}

#[test]
fn failing_output_is_reported_as_a_failure_and_a_reader_that_leaves_is_not() {
    let bench = Bench::new(World::small());
    bench.run(&["snapshot"]).ends_with(0);
    for arguments in [
        &["status"][..],
        &["history", "list"],
        &["export"],
        &["runs"],
        &["check"],
        &["--help"],
        &["man"],
        &["completions", "bash"],
    ] {
        let Some(stdout) = full() else { return };
        let ran = bench.command(arguments).stdout(stdout).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("the disk is full"), "{arguments:?}: {said}");
        let mut ran = bench.command(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        drop(ran.stdout.take());
        assert_eq!(ran.wait().unwrap().code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn the_manual_page_has_the_exit_codes_where_people_look_for_them() {
    let page = Bench::new(World::small()).run(&["man"]).ends_with(0).out;
    assert!(
        page.contains("\n.SH \"EXIT STATUS\"\nExit codes: 0 done") && !page.contains(".SH EXTRA"),
        "{page}"
    );
}

#[test]
fn data_in_a_pipe_keeps_control_characters_out() {
    let world = World::small();
    let bench = Bench::new(world);
    let mut plan =
        bench.command(&["plan", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    plan.stdin.take().unwrap().write_all(b"org_id,value\n\x1b[31m,1\n").unwrap();
    let output = plan.wait_with_output().unwrap();
    assert_eq!(hidden(&String::from_utf8(output.stdout).unwrap()), []);
    assert!(!bench.run(&["export"]).ends_with(0).out.contains(TOKEN));
}

#[test]
fn what_follows_a_line_end_in_a_name_begins_no_line_of_its_own() {
    let mut world = World::small();
    world.set(&key("10", "101"), Some(3_000));
    for (id, organization) in &mut world.organizations {
        organization.name = format!("Acme {id}\nForged");
        for group in organization.groups.values_mut() {
            group.name += "\nForged";
        }
    }
    let bench = Bench::new(world);
    bench.drop_file("cut.csv", "org_id,aid,value\n10,101,1\n");
    bench.run(&["inbox"]).ends_with(5);
    let path = bench.data().join("cut.csv");
    fs_err::write(&path, "org_id,aid,value\n10,101,1\n10,102,2001\n20,9999,1\n").unwrap();
    let (file, id) = (path.to_str().unwrap(), bench.only_run().id());
    bench.run(&["snapshot"]).ends_with(0);
    for arguments in [
        &["plan", file][..],
        &["plan", file, "--all"],
        &["plan", file, "--format", "markdown"],
        &["runs", &id],
        &["propose"],
        &["targets"],
        &["status"],
        &["history", "of", "10/101"],
        &["export", "--org", "20"],
    ] {
        let ran = bench.run(arguments);
        assert!(
            format!("{}{}", ran.out, ran.log).contains(" Forged"),
            "{arguments:?}: {}{}",
            ran.out,
            ran.log
        );
        let begins_a_line = |line: &str| line.trim_start().starts_with("Forged");
        let forged: Vec<&str> =
            ran.out.lines().chain(ran.log.lines()).filter(|line| begins_a_line(line)).collect();
        assert_eq!(forged, [""; 0], "{arguments:?}");
    }
}

#[test]
fn the_first_pass_without_a_token_says_that_and_nothing_of_clocks() {
    let bench = Bench::new(World::small());
    let output = bench.command(&["once"]).env_remove("TE_TOKEN").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("no API token: set TE_TOKEN"), "{log}");
    assert!(!log.contains("clock"), "{log}");
}
