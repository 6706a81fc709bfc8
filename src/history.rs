//! The history: one immutable CSV file for each snapshot, in folders that `DuckDB`, Spark and Trino read as they are.
//!
//! `codec` turns a snapshot into bytes and back, `store` keeps the files, `retention` decides which may go;
//! `changes` keeps what the snapshots showed to have changed.

pub(crate) mod changes;
mod codec;
mod each;
mod in_order;
mod readable;
mod reads;
pub(crate) mod retention;
mod store;
mod thinned;

pub(crate) use codec::Block;
pub(crate) use each::EarlierOrganization;
pub(crate) use readable::{NONE_READABLE, left_out};
pub(crate) use store::{Cursor, History, STEM, Unreadable, with_clock_skew};
pub(crate) use thinned::thinned;
