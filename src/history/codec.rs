//! A snapshot as CSV, and back. Columns are found by name, so that older and newer files can be read.
//!
//! An empty quota is "none assigned", an empty usage is "unknown"; neither is 0. What is written into a column and what is read
//! from it stand once, in `columns`.

mod block;
mod columns;
mod commas;
mod lines;
mod reader;
mod usage_rows;
mod writer;

pub(crate) use self::block::{Block, Blocks};
pub(crate) use self::reader::{Organizations, decode};
pub(crate) use self::writer::encode;

#[cfg(test)]
mod tests;
