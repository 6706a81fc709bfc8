//! TLS with a mail server that fails: what to change depends on how it began, and on what the certificate lacks.

use std::io;

use rustls::CertificateError as Bad;
use rustls::{AlertDescription, Error};

use crate::mail::smtp::session::Server;
use crate::mail::smtp::step::Step;

/// TLS's own error, which an I/O error carries.
pub(super) fn error_in(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

pub(super) fn sentence(step: Step, error: &Error, server: &Server) -> String {
    let (host, port) = (&server.host, server.port);
    match error {
        Error::InvalidCertificate(bad) => certificate(bad, error, host),
        Error::InvalidMessage(_) if step == Step::Handshake => not_from_the_first_byte(server),
        Error::InvalidMessage(_) => format!(
            "{host}:{port} agreed to STARTTLS and then sent something other than TLS ({error}): check for a proxy or firewall between this machine and the mail server, or ask the mail server's administrator"
        ),
        Error::AlertReceived(AlertDescription::UnrecognisedName) => format!(
            "{host}:{port} has no certificate for the name {host} ({error}): set smtp.host to the mail server's own name"
        ),
        Error::AlertReceived(AlertDescription::CertificateRequired) => format!(
            "{host}:{port} requires a client certificate, and quotakeeper has none ({error}): ask the mail server's administrator how to log in instead"
        ),
        Error::AlertReceived(_) | Error::PeerIncompatible(_) => format!(
            "{host}:{port} and this machine have no version or cipher of TLS in common ({error}): the mail server needs TLS 1.2 or 1.3; ask the mail server's administrator"
        ),
        _ => format!("TLS with {host} failed ({error}): ask the mail server's administrator"),
    }
}

pub(super) fn not_from_the_first_byte(server: &Server) -> String {
    format!(
        "{}:{} does not speak TLS from the first byte: set smtp.tls = \"starttls\", or smtp.port to a port that does",
        server.host, server.port
    )
}

fn certificate(bad: &Bad, error: &Error, host: &str) -> String {
    match bad {
        Bad::Expired | Bad::ExpiredContext { .. } => {
            format!("the certificate of {host} has expired ({error}): the mail server needs a new one")
        }
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
            format!("the certificate of {host} is not valid yet ({error}): check this machine's clock")
        }
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
            format!("the certificate of {host} is for another name ({error}): set smtp.host to a name in it")
        }
        Bad::UnknownIssuer => format!(
            "no authority that this machine trusts has signed the certificate of {host}: add its CA to the system's store, or see SSL_CERT_FILE in docs/operations.md"
        ),
        _ => format!(
            "the certificate of {host} cannot be used ({error}): the mail server needs one that a CA has signed for it"
        ),
    }
}
