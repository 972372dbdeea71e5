//! The layout of a sheet, and its SVG.

use std::fmt::Write;
use std::io::Cursor;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat};

use crate::color::blend;
use crate::font::{Fonts, Weight, escape, style};
use crate::{Error, Outline, Panel, Result, Sheet};

/// The size of text, as a share of a panel's width.
const TEXT: f32 = 1.0 / 20.0;
/// From one baseline to the next, in sizes of text.
const LEADING: f32 = 1.35;
/// The brightness of the radiograph below the colour bar: that of a lung's border.
const BAR_GREY: f32 = 0.35;

/// How a line is drawn: colour, and lengths of dashes in widths of the line.
#[derive(Clone, Copy)]
struct Stroke {
    color: &'static str,
    dashes: &'static str,
}

const CONTOUR: Stroke = Stroke {
    color: "#ffffff",
    dashes: "",
};
const TRUTH: Stroke = Stroke {
    color: "#35d0ff",
    dashes: "",
};
const WINDOW: Stroke = Stroke {
    color: "#ffffff",
    dashes: "2 3",
};
/// Drawn under every line, so that it is seen on bright and dark ground.
const CASING: &str = "#000000";

/// A sheet being laid out from top to bottom.
pub(crate) struct Drawing<'a> {
    fonts: &'a Fonts,
    body: String,
    panel: f32,
    text: f32,
    width: f32,
    bottom: f32,
}

impl<'a> Drawing<'a> {
    pub(crate) fn of(sheet: &Sheet, fonts: &'a Fonts) -> Result<Self> {
        let columns = sheet.rows.iter().map(Vec::len).max().unwrap_or(0);
        if columns == 0 {
            return Err(Error::picture("found no panels, expected one at least"));
        }
        let panel = sheet.panel_width() as f32;
        let gap = (panel * TEXT).round();
        let mut drawing = Self {
            fonts,
            body: String::new(),
            panel,
            text: panel * TEXT,
            width: columns as f32 * (panel + gap) + gap,
            bottom: gap,
        };
        let text = drawing.text;
        let inner = drawing.width - 2.0 * gap;
        drawing.paragraph(&sheet.title, [gap, inner], text * 1.2, Weight::SemiBold)?;
        for row in &sheet.rows {
            drawing.bottom = (drawing.bottom + gap / 2.0).round();
            let top = drawing.bottom;
            let mut lowest = top;
            for (column, panel) in row.iter().enumerate() {
                drawing.bottom = top;
                drawing.panel(panel, gap + column as f32 * (drawing.panel + gap))?;
                lowest = lowest.max(drawing.bottom);
            }
            drawing.bottom = lowest;
        }
        drawing.bottom += gap / 2.0;
        drawing.legend(sheet, [gap, inner])?;
        for note in &sheet.notes {
            drawing.paragraph(note, [gap, inner], text, Weight::Regular)?;
        }
        drawing.bottom = (drawing.bottom + gap).round();
        Ok(drawing)
    }

