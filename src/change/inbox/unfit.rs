//! Why a file of the inbox cannot be taken, in words for whoever dropped it.

use std::io::ErrorKind;

use crate::files::folder::Unfit;

/// What is said where a disk fails, about which whoever dropped the file can do nothing.
pub(super) const TRIED_AGAIN: &str = "It stays in the inbox, and each pass tries it again.";

/// Why a file is not taken, for whoever dropped it.
pub(super) fn sentence(unfit: &Unfit) -> String {
    match unfit {
        Unfit::Missing => "This file disappeared while it was taken.".to_owned(),
        Unfit::Link => {
            "This is a link to somewhere outside of this folder. Put the file itself here.".to_owned()
        }
        Unfit::NotRegular => {
            "This is not a regular file any more. Copy the file itself into this folder.".to_owned()
        }
        Unfit::SeveralNames => {
            "This file has more than one name (hard links), so it may be somebody else's. Drop a copy of it."
                .to_owned()
        }
        Unfit::TooLarge { limit } => {
            format!(
                "The file has more than the {limit} bytes that are allowed (inbox.max_bytes). Split it into smaller files."
            )
        }
        Unfit::Io(error) if error.kind() == ErrorKind::PermissionDenied => {
            format!("quotakeeper may not read this file ({error}). Give it read permission, or drop a copy.")
        }
        Unfit::Io(error) => format!("This file cannot be read ({error}). {TRIED_AGAIN}"),
    }
}
