//! Files as another program writes them.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes a file that no process has open for writing afterwards. Written here, it could still be open in what another thread of the
/// tests starts just then, for the moment between fork and exec.
///
/// # Panics
///
/// If it cannot be written.
pub fn write(path: &Path, content: &[u8]) {
    let mut tee =
        Command::new("tee").arg(path).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("tee");
    tee.stdin.take().expect("it is piped").write_all(content).expect("tee reads it");
    assert!(tee.wait().expect("tee ends").success(), "{} is not written", path.display());
}
