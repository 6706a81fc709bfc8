//! A stand-in, a data folder and the binary between them, for one story.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::dropped;
use crate::standin::{Key, StandIn, TOKEN, World};

/// What a test may wait for a log line before it gives up.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Bench {
    folder: TempDir,
    pub standin: StandIn,
    settings: Vec<(String, String)>,
}

/// What a command ended with.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub log: String,
}

impl Ran {
    /// Fails with everything that the command said, unless it ended so.
    #[track_caller]
    pub fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n--- stdout\n{}\n--- stderr\n{}", self.out, self.log);
        self
    }
}

impl Bench {
    pub fn new(world: World) -> Self {
        let bench = Self {
            folder: tempfile::tempdir().unwrap(),
            standin: StandIn::start(world),
            settings: Vec::new(),
        };
        fs_err::create_dir_all(bench.data().join("inbox")).unwrap();
        bench.with("QUOTAKEEPER__INBOX__SETTLE", "0s")
    }

    /// With one more variable in the binary's environment.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With mail delivered as files.
    pub fn with_mail(self) -> Self {
        self.with("QUOTAKEEPER__MAIL__TRANSPORT", "directory")
            .with("QUOTAKEEPER__MAIL__FROM", "quotakeeper@example.com")
            .with("QUOTAKEEPER__MAIL__TO__CHANGES", r#"["changes@example.com"]"#)
            .with("QUOTAKEEPER__MAIL__TO__FAILURES", r#"["ops@example.com"]"#)
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// With a configuration file.
    pub fn configure(&self, text: &str) {
        fs_err::write(self.folder.path().join("quotakeeper.toml"), text).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(crate::binary());
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("TE_BASE_URL", self.standin.base_url())
            .env("TE_TOKEN", TOKEN)
            .env("QUOTAKEEPER__DATA__DIR", self.data())
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end. Whatever it says, it never says the token, and its log no address.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().unwrap();
        let ran = Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            log: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!ran.out.contains(TOKEN) && !ran.log.contains(TOKEN), "the token was printed");
        assert!(!ran.log.contains("@example.com"), "an address was logged: {}", ran.log);
        ran
    }

    /// What a command shows on a terminal, both outputs in one; none where there is no `script` to make a terminal.
    pub fn on_a_terminal(&self, arguments: &[&str]) -> Option<String> {
        let command = self.command(arguments);
        let words: Vec<_> = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| format!("'{}'", word.to_str().unwrap()))
            .collect();
        let mut script = Command::new("script");
        script.args(["-qec", &words.join(" "), "/dev/null"]).current_dir(self.folder.path()).env_clear();
        script.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        script.env("TERM", "xterm").env("PATH", std::env::var_os("PATH").unwrap()).stdin(Stdio::null());
        let shown = script.output().ok()?.stdout;
        Some(String::from_utf8(shown).unwrap())
    }

    /// Starts a command; its log goes to a file.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let log = fs_err::File::create(self.folder.path().join("started.log")).unwrap();
        self.command(arguments).stdout(Stdio::null()).stderr(log.into_file()).spawn().unwrap()
    }

    /// What the command that was started last has logged so far.
    pub fn log(&self) -> String {
        fs_err::read_to_string(self.folder.path().join("started.log")).unwrap()
    }

