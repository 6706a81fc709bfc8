//! The picture of a trend: what one target used in this cycle, where that leads, and its quota. Our own drawing, as SVG.
//!
//! It is made for a phone: few words, in letters that are 12 pixels high where a mail is 375 wide, and the picture 330. Whose
//! trend it is, and when it runs out, stand right above it in the mail; alone, its alternative text says it.
//! Every shape has its light colour as an attribute, so that it stands alone, and a class for a page's dark mode.

mod labels;
mod ticks;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use self::labels::labels;
use self::ticks::{short_number, ticks};
use crate::domain::quota::Units;
use crate::report::shared::level::Level;
use crate::report::shared::quota_status::QuotaStatus;
use crate::report::shared::words;
use crate::text::words::grouped;

pub(crate) const WIDTH: u32 = 440;
pub(crate) const HEIGHT: u32 = 176;
const RIGHT: f64 = 424.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 142.0;
const LETTERS: f64 = 17.0;
/// The line breaks where nothing was read for longer: between two far points it would claim what nobody saw.
pub(in crate::report) const GAP: TimeDelta = TimeDelta::days(3);

/// A moment, and what was used then; none where that is unknown.
pub(crate) type Reading = (DateTime<Utc>, Option<Units>);

/// All that a picture shows.
#[derive(Clone, Debug)]
pub(crate) struct Trend {
    pub name: String,
    pub level: Level,
    pub quota: Option<Units>,
    pub projected: Option<Units>,
    pub runs_out_at: Option<DateTime<Utc>>,
    /// When the slope of the last days meets the quota; none where that is not drawn.
    pub slope_ends_at: Option<DateTime<Utc>>,
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
    /// This cycle, earliest first; the last one is now.
    pub used: Vec<Reading>,
    /// The previous cycle, moved to this one, so that the same day of both lies one above the other.
    pub before: Vec<Reading>,
    pub zone: Tz,
}

impl Trend {
    /// That of a target through the cycle of this start and end, if there is a line to draw.
    pub(in crate::report) fn of(
        status: &QuotaStatus,
        (start, end): (DateTime<Utc>, DateTime<Utc>),
        (used, before): (Vec<Reading>, Vec<Reading>),
        zone: Tz,
    ) -> Option<Self> {
        let trend = Self {
            name: status.name.to_string(),
            level: status.level,
            quota: status.quota,
            projected: status.projected,
            runs_out_at: status.runs_out_at,
            slope_ends_at: None,
            start,
            end,
            used,
            before,
            zone,
        };
        trend.is_worth_drawing().then_some(trend)
    }

    /// With both forecasts: that of the last days leads to the quota as a finer line.
    pub(in crate::report) fn with_slope(self, status: Option<&QuotaStatus>) -> Self {
        Self { slope_ends_at: status.and_then(|status| status.runs_out_by_slope), ..self }
    }

    /// Whether there is a line to draw: two known readings of this cycle, half a day apart.
    pub(crate) fn is_worth_drawing(&self) -> bool {
        let mut known = self.used.iter().filter(|(_, used)| used.is_some()).map(|(at, _)| *at);
        let first = known.next();
        let apart = first.zip(known.next_back()).map(|(first, last)| last - first);
        self.start < self.end && apart.is_some_and(|apart| apart >= TimeDelta::hours(12))
    }

    /// The picture in words, for those who do not see it.
    pub(crate) fn alt(&self) -> String {
        let day = |at| words::short_day(at, self.zone);
        let known = || self.used.iter().filter_map(|(at, used)| Some((*at, (*used)?)));
        let mut parts = Vec::new();
        if let Some((first, last)) = known().next().zip(known().next_back()) {
            let (from, to) = (day(first.0), day(last.0));
            parts.push(format!("{} used on {from}, {} on {to}", grouped(first.1), grouped(last.1)));
        }
        if self.used.last().is_some_and(|(_, used)| used.is_none()) {
            parts.push("usage unknown now".to_owned());
        }
        if let Some(projected) = self.last_reading().and(self.projected) {
            parts.push(format!("{} projected by {}", grouped(projected), day(self.end)));
        }
        parts.push(self.quota.map_or("no quota".to_owned(), |quota| format!("quota {}", grouped(quota))));
        if let Some(at) = self.runs_out_at {
            parts.push(format!("runs out about {}", words::day(at, self.zone)));
        }
        // Up to the same day, or to its end where nothing is known of now.
        let by = known().next_back().map_or(self.end, |(at, _)| at);
        let before = self.before.iter().filter(|(at, _)| *at <= by).filter_map(|(_, used)| *used).next_back();
        if let Some(used) = before {
            parts.push(format!("the previous cycle had used {} by the same day", grouped(used)));
        }
        format!("{}: {}.", self.name, parts.join("; "))
    }

