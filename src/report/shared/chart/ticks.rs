//! Round numbers beside a picture, and how they are written there.

use crate::domain::quota::Units;
use crate::text::words::grouped;

/// Zero and one to three round numbers up to `most`.
pub(super) fn ticks(most: Units) -> Vec<Units> {
    let magnitude = (0..18).map(|power| 10_i64.pow(power)).take_while(|ten| *ten <= most).last().unwrap_or(1);
    let steps = [
        magnitude / 4,
        magnitude / 2,
        magnitude,
        magnitude.saturating_mul(2),
        magnitude / 2 * 5,
        magnitude.saturating_mul(5),
    ];
    let step = steps.into_iter().find(|step| *step > 0 && most / step <= 3).unwrap_or(most);
    (0..=most / step).map(|times| times * step).collect()
}

/// `75 000` beside its line, and `1.5M` where that would take the room of the picture.
pub(super) fn short_number(units: Units) -> String {
    let unit =
        [(1_000_000_000_000_000, "P"), (1_000_000_000_000, "T"), (1_000_000_000, "B"), (1_000_000, "M")];
    match unit.into_iter().find(|(size, _)| units >= *size) {
        None => grouped(units),
        Some((size, letter)) => {
            let tenths = units % size / (size / 100);
            let fraction = format!(".{tenths:02}");
            format!("{}{}{letter}", grouped(units / size), fraction.trim_end_matches(['0', '.']))
        }
    }
}
