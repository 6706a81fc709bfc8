//! The owner of a file: recorded by number, shown by name.

use std::fmt;

use nix::unistd::{Uid, User};
use serde::{Deserialize, Serialize};

/// A user of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    pub uid: u32,
    /// The name when it was recorded; none where the number has none.
    pub user: Option<String>,
}

impl Owner {
    /// The user of this number.
    pub(crate) fn from_uid(uid: u32) -> Self {
        let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
        Self { uid, user: user.map(|user| user.name).filter(|name| !name.is_empty()) }
    }
}

/// `ann (uid 1000)`
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.user {
            Some(user) => write!(f, "{user} (uid {})", self.uid),
            None => write!(f, "uid {}", self.uid),
        }
    }
}

#[cfg(test)]
mod tests;
