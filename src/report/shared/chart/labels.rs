//! Places the labels of a chart: beside what they name, without overlaps, and on as few lines as possible.
//!
//! Each word has some places, the best first. All choices together are weighed, since they are few.

use super::scale::{BOTTOM, LETTERS, RIGHT, Scale, TOP, pieces, text, width};
use super::trend::Trend;
use crate::text::words::grouped;

/// What it costs to stand on a word or a dot, outside the chart, on the line of the quota, which strikes words out, on another line that
/// matters, and on one that matters less.
const ON_WORDS: f64 = 1_000.0;
const OUTSIDE: f64 = 300.0;
const STRUCK_OUT: f64 = 80.0;
const ON_LINE: f64 = 30.0;
const ON_FAINT_LINE: f64 = 10.0;
/// What each place costs that is not the first choice.
const LATER: f64 = 1.0;

type Point = (f64, f64);

/// Words at a place.
struct Label {
    words: String,
    x: f64,
    /// Their baseline.
    y: f64,
    anchor: &'static str,
}

/// Where something lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Area {
    fn around((x, y): Point, radius: f64) -> Self {
        Self { left: x - radius, top: y - radius, right: x + radius, bottom: y + radius }
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    pub(super) fn is_inside(&self, left: f64) -> bool {
        self.left >= left && self.right <= RIGHT - 3.0 && self.top >= TOP - 5.0 && self.bottom <= BOTTOM
    }

    /// Whether a line crosses it: cut to the area it has some length left (Liang and Barsky).
    fn is_crossed(&self, (from, to): &(Point, Point)) -> bool {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let edges = [
            (-dx, from.0 - self.left),
            (dx, self.right - from.0),
            (-dy, from.1 - self.top),
            (dy, self.bottom - from.1),
        ];
        let (mut begin, mut end) = (0.0_f64, 1.0_f64);
        for (step, room) in edges {
            if step == 0.0 && room < 0.0 {
                return false; // it runs beside this edge, outside
            } else if step < 0.0 {
                begin = begin.max(room / step);
            } else if step > 0.0 {
                end = end.min(room / step);
            }
        }
        begin < end
    }
}

impl Label {
    fn area(&self) -> Area {
        let width = width(&self.words);
        let left = match self.anchor {
            "end" => self.x - width,
            "middle" => self.x - width / 2.0,
            _ => self.x,
        };
        Area { left, top: self.y - LETTERS * 0.75, right: left + width, bottom: self.y + 3.0 }
    }
}

/// What words should not stand on.
struct Obstacles {
    left: f64,
    dots: Vec<Area>,
    quota: Option<(Point, Point)>,
    lines: Vec<(Point, Point)>,
    faint: Vec<(Point, Point)>,
}

impl Obstacles {
    fn new(trend: &Trend, scale: &Scale) -> Self {
        let mut lines = Vec::new();
        let quota = trend.quota.map(|quota| scale.y_of(quota));
        let mut dots = Vec::new();
        if let Some((at, units)) = trend.last_reading() {
            let now = (scale.x_of(at), scale.y_of(units));
            dots.push(Area::around(now, 5.0));
            lines.extend(trend.projected.map(|projected| (now, (RIGHT, scale.y_of(projected)))));
        }
        if let Some((at, y)) = trend.runs_out_at.zip(quota) {
            let x = scale.x_of(at);
            dots.push(Area::around((x, y), 6.0));
            lines.push(((x, y), (x, BOTTOM)));
        }
        let joined = |readings| {
            let pieces = pieces(readings, trend.end).into_iter();
            let points = pieces
                .map(|piece| piece.iter().map(|(at, units)| (scale.x_of(*at), scale.y_of(*units))).collect());
            points.flat_map(|points: Vec<Point>| {
                points.windows(2).map(|two| (two[0], two[1])).collect::<Vec<_>>()
            })
        };
        lines.extend(joined(&trend.used));
        let mut faint: Vec<(Point, Point)> = joined(&trend.before).collect();
        faint.extend(
            trend
                .last_reading()
                .map(|(at, units)| ((scale.x_of(at), scale.y_of(units)), (scale.x_of(at), BOTTOM))),
        ); // the area's edge
        let quota = quota.map(|y| ((scale.left, y), (RIGHT, y)));
        Self { left: scale.left, dots, quota, lines, faint }
    }

    fn cost(&self, label: &Label) -> f64 {
        let area = label.area();
        let any = |lines: &[(Point, Point)]| lines.iter().filter(|line| area.is_crossed(line)).count() > 0;
        let counted = self.lines.iter().filter(|line| area.is_crossed(line)).count().min(3);
        let mut cost = 0.0;
        if !area.is_inside(self.left) {
            cost += OUTSIDE;
        }
        if self.dots.iter().any(|dot| area.overlaps(dot)) {
            cost += ON_WORDS;
        }
        if self.quota.is_some_and(|quota| area.is_crossed(&quota)) {
            cost += STRUCK_OUT;
        }
        if any(&self.faint) {
            cost += ON_FAINT_LINE;
        }
        #[expect(clippy::cast_precision_loss, reason = "at most three")]
        let lines = counted as f64;
        cost + lines * ON_LINE
    }
}

