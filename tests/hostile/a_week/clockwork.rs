//! The installation whose clock runs fast: the simulator, the daemon, and who starts and kills them.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

/// How many seconds pass in one.
const RATE: i32 = 3_000;

/// At least so long nothing runs between two daemons. Each process's clock starts when its library is loaded: a second one
/// that starts more slowly than the first one did must not have an earlier time.
const PAUSE: TimeDelta = TimeDelta::minutes(25);

/// The library that makes clocks run fast, where Debian puts it. Without it these tests say so and prove nothing.
pub(crate) fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.filter_map(Result::ok);
    let found =
        folders.map(|folder| folder.path().join("faketime/libfaketime.so.1")).find(|path| path.exists());
    if found.is_none() {
        eprintln!("SKIPPED: libfaketime is not installed (apt-get install faketime), so no week was played");
    }
    found
}

/// A change file is dropped so often.
const EACH_FILE: TimeDelta = TimeDelta::minutes(230);

/// An account group of the simulator's small world: its organization, its id, and about its quota.
const GROUP: (&str, &str, usize) = ("10788", "204132", 18_000);

pub(crate) struct Week {
    folder: tempfile::TempDir,
    disk: Disk,
    library: PathBuf,
    /// A moment of the fast clock, and when that was.
    set: (DateTime<Utc>, Instant),
    port: u16,
    token: String,
    simulator: Option<Child>,
    mail_server: Option<MailServer>,
    faults: Vec<&'static str>,
    daemon: Option<Child>,
    dice: fastrand::Rng,
    pub(crate) kills: usize,
    /// The change files that people dropped.
    pub(crate) dropped: Vec<String>,
}

impl Week {
    /// Starts everything at this time.
    pub(crate) fn begin(library: PathBuf, at: DateTime<Utc>, seed: u64) -> Self {
        let mail_server = MailServer::start(); // before the clock runs
        let folder = tempfile::tempdir().unwrap();
        let mut week = Self {
            disk: Disk::mount(folder.path().join("disk")),
            folder,
            library,
            set: (at, Instant::now()),
            port: TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port(),
            token: String::new(),
            simulator: None,
            mail_server,
            faults: Vec::new(),
            daemon: None,
            dice: fastrand::Rng::with_seed(seed),
            kills: 0,
            dropped: Vec::new(),
        };
        week.start_at(at);
        week
    }

    /// The identities of all mails that the mail server took, as often as it took them; none where there is no such server.
    pub(crate) fn taken(&self) -> Option<Vec<String>> {
        self.mail_server.as_ref().map(MailServer::taken)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.disk.folder.join("data")
    }

    /// Whether the data folder has a disk of its own, which can be filled.
    pub(crate) fn has_own_disk(&self) -> bool {
        self.disk.is_own
    }

    /// Until then nothing more fits onto the disk of the data folder, and nobody drops anything. The daemon is killed and started
    /// again in the middle of it.
    pub(crate) fn full_until(&mut self, at: DateTime<Utc>) {
        self.keep_full_until(self.now() + (at - self.now()) / 2);
        self.kill();
        self.start_after_a_moment();
        self.keep_full_until(at);
        self.disk.free();
    }

