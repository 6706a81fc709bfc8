//! Lets the daemon see a dropped file at once. The scheduled scan makes it certain, where the kernel reports nothing (network
//! mounts, `ConfigMaps`).
//!
//! Only what can be worked on wakes it: neither a hidden file that is still being uploaded, nor our own claims, nor a removal.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind, RenameMode};
use notify::{Event, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tracing::warn;

use crate::change::{inbox, mounts};
use crate::config::Config;
use crate::files::durable;
use crate::jobs::requests;

/// Watches until it is dropped.
pub(super) struct Watch {
    dropped: Arc<AtomicBool>,
    /// Which folder the inbox was.
    inbox: Option<FolderId>,
    _watcher: Option<notify::RecommendedWatcher>,
    requests: Option<notify::RecommendedWatcher>,
}

/// Its device and inode.
type FolderId = (u64, u64);

impl Watch {
    pub(super) fn begin(config: &Config, memory: &Arc<inbox::Memory>, wake: &Arc<Notify>) -> Self {
        let dropped = Arc::new(AtomicBool::new(false));
        let watcher = watch(config, memory, wake, &dropped);
        let watcher = watcher.inspect_err(|error| {
            warn!(error = format!("{error:#}"), "the inbox cannot be watched: it is scanned on its schedule");
        });
        let requests = watch_requests(&config.data.dir, wake).inspect_err(|error| {
            warn!(
                error = format!("{error:#}"),
                "requests of commands cannot be watched: they are scanned for every few seconds"
            );
        });
        Self { dropped, inbox: inbox_id(config), _watcher: watcher.ok(), requests: requests.ok() }
    }

    /// Whether the inbox is still the folder that is watched: a share that is mounted, or a folder that is made again, is another.
    pub(super) fn is_current(&self, config: &Config) -> bool {
        self.inbox == inbox_id(config)
    }

    /// Whether what commands hand over wakes the daemon.
    pub(super) fn sees_requests(&self) -> bool {
        self.requests.is_some()
    }

    /// Whether something was dropped since it was asked last.
    pub(super) fn take_drop_signal(&self) -> bool {
        self.dropped.swap(false, Ordering::Relaxed)
    }
}

fn inbox_id(config: &Config) -> Option<FolderId> {
    fs_err::metadata(config.inbox_dir()).ok().map(|folder| (folder.dev(), folder.ino()))
}

fn watch(
    config: &Config,
    memory: &Arc<inbox::Memory>,
    wake: &Arc<Notify>,
    dropped: &Arc<AtomicBool>,
) -> anyhow::Result<notify::RecommendedWatcher> {
    let folder = config.inbox_dir();
    mounts::create_folder(&config.data.dir, &folder)?;
    let (wake, dropped, memory) = (Arc::clone(wake), Arc::clone(dropped), Arc::clone(memory));
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        let is_drop = event.is_ok_and(|event| {
            memory.writers.observe(&event, std::time::Instant::now());
            is_drop(&event)
        });
        if is_drop {
            dropped.store(true, Ordering::Relaxed);
            wake.notify_one();
        }
    })?;
    watcher.watch(&folder, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

fn watch_requests(data_dir: &Path, wake: &Arc<Notify>) -> anyhow::Result<notify::RecommendedWatcher> {
    let folder = requests::folder(data_dir);
    durable::create_folder(&folder)?;
    let wake = Arc::clone(wake);
    let is_request = |path: &Path| path.extension().is_some_and(|kind| kind == "json" || kind == "decided");
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        if event.is_ok_and(|event| event.need_rescan() || new_file(&event).is_some_and(is_request)) {
            wake.notify_one();
        }
    })?;
    watcher.watch(&folder, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

/// Whether an event may be that of a file that can be taken.
fn is_drop(event: &Event) -> bool {
    if event.need_rescan() {
        return true; // the kernel lost some
    }
    new_file(event).is_some_and(can_be_taken)
}

/// The file that is new, or has new content, by an event.
fn new_file(event: &Event) -> Option<&Path> {
    let appears = match event.kind {
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) => false,
        EventKind::Create(_) | EventKind::Modify(_) => true,
        EventKind::Access(AccessKind::Close(mode)) => mode == AccessMode::Write,
        EventKind::Access(_) | EventKind::Remove(_) | EventKind::Any | EventKind::Other => false,
    };
    // Of a rename, the new name is the last.
    event.paths.last().filter(|_| appears).map(PathBuf::as_path)
}

fn can_be_taken(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    // `..data` is how a mounted ConfigMap changes all of its files at once.
    (name == "..data") || !(name.is_empty() || name.starts_with('.') || name.starts_with("~$"))
}

#[cfg(test)]
mod tests;
