//! A token server on loopback, whose answers a test chooses and changes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::certificates::Certificate;

/// With all that a form has to escape.
pub(crate) const CLIENT_SECRET: &str = "Cl1ent~Secret+7&7=af%20é";

/// What every token holds.
pub(crate) const TOKEN: &str = "Access-Token-5e21-of-a-test";

/// What is answered to a request for a token.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    /// Another token each time, with so many letters behind it.
    Tokens { padding: usize },
    /// This status, these further headers, and this body.
    Answer(&'static str, &'static str, String),
    /// The same again and again, for as long as anybody reads it.
    ForEver(&'static str),
    /// Nothing.
    Silence,
}

pub(crate) struct TokenServer {
    pub url: String,
    says: Arc<Mutex<Says>>,
    requests: Arc<Mutex<Vec<String>>>,
}

/// The token that is given at this request, counted from 1.
pub(crate) fn token(number: usize, padding: usize) -> String {
    format!("{TOKEN}.{number}.{}", "x".repeat(padding))
}

impl TokenServer {
    pub(crate) fn start(says: Says) -> Self {
        Self::start_on(TcpListener::bind("127.0.0.1:0").unwrap(), says)
    }

    pub(crate) fn start_on(listener: TcpListener, says: Says) -> Self {
        Self::serve(listener, None, says)
    }

    /// Over HTTPS, as `localhost`.
    pub(crate) fn start_tls(certificate: &Certificate, says: Says) -> Self {
        let chain = CertificateDer::pem_file_iter(&certificate.chain).unwrap().collect::<Result<_, _>>();
        let key = PrivateKeyDer::from_pem_file(&certificate.key).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain.unwrap(), key)
            .unwrap();
        Self::serve(TcpListener::bind("127.0.0.1:0").unwrap(), Some(Arc::new(config)), says)
    }

    fn serve(listener: TcpListener, tls: Option<Arc<ServerConfig>>, says: Says) -> Self {
        let address = listener.local_addr().unwrap();
        let url = match tls {
            None => format!("http://{address}/oauth2/token"),
            Some(_) => format!("https://localhost:{}/oauth2/token", address.port()),
        };
        let server = Self { url, says: Arc::new(Mutex::new(says)), requests: Arc::default() };
        let (says, requests) = (Arc::clone(&server.says), Arc::clone(&server.requests));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (says, requests) = (says.lock().unwrap().clone(), Arc::clone(&requests));
                let tls = tls.clone();
                // A client that hangs up is what some tests are about.
                std::thread::spawn(move || match tls {
                    None => answer(client, &says, &requests),
                    Some(tls) => {
                        let tls = ServerConnection::new(tls).unwrap();
                        answer(StreamOwned::new(tls, client), &says, &requests)
                    }
                });
            }
        });
        server
    }

    pub(crate) fn says(&self, says: Says) {
        *self.says.lock().unwrap() = says;
    }

    /// The head and the form of each request.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(client: impl Read + Write, says: &Says, requests: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(client);
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        request += &line;
        if line.trim().is_empty() {
            break;
        }
    }
    let mut form = vec![0; length];
    reader.read_exact(&mut form)?;
    request += &String::from_utf8(form).unwrap();
    let number = {
        let mut requests = requests.lock().unwrap();
        requests.push(request);
        requests.len()
    };
    let (status, headers, body) = match says {
        Says::Tokens { padding } => {
            let token = token(number, *padding);
            let body = format!(r#"{{"token_type":"Bearer","expires_in":3599,"access_token":"{token}"}}"#);
            ("200 OK", "", body)
        }
        Says::Answer(status, headers, body) => (*status, *headers, body.clone()),
        Says::ForEver(text) => {
            let client = reader.get_mut();
            client.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")?;
            loop {
                client.write_all(text.as_bytes())?;
            }
        }
        // Until the client has had enough.
        Says::Silence => return reader.read_to_end(&mut Vec::new()).map(drop),
    };
    let length = body.len();
    let client = reader.get_mut();
    write!(
        client,
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )?;
    client.flush()
}
