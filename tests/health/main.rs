//! How others learn that it works: the real binary, real sockets, and somebody who listens at the other end.

#[path = "../standin/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the stories have more faults, and look closer at the log")]
mod standin;

#[path = "../stories/testbed.rs"]
#[expect(dead_code, reason = "the stories look into runs and files")]
mod testbed;

mod daemon;
mod exposition;
mod heartbeat;
mod published;
mod reached;
mod scraped;
mod systemd;
