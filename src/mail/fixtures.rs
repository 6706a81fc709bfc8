//! For the tests of mails: a message, and a small SMTP server that behaves as it is told.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::compose::Email;
use crate::config::{self, Mail, Smtp, Tls};

pub(crate) fn email(message_id: &str, recipients: &[&str]) -> Email {
    Email {
        message_id: message_id.into(),
        thread: None,
        from: "quotas@example.com".into(),
        recipients: recipients.iter().map(|address| (*address).to_owned()).collect(),
        bytes: format!("Message-ID: {message_id}\r\nSubject: subject\r\n\r\ntext\r\n").into_bytes(),
    }
}

/// What the server does at some point of the conversation instead of saying yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerFault {
    /// Answers so to `RCPT TO` of addresses that contain the text.
    Recipient(&'static str, &'static str),
    /// Is silent at `RCPT TO` of addresses that contain the text.
    SilentRecipient(&'static str),
    /// Answers so to `MAIL FROM`.
    Sender(&'static str),
    /// Answers so to a login.
    Login(&'static str),
    /// Answers so once the message is there.
    Message(&'static str),
    DropBeforeFinalDot,
    /// Takes the message and drops the connection without saying so.
    DropAfterFinalDot,
    /// Is silent after the greeting.
    Silence,
    /// Takes the message, and is silent when told goodbye.
    SilentGoodbye,
    /// Answers to DATA what belongs to the command before.
    OutOfStep,
}

/// A server on loopback. `accepted` holds a line for each message it took: the recipient and the `Message-ID`.
pub(crate) struct Server {
    pub port: u16,
    pub accepted: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) async fn start(fault: Option<ServerFault>) -> Self {
        Self::start_on(TcpListener::bind("127.0.0.1:0").await.unwrap(), fault)
    }

    /// The same where something listens already.
    pub(crate) fn start_on(listener: TcpListener, fault: Option<ServerFault>) -> Self {
        let server = Self { port: listener.local_addr().unwrap().port(), accepted: Arc::default() };
        let accepted = Arc::clone(&server.accepted);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that hangs up in the middle is what some tests are about.
                let _ = converse(stream, fault, &accepted).await;
            }
        });
        server
    }

    pub(crate) fn accepted(&self) -> Vec<String> {
        self.accepted.lock().unwrap().clone()
    }

    pub(crate) fn smtp(&self) -> Smtp {
        Smtp { host: Some("127.0.0.1".into()), port: Some(self.port), tls: Tls::Off, ..Smtp::default() }
    }
}

pub(crate) fn mail() -> Mail {
    Mail {
        transport: config::Transport::Smtp,
        from: Some("Quotas <quotas@example.com>".into()),
        ..Mail::default()
    }
}

async fn converse(
    stream: TcpStream,
    fault: Option<ServerFault>,
    accepted: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 test ready\r\n").await?;
    let mut recipient = String::new();
    while let Some(line) = lines.next_line().await? {
        if fault == Some(ServerFault::Silence) {
            continue;
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let answer = match (verb.as_str(), fault) {
            ("RCPT", Some(ServerFault::Recipient(part, answer))) if line.contains(part) => answer.to_owned(),
            ("RCPT", Some(ServerFault::SilentRecipient(part))) if line.contains(part) => continue,
            ("EHLO", Some(ServerFault::Login(_))) => "250-test\r\n250 AUTH PLAIN".to_owned(),
            ("MAIL", Some(ServerFault::Sender(answer))) | ("AUTH", Some(ServerFault::Login(answer))) => {
                answer.to_owned()
            }
            ("RCPT", _) => {
                recipient = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                "250 ok".to_owned()
            }
            ("QUIT", Some(ServerFault::SilentGoodbye)) => continue,
            ("DATA", Some(ServerFault::OutOfStep)) => "250 ok".to_owned(),
            ("DATA", _) => {
                writer.write_all(b"354 go on\r\n").await?;
                let mut id = String::new();
                while let Some(line) = lines.next_line().await? {
                    if fault == Some(ServerFault::DropBeforeFinalDot) {
                        return Ok(());
                    }
                    if line == "." {
                        break;
                    }
                    if let Some(rest) = line.strip_prefix("Message-ID: ") {
                        id = rest.to_owned();
                    }
                }
                if let Some(ServerFault::Message(answer)) = fault {
                    answer.to_owned()
                } else {
                    accepted.lock().unwrap().push(format!("{recipient} {id}"));
                    if fault == Some(ServerFault::DropAfterFinalDot) {
                        return Ok(());
                    }
                    "250 taken".to_owned()
                }
            }
            _ => "250 ok".to_owned(),
        };
        writer.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}
