//! Converts units, times and labels to positions in a chart.

use chrono::{DateTime, TimeDelta, Utc};

use super::ticks::{short_number, ticks};
use super::trend::{GAP, Reading, Trend};
use crate::domain::quota::Units;

pub(super) const RIGHT: f64 = 424.0;
pub(super) const TOP: f64 = 14.0;
pub(super) const BOTTOM: f64 = 142.0;
pub(super) const LETTERS: f64 = 17.0;

/// Where units and moments lie.
pub(super) struct Scale {
    pub(super) left: f64,
    start: DateTime<Utc>,
    seconds: f64,
    max_units: f64,
    pub(super) ticks: Vec<Units>,
}

impl Scale {
    pub(super) fn new(trend: &Trend) -> Self {
        let used = trend.used.iter().chain(&trend.before).filter_map(|(_, used)| *used);
        let most = used
            .chain(trend.quota)
            .chain(trend.last_reading().and(trend.projected))
            .max()
            .unwrap_or(0)
            .max(1);
        let ticks = ticks(most);
        let widest = ticks.iter().map(|units| width(&short_number(*units))).fold(0.0, f64::max);
        Self {
            left: widest + 20.0,
            start: trend.start,
            seconds: seconds(trend.end - trend.start),
            max_units: float(most) * 1.16, // room for the words above the highest line
            ticks,
        }
    }

    pub(super) fn x_of(&self, at: DateTime<Utc>) -> f64 {
        self.left + (seconds(at - self.start) / self.seconds).clamp(0.0, 1.0) * (RIGHT - self.left)
    }

    pub(super) fn y_of(&self, units: Units) -> f64 {
        BOTTOM - (float(units) / self.max_units).clamp(0.0, 1.0) * (BOTTOM - TOP)
    }

    pub(super) fn line(&self, piece: &[(DateTime<Utc>, Units)]) -> String {
        let points = piece.iter().map(|(at, used)| format!("{:.1},{:.1}", self.x_of(*at), self.y_of(*used)));
        points.collect::<Vec<_>>().join(" ")
    }
}

/// The stretches without a gap, of at least two points each; nothing lies beyond the end of the cycle.
pub(super) fn pieces(readings: &[Reading], end: DateTime<Utc>) -> Vec<Vec<(DateTime<Utc>, Units)>> {
    let mut pieces: Vec<Vec<(DateTime<Utc>, Units)>> = vec![Vec::new()];
    for (at, used) in readings.iter().filter(|(at, _)| *at <= end) {
        let far = pieces.last().and_then(|piece| piece.last()).is_some_and(|(last, _)| *at - *last > GAP);
        if used.is_none() || far {
            pieces.push(Vec::new());
        }
        if let (Some(used), Some(piece)) = (used, pieces.last_mut()) {
            piece.push((*at, *used));
        }
    }
    pieces.retain(|piece| piece.len() > 1);
    pieces
}

pub(super) fn text(x: f64, y: f64, anchor: &str, class: &str, words: &str) -> String {
    let fill = match class {
        "muted" => "#5c6877",
        "out" => "#b3262e",
        _ => "#1b2530",
    };
    // A halo keeps words readable on a line.
    let halo = if class.ends_with("halo") {
        " stroke=\"#f7f9fb\" stroke-width=\"4\" stroke-linejoin=\"round\" paint-order=\"stroke\""
    } else {
        ""
    };
    let class = class.split(' ').map(|class| format!("chart-{class}")).collect::<Vec<_>>().join(" ");
    let words = escaped(words);
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{fill}\"{halo} class=\"{class}\">{words}</text>\n"
    )
}

/// How wide words are, near enough and never too narrow for figures.
pub(super) fn width(words: &str) -> f64 {
    let one = |c: char| match c {
        ' ' | '.' | ',' | 'i' | 'l' | 'j' | 't' | 'f' | 'I' => 0.3,
        'm' | 'w' | 'M' | 'W' => 0.88,
        c if c.is_uppercase() => 0.68,
        _ => 0.57,
    };
    words.chars().map(one).sum::<f64>() * LETTERS
}

pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            // Not allowed in XML at all: one of them would cost the whole picture.
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            other => safe.push(other),
        }
    }
    safe
}

#[expect(clippy::cast_precision_loss, reason = "a pixel needs no 53rd bit")]
fn float(units: Units) -> f64 {
    units as f64
}

#[expect(clippy::cast_precision_loss, reason = "a cycle has few seconds")]
fn seconds(time: TimeDelta) -> f64 {
    time.num_seconds() as f64
}
