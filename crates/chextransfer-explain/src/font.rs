//! The letters of captions: one family, carried in the program and in every SVG, so that a picture looks the same
//! everywhere.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};

use crate::{Error, Result};

/// Inter; see `fonts/README.md`.
const REGULAR: &[u8] = include_bytes!("../fonts/Inter-Regular.ttf");
const SEMIBOLD: &[u8] = include_bytes!("../fonts/Inter-SemiBold.ttf");

/// A weight of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    Regular,
    SemiBold,
}

impl Weight {
    /// The family under which both renderers know it. Two families of one weight each: so the SemiBold's file calls
    /// itself.
    pub(crate) fn family(self) -> &'static str {
        match self {
            Self::Regular => "Inter",
            Self::SemiBold => "Inter SemiBold",
        }
    }

    fn file(self) -> &'static [u8] {
        match self {
            Self::Regular => REGULAR,
            Self::SemiBold => SEMIBOLD,
        }
    }

    /// The weight that the file states.
    pub(crate) fn number(self) -> u16 {
        match self {
            Self::Regular => 400,
            Self::SemiBold => 600,
        }
    }
}

/// The fonts for the rasteriser.
#[derive(Debug)]
pub(crate) struct Fonts {
    options: Options<'static>,
}

impl Fonts {
    pub(crate) fn new() -> Self {
        let mut database = Database::new();
        for weight in [Weight::Regular, Weight::SemiBold] {
            database.load_font_data(weight.file().to_vec());
        }
        Self {
            options: Options {
                font_family: Weight::Regular.family().to_owned(),
                fontdb: Arc::new(database),
                ..Options::default()
            },
        }
    }

    /// An SVG as the rasteriser understands it.
    pub(crate) fn parse(&self, svg: &str) -> Result<Tree> {
        Tree::from_str(svg, &self.options).map_err(Error::picture)
    }

    /// The width of a line of text, in the unit of its size.
    pub(crate) fn width(&self, text: &str, size: f32, weight: Weight) -> Result<f32> {
        if text.trim().is_empty() {
            return Ok(0.0);
        }
        // Measured large, where hinting and rounding do not matter.
        let tree = self.parse(&format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><text font-family="{}" font-weight="{}" font-size="100">{}</text></svg>"#,
            weight.family(),
            weight.number(),
            escape(text)
        ))?;
        Ok(tree.root().abs_bounding_box().width() * size / 100.0)
    }

    /// Text in lines no wider than `width`, broken between words, after a `/` of a path, and within what is still wider.
    pub(crate) fn wrap(
        &self,
        text: &str,
        width: f32,
        size: f32,
        weight: Weight,
    ) -> Result<Vec<String>> {
        let fits = |line: &str| Ok::<_, Error>(self.width(line, size, weight)? <= width);
        let mut lines = Vec::new();
        let mut line = String::new();
        for word in text.split_whitespace() {
            for (index, part) in word.split_inclusive('/').enumerate() {
                let space = if index == 0 && !line.is_empty() {
                    " "
                } else {
                    ""
                };
                let longer = format!("{line}{space}{part}");
                if fits(&longer)? {
                    line = longer;
                    continue;
                }
                if !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                }
                for letter in part.chars() {
                    line.push(letter);
                    if line.chars().count() > 1 && !fits(&line)? {
                        line.pop();
                        lines.push(std::mem::replace(&mut line, letter.to_string()));
                    }
                }
            }
        }
        lines.push(line);
        Ok(lines)
    }
}

/// The fonts as an SVG's style, for browsers.
pub(crate) fn style() -> String {
    let faces = [Weight::Regular, Weight::SemiBold].map(|weight| {
        format!(
            "@font-face{{font-family:'{}';font-weight:{};src:url(data:font/ttf;base64,{})}}",
            weight.family(),
            weight.number(),
            BASE64_STANDARD.encode(weight.file())
        )
    });
    format!("<style>{}</style>", faces.concat())
}

/// Text as XML has it. What no XML may hold, such as a control character in a file's name, becomes a question mark.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                escaped.push('?')
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn letters_have_widths_and_a_bolder_weight_is_wider() {
        let fonts = Fonts::new();
        let width = |text, weight| fonts.width(text, 20.0, weight).unwrap();
        let narrow = width("illl", Weight::Regular);
        let wide = width("WWWW", Weight::Regular);
        assert!(narrow > 5.0 && wide > 3.0 * narrow, "{narrow}, {wide}");
        assert!(width("Atelectasis", Weight::SemiBold) > width("Atelectasis", Weight::Regular));
        assert_eq!(width(" ", Weight::Regular), 0.0);
    }

    #[test]
    fn no_line_is_wider_than_asked_and_no_letter_is_lost() {
        let fonts = Fonts::new();
        let text = "Pleural Effusion in CheXpert-v1.0-small/valid/patient64541/study1/view1_frontal.jpg & more";
        let lines = fonts.wrap(text, 120.0, 16.0, Weight::Regular).unwrap();
        assert!(lines.len() > 4, "{lines:?}");
        for line in &lines {
            assert!(
                fonts.width(line, 16.0, Weight::Regular).unwrap() <= 120.0,
                "{line}"
            );
        }
        let letters = |text: &str| {
            text.chars()
                .filter(|c| !c.is_whitespace())
                .collect::<String>()
        };
        assert_eq!(letters(&lines.concat()), letters(text));
    }

    #[test]
    fn no_text_breaks_the_picture() {
        let fonts = Fonts::new();
        for text in ["<b>&\"'", "a\u{0}b\u{7}", "\u{fffe}", "胸部"] {
            assert!(fonts.width(text, 16.0, Weight::Regular).is_ok(), "{text:?}");
        }
    }
}
