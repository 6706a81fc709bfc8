//! The token and the SMTP password show in no output, no file and no process argument, even where servers repeat them.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use testkit::binary;

use crate::support::{Place, Ran, Simulator, files};

const PASSWORD: &str = "Correct-Horse-9f27-Battery";
const USER: &str = "quotakeeper";

fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |bits: u32| char::from(LETTERS[(bits & 63) as usize]);
    let group = |bytes: &[u8]| {
        let bits =
            bytes.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - bytes.len()));
        let letters = [18, 12, 6, 0].map(|shift| letter(bits >> shift));
        (0..4).map(|index| if index <= bytes.len() { letters[index] } else { '=' }).collect::<String>()
    };
    text.as_bytes().chunks(3).map(group).collect()
}

/// The secrets of a place in every shape in which they travel.
struct Needles(Vec<String>);

impl Needles {
    fn new(token: &str) -> Self {
        let login = format!("\0{USER}\0{PASSWORD}");
        Self(vec![token.into(), base64(token), PASSWORD.into(), base64(PASSWORD), base64(&login)])
    }

    fn assert_absent(&self, text: &[u8], place: &str) {
        for needle in &self.0 {
            let found = text.windows(needle.len()).position(|window| window == needle.as_bytes());
            if let Some(at) = found {
                let around = &text[at.saturating_sub(200)..(at + needle.len() + 50).min(text.len())];
                panic!("{needle} shows in {place}: …{}…", String::from_utf8_lossy(around));
            }
        }
    }

    fn assert_absent_in(&self, ran: &Ran, command: &str) {
        self.assert_absent(ran.stdout.as_bytes(), &format!("stdout of {command}"));
        self.assert_absent(ran.stderr.as_bytes(), &format!("stderr of {command}"));
    }

    /// `given` are the files that hold a secret because the test put it there.
    fn assert_absent_below(&self, folder: &Path, given: &[PathBuf]) {
        let files = files(folder);
        assert!(files.len() > given.len());
        for (path, content) in files {
            self.assert_absent(path.to_string_lossy().as_bytes(), "a file's name");
            if !given.contains(&path) {
                self.assert_absent(&content, &path.display().to_string());
            }
        }
    }
}

/// A mail server that takes no login and repeats what it was sent.
fn repeating_mail_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut lines = BufReader::new(client.try_clone().unwrap());
            let mut say = |text: &str| client.write_all(format!("{text}\r\n").as_bytes());
            let _ = say("220 mail.example.com");
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|length| length > 0) {
                let answer = match line.trim() {
                    hello if hello.starts_with("EHLO") => {
                        "250-mail.example.com\r\n250 AUTH PLAIN LOGIN".to_owned()
                    }
                    "QUIT" => "221 bye".to_owned(),
                    other => format!(
                        "535 5.7.8 bad login: {other} ({PASSWORD}) {} \"{}\"",
                        base64(PASSWORD),
                        base64(&format!("\0{USER}\0{PASSWORD}"))
                    ),
                };
                let _ = say(&answer);
                line.clear();
            }
        }
    });
    port
}

