//! What tests of several rooms share: a whole installation in a folder, and a thousand of them that are killed.

mod chaos;
pub(crate) mod fuzz;
pub(crate) mod pipe;
pub(crate) mod testbed;
