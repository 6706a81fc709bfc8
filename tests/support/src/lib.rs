//! What the tests of `quotakeeper` share, those in `src/` and those in `tests/`. It knows nothing of the code that is tested:
//! what one of them got wrong, the other need not.

pub mod browser;
mod dropped;
pub mod exposition;
pub mod histories;
pub mod installation;
pub mod scenario;
pub mod standin;
pub mod testbed;

use std::sync::LazyLock;

/// The certificate of the authority that signed `tls/server.pem`.
pub const CA: &str = include_str!("../tls/ca.pem");

/// The binary that the tests of `tests/` run. Cargo builds it before them, into the folder above theirs.
pub fn binary() -> &'static str {
    static BINARY: LazyLock<String> = LazyLock::new(|| {
        let test = std::env::current_exe().expect("a test has a file");
        let folder = test.ancestors().nth(2).expect("a test lies in a folder of the target folder");
        folder.join("quotakeeper").to_str().expect("its path is text").to_owned()
    });
    &BINARY
}
