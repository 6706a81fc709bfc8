//! The Simple Mail Transfer Protocol as bytes: replies, the wire that carries them, TLS on it, and how this machine greets.
//!
//! What is said, in which order, and what it means for a message is decided above (`session`, `trouble`).

pub(super) mod diagnosis;
mod extensions;
mod hello;
pub(super) mod login;
mod reply;
pub(super) mod session;
pub(super) mod step;
mod trust;
mod wire;

pub(super) use self::extensions::{Extensions, Mechanism};
pub(super) use self::hello::HelloName;
pub(super) use self::reply::{Malformed, Reply};
pub(super) use self::trust::Trust;
pub(super) use self::wire::{Broken, Wire};
