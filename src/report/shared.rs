//! What the reports have in common: when and for whom they are made, how a target stands, levels, trends and their pictures.

pub(in crate::report) mod chart;
mod context;
pub(crate) mod curves;
pub(crate) mod level;
pub(crate) mod picture;
pub(crate) mod planned;
pub(crate) mod quota_status;
pub(crate) mod readings;
pub(crate) mod rebalance;
pub(crate) mod trends;
pub(in crate::report) mod week;

pub(crate) use self::context::{Audience, Extent, Footer, ReportContext, page_of};
pub(crate) use crate::text::words;
