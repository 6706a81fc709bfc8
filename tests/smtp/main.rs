//! Mail by the real binary through real mail servers: aiosmtpd, which does what a test wants to go wrong, and exim4, which
//! delivers into files. `python3 -m pip install aiosmtpd` and Debian's `exim4-daemon-light` bring them; a test without its
//! server says that it is skipped.

mod aiosmtpd;
mod bad_servers;
mod certificates;
mod deliveries;
mod exim;
mod installation;
mod names;
mod oauth2;
mod replies;
mod token_server;

use testkit::{installation as support, standin};