    /// The document; fonts are wanted where it is shown by others.
    pub(crate) fn into_svg(self, with_fonts: bool) -> String {
        let (width, height) = (self.width, self.bottom);
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{width}" height="{height}" viewBox="0 0 {width} {height}">{}<rect width="{width}" height="{height}" fill="#ffffff"/>{}</svg>"##,
            if with_fonts { style() } else { String::new() },
            self.body
        )
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.body.write_fmt(element);
    }

    /// Text from `left` on, as many lines as it needs.
    fn paragraph(
        &mut self,
        text: &str,
        [left, width]: [f32; 2],
        size: f32,
        weight: Weight,
    ) -> Result<()> {
        if text.trim().is_empty() {
            return Ok(());
        }
        for line in self.fonts.wrap(text, width, size, weight)? {
            let baseline = self.bottom + size;
            self.bottom += size * LEADING;
            self.add(format_args!(
                r##"<text x="{left}" y="{baseline}" font-family="{}" font-weight="{}" font-size="{size}" fill="#111111">{}</text>"##,
                weight.family(),
                weight.number(),
                escape(&line)
            ));
        }
        Ok(())
    }

    fn panel(&mut self, panel: &Panel, left: f32) -> Result<()> {
        let scale = self.panel / panel.picture.width() as f32;
        let height = (panel.picture.height() as f32 * scale).round();
        let (top, width) = (self.bottom, self.panel);
        self.add(format_args!(
            r#"<image x="{left}" y="{top}" width="{width}" height="{height}" preserveAspectRatio="none" xlink:href="data:image/png;base64,{}"/>"#,
            png(&panel.picture, [width, height].map(|side| side as u32))?
        ));
        let place = |[x, y]: [f32; 2]| [left + x * scale, top + y * scale];
        if let Some(window) = panel.window {
            let [x, y] = [window.left as f32, window.top as f32];
            let [right, bottom] = [x + window.width as f32, y + window.height as f32];
            let frame = vec![[x, y], [right, y], [right, bottom], [x, bottom]];
            self.outlines(&[frame], place, WINDOW);
        }
        self.outlines(&panel.truth, place, TRUTH);
        self.outlines(&panel.contours, place, CONTOUR);
        self.bottom = top + height + self.text * 0.3;
        for (line, text) in panel.caption.iter().enumerate() {
            let weight = if line == 0 {
                Weight::SemiBold
            } else {
                Weight::Regular
            };
            self.paragraph(text, [left, self.panel], self.text, weight)?;
        }
        Ok(())
    }

    fn outlines(
        &mut self,
        outlines: &[Outline],
        place: impl Fn([f32; 2]) -> [f32; 2],
        stroke: Stroke,
    ) {
        let mut path = String::new();
        for outline in outlines {
            for (index, &point) in outline.iter().enumerate() {
                let [x, y] = place(point);
                let _ = write!(path, "{}{x:.1} {y:.1}", if index == 0 { 'M' } else { 'L' });
            }
            path.push('Z');
        }
        if !path.is_empty() {
            self.stroke(&path, stroke);
        }
    }

    fn stroke(&mut self, path: &str, stroke: Stroke) {
        let width = self.text / 9.0;
        let dashes = stroke
            .dashes
            .split_whitespace()
            .filter_map(|share| share.parse::<f32>().ok());
        let dashes: Vec<_> = dashes.map(|share| (share * width).to_string()).collect();
        let dashes = match dashes.is_empty() {
            true => String::new(),
            false => format!(r#" stroke-dasharray="{}""#, dashes.join(" ")),
        };
        for (color, width) in [(CASING, width * 2.0), (stroke.color, width)] {
            self.add(format_args!(
                r#"<path d="{path}" fill="none" stroke="{color}" stroke-width="{width}" stroke-linejoin="round"{dashes}/>"#
            ));
        }
    }

    /// The colour bar, and a line for each kind of line.
    fn legend(&mut self, sheet: &Sheet, [left, width]: [f32; 2]) -> Result<()> {
        if let Some(scale) = &sheet.scale {
            self.color_bar([left, width])?;
            self.paragraph(scale, [left, width], self.text, Weight::Regular)?;
            self.bottom += self.text * 0.3;
        }
        let windowed = sheet
            .rows
            .iter()
            .flatten()
            .any(|panel| panel.window.is_some());
        let window =
            windowed.then(|| "what the network sees; nothing is drawn outside it".to_owned());
        for (text, stroke) in [
            (&sheet.contour, CONTOUR),
            (&sheet.truth, TRUTH),
            (&window, WINDOW),
        ] {
            let Some(text) = text else { continue };
            let (sample, size) = (self.text * 2.0, self.text);
            // On grey, as on a radiograph.
            let top = self.bottom + size * 0.2;
            self.add(format_args!(
                r##"<rect x="{left}" y="{top}" width="{sample}" height="{size}" fill="#808080"/>"##
            ));
            let middle = top + size / 2.0;
            self.stroke(&format!("M{left} {middle}H{}", left + sample), stroke);
            let indent = sample + size * 0.5;
            self.paragraph(text, [left + indent, width - indent], size, Weight::Regular)?;
        }
        Ok(())
    }

    fn color_bar(&mut self, [left, width]: [f32; 2]) -> Result<()> {
        const STOPS: usize = 33;
        let (length, size) = ((self.panel * 0.75).min(width), self.text);
        let mut stops = String::new();
        for stop in 0..STOPS {
            let share = stop as f32 / (STOPS - 1) as f32;
            let [red, green, blue] = blend(BAR_GREY, share);
            let _ = write!(
                stops,
                r##"<stop offset="{share}" stop-color="#{red:02x}{green:02x}{blue:02x}"/>"##
            );
        }
        let top = self.bottom;
        self.add(format_args!(
            r##"<linearGradient id="scale">{stops}</linearGradient><rect x="{left}" y="{top}" width="{length}" height="{size}" fill="url(#scale)"/>"##
        ));
        self.bottom += size * 1.15;
        let top = self.bottom;
        for (label, share) in [("0", 0.0), ("0.5", 0.5), ("1", 1.0)] {
            let wide = self.fonts.width(label, size, Weight::Regular)?;
            // Labels begin, are centred and end where the bar does.
            self.bottom = top;
            let x = left + (length - wide) * share;
            self.paragraph(label, [x, width], size, Weight::Regular)?;
        }
        Ok(())
    }
}

/// A picture as PNG in base 64, made smaller where it is larger than its place.
fn png(picture: &DynamicImage, [width, height]: [u32; 2]) -> Result<String> {
    let smaller = (picture.width() > width)
        .then(|| picture.resize_exact(width, height.max(1), FilterType::Triangle));
    let mut bytes = Cursor::new(Vec::new());
    smaller
        .as_ref()
        .unwrap_or(picture)
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(Error::picture)?;
    Ok(BASE64_STANDARD.encode(bytes.into_inner()))
}
