//! A certificate authority for the tests, and the certificates of good and of bad servers, made by `openssl` for this run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// The certificate and its key, as PEM files.
pub(crate) struct Certificate {
    pub chain: PathBuf,
    pub key: PathBuf,
}

pub(crate) struct Certificates {
    /// What a client trusts.
    pub ca: PathBuf,
    /// For `localhost` and `127.0.0.1`.
    pub good: Certificate,
    pub expired: Certificate,
    /// For `mail.example.com` alone.
    pub other_name: Certificate,
    /// For `localhost`, of an authority that nobody trusts.
    pub stranger: Certificate,
}

pub(crate) static CERTIFICATES: LazyLock<Certificates> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("smtp-certificates");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let (ca, stranger) = (authority(&folder, "ca"), authority(&folder, "stranger"));
    let here = "DNS:localhost,IP:127.0.0.1";
    Certificates {
        good: signed(&folder, "good", &ca, here, 30),
        expired: signed(&folder, "expired", &ca, here, -1),
        other_name: signed(&folder, "other_name", &ca, "DNS:mail.example.com", 30),
        stranger: signed(&folder, "by_a_stranger", &stranger, here, 30),
        ca: ca.chain,
    }
});

const NEW_KEY: [&str; 6] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-batch"];

fn files(folder: &Path, name: &str) -> Certificate {
    Certificate { chain: folder.join(format!("{name}.pem")), key: folder.join(format!("{name}.key")) }
}

fn authority(folder: &Path, name: &str) -> Certificate {
    let made = files(folder, name);
    let subject = format!("/CN=The {name} of these tests");
    openssl(
        Command::new("openssl")
            .args(["req", "-x509", "-days", "30", "-subj", &subject])
            .args(NEW_KEY)
            .arg("-keyout")
            .arg(&made.key)
            .arg("-out")
            .arg(&made.chain),
    );
    made
}

fn signed(folder: &Path, name: &str, ca: &Certificate, names: &str, days: i32) -> Certificate {
    let made = files(folder, name);
    let (request, extensions) = (made.chain.with_extension("csr"), made.chain.with_extension("ext"));
    std::fs::write(&extensions, format!("subjectAltName={names}\nbasicConstraints=CA:FALSE\n")).unwrap();
    openssl(
        Command::new("openssl")
            .args(["req", "-subj", "/CN=mail"])
            .args(NEW_KEY)
            .arg("-keyout")
            .arg(&made.key)
            .arg("-out")
            .arg(&request),
    );
    openssl(
        Command::new("openssl")
            .args(["x509", "-req", "-days", &days.to_string(), "-set_serial", "1", "-in"])
            .arg(&request)
            .arg("-CA")
            .arg(&ca.chain)
            .arg("-CAkey")
            .arg(&ca.key)
            .arg("-extfile")
            .arg(&extensions)
            .arg("-out")
            .arg(&made.chain),
    );
    made
}

fn openssl(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
