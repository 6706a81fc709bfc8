//! As much of HTTP/1.1 as one request on a connection needs.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use chrono::{DateTime, Utc};
use serde_json::Value;

/// A request, as far as the stand-in looks at it.
pub(super) struct Request {
    /// `GET /usage`: the method, and the path below the base URL without its query.
    pub(super) call: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) authorization: String,
    /// None where there was no body, or one that is no JSON.
    pub(super) body: Option<Value>,
}

impl Request {
    pub(super) fn read(connection: &mut TcpStream) -> io::Result<Self> {
        let mut reader = BufReader::new(connection);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut words = line.split_whitespace();
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let call = format!("{method} {}", path.strip_prefix("/v7").unwrap_or("outside the base URL"));
        let query = query.split('&').filter_map(|pair| pair.split_once('='));
        let query = query.map(|(name, value)| (name.to_owned(), value.replace("%2C", ","))).collect();
        let (mut length, mut authorization) = (0, String::new());
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap_or(0),
                "authorization" => value.trim().clone_into(&mut authorization),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        Ok(Self { call, query, authorization, body: serde_json::from_slice(&body).ok() })
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// An answer.
pub(super) struct Reply {
    pub(super) status: u16,
    body: Option<Value>,
    /// When the window of the rate limit ends, in seconds after the answer's own date; else the real one.
    pub(super) reset_in: Option<i64>,
    headers: Vec<(&'static str, String)>,
    /// A page of whatever stands before the API.
    is_page: bool,
}

impl Reply {
    pub(super) fn new(status: u16, body: Option<Value>) -> Self {
        Self { status, body, reset_in: None, headers: Vec::new(), is_page: false }
    }

    pub(super) fn page(status: u16) -> Self {
        Self { is_page: true, ..Self::new(status, None) }
    }

    pub(super) fn with_reset(self, reset_in: i64) -> Self {
        Self { reset_in: Some(reset_in), ..self }
    }

    pub(super) fn with_header(mut self, name: &'static str, value: &impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    pub(super) fn with_date(self, date: DateTime<Utc>) -> Self {
        self.with_header("Date", &date.format("%a, %d %b %Y %H:%M:%S GMT"))
    }

    pub(super) fn write(&self, connection: &mut TcpStream) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {} Stand-In\r\nConnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let (kind, body) = match &self.body {
            _ if self.is_page => ("text/html", "<html>Blocked.</html>".to_owned()),
            body if self.status < 400 => {
                ("application/hal+json", body.as_ref().map(Value::to_string).unwrap_or_default())
            }
            body => ("application/problem+json", body.as_ref().map(Value::to_string).unwrap_or_default()),
        };
        if self.status != 204 {
            head += &format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len());
        }
        connection.write_all(format!("{head}\r\n{body}").as_bytes())
    }
}

/// Says nothing until the other side hangs up or dies.
pub(super) fn wait_for_the_end(connection: &mut TcpStream) {
    while connection.read(&mut [0; 64]).is_ok_and(|read| read > 0) {}
}
