//! Reading up to a limit, and nothing that would never end.

use super::*;
use crate::testing::pipe::make_pipe;

#[test]
fn a_file_is_read_whole_up_to_its_limit_and_anything_else_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let (path, pipe) = (folder.path().join("a"), folder.path().join("pipe"));
    assert!(read_if_there(&path, 3).unwrap().is_none());
    fs_err::write(&path, "abc").unwrap();
    assert_eq!(read_if_there(&path, 3).unwrap().unwrap(), b"abc");
    assert_eq!(read_text(&path, 3).unwrap(), "abc");
    let message = read(&path, 2).unwrap_err().to_string();
    assert!(message.contains("larger than the limit of 2 bytes"), "{message}");
    // Nobody writes to it: a plain open would never return.
    make_pipe(&pipe);
    for path in [&pipe, Path::new("/dev/zero")] {
        let message = read(path, 2).unwrap_err().to_string();
        assert!(message.contains("not a regular file"), "{message}");
    }
    assert!(read(folder.path(), 1 << 20).is_err());
}
