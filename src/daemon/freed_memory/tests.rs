//! What the program finds itself by.

use super::*;

#[test]
fn the_loader_is_not_the_program_that_it_was_given() {
    let is_named = |program: &str, name: &str| is_named(Path::new(program), OsStr::new(name));
    assert!(is_named("/usr/bin/quotakeeper", "quotakeeper"));
    assert!(is_named("/opt/quotakeeper-0.1/quotakeeper", "./quotakeeper"));
    assert!(!is_named("/usr/lib/ld-linux-x86-64.so.2", "./quotakeeper"));
    assert!(!is_named("/usr/bin/quotakeeper (deleted)", "quotakeeper"));
}