/// The places of each word, the first choice first.
fn label_choices(trend: &Trend, scale: &Scale) -> Vec<Vec<Label>> {
    let mut all = Vec::new();
    let mut add = |words: String, places: &[(f64, f64, &'static str)]| {
        let label = |&(x, y, anchor): &(f64, f64, &'static str)| Label { words: words.clone(), x, y, anchor };
        all.push(places.iter().map(label).collect::<Vec<_>>());
    };
    if let Some(quota) = trend.quota {
        let (y, left, right) = (scale.y_of(quota), scale.left + 7.0, RIGHT - 7.0);
        let (above, below) = (y - 6.0, y + 17.0);
        let places =
            [(left, above, "start"), (left, below, "start"), (right, below, "end"), (right, above, "end")];
        add(format!("quota {}", grouped(quota)), &places);
    }
    let Some((now, used)) = trend.last_reading() else { return all };
    let (x, y) = (scale.x_of(now), scale.y_of(used));
    let words = format!("{} used", grouped(used));
    let half = width(&words) / 2.0;
    let centre = x.clamp(scale.left + half + 4.0, RIGHT - half - 4.0);
    let below = [(x + 9.0, y + 18.0, "start"), (x - 9.0, y - 9.0, "end"), (x - 9.0, y + 20.0, "end")];
    let around = [(centre, y - 14.0, "middle"), (centre, y + 24.0, "middle"), (centre, y - 32.0, "middle")];
    let aside = [(x - 9.0, y + 38.0, "end"), (x - 9.0, y - 27.0, "end"), (centre, y - 50.0, "middle")];
    let inside = [(x - 9.0, y + 54.0, "end"), (x - 9.0, y + 70.0, "end")];
    add(words, &[&below[..], &around, &aside, &inside].concat());
    if let Some(projected) = trend.projected {
        let (end, right) = (scale.y_of(projected), RIGHT - 5.0);
        let quota = trend.quota.map_or(end, |quota| scale.y_of(quota));
        let ys = [end - 9.0, quota - 6.0, end + 20.0, quota + 18.0, end - 27.0, quota - 24.0, end + 38.0];
        let places = ys.map(|y| (right, y.clamp(TOP + 8.0, BOTTOM - 4.0), "end"));
        add(format!("{} projected", grouped(projected)), &places);
    }
    all
}

/// The choices that cost the least together.
fn place_labels(trend: &Trend, scale: &Scale) -> Vec<Label> {
    let obstacles = Obstacles::new(trend, scale);
    let choices: Vec<Vec<(f64, Area, Label)>> = label_choices(trend, scale)
        .into_iter()
        .map(|places| {
            let mut later = -LATER;
            let cost = |label: Label| {
                later += LATER;
                (obstacles.cost(&label) + later, label.area(), label)
            };
            places.into_iter().map(cost).collect()
        })
        .collect();
    cheapest(choices)
}

fn cheapest(choices: Vec<Vec<(f64, Area, Label)>>) -> Vec<Label> {
    // Every combination, as the places of each word in turn.
    let mut combinations: Vec<(f64, Vec<usize>)> = vec![(0.0, Vec::new())];
    for (word, places) in choices.iter().enumerate() {
        combinations = combinations
            .iter()
            .flat_map(|(cost, chosen)| {
                places.iter().enumerate().map(move |(place, own)| (cost, chosen, place, own))
            })
            .map(|(cost, chosen, place, (own, area, _))| {
                let earlier = chosen.iter().enumerate().take(word);
                let hits = earlier.filter(|(word, place)| choices[*word][**place].1.overlaps(area)).count();
                let hits = if hits > 0 { ON_WORDS } else { 0.0 };
                (cost + own + hits, chosen.iter().copied().chain([place]).collect())
            })
            .collect();
    }
    let best = combinations.into_iter().min_by(|(one, _), (other, _)| one.total_cmp(other));
    let chosen = best.map_or_else(Vec::new, |(_, chosen)| chosen);
    let pick = |(places, place): (Vec<(f64, Area, Label)>, usize)| places.into_iter().nth(place);
    choices.into_iter().zip(chosen).filter_map(pick).map(|(_, _, label)| label).collect()
}

/// The words of a chart.
pub(super) fn labels(trend: &Trend, scale: &Scale) -> String {
    let text = |label: &Label| text(label.x, label.y, label.anchor, "ink halo", &label.words);
    place_labels(trend, scale).iter().map(text).collect()
}

/// Where the words lie.
#[cfg(test)]
pub(super) fn label_areas(trend: &Trend, scale: &Scale) -> Vec<Area> {
    place_labels(trend, scale).iter().map(Label::area).collect()
}
