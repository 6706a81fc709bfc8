//! Files: durable writes, opening without following links, files with a version, room set aside, cells that stay text.
//!
//! There is one way each to open a file in a folder that others may write into ([`folder::Folder`]), and to write one so
//! that it survives a crash (the same, and [`durable`] by path).

pub(crate) mod csv_cell;
pub(crate) mod durable;
pub(crate) mod folder;
pub(crate) mod format;
pub(crate) mod remembered;
pub(crate) mod reserve;
