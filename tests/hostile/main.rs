//! The real binary among hostile files, servers, disks and users. `support` says how it is run.

mod disk;
mod droppers;
mod kill;
mod mistakes;
mod places;
mod secrets;
mod support;
mod ugly;
