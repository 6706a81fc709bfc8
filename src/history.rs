//! The history: one immutable CSV file for each snapshot, in folders that `DuckDB`, Spark and Trino read as they are.
//!
//! `codec` turns a snapshot into bytes and back, `store` keeps the files where `partitions` says, `retention` decides which may go;
//! `changes` keeps what the snapshots showed to have changed.

mod by_organization;
pub(crate) mod changes;
mod codec;
mod partitions;
mod read_progress;
mod readable;
pub(crate) mod retention;
mod store;
mod thinning;

pub(crate) use by_organization::EarlierOrganization;
pub(crate) use codec::{Block, decode, encode};
pub(crate) use partitions::STEM;
pub(crate) use readable::{NONE_READABLE, left_out};
pub(crate) use store::{Cursor, History, Unreadable, with_clock_skew};
pub(crate) use thinning::thinned;
