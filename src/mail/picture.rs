//! A picture as mail clients show it: PNG at twice its size, drawn from the report's own SVG with the embedded font.
//!
//! Nothing is loaded from the machine: the same SVG is the same bytes everywhere, with text, also where no font is.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use png::{BitDepth, ColorType, Compression, Encoder};
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree};

/// See `font/README.md`.
const FONT: &[u8] = include_bytes!("font/Roboto-Regular-subset.ttf");
/// Two pixels and more for each that the widest layout shows: sharp on the screens that people read mail on.
const DENSITY: f32 = 2.275;

/// Draws pictures; the font is read once.
pub(super) struct Painter {
    options: Options<'static>,
}

impl Painter {
    pub(super) fn new() -> Self {
        let mut options = Options { font_family: "Roboto".to_owned(), ..Options::default() };
        Arc::make_mut(&mut options.fontdb).load_font_data(FONT.to_vec());
        Self { options }
    }

    /// The bytes of the PNG.
    pub(super) fn png(&self, svg: &str) -> anyhow::Result<Vec<u8>> {
        let pixels = self.draw(svg)?;
        let (palette, indices) = indexed(&pixels).context("the picture has too many colours")?;
        let mut png = Vec::new();
        let mut encoder = Encoder::new(&mut png, pixels.width(), pixels.height());
        encoder.set_color(ColorType::Indexed);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_palette(palette);
        encoder.set_compression(Compression::High);
        encoder.write_header()?.write_image_data(&indices)?;
        Ok(png)
    }

    fn draw(&self, svg: &str) -> anyhow::Result<Pixmap> {
        let tree = Tree::from_str(svg, &self.options).context("the picture is not an SVG")?;
        let size = tree.size().to_int_size().scale_by(DENSITY).context("the picture has no size")?;
        let mut pixels = Pixmap::new(size.width(), size.height()).context("the picture is too large")?;
        // The ground to the very corners: what is transparent would be black in some dark modes.
        pixels.fill(Color::from_rgba8(0xf7, 0xf9, 0xfb, 0xff));
        resvg::render(&tree, Transform::from_scale(DENSITY, DENSITY), &mut pixels.as_mut());
        Ok(pixels)
    }
}

/// A palette and the index of each pixel: a third of the size of full colours, and eight pictures travel in each mail.
/// Where the soft edges of letters make over 256 colours, the nearest ones become one.
fn indexed(pixels: &Pixmap) -> Option<(Vec<u8>, Vec<u8>)> {
    (0..8).find_map(|dropped_bits| {
        let mut palette = Vec::new();
        let mut known: HashMap<[u8; 3], u8> = HashMap::new();
        let mut indices = Vec::with_capacity(pixels.pixels().len());
        let mut last = None; // nearly every pixel is like the one before it
        for pixel in pixels.pixels() {
            let colour = [pixel.red(), pixel.green(), pixel.blue()];
            let near = colour.map(|part| part >> dropped_bits);
            if last.is_none_or(|(like, _)| like != near) {
                let index = if let Some(index) = known.get(&near) {
                    *index
                } else {
                    let next = u8::try_from(known.len()).ok()?;
                    palette.extend(colour);
                    *known.entry(near).or_insert(next)
                };
                last = Some((near, index));
            }
            indices.extend(last.map(|(_, index)| index));
        }
        Some((palette, indices))
    })
}

#[cfg(test)]
mod tests;
