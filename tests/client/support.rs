//! Clients for a test server, and a server that follows a script, one connection for each line of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use quotakeeper::thousandeyes::{Client, Error, Secret, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const TOKEN: &str = "token-of-the-tests";

/// Settings for a server on this machine, given as `http://127.0.0.1:PORT`.
pub(crate) fn settings(server: &str) -> Settings {
    let base_url = format!("{server}/v7/").parse().expect("a URL");
    Settings { timeout: Duration::from_secs(20), ..Settings::new(base_url, Secret::Value(TOKEN.into())) }
}

pub(crate) fn client(server: &str) -> Client {
    Client::new(settings(server)).expect("valid settings")
}

/// What the error says must never have the token in it.
pub(crate) fn text(error: &Error) -> String {
    let text = error.to_string();
    assert!(!format!("{text} {error:?}").contains(TOKEN), "the token shows");
    text
}

/// What the scripted server does with a connection.
pub(crate) enum Step {
    /// Reads the request and sends these bytes, then closes.
    Answer(String),
    /// Reads the request, sends this head, and then bytes of a body for as long as anybody reads them.
    Endless(&'static str),
    /// Closes without reading anything.
    Close,
    /// Reads the request and closes without an answer, as a server that died after acting.
    CloseAfterReading,
    /// Reads the request and says nothing.
    Silence,
}

/// A whole answer with its length.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> Step {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Status\r\nConnection: close\r\nContent-Length: {length}\r\n");
    Step::Answer(format!("{head}{headers}\r\n{body}"))
}

pub(crate) struct Script {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Script {
    /// Listens, and plays the steps in order. Further connections are closed at once.
    pub(crate) async fn play(steps: Vec<Step>) -> Self {
        Self::play_on(TcpListener::bind("127.0.0.1:0").await.expect("a free port"), steps)
    }

    /// The same where something listens already.
    pub(crate) fn play_on(listener: TcpListener, steps: Vec<Step>) -> Self {
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            let mut steps = steps.into_iter();
            let mut silent = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let step = steps.next();
                if !matches!(step, None | Some(Step::Close)) {
                    let request = read_request(&mut stream).await;
                    seen.lock().expect("no panic").push(request);
                }
                match step {
                    Some(Step::Answer(bytes)) => {
                        // The client may have gone away, as it does when an answer is too large.
                        let _gone = stream.write_all(bytes.as_bytes()).await;
                        let _gone = stream.shutdown().await;
                    }
                    Some(Step::Endless(head)) => {
                        let part = [b' '; 16 * 1024];
                        let mut sent = stream.write_all(head.as_bytes()).await;
                        while sent.is_ok() {
                            sent = stream.write_all(&part).await;
                        }
                    }
                    Some(Step::Silence) => silent.push(stream),
                    Some(Step::Close | Step::CloseAfterReading) | None => {}
                }
            }
        });
        Self { url, requests }
    }

    /// The requests that were read so far, each whole.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no panic").clone()
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    loop {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await.unwrap_or(0);
        request.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
            });
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        if count == 0 {
            return text;
        }
    }
}
