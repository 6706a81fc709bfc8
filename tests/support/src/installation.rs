//! The real binary in a folder of its own, against the simulator in another process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::dropped;

const NOBODY: u32 = 65534;

/// `quotakeeper simulate` in a process of its own; ends with the test.
pub struct Simulator {
    process: Child,
    pub base_url: String,
    pub token: String,
}

impl Simulator {
    pub fn start() -> Self {
        Self::with_faults(&[])
    }

    pub fn with_faults(faults: &[&str]) -> Self {
        let mut process = Command::new(crate::binary())
            .args(["simulate", "--organizations", "2", "--account-groups", "20", "--rate-limit", "100000"])
            .args(faults.iter().flat_map(|fault| ["--fault", fault]))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut value = |name: &str| lines.next().unwrap().unwrap().strip_prefix(name).unwrap().to_owned();
        Self { base_url: value("TE_BASE_URL="), token: value("TE_TOKEN="), process }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One installation: a data folder, and what its environment says.
pub struct Place {
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
    user: Option<u32>,
}

impl Place {
    /// Mails become files, and dropped files need not settle.
    pub fn new(simulator: &Simulator) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap(), variables: Vec::new(), user: None };
        let data = place.data().display().to_string();
        let to = r#"{ changes = ["ann@example.com"], usage = ["ann@example.com"], failures = ["ops@example.com"] }"#;
        std::fs::create_dir_all(place.inbox()).unwrap();
        place
            .with("QUOTAKEEPER__DATA__DIR", &data)
            .with("QUOTAKEEPER__INBOX__SETTLE", "0s")
            .with("QUOTAKEEPER__MAIL__TRANSPORT", "directory")
            .with("QUOTAKEEPER__MAIL__FROM", "quotakeeper@example.com")
            .with("QUOTAKEEPER__MAIL__TO", to)
            .with("TE_BASE_URL", &simulator.base_url)
            .with("TE_TOKEN", &simulator.token)
    }

    /// The same place with one variable set, or set otherwise; an empty text takes it away.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.variables.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Where the tests run as root, who may read everything, commands of this place run as nobody.
    pub fn owned_by_nobody(mut self) -> Self {
        self.user = (std::fs::metadata("/proc/self").unwrap().uid() == 0).then_some(NOBODY);
        if self.user.is_some() {
            for folder in [self.path(), &self.data(), &self.inbox()] {
                std::os::unix::fs::chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        self
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    pub fn inbox(&self) -> PathBuf {
        self.data().join("inbox")
    }

    pub fn drop_file(&self, name: &str, content: impl AsRef<[u8]>) {
        dropped::write(&self.inbox().join(name), content.as_ref());
    }

    /// The environment and the folder that every command of this place has.
    pub fn prepare(&self, command: &mut Command) {
        for name in ["QUOTAKEEPER_CONFIG", "RUST_BACKTRACE", "CREDENTIALS_DIRECTORY", "TE_TOKEN", "NO_COLOR"]
        {
            command.env_remove(name);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value))).current_dir(self.path());
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(crate::binary());
        command.args(arguments).stdin(Stdio::null());
        self.prepare(&mut command);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }

    /// `state` of every `run.json`, under the name of the dropped file.
    pub fn runs(&self) -> Vec<(PathBuf, serde_json::Value)> {
        let Ok(entries) = std::fs::read_dir(self.data().join("runs")) else { return Vec::new() };
        let mut runs: Vec<_> = entries
            .map(|entry| entry.unwrap().path())
            .filter(|folder| folder.join("run.json").exists())
            .map(|folder| {
                let record =
                    serde_json::from_slice(&std::fs::read(folder.join("run.json")).unwrap()).unwrap();
                (folder, record)
            })
            .collect();
        runs.sort_by(|a, b| a.0.cmp(&b.0));
        runs
    }
}

/// What a command answered.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let ran =
            Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        ran
    }
}

/// Every file below a folder, with its content.
pub fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                found.push((entry.path(), std::fs::read(entry.path()).unwrap()));
            }
        }
    }
    found
}

/// Passes bytes on to the simulator and counts the requests that write.
pub struct CountingProxy {
    pub base_url: String,
    posts: Arc<AtomicUsize>,
}

impl CountingProxy {
    pub fn before(simulator: &Simulator) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let server = simulator.base_url.strip_prefix("http://").unwrap().to_owned();
        let posts = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&posts);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(&server)) else { return };
                let (back, answers) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let counter = Arc::clone(&counter);
                std::thread::spawn(move || {
                    pass(client, server, |bytes| {
                        let requests = bytes.windows(9).filter(|window| window == b"POST /v7/").count();
                        counter.fetch_add(requests, Ordering::SeqCst);
                    });
                });
                std::thread::spawn(move || pass(answers, back, |_| {}));
            }
        });
        Self { base_url, posts }
    }

    pub fn posts(&self) -> usize {
        self.posts.load(Ordering::SeqCst)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, look: impl Fn(&[u8])) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        look(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}