/// An API that refuses everything with this status and repeats the token.
fn repeating_api(status: u16, token: &str, kind: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let body = match kind {
        "application/json" => format!(
            r#"{{"error":"{token}","error_description":"Bearer {token} is unknown","title":"{token}","detail":"{token}"}}"#
        ),
        _ => format!("<html><body>Bearer {token}</body></html>"),
    };
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let length = body.len();
            let _ = write!(
                client,
                "HTTP/1.1 {status} No\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    base_url
}

fn with_mail(place: Place, port: u16) -> Place {
    place
        .with("QUOTAKEEPER__MAIL__TRANSPORT", "smtp")
        .with("QUOTAKEEPER__SMTP__HOST", "127.0.0.1")
        .with("QUOTAKEEPER__SMTP__PORT", &port.to_string())
        .with("QUOTAKEEPER__SMTP__TLS", "off")
        .with("QUOTAKEEPER__SMTP__USERNAME", USER)
        .with("QUOTAKEEPER__SMTP__PASSWORD", PASSWORD)
}

/// A file with a row for each way that a run can end: applied, held, refused.
fn drop_changes(place: &Place) {
    let export = place.run(&["export"]).stdout;
    let mut reader = csv::Reader::from_reader(export.as_bytes());
    let mut raise = "aid,value\n".to_owned();
    let mut cut = raise.clone();
    for row in reader.records().map(Result::unwrap).filter(|row| !row[3].is_empty() && &row[5] != "none") {
        let target = if &row[1] == "10452" { (&mut raise, 10) } else { (&mut cut, 1) };
        let value = if target.1 == 1 { 1 } else { row[5].parse::<u64>().unwrap() + 10 };
        target.0.push_str(&format!("{},{value}\n", &row[3]));
    }
    place.drop_file("raise.csv", raise);
    place.drop_file("cut.csv", cut);
    place.drop_file("broken.csv", "no header at all");
    place.drop_file("refused.csv", "aid,value\n999999,5\n");
}

const COMMANDS: [&[&str]; 16] = [
    &["check"],
    &["check", "--online"],
    &["check", "--send-test-mail", "ann@example.com"],
    &["snapshot"],
    &["inbox"],
    &["runs"],
    &["runs", "--format", "json"],
    &["report", "usage"],
    &["report", "changes"],
    &["report", "usage", "--out", "usage.html"],
    &["outbox"],
    &["prune"],
    &["status"],
    &["status", "--format", "json"],
    &["export"],
    &["once"],
];

fn run_everything(place: &Place, needles: &Needles) {
    for arguments in COMMANDS {
        let verbose: Vec<&str> = arguments.iter().copied().chain(["-vv"]).collect();
        let ran = place.run(&verbose);
        needles.assert_absent_in(&ran, &verbose.join(" "));
        assert!(!ran.stderr.contains("ann@example.com"), "an address shows: {}", ran.stderr);
    }
}

#[test]
fn secrets_of_the_environment_show_nowhere_though_the_mail_server_repeats_them() {
    let simulator = Simulator::start();
    let needles = Needles::new(&simulator.token);
    let place = with_mail(Place::new(&simulator), repeating_mail_server());
    drop_changes(&place);
    run_everything(&place, &needles);
    let outbox = place.run(&["outbox"]);
    assert!(outbox.stderr.contains("535"), "the mail server was asked: {}", outbox.stderr);
    needles.assert_absent_below(place.path(), &[]);
}

#[test]
fn secrets_of_files_show_nowhere() {
    let simulator = Simulator::start();
    let needles = Needles::new(&simulator.token);
    for systemd in [true, false] {
        let place = with_mail(Place::new(&simulator), repeating_mail_server())
            .with("TE_TOKEN", "")
            .with("QUOTAKEEPER__SMTP__PASSWORD", "");
        let given = ["te_token", "smtp_password"].map(|name| place.path().join("credentials").join(name));
        std::fs::create_dir(place.path().join("credentials")).unwrap();
        std::fs::write(&given[0], format!("{}\n", simulator.token)).unwrap();
        std::fs::write(&given[1], PASSWORD).unwrap();
        let folder = given[0].parent().unwrap().display().to_string();
        let place = if systemd {
            place.with("CREDENTIALS_DIRECTORY", &folder)
        } else {
            place
                .with("QUOTAKEEPER__API__TOKEN_FILE", &given[0].display().to_string())
                .with("QUOTAKEEPER__SMTP__PASSWORD_FILE", &given[1].display().to_string())
        };
        drop_changes(&place);
        run_everything(&place, &needles);
        assert!(place.run(&["check", "--online"]).stdout.contains("quotas can be read"));
        assert!(place.run(&["outbox"]).stderr.contains("535"), "the mail server was asked");
        needles.assert_absent_below(place.path(), &given);
    }
}

#[test]
fn a_server_that_refuses_and_repeats_the_token_does_not_make_it_show() {
    let simulator = Simulator::start();
    let needles = Needles::new(&simulator.token);
    for (status, kind) in
        [(401, "application/json"), (400, "application/json"), (403, "text/html"), (200, "text/html")]
    {
        let place =
            Place::new(&simulator).with("TE_BASE_URL", &repeating_api(status, &simulator.token, kind));
        place.drop_file("raise.csv", "aid,value\n204117,5\n");
        for arguments in
            [&["snapshot"][..], &["inbox"], &["check", "--online"], &["plan", "data/inbox/raise.csv"]]
        {
            let ran = place.run(&[arguments, &["-vv"]].concat());
            if arguments != ["inbox"] {
                assert_eq!(ran.code, Some(1), "{status} {arguments:?}: {}", ran.stderr);
            }
            needles.assert_absent_in(&ran, &format!("{arguments:?} at {status}"));
        }
        needles.assert_absent_below(place.path(), &[]);
    }
}

#[test]
fn a_secret_at_the_wrong_place_of_the_configuration_is_not_repeated() {
    let simulator = Simulator::start();
    let needles = Needles::new(&simulator.token);
    let wrong = [
        format!("[smtp]\npassword = \"{PASSWORD}\"\n"),
        format!("[smtp]\npassword = \"{PASSWORD}\n"),
        format!("[api]\ntoken = \"{}\"\n", simulator.token),
        format!("te_token = \"{}\"\n", simulator.token),
        format!("[api]\nproxy = \"http://{USER}:{PASSWORD}@proxy:99999\"\n"),
        format!("[api]\nbase_url = \"https://{USER}:{PASSWORD}@api.example.com\"\n"),
        format!("[smtp]\nport = \"{PASSWORD}\"\n"),
        format!("{}\n", simulator.token),
    ];
    for text in wrong {
        let place = Place::new(&simulator).with("TE_BASE_URL", "");
        std::fs::write(place.path().join("quotakeeper.toml"), &text).unwrap();
        for arguments in [&["check"][..], &["snapshot", "-vv"]] {
            let ran = place.run(arguments);
            assert_eq!(ran.code, Some(1), "{text}: {}{}", ran.stdout, ran.stderr);
            needles.assert_absent_in(&ran, &format!("{arguments:?} with {text}"));
        }
    }
    for name in ["QUOTAKEEPER__SMTP__PASSWRD", "QUOTAKEEPER__API__TOKEN", "QUOTAKEEPER__SMTP__PASSWORD__"] {
        let ran = Place::new(&simulator).with(name, PASSWORD).run(&["check"]);
        assert_eq!(ran.code, Some(1), "{name}: {}", ran.stdout);
        needles.assert_absent_in(&ran, name);
    }
}

#[test]
fn a_running_daemon_has_no_secret_in_its_arguments() {
    let simulator = Simulator::start();
    let needles = Needles::new(&simulator.token);
    let place = with_mail(Place::new(&simulator), repeating_mail_server());
    let mut daemon = place.command(&["run", "-vv"]);
    let log = std::fs::File::create(place.path().join("log")).unwrap();
    let mut daemon = daemon.stderr(log).spawn().unwrap();
    let arguments = format!("/proc/{}/cmdline", daemon.id());
    let deadline = Instant::now() + Duration::from_secs(60);
    while place.run(&["status", "--format", "json"]).stdout.contains("\"last_snapshot\": null") {
        assert!(Instant::now() < deadline, "the daemon took no snapshot");
        std::thread::sleep(Duration::from_millis(50));
    }
    let seen = std::fs::read(arguments).unwrap();
    let _ = std::process::Command::new("kill").arg(daemon.id().to_string()).status();
    assert!(daemon.wait().unwrap().success());
    assert!(String::from_utf8_lossy(&seen).contains(binary()));
    needles.assert_absent(&seen, "the daemon's arguments");
    needles.assert_absent_below(place.path(), &[]);
}

/// Waits until the process has come so far that it limits its cores, which it cannot where none were allowed before.
fn wait_for_limit(process: u32) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let is_limited = |limits: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
        let mut words = line.split_whitespace();
        words.next() == Some("1") || words.next() == Some("0")
    };
    loop {
        let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
        if is_limited(&limits) {
            return;
        }
        assert!(Instant::now() < deadline, "cores are allowed: {limits}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn no_command_leaves_a_core_and_the_kernel_makes_none_of_what_writes() {
    let simulator = Simulator::start();
    let place = Place::new(&simulator).owned_by_nobody();
    let mut reads = place.command(&["plan", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    wait_for_limit(reads.id());
    reads.kill().unwrap();
    reads.wait().unwrap();

    let mut daemon = place.command(&["run"]).stderr(Stdio::null()).spawn().unwrap();
    wait_for_limit(daemon.id());
    let deadline = Instant::now() + Duration::from_secs(60);
    while place.run(&["status", "--format", "json"]).stdout.contains("\"last_snapshot\": null") {
        assert!(Instant::now() < deadline, "the daemon took no snapshot");
        std::thread::sleep(Duration::from_millis(50));
    }
    let pid = daemon.id().to_string();
    let owner = std::fs::metadata(format!("/proc/{pid}/environ")).unwrap().uid();
    assert_eq!(owner, 0, "what is never dumped belongs to root there");
    assert!(Command::new("kill").args(["-ABRT", &pid]).status().unwrap().success());
    assert!(!daemon.wait().unwrap().core_dumped());
}
