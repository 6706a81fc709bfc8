//! The folders below `data.dir` that quotakeeper alone writes into: whoever keeps one has its name from here, and whoever has to know
//! them all forgets none.

use std::path::{Path, PathBuf};

use crate::text::codes::codes;

codes!(
    /// One of them, by its name. The inbox is none: people write into it, and it may be elsewhere.
    DataFolder {
        /// Snapshots.
        History = "history",
        /// The quota changes that snapshots showed.
        Changes = "changes",
        /// A folder for each change file's run.
        Runs = "runs",
        /// Mail: new, sent and dead.
        Outbox = "outbox",
        /// Work that commands hand over to the daemon.
        Requests = "requests",
        /// Pages that the demo writes.
        Reports = "reports",
    }
);

impl DataFolder {
    pub(crate) fn below(self, data_dir: &Path) -> PathBuf {
        data_dir.join(self.as_str())
    }

    /// How many folders deep its files lie.
    pub(crate) fn depth(self) -> usize {
        match self {
            Self::History | Self::Changes => 2,
            Self::Runs | Self::Outbox => 1,
            Self::Requests | Self::Reports => 0,
        }
    }
}