    /// The last reading, unless what was used then is unknown: nothing leads on from there.
    fn last_reading(&self) -> Option<(DateTime<Utc>, Units)> {
        self.used.last().and_then(|(at, used)| Some((*at, (*used)?)))
    }

    /// The picture, with its words for programs that read a page aloud.
    pub(crate) fn svg(&self) -> String {
        let scale = Scale::of(self);
        let colour = match self.level {
            Level::Fine => "#3f6492",
            Level::Warning => "#b86e00",
            Level::Critical => "#c4343c",
        };
        let class = match self.level {
            Level::Fine => "fine",
            Level::Warning => "warning",
            Level::Critical => "critical",
        };
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
             height=\"{HEIGHT}\" role=\"img\" aria-label=\"{}\" class=\"chart\" font-family=\"Roboto, Arial, sans-serif\" \
             font-size=\"{LETTERS}\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"8\" fill=\"#f7f9fb\" class=\"chart-ground\"/>\n",
            escaped(&self.alt())
        );
        svg += &self.grid(&scale);
        for piece in pieces(&self.before, self.end) {
            let line = scale.line(&piece);
            svg += &format!(
                "<polyline points=\"{line}\" fill=\"none\" stroke=\"#7f8c9c\" stroke-width=\"1.5\" class=\"chart-before\"/>\n"
            );
        }
        for piece in pieces(&self.used, self.end) {
            let line = scale.line(&piece);
            let (first, last) = (scale.x_of(piece[0].0), scale.x_of(piece[piece.len() - 1].0));
            svg += &format!(
                "<polygon points=\"{first:.1},{BOTTOM} {line} {last:.1},{BOTTOM}\" fill=\"{colour}\" fill-opacity=\"0.16\" \
                 class=\"chart-area-{class}\"/>\n\
                 <polyline points=\"{line}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\" stroke-linejoin=\"round\" \
                 stroke-linecap=\"round\" class=\"chart-line-{class}\"/>\n"
            );
        }
        if let Some(quota) = self.quota {
            let y = scale.y_of(quota);
            svg += &format!(
                "<line x1=\"{:.1}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#1b2530\" stroke-width=\"1.5\" \
                 class=\"chart-quota\"/>\n",
                scale.left
            );
        }
        if let Some((now, used)) = self.last_reading() {
            let (x, y) = (scale.x_of(now), scale.y_of(used));
            if let Some(projected) = self.projected {
                svg += &format!(
                    "<line x1=\"{x:.1}\" y1=\"{y:.1}\" x2=\"{RIGHT}\" y2=\"{:.1}\" stroke=\"{colour}\" stroke-width=\"2.5\" \
                     stroke-dasharray=\"6 5\" class=\"chart-line-{class}\"/>\n",
                    scale.y_of(projected)
                );
            }
            if let Some((at, quota)) = self.slope_ends_at.zip(self.quota).filter(|(at, _)| *at > now) {
                svg += &format!(
                    "<line x1=\"{x:.1}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{colour}\" stroke-width=\"1.5\" \
                     stroke-dasharray=\"1 4\" class=\"chart-line-{class}\"/>\n",
                    scale.x_of(at),
                    scale.y_of(quota)
                );
            }
            svg += &format!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\" fill=\"{colour}\" class=\"chart-dot-{class}\"/>\n"
            );
        }
        if let Some((at, quota)) = self.runs_out_at.zip(self.quota) {
            let (x, y) = (scale.x_of(at), scale.y_of(quota));
            svg += &format!(
                "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{y:.1}\" y2=\"{BOTTOM}\" stroke=\"#b3262e\" stroke-width=\"1.5\" \
                 stroke-dasharray=\"2 3\" class=\"chart-out\"/>\n\
                 <circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"#f7f9fb\" stroke=\"#b3262e\" stroke-width=\"2.5\" \
                 class=\"chart-out chart-ring\"/>\n"
            );
        }
        svg += &labels(self, &scale);
        svg + "</svg>\n"
    }

    /// Lines at round numbers, the two ends of the cycle, and the days below.
    fn grid(&self, scale: &Scale) -> String {
        let left = scale.left;
        let mut svg = String::new();
        for units in &scale.ticks {
            let y = scale.y_of(*units);
            svg += &format!(
                "<line x1=\"{left:.1}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#dfe4ea\" class=\"chart-grid\"/>\n"
            );
            svg += &text(left - 7.0, y + 5.0, "end", "muted", &short_number(*units));
        }
        for x in [left, RIGHT] {
            svg += &format!(
                "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{:.1}\" stroke=\"#b6c0cb\" class=\"chart-edge\"/>\n",
                BOTTOM + 5.0
            );
        }
        // What people look for first: a day that has no room beside those before it is left out.
        let middle = self.start + (self.end - self.start) / 2;
        let mut days: Vec<(DateTime<Utc>, &str)> =
            self.runs_out_at.map(|at| (at, "out")).into_iter().collect();
        days.extend([(self.end, "muted"), (self.start, "muted")]);
        days.extend(self.used.last().map(|(at, _)| (*at, "ink")));
        days.push((middle, "muted"));
        let mut taken: Vec<(f64, f64)> = Vec::new();
        for (at, class) in days {
            let word = words::short_day(at, self.zone);
            let half = width(&word) / 2.0;
            let x = scale.x_of(at).clamp(half + 4.0, f64::from(WIDTH) - half - 6.0);
            if taken.iter().all(|(other, its_half)| (x - other).abs() > half + its_half + 8.0) {
                taken.push((x, half));
                svg += &text(x, BOTTOM + 22.0, "middle", class, &word);
            }
        }
        svg
    }
}

