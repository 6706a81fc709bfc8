//! The certificates of a file as people get them: PEM with a byte order mark, CRLF, indentation, remarks and keys between. Pure.

use reqwest::Certificate;

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// All certificates of the file; an error says what it is instead, and what to do.
pub(super) fn certificates(bytes: &[u8]) -> Result<Vec<Certificate>, String> {
    let text = decode_pem(bytes)?;
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
    if certificates.is_empty() { Err(no_certificate_message(&others)) } else { Ok(certificates) }
}

fn decode_pem(bytes: &[u8]) -> Result<String, String> {
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

fn no_certificate_message(labels: &[&str]) -> String {
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
mod tests;
