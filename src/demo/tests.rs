//! Where a demonstration may be played.

use super::*;

#[tokio::test]
async fn a_folder_that_holds_something_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("mine"), "").unwrap();
    let layout = TerminalLayout { run: |_, _| Ok(String::new()), folded: &|_, text| text.to_owned() };
    let error = run(Some(folder.path().to_owned()), layout, &mut Vec::new()).await.unwrap_err();
    assert!(error.to_string().contains("is not empty"), "{error}");
}
