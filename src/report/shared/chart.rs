//! The picture of a trend: what one target used in this cycle, where that leads, and its quota. Our own drawing, as SVG.
//!
//! It is made for a phone: few words, in letters that are 12 pixels high where a mail is 375 wide, and the picture 330. Whose
//! trend it is, and when it runs out, stand right above it in the mail; alone, its alternative text says it.
//! Every shape has its light colour as an attribute, so that it stands alone, and a class for a page's dark mode.

mod labels;
mod scale;
mod ticks;
mod trend;

use chrono::{DateTime, Utc};

use self::labels::labels;
use self::scale::{BOTTOM, LETTERS, RIGHT, Scale, TOP, escaped, pieces, text, width};
use self::ticks::short_number;
pub(in crate::report) use self::trend::GAP;
pub(crate) use self::trend::{Reading, Trend};
use crate::report::shared::level::Level;
use crate::text::words;

pub(crate) const WIDTH: u32 = 440;
pub(crate) const HEIGHT: u32 = 176;

impl Trend {
    /// The picture, with its words for programs that read a page aloud.
    pub(crate) fn svg(&self) -> String {
        let scale = Scale::new(self);
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

#[cfg(test)]
mod tests;