    /// Whatever the daemon takes away makes room, which is filled too.
    fn keep_full_until(&self, at: DateTime<Utc>) {
        while self.now() < at {
            self.disk.fill();
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What all daemons logged, one after the other.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn now(&self) -> DateTime<Utc> {
        let (at, since) = self.set;
        at + since.elapsed() * RATE.unsigned_abs()
    }

    /// Lets time pass. Every few hours somebody drops a change file, or has the configuration read again.
    pub(crate) fn until(&mut self, at: DateTime<Utc>) {
        while at - self.now() > EACH_FILE {
            self.sleep_until(self.now() + EACH_FILE);
            self.drop_file();
            if self.dice.bool() {
                self.signal("-HUP");
            }
        }
        self.sleep_until(at);
    }

    fn sleep_until(&self, at: DateTime<Utc>) {
        let left = (at - self.now()).to_std().unwrap_or_default();
        std::thread::sleep(left / RATE.unsigned_abs());
    }

    /// Another quota for one account group, whole in one step as a good copier leaves it.
    fn drop_file(&mut self) {
        let number = self.dropped.len();
        let name = format!("week-{number}.csv");
        let whole = self.disk.folder.join(&name);
        let quota = GROUP.2 + number;
        std::fs::write(&whole, format!("action,org_id,aid,value\nassign,{},{},{quota}\n", GROUP.0, GROUP.1))
            .unwrap();
        std::fs::rename(whole, self.data().join("inbox").join(&name)).unwrap();
        self.dropped.push(name);
    }

    fn signal(&self, signal: &str) {
        let Some(daemon) = &self.daemon else { return };
        let kill = Command::new("kill").args([signal, &daemon.id().to_string()]).status().unwrap();
        assert!(kill.success());
    }

    /// From now on the API has these faults: a new simulator with the same world takes the place of the old one.
    pub(crate) fn serve(&mut self, faults: &[&'static str]) {
        self.faults = faults.to_vec();
        if let Some(old) = self.simulator.take() {
            end(old);
        }
        let address = format!("127.0.0.1:{}", self.port);
        let mut command = self.command(&["simulate", "--organizations", "2", "--account-groups", "4"]);
        command.args(["--listen", &address]).args(faults.iter().flat_map(|fault| ["--fault", fault]));
        let mut simulator = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(simulator.stdout.take().unwrap()).lines();
        let lines: Vec<String> = lines.take(2).map(Result::unwrap).collect();
        lines[1].strip_prefix("TE_TOKEN=").unwrap().clone_into(&mut self.token);
        self.simulator = Some(simulator);
    }

    /// Starts the daemon, and with it a simulator whose clock shows the same.
    pub(crate) fn start_at(&mut self, at: DateTime<Utc>) {
        assert!(self.daemon.is_none() && at >= self.now() - TimeDelta::minutes(1));
        self.set = (at, Instant::now());
        self.serve(&self.faults.clone());
        let log = std::fs::File::options().create(true).append(true).open(self.log_file()).unwrap();
        self.daemon = Some(self.command(&["run"]).stdout(Stdio::null()).stderr(log).spawn().unwrap());
    }

    pub(crate) fn start_after_a_moment(&mut self) {
        self.start_at(self.now() + PAUSE);
    }

    pub(crate) fn kill(&mut self) {
        end(self.daemon.take().unwrap());
        self.kills += 1;
    }

    /// Ends the daemon as an init system does.
    pub(crate) fn stop(&mut self) {
        self.signal("-TERM");
        let mut daemon = self.daemon.take().unwrap();
        assert_eq!(daemon.wait().unwrap().code(), Some(0), "the daemon ends cleanly");
    }

    /// Kills the daemon so many times at any moments until then, and starts it again each time.
    pub(crate) fn killed_until(&mut self, until: DateTime<Utc>, kills: u32) {
        let each = (until - self.now()) / i32::try_from(kills).unwrap();
        let begin = self.now();
        for kill in 0..kills {
            // Half of them while a snapshot is taken, as far as that can be aimed at.
            let moment =
                begin + each * i32::try_from(kill).unwrap() + TimeDelta::minutes(self.dice.i64(10..60));
            let hour = DateTime::from_timestamp((moment.timestamp() / 3600 + 1) * 3600, 0).unwrap();
            let moment =
                if self.dice.bool() { moment } else { hour + TimeDelta::minutes(self.dice.i64(1..5)) };
            self.until(moment);
            self.kill();
            self.start_after_a_moment();
        }
        self.until(until);
    }

    /// Stops the daemon and lets a cron job do the rest. Returns the time up to which all must be done.
    pub(crate) fn end(&mut self) -> DateTime<Utc> {
        self.stop();
        let begin = self.now() + PAUSE;
        self.set = (begin, Instant::now());
        self.serve(&[]);
        // At this rate a connection has milliseconds to be made, so the first try may fail.
        let done = (0..20).any(|_| self.once().success());
        assert!(done, "{}", self.log());
        begin
    }

    fn once(&self) -> ExitStatus {
        let log = std::fs::File::options().append(true).open(self.log_file()).unwrap();
        self.command(&["once"]).stdout(Stdio::null()).stderr(log).status().unwrap()
    }

    /// The binary under the fast clock.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quotakeeper"));
        let clock = self.now().format("@%Y-%m-%d %H:%M:%S");
        let to = r#"{ usage = ["ann@example.com"], changes = ["ann@example.com"], failures = ["ops@example.com"] }"#;
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("LD_PRELOAD", &self.library)
            .env("FAKETIME", format!("{clock} x{RATE}"))
            .env("NO_FAKE_STAT", "1")
            .env("TZ", "UTC")
            .env("TE_BASE_URL", format!("http://127.0.0.1:{}", self.port))
            .env("TE_TOKEN", &self.token)
            .env("QUOTAKEEPER__DATA__DIR", self.data())
            .env("QUOTAKEEPER__DATA__KEEP__HOURLY", "1000")
            // What is 30 s in the world is 10 ms here.
            .env("QUOTAKEEPER__API__TIMEOUT", "10m")
            .env("QUOTAKEEPER__SCHEDULE__TIMEZONE", "Europe/Berlin")
            .env("QUOTAKEEPER__SCHEDULE__SNAPSHOT", "0 * * * *")
            .env("QUOTAKEEPER__SCHEDULE__INBOX", "*/10 * * * *")
            // In the hour that comes twice in autumn, and not at all in spring.
            .env("QUOTAKEEPER__SCHEDULE__USAGE_REPORT", "30 2 * * *")
            .env("QUOTAKEEPER__MAIL__TRANSPORT", "directory")
            .env("QUOTAKEEPER__MAIL__FROM", "quotakeeper@example.com")
            .env("QUOTAKEEPER__MAIL__TO", to)
            .stdin(Stdio::null());
        if let Some(server) = &self.mail_server {
            command
                .env("QUOTAKEEPER__MAIL__TRANSPORT", "smtp")
                .env("QUOTAKEEPER__SMTP__HOST", "localhost")
                .env("QUOTAKEEPER__SMTP__PORT", server.port.to_string())
                .env("QUOTAKEEPER__SMTP__TLS", "off")
                // The server's clock is not the fast one.
                .env("QUOTAKEEPER__SMTP__TIMEOUT", "5h");
        }
        command
    }
}

/// Where the data lies.
struct Disk {
    folder: PathBuf,
    /// A file system of its own, which is unmounted at the end.
    is_own: bool,
}

impl Disk {
    const SIZE: usize = 64 << 20;

    /// In memory; where that may not be mounted it is an ordinary folder.
    fn mount(folder: PathBuf) -> Self {
        std::fs::create_dir(&folder).unwrap();
        let size = format!("size={}", Self::SIZE);
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&folder).output();
        let is_own = mount.is_ok_and(|output| output.status.success());
        if !is_own {
            eprintln!("no right to mount: the disk is never full");
        }
        Self { folder, is_own }
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    fn fill(&self) {
        let mut filler = std::fs::File::options().create(true).append(true).open(self.filler()).unwrap();
        let block = [b'x'; 4096];
        let written = std::iter::repeat_with(|| filler.write_all(&block)).take(2 * Self::SIZE / block.len());
        assert!(
            !self.is_own || written.into_iter().any(|written| written.is_err()),
            "the disk does not fill"
        );
    }

    fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.is_own {
            let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
        }
    }
}

/// aiosmtpd, by way of the script that the tests of mail use.
struct MailServer {
    process: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl MailServer {
    /// None, and said, where there is no aiosmtpd: the mails lie in a folder then.
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/smtp/server.py");
        let plan = serde_json::json!({ "folder": folder.path() }).to_string();
        let mut server = Command::new("python3");
        server.args([script, &plan]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = server.spawn().ok()?;
        let said = BufReader::new(process.stdout.take()?).lines().next();
        let Some(port) = said.and_then(|line| line.ok()?.parse().ok()) else {
            eprintln!("no mail server: python3 has no aiosmtpd");
            end(process);
            return None;
        };
        Some(Self { process, folder, port })
    }

    fn taken(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.folder.path().join("log.jsonl")).unwrap_or_default();
        let mail =
            |number| std::fs::read_to_string(self.folder.path().join(format!("{number}.eml"))).unwrap();
        (0..log.lines().count()).map(|number| message_id(&mail(number))).collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn message_id(mail: &str) -> String {
    mail.lines().find_map(|line| line.strip_prefix("Message-ID: ")).unwrap().trim().to_owned()
}

impl Drop for Week {
    fn drop(&mut self) {
        self.daemon.take().into_iter().chain(self.simulator.take()).for_each(end);
    }
}

fn end(mut process: Child) {
    let _ = process.kill();
    let _ = process.wait();
}

/// The names of the files below a folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.map(Result::unwrap) {
        if entry.path().is_dir() {
            found.extend(names(&entry.path()));
        } else {
            found.extend(entry.file_name().into_string());
        }
    }
    found.sort();
    found
}
