//! Pixels, because a renderer that finds no font leaves the text out and says nothing.

use super::*;
use crate::report::fixtures::usage;

fn dark_pixels(pixels: &Pixmap, left: u32, top: u32, width: u32, height: u32) -> usize {
    let inside =
        |x: u32, y: u32| pixels.pixel(x, y).is_some_and(|pixel| pixel.alpha() > 200 && pixel.red() < 0x90);
    (top..top + height).map(|y| (left..left + width).filter(|x| inside(*x, y)).count()).sum()
}

fn letter(painter: &Painter, letter: char) -> Pixmap {
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"30\" height=\"30\"><text x=\"5\" y=\"20\" \
         font-family=\"Roboto\" font-size=\"15\">&#{};</text></svg>",
        u32::from(letter)
    );
    painter.draw(&svg).unwrap()
}

#[test]
fn the_text_of_a_picture_is_there_and_at_twice_its_size() {
    let report = usage();
    let picture = report.pictures()[0];
    let painter = Painter::new();
    let pixels = painter.draw(&picture.svg).unwrap();
    assert!(
        pixels.width() >= 2 * picture.width && pixels.height() >= 2 * picture.height,
        "{}",
        pixels.width()
    );
    // The figures of the axis stand at the left, where no line is.
    let figures = dark_pixels(&pixels, 10, 20, 120, 300);
    assert!(figures > 300, "{figures}");
    let wordless =
        picture.svg.lines().filter(|line| !line.starts_with("<text")).collect::<Vec<_>>().join("\n");
    assert_eq!(dark_pixels(&painter.draw(&wordless).unwrap(), 10, 20, 120, 300), 0);
}

#[test]
fn every_letter_that_a_picture_can_hold_is_in_the_font() {
    let painter = Painter::new();
    let missing = letter(&painter, '\u{e000}');
    let nothing = letter(&painter, ' ');
    for c in '!'..='~' {
        let drawn = letter(&painter, c);
        assert!(drawn.data() != missing.data() && drawn.data() != nothing.data(), "{c} {:x}", u32::from(c));
    }
}

#[test]
fn the_same_picture_is_the_same_small_file() {
    let report = usage();
    for picture in report.pictures() {
        let png = Painter::new().png(&picture.svg).unwrap();
        assert_eq!(png, Painter::new().png(&picture.svg).unwrap());
        assert!(png.starts_with(b"\x89PNG") && png.len() < 25_000, "{}", png.len());
    }
}

#[test]
fn what_is_no_picture_is_an_error() {
    assert!(Painter::new().png("<svg").is_err());
}
