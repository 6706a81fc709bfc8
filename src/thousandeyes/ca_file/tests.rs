//! Files that should hold a certificate.

use testkit::CA;

use super::*;

#[test]
fn a_certificate_counts_however_its_text_was_handled() {
    let utf16: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain(CA.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let indented = format!("  {}", CA.replace('\n', "\n  "));
    for (text, count) in [
            (CA.as_bytes().to_vec(), 1),
            (format!("\u{feff}{CA}").into_bytes(), 1),
            (CA.replace('\n', "\r\n").into_bytes(), 1),
            (CA.replace('\n', "").into_bytes(), 1),
            (indented.into_bytes(), 1),
            (utf16, 1),
            (format!("Corp root, valid to 2030\n{CA}\n-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n{CA}").into_bytes(), 2),
        ] {
            assert_eq!(certificates(&text).unwrap().len(), count, "{}", String::from_utf8_lossy(&text));
        }
}

#[test]
fn a_file_that_is_no_certificate_is_named_for_what_it_is() {
    let cut = CA.lines().take(3).collect::<Vec<_>>().join("\n");
    for (text, says) in [
        ("", "holds no certificate"),
        (cut.as_str(), "cut off"),
        ("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----", "damaged"),
        ("-----BEGIN TRUSTED CERTIFICATE-----\nAAAA\n-----END TRUSTED CERTIFICATE-----", "TRUSTED"),
        ("-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----", "PKCS #7"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "private key"),
    ] {
        let said = certificates(text.as_bytes()).unwrap_err();
        assert!(said.contains(says), "{text}: {said}");
    }
    assert!(certificates(b"0\x82\x01\x02").unwrap_err().contains("DER"));
}
