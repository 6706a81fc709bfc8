//! The certificates of a file as people get them: PEM with a byte order mark, CRLF, indentation, remarks and keys between. Pure.

use reqwest::Certificate;

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// All certificates of the file; an error says what it is instead, and what to do.
pub(super) fn certificates(bytes: &[u8]) -> Result<Vec<Certificate>, String> {
    let text = text(bytes)?;
    let mut certificates = Vec::new();
    let mut others = Vec::new();
    for block in text.split(BEGIN).skip(1) {
        let Some((label, rest)) = block.split_once(DASHES) else { continue };
        if !matches!(label, "CERTIFICATE" | "X509 CERTIFICATE") {
            others.push(label);
            continue;
        }
        let number = certificates.len() + 1;
        let Some((body, _)) = rest.split_once(&format!("-----END {label}{DASHES}")) else {
            return Err(format!("is cut off in its certificate {number}: END {label} is missing"));
        };
        let body: String = body.split_whitespace().collect();
        let pem = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        let found = Certificate::from_pem_bundle(pem.as_bytes()).unwrap_or_default();
        let [certificate] = <[Certificate; 1]>::try_from(found)
            .map_err(|_| format!("has a damaged certificate, number {number}: copy the file again"))?;
        certificates.push(certificate);
    }
    if certificates.is_empty() { Err(instead(&others)) } else { Ok(certificates) }
}

fn text(bytes: &[u8]) -> Result<String, String> {
    let utf16 = |decode: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| decode([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xFF, 0xFE, ..] => Ok(utf16(u16::from_le_bytes)),
        [0xFE, 0xFF, ..] => Ok(utf16(u16::from_be_bytes)),
        [0x30, 0x80..=0x84, ..] => Err(
            "is DER, a binary form: `openssl x509 -inform DER -in FILE -out ca.pem` makes a PEM file of it"
                .to_owned(),
        ),
        _ => Ok(String::from_utf8_lossy(bytes).into_owned()),
    }
}

fn instead(labels: &[&str]) -> String {
    let has = |part: &str| labels.iter().any(|label| label.contains(part));
    if has("TRUSTED CERTIFICATE") {
        "is in OpenSSL's own form (TRUSTED CERTIFICATE): `openssl x509 -in FILE -out ca.pem` makes a PEM file of it".to_owned()
    } else if has("PKCS7") {
        "is a PKCS #7 bundle: `openssl pkcs7 -print_certs -in FILE -out ca.pem` makes a PEM file of it"
            .to_owned()
    } else if has("PRIVATE KEY") {
        "holds a private key and no certificate: name the file of the authority's certificate".to_owned()
    } else {
        "holds no certificate: it must have PEM blocks that begin with BEGIN CERTIFICATE".to_owned()
    }
}

#[cfg(test)]
mod tests {
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
}
