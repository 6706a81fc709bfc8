//! How others learn that it works: the real binary, real sockets, and somebody who listens at the other end.

mod daemon;
mod dashboard;
mod heartbeat;
mod pages;
mod preview;
mod published;
mod reached;
mod scraped;
mod systemd;

use testkit::{exposition, standin, testbed};
