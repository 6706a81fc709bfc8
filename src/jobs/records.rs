//! What was mailed, and what is still to be mailed, as small files in `data.dir`: each mail is made once, also when a crash comes
//! in between.

pub(crate) mod alerts;
pub(super) mod closings;
pub(crate) mod notices;
pub(super) mod own_api;
pub(crate) mod own_files;