    /// Waits until the command that was started last logs this, and gives the log.
    pub fn wait_for_log(&self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = self.log();
            if log.contains(text) {
                return log;
            }
            assert!(Instant::now() < deadline, "never came: {text}; {log}");
            std::thread::sleep(Duration::from_millis(10)); // how soon it is seen
        }
    }

    pub fn drop_file(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.data().join("inbox").join(name);
        let hidden = path.with_file_name(format!(".{name}"));
        dropped::write(&hidden, content.as_ref());
        fs_err::rename(hidden, path).unwrap();
    }

    /// All runs, oldest first.
    pub fn runs(&self) -> Vec<Run> {
        files(&self.data().join("runs"))
            .into_iter()
            .filter(|path| path.ends_with("run.json"))
            .map(|path| Run { folder: path.parent().unwrap().to_owned() })
            .collect()
    }

    /// The only run that there is.
    pub fn only_run(&self) -> Run {
        let mut runs = self.runs();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs.remove(0)
    }

    pub fn quotas(&self) -> BTreeMap<Key, i64> {
        self.standin.world(|world| world.quotas())
    }

    pub fn posts(&self) -> usize {
        self.standin.count("POST")
    }

    /// The snapshots' or changes' files, oldest first.
    pub fn csv_files(&self, kind: &str) -> Vec<PathBuf> {
        let is_csv = |path: &PathBuf| path.extension().is_some_and(|is| is == "csv");
        files(&self.data().join(kind)).into_iter().filter(is_csv).collect()
    }

    /// Lets the only snapshot be one of long ago.
    pub fn make_the_snapshot_old(&self) {
        let snapshot = self.csv_files("history").remove(0);
        let folder = self.data().join("history/year=2020/month=01");
        fs_err::create_dir_all(&folder).unwrap();
        fs_err::rename(snapshot, folder.join("2020-01-01T00-00-00Z.csv")).unwrap();
    }

    /// The names of all snapshots, earliest first: the first word of each line that lists them.
    pub fn snapshots(&self) -> Vec<String> {
        let list = self.run(&["history", "list"]).ends_with(0).out;
        list.lines().map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
    }

    /// Lets the last snapshot be one of so many days ago.
    pub fn age_the_last_snapshot(&self, days: i64) {
        let snapshot = self.csv_files("history").pop().unwrap();
        let stem = snapshot.file_stem().unwrap().to_str().unwrap().to_owned();
        let at = chrono::NaiveDateTime::parse_from_str(&stem, "%Y-%m-%dT%H-%M-%SZ").unwrap();
        let earlier = at - chrono::Duration::days(days);
        let folder = self.data().join(earlier.format("history/year=%Y/month=%m").to_string());
        fs_err::create_dir_all(&folder).unwrap();
        fs_err::rename(snapshot, folder.join(earlier.format("%Y-%m-%dT%H-%M-%SZ.csv").to_string())).unwrap();
    }

    /// The messages that were delivered, in the order of their names.
    pub fn delivered(&self) -> Vec<String> {
        let sent = files(&self.data().join("outbox/sent"));
        let messages = sent.into_iter().filter(|path| path.extension().is_some_and(|is| is == "eml"));
        messages.map(|path| fs_err::read_to_string(path).unwrap()).collect()
    }
}

impl Drop for Bench {
    /// Whatever was written, the token was not.
    fn drop(&mut self) {
        for path in files(self.folder.path()) {
            let bytes = fs_err::read(&path).unwrap();
            let is_leaked = bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes());
            assert!(std::thread::panicking() || !is_leaked, "the token is in {}", path.display());
        }
    }
}

/// A run's folder.
#[derive(Debug)]
pub struct Run {
    folder: PathBuf,
}

impl Run {
    pub fn id(&self) -> String {
        self.folder.file_name().unwrap().to_str().unwrap().to_owned()
    }

    pub fn record(&self) -> Value {
        serde_json::from_str(&fs_err::read_to_string(self.folder.join("run.json")).unwrap()).unwrap()
    }

    pub fn state(&self) -> String {
        self.record()["state"].as_str().unwrap().to_owned()
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs_err::read(self.folder.join(name)).unwrap()
    }

    /// How each row ended: the statuses of `success.csv` and the codes of `error.csv`, each row once.
    pub fn endings(&self) -> BTreeMap<usize, String> {
        let mut endings = BTreeMap::new();
        for (file, column) in [("success.csv", "status"), ("error.csv", "code")] {
            for row in table(&self.read(file)) {
                let number = row["row"].parse().unwrap();
                let twice = endings.insert(number, row[column].clone());
                assert_eq!(twice, None, "row {number} has two results");
            }
        }
        endings
    }

    /// How many rows ended how.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for ending in self.endings().into_values() {
            *counts.entry(ending).or_default() += 1;
        }
        counts
    }

    pub fn errors(&self) -> Vec<BTreeMap<String, String>> {
        table(&self.read("error.csv"))
    }
}

/// A count of endings from literals.
pub fn counts<const N: usize>(endings: [(&str, usize); N]) -> BTreeMap<String, usize> {
    endings.map(|(ending, count)| (ending.to_owned(), count)).into()
}

/// The rows of a CSV file by the names of their columns.
pub fn table(bytes: &[u8]) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_reader(bytes).deserialize().collect::<Result<_, _>>().unwrap()
}

/// A change file that sets the account groups of an organization.
pub fn assigns<'a>(rows: impl IntoIterator<Item = (&'a Key, i64)>) -> String {
    let mut text = "action,org_id,aid,value\n".to_owned();
    for ((org_id, aid), value) in rows {
        text += &format!("assign,{org_id},{},{value}\n", aid.as_deref().unwrap_or_default());
    }
    text
}

/// All files below a folder, sorted; none where there is no folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs_err::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}
