//! The real binary among hostile files, servers, disks and users. `testkit::installation` says how it is run.

mod a_week;
mod disk;
mod droppers;
mod kill;
mod mistakes;
mod places;
mod secrets;
mod ugly;

use testkit::installation as support;
