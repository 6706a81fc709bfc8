//! An installation that has a mail to send, and what becomes of it.

use std::path::PathBuf;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::aiosmtpd::{LOGIN, WRONG_PASSWORD};
use crate::certificates::CERTIFICATES;
use crate::support::{Place, Ran, Simulator};

pub(crate) struct Installation {
    place: Place,
    simulator: Simulator,
}

/// A message in the outbox.
#[derive(Debug)]
pub(crate) struct Stored {
    /// `new`, `sent` or `dead`.
    pub place: String,
    pub message_id: String,
    pub bytes: Vec<u8>,
    pub record: Value,
    json: PathBuf,
}

impl Installation {
    pub(crate) fn new(recipients: &[&str]) -> Self {
        let simulator = Simulator::start();
        let to = serde_json::to_string(recipients).unwrap();
        let place = Place::new(&simulator)
            .with("QUOTAKEEPER__MAIL__TO", &format!("{{ changes = {to} }}"))
            .with("QUOTAKEEPER__MAIL__TRANSPORT", "smtp")
            .with("QUOTAKEEPER__SMTP__HOST", "localhost")
            .with("QUOTAKEEPER__SMTP__TLS", "off")
            .with("SSL_CERT_FILE", CERTIFICATES.ca.to_str().unwrap());
        Self { place, simulator }
    }

    /// One message waits for these: a dropped file could not be read.
    pub(crate) fn with_mail_to(recipients: &[&str]) -> Self {
        let installation = Self::new(recipients);
        let dropped = installation.drop_file("nonsense.csv", "no header at all");
        assert_eq!(installation.only().place, "new", "{}", dropped.stderr);
        installation
    }

    /// Its run's mail waits afterwards.
    pub(crate) fn drop_file(&self, name: &str, content: &str) -> Ran {
        self.place.drop_file(name, content);
        self.place.run(&["inbox"])
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let place = std::mem::replace(&mut self.place, Place::new(&self.simulator));
        self.place = place.with(name, value);
    }

    pub(crate) fn with_login(self, password: &str) -> Self {
        self.with("QUOTAKEEPER__SMTP__USERNAME", LOGIN[0]).with("QUOTAKEEPER__SMTP__PASSWORD", password)
    }

    /// The server is now the one at this port.
    pub(crate) fn through(&mut self, port: u16) -> &Self {
        self.set("QUOTAKEEPER__SMTP__PORT", &port.to_string());
        self
    }

    /// Never says a password, nor a recipient's address, whatever the server says.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let ran = self.place.run(arguments);
        for output in [&ran.stdout, &ran.stderr] {
            let without_the_example = output.replace("`Ann <ann@example.com>`", "");
            for secret in [LOGIN[1], WRONG_PASSWORD, "@example.com"] {
                assert!(!without_the_example.contains(secret), "{output}");
            }
        }
        ran
    }

    /// `outbox`, which tries everything now and says by its exit code whether all of it went out.
    pub(crate) fn send(&self) -> Ran {
        let dead = || self.stored().iter().filter(|stored| stored.place == "dead").count();
        let before = dead();
        let ran = self.run(&["outbox"]);
        let waits = self.stored().iter().any(|stored| stored.place == "new");
        let expected = i32::from(waits || dead() > before);
        assert_eq!(ran.code, Some(expected), "{}", ran.stderr);
        ran
    }

    /// `outbox`, in the background.
    pub(crate) fn start_sending(&self) -> Child {
        self.place.command(&["outbox"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// The daemon, whose log can be read.
    pub(crate) fn start_daemon(&self) -> Child {
        self.place.command(&["run", "-vv"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Every file that it has, with its content.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        crate::support::files(self.place.path())
    }

    /// The only message that there is, wherever it is.
    pub(crate) fn only(&self) -> Stored {
        let mut stored = self.stored();
        assert_eq!(stored.len(), 1, "{stored:?}");
        stored.remove(0)
    }

    pub(crate) fn stored(&self) -> Vec<Stored> {
        let mut stored = Vec::new();
        for place in ["new", "sent", "dead"] {
            let Ok(entries) = std::fs::read_dir(self.place.data().join("outbox").join(place)) else {
                continue;
            };
            for path in entries.map(|entry| entry.unwrap().path()) {
                if path.extension().is_some_and(|extension| extension == "eml") {
                    let json = path.with_extension("json");
                    let record: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
                    let message_id =
                        record["message_id"].as_str().unwrap().trim_matches(['<', '>']).to_owned();
                    let bytes = std::fs::read(&path).unwrap();
                    stored.push(Stored { place: place.to_owned(), message_id, bytes, record, json });
                }
            }
        }
        stored
    }
}

impl Stored {
    /// As if its next try were to be so long after it was queued.
    pub(crate) fn wait_for(&self, wait: chrono::TimeDelta) {
        let mut record = self.record.clone();
        let queued_at: chrono::DateTime<chrono::Utc> = record["queued_at"].as_str().unwrap().parse().unwrap();
        record["next_try"] = (queued_at + wait).to_rfc3339().into();
        std::fs::write(&self.json, record.to_string()).unwrap();
    }

    /// How each recipient stands, by address.
    pub(crate) fn states(&self) -> Vec<(&str, &str)> {
        let recipients = self.record["recipients"].as_array().unwrap().iter();
        recipients.map(|one| (one["address"].as_str().unwrap(), one["state"].as_str().unwrap())).collect()
    }
}
