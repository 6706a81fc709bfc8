//! What a subject says of an error.

use super::*;

#[test]
fn a_server_that_answers_with_an_error_does_answer() {
    let error = |status| Error::Unavailable {
        call: Call { method: "GET", path: "/quotas".to_owned() },
        status,
        reason: String::new(),
    };
    assert_eq!(error(Some(500)).in_short(), "ThousandEyes answers with an error");
    assert_eq!(error(None).in_short(), "ThousandEyes does not answer");
}
