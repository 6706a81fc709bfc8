//! aiosmtpd in a process of its own, by way of `server.py`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::certificates::Certificate;

pub(crate) const LOGIN: [&str; 2] = ["quotakeeper", "Correct-Horse-9f27-Battery"];

pub(crate) const WRONG_PASSWORD: &str = "Wrong-Horse-1b2c-Battery";

/// What the server is to be; see `server.py`.
#[derive(Clone)]
pub(crate) struct Plan(Value);

impl Plan {
    pub(crate) fn plain() -> Self {
        Self(json!({ "faults": [] }))
    }

    /// `starttls` or `implicit`.
    pub(crate) fn with_tls(mut self, kind: &str, certificate: &Certificate) -> Self {
        self.0["tls"] = kind.into();
        self.0["certificate"] = certificate.chain.display().to_string().into();
        self.0["key"] = certificate.key.display().to_string().into();
        self
    }

    pub(crate) fn with_login(mut self) -> Self {
        self.0["login"] = json!(LOGIN);
        self
    }

    /// Logins by these access tokens of a mailbox, and by no password.
    pub(crate) fn with_tokens(mut self, mailbox: &str, tokens: &[String]) -> Self {
        self.0["tokens"] = json!({ "mailbox": mailbox, "accepts": tokens });
        self
    }

    /// A token is good for so many logins, then it has expired.
    pub(crate) fn with_uses_of_a_token(mut self, uses: usize) -> Self {
        self.0["tokens"]["uses"] = uses.into();
        self
    }

    /// What comes after a challenge instead of the refusal.
    pub(crate) fn with_answer_to_the_empty_line(mut self, answer: &str) -> Self {
        self.0["tokens"]["after_challenge"] = answer.into();
        self
    }

    pub(crate) fn with_size(mut self, octets: usize) -> Self {
        self.0["size"] = octets.into();
        self
    }

    /// `does` it whenever it comes `at` this stage.
    pub(crate) fn with_fault(self, at: &str, does: &str) -> Self {
        self.with(json!({ "at": at, "do": does }))
    }

    /// The same, only where the client's line holds `about`.
    pub(crate) fn with_fault_about(self, at: &str, about: &str, does: &str) -> Self {
        self.with(json!({ "at": at, "about": about, "do": does }))
    }

    /// The same, only the first time.
    pub(crate) fn with_fault_once(self, at: &str, does: &str) -> Self {
        self.with(json!({ "at": at, "do": does, "times": 1 }))
    }

    fn with(mut self, fault: Value) -> Self {
        self.0["faults"].as_array_mut().unwrap().push(fault);
        self
    }
}

pub(crate) struct Server {
    process: Child,
    folder: TempDir,
    pub port: u16,
}

/// A message that the server took.
#[derive(Debug)]
pub(crate) struct Taken {
    pub to: String,
    pub message_id: String,
    pub tls: bool,
    pub login: Option<String>,
}

impl Server {
    /// None, and said, where there is no aiosmtpd.
    pub(crate) fn start(Plan(mut plan): Plan) -> Option<Self> {
        let python = |arguments: &[&str]| {
            let mut command = Command::new("python3");
            command.args(arguments).stdin(Stdio::piped()).stderr(Stdio::null());
            command
        };
        if !python(&["-c", "import aiosmtpd"]).status().is_ok_and(|status| status.success()) {
            eprintln!("skipped: python3 has no aiosmtpd");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        plan["folder"] = folder.path().display().to_string().into();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/smtp/server.py");
        let mut process = python(&[script, &plan.to_string()]).stdout(Stdio::piped()).spawn().unwrap();
        let port = BufReader::new(process.stdout.take().unwrap()).lines().next().unwrap().unwrap();
        Some(Self { process, folder, port: port.parse().unwrap() })
    }

    /// In the order in which they came.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        let log = std::fs::read_to_string(self.folder.path().join("log.jsonl")).unwrap_or_default();
        let taken = log.lines().enumerate().map(|(number, line)| {
            let line: Value = serde_json::from_str(line).unwrap();
            let bytes = std::fs::read(self.folder.path().join(format!("{number}.eml"))).unwrap();
            let message = mail_parser::MessageParser::default().parse(&bytes).unwrap();
            assert_eq!(line["to"].as_array().unwrap().len(), 1, "one recipient in each conversation");
            Taken {
                to: line["to"][0].as_str().unwrap().to_owned(),
                message_id: message.message_id().unwrap().to_owned(),
                tls: line["tls"].as_bool().unwrap(),
                login: line["login"].as_str().map(str::to_owned),
            }
        });
        taken.collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
