//! What a person at the terminal can do about an error: they may lack rights that the service has, or room where they write to.

use super::terminal::OutputNotWritten;

/// What whoever typed the command can do.
pub(super) fn advice(error: &anyhow::Error) -> Option<&'static str> {
    if error.is::<OutputNotWritten>() && crate::report::is_full_disk(error) {
        return Some("make room there, or write it elsewhere, then give the command again");
    }
    let is_denied = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::PermissionDenied;
    if error.chain().filter_map(|cause| cause.downcast_ref()).any(is_denied) {
        // They may lack rights that the service has.
        return Some("run this as root, or as the user that runs quotakeeper");
    }
    crate::report::advice(error)
}
