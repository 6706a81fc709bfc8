//! The words for connections that fail.

use super::*;

fn time(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

#[test]
fn a_certificate_of_another_time_or_name_is_said_with_its_own_fix() {
    let (past, future) = (time(1_767_225_600), time(1_798_761_600));
    let expired = CertificateError::ExpiredContext { time: future, not_after: past };
    let early = CertificateError::NotValidYetContext { time: past, not_before: future };
    let cases = [
        (expired, "valid until 1 Jan 2026. Check this machine's clock; if it is right"),
        (early, "valid from 1 Jan 2027 on. Check this machine's clock"),
        (CertificateError::NotValidForName, "the cause. Check api.base_url"),
        (CertificateError::UnknownIssuer, "the cause. If your own proxy or CA signed it"),
    ];
    for (bad, said) in cases {
        let text = untrusted(&bad, "the cause");
        assert!(text.contains(said), "{text}");
        assert_eq!(text.contains("api.ca_file"), bad == CertificateError::UnknownIssuer, "{text}");
    }
}

#[test]
fn a_tls_connection_that_was_cut_is_said_in_plain_words() {
    let words = "peer closed connection without sending TLS close_notify: https://docs.rs/rustls";
    let cut = io::Error::new(io::ErrorKind::UnexpectedEof, words);
    assert_eq!(deepest(&cut), "the connection was cut");
    assert_eq!(deepest(&io::Error::other("refused")), "refused");
}