/// Where units and moments lie.
struct Scale {
    left: f64,
    start: DateTime<Utc>,
    seconds: f64,
    max_units: f64,
    ticks: Vec<Units>,
}

impl Scale {
    fn of(trend: &Trend) -> Self {
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

    fn x_of(&self, at: DateTime<Utc>) -> f64 {
        self.left + (seconds(at - self.start) / self.seconds).clamp(0.0, 1.0) * (RIGHT - self.left)
    }

    fn y_of(&self, units: Units) -> f64 {
        BOTTOM - (float(units) / self.max_units).clamp(0.0, 1.0) * (BOTTOM - TOP)
    }

    fn line(&self, piece: &[(DateTime<Utc>, Units)]) -> String {
        let points = piece.iter().map(|(at, used)| format!("{:.1},{:.1}", self.x_of(*at), self.y_of(*used)));
        points.collect::<Vec<_>>().join(" ")
    }
}

/// The stretches without a gap, of at least two points each; nothing lies beyond the end of the cycle.
fn pieces(readings: &[Reading], end: DateTime<Utc>) -> Vec<Vec<(DateTime<Utc>, Units)>> {
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

fn text(x: f64, y: f64, anchor: &str, class: &str, words: &str) -> String {
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
fn width(words: &str) -> f64 {
    let one = |c: char| match c {
        ' ' | '.' | ',' | 'i' | 'l' | 'j' | 't' | 'f' | 'I' => 0.3,
        'm' | 'w' | 'M' | 'W' => 0.88,
        c if c.is_uppercase() => 0.68,
        _ => 0.57,
    };
    words.chars().map(one).sum::<f64>() * LETTERS
}

fn escaped(text: &str) -> String {
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

#[cfg(test)]
mod tests;
