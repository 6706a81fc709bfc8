//! Whether the system lets the program open what it needs: where it does not, the runtime would panic instead of saying so.

use std::os::unix::net::UnixStream;

/// Pairs of connections that are opened to try it. A command opens fewer files at once.
const PAIRS: usize = 8;

/// An error says what to do.
pub(super) fn ensure_some() -> anyhow::Result<()> {
    let pairs: std::io::Result<Vec<_>> = (0..PAIRS).map(|_| UnixStream::pair()).collect();
    pairs.map(drop).map_err(|error| {
        anyhow::anyhow!("{error}: allow it to open at least 64 files (`ulimit -n`, systemd's LimitNOFILE)")
    })
}
