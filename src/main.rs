//! The `quotakeeper` binary; all of it is in the library.

fn main() {}
