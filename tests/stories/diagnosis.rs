//! Staged faults: a person with nothing but `status` and the log finds out what is wrong, and what to do.
//!
//! All of them are in one golden file, to be read as that person would.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use serde_json::Value;

use crate::standin::World;
use crate::testbed::{Bench, Run, files};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A text without what differs from run to run: times, folders, runs.
fn settled(bench: &Bench, text: &str) -> String {
    let mut text = text.replace(&bench.data().display().to_string(), "DATA");
    for run in bench.runs() {
        text = text.replace(&run.id(), "RUN");
    }
    let mut words: Vec<&str> = Vec::new();
    for word in text.split_whitespace() {
        let is_clock = word.len() == 5 && word.as_bytes()[2] == b':';
        match words[..] {
            // `Sun 22 Nov 2026, 08:00`
            [.., _, _, month, _] if is_clock && MONTHS.contains(&month) => {
                words.truncate(words.len() - 4);
                words.push("TIME");
            }
            _ => words.push(word),
        }
    }
    let words = words.join(" ");
    // The time in the name of a file that was set aside.
    match words.split_once("damaged-") {
        Some((before, after)) => {
            let rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == 'T' || c == 'Z');
            format!("{before}damaged-TIME{rest}")
        }
        None => words,
    }
}

/// What the log warns of, and what `status` says is wrong.
fn diagnosis(bench: &Bench, name: &str, command: &[&str]) -> String {
    let mut document = format!("## {name}\n\n$ quotakeeper {}\n", command.join(" "));
    for line in bench.run(command).log.lines() {
        let Ok(Value::Object(mut fields)) = serde_json::from_str(line) else { panic!("no JSON: {line}") };
        let level = fields.remove("level").unwrap();
        if level != "ERROR" && level != "WARN" {
            continue;
        }
        let message = fields.remove("message").unwrap();
        for passing in ["timestamp", "target", "request", "wait_s", "seconds_ahead", "file", "next_try"] {
            fields.remove(passing);
        }
        let fields = fields.iter().map(|(name, value)| format!("{name}={value}"));
        let line = format!(
            "{} {} {}",
            level.as_str().unwrap(),
            message.as_str().unwrap(),
            fields.collect::<Vec<_>>().join(" ")
        );
        document += &format!("{}\n", settled(bench, &line));
    }
    document + &status(bench)
}

fn status(bench: &Bench) -> String {
    let ran = bench.run(&["status", "--format", "json"]).ends_with(0);
    let seen: Value = serde_json::from_str(&ran.out).unwrap();
    let mut document = "\n$ quotakeeper status\n".to_owned();
    for problem in seen["troubles"].as_array().unwrap() {
        document += &format!("✗ {}\n", settled(bench, problem["what"].as_str().unwrap()));
        if let Some(fix) = problem["mend"].as_str() {
            document += &format!("  → {}\n", settled(bench, fix));
        }
    }
    assert_eq!(seen["well"], false, "{document}");
    document + "\n"
}

/// An installation that did all of its work a moment ago.
fn working(settings: &[(&str, &str)]) -> Bench {
    let bench =
        settings.iter().fold(Bench::new(World::small()), |bench, (name, value)| bench.with(name, value));
    bench.run(&["once"]).ends_with(0);
    let seen: Value = serde_json::from_str(&bench.run(&["status", "--format", "json"]).out).unwrap();
    assert_eq!(seen["well"], true, "{seen:#}");
    bench
}

/// As if it had happened so many hours earlier.
fn earlier(bench: &Bench, file: &str, pointer: &str, hours: i64) {
    let path = bench.data().join(file);
    let mut content: Value = serde_json::from_slice(&fs_err::read(&path).unwrap()).unwrap();
    let time = content.pointer_mut(pointer).unwrap();
    let at: chrono::DateTime<chrono::Utc> = time.as_str().unwrap().parse().unwrap();
    *time = (at - chrono::Duration::hours(hours)).to_rfc3339().into();
    fs_err::write(&path, content.to_string()).unwrap();
}

/// A server that answers each line, or each request, so.
fn server(greeting: &'static str, answer: fn(&str) -> Option<&'static str>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut lines = BufReader::new(client.try_clone().unwrap());
            let _ = client.write_all(greeting.as_bytes());
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
                if let Some(answer) = answer(line.trim_end()) {
                    let _ = client.write_all(answer.as_bytes());
                }
                line.clear();
            }
        }
    });
    port
}

const HTML: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 27\r\n\r\n<html>Please log in.</html>";

