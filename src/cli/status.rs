//! `status`: one screen that says whether all is well, what is wrong if not, and what happens next.

mod text;

#[cfg(test)]
mod tests;

use std::io::Write;

use super::advice::advice;
use super::table::Paint;
use crate::cli::arguments::{Color, Output};
use crate::clock::Clock;
use crate::daemon::status;
use crate::exit_code::Exit;
use crate::jobs::report_inputs::ReportInputs;
use crate::mail::Mailer;
use crate::text::edge;

pub(super) fn status(
    inputs: &ReportInputs<'_>,
    mailer: &Mailer,
    format: Output,
    color: Color,
    out: &mut impl Write,
) -> anyhow::Result<Exit> {
    let view = status::status(inputs, mailer, advice, Clock::read().now());
    match format {
        Output::Json => edge::write_json(out, &view)?,
        Output::Text => write!(out, "{}", text::text(&view, Paint::stdout(color)))?,
    }
    Ok(Exit::Done)
}
