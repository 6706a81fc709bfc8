//! Mail by the real binary through real mail servers: aiosmtpd, which does what a test wants to go wrong, and exim4, which
//! delivers into files. `python3 -m pip install aiosmtpd` and Debian's `exim4-daemon-light` bring them; a test without its
//! server says that it is skipped.

mod aiosmtpd;
mod certificates;
mod deliveries;
mod exim;
mod installation;
mod names;
mod replies;
#[path = "../standin/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the stories of tests/stories use what is not used here")]
mod standin;
#[path = "../hostile/support.rs"]
#[expect(dead_code, reason = "the tests of tests/hostile use what is not used here")]
mod support;
mod troubles;