fn smtp(port: &str) -> [(&str, &str); 6] {
    [
        ("QUOTAKEEPER__MAIL__TRANSPORT", "smtp"),
        ("QUOTAKEEPER__MAIL__FROM", "quotakeeper@example.com"),
        ("QUOTAKEEPER__MAIL__TO__CHANGES", r#"["changes@example.com"]"#),
        ("QUOTAKEEPER__SMTP__HOST", "127.0.0.1"),
        ("QUOTAKEEPER__SMTP__TLS", "off"),
        ("QUOTAKEEPER__SMTP__PORT", port),
    ]
}

/// The only file of a mail that waits.
fn waiting_record(bench: &Bench) -> String {
    let all = files(&bench.data().join("outbox/new"));
    let record = all.iter().find(|path| path.extension().is_some_and(|kind| kind == "json"));
    record.unwrap().strip_prefix(bench.data()).unwrap().display().to_string()
}

fn the_api() -> String {
    let mut document = String::new();
    // Whatever the time is, a snapshot is due, and one alone.
    let due = |bench: Bench| {
        earlier(&bench, "state.json", "/jobs/snapshot/last_success", 1);
        bench
    };
    let bench = due(working(&[])).with("TE_TOKEN", "not-the-token");
    document += &diagnosis(&bench, "the token is wrong", &["once"]);

    let bench = due(working(&[]));
    bench.standin.world(|world| world.usage_forbidden = true);
    document += &diagnosis(&bench, "the token's user may not see usage", &["once"]);

    let bench = due(working(&[])).with("TE_BASE_URL", "http://127.0.0.1:1");
    document += &diagnosis(&bench, "the API cannot be reached", &["once"]);

    let port = server("", |line| line.is_empty().then_some(HTML));
    let bench = due(working(&[])).with("TE_BASE_URL", &format!("http://127.0.0.1:{port}"));
    document += &diagnosis(&bench, "a proxy answers instead of the API", &["once"]);

    let bench = due(working(&[]));
    bench.standin.world(|world| world.broken = Some(("GET /quotas", 503)));
    bench.run(&["once"]).ends_with(1);
    earlier(&bench, "state.json", "/failing/snapshot", 5);
    document += &diagnosis(&bench, "the API has failed for hours", &["once"]);

    let bench = due(working(&[]));
    bench.standin.world(|world| world.clock_off = -2 * 3600 - 30);
    document += &diagnosis(&bench, "the clock of this machine is wrong", &["once"]);
    document
}

fn mail() -> String {
    let mut document = String::new();
    let bench = working(&smtp("1"));
    bench.drop_file("bad.csv", "no header\n");
    bench.run(&["once"]).ends_with(1);
    earlier(&bench, &waiting_record(&bench), "/queued_at", 50);
    earlier(&bench, &waiting_record(&bench), "/next_try", 50);
    document += &diagnosis(&bench, "the mail server is down", &["once"]);

    let port = server("220 mail\r\n", |line| match line.get(..4) {
        Some("EHLO") => Some("250-mail\r\n250 AUTH PLAIN LOGIN\r\n"),
        Some("QUIT") => Some("221 bye\r\n"),
        _ => Some("535 5.7.8 authentication failed\r\n"),
    });
    let port = port.to_string();
    let mut settings = smtp(&port).to_vec();
    settings
        .extend([("QUOTAKEEPER__SMTP__USERNAME", "quotakeeper"), ("QUOTAKEEPER__SMTP__PASSWORD", "wrong")]);
    let bench = working(&settings);
    bench.drop_file("bad.csv", "no header\n");
    bench.run(&["once"]).ends_with(1);
    earlier(&bench, &waiting_record(&bench), "/queued_at", 2);
    earlier(&bench, &waiting_record(&bench), "/next_try", 2);
    document + &diagnosis(&bench, "the password of the mail server is wrong", &["once"])
}

fn this_machine() -> String {
    let mut document = String::new();
    let bench = working(&[]);
    fs_err::write(bench.data().join("state.json"), "{\"version\": 1, \"jobs\"").unwrap();
    document += &diagnosis(&bench, "state.json is broken", &["once"]);

    let bench = working(&[]);
    let not_a_folder = bench.data().join("state.json/inbox");
    let bench = bench.with("QUOTAKEEPER__INBOX__DIR", not_a_folder.to_str().unwrap());
    document += &diagnosis(&bench, "the inbox cannot be used", &["once"]);

    let bench = working(&[]);
    bench.drop_file("q4.xlsx", "PK");
    document += &diagnosis(&bench, "somebody dropped a workbook", &["once"]);

    let bench = working(&[]);
    let templates = bench.data().join("templates");
    fs_err::create_dir_all(templates.join("usage")).unwrap();
    fs_err::write(templates.join("usage/body.txt"), "{{ headline }}\n{% for x in %}\n").unwrap();
    let bench = bench.with("QUOTAKEEPER__MAIL__TEMPLATES_DIR", templates.to_str().unwrap());
    document += &diagnosis(&bench, "a template is broken", &["once"]);

    let bench = working(&[]);
    let lock = fs_err::File::create(bench.data().join("lock")).unwrap().into_file();
    lock.lock().unwrap();
    (&lock).write_all(b"process 4242 on nms-01 since 2026-01-01T00:00:00Z\n").unwrap();
    for job in ["inbox", "snapshot", "outbox"] {
        earlier(&bench, "state.json", &format!("/jobs/{job}/last_success"), 30);
    }
    document += &diagnosis(&bench, "a process hangs and holds the lock", &["once", "--detailed-exitcode"]);

    let bench = working(&[]);
    for job in ["inbox", "snapshot", "outbox"] {
        earlier(&bench, "state.json", &format!("/jobs/{job}/last_success"), 30);
    }
    document + &format!("## nothing runs any more\n{}", status(&bench))
}

fn people() -> String {
    let bench = working(&[]);
    bench.drop_file("cut.csv", "org_id,aid,value\n10,101,3000\n");
    bench.run(&["once"]).ends_with(0);
    let run: Run = bench.only_run();
    earlier(&bench, &format!("runs/{}/run.json", run.id()), "/updated", 72);
    let document = diagnosis(&bench, "nobody decides on a held run", &["once"]);

    let bench = working(&[]);
    bench.configure("[inbox]\nsetle = \"10s\"\n");
    let ran = bench.run(&["status"]).ends_with(1);
    document
        + &format!(
            "## a key of the configuration is wrong\n\n$ quotakeeper status\n{}\n",
            settled(&bench, &ran.log)
        )
}

#[test]
fn a_person_with_nothing_but_status_and_the_log_finds_out_what_is_wrong() {
    let document = [the_api(), mail(), this_machine(), people()].concat();
    assert!(document.matches("\n## ").count() >= 10, "{document}");
    insta::assert_snapshot!(document);
}
