//! A sheet of radiographs and maps with captions and a legend: laid out once, as SVG or PNG.

use std::io::Cursor;
use std::path::Path;

use chextransfer_models::weights::write_whole;
use image::{DynamicImage, ImageFormat, RgbImage};
use resvg::tiny_skia::{Pixmap, Transform};

use crate::font::Fonts;
use crate::svg::Drawing;
use crate::{Error, Outline, Result, Window};

/// One picture of a sheet, the lines on it and the text below it.
#[derive(Debug, Clone)]
pub struct Panel {
    /// The picture in its own resolution.
    pub picture: DynamicImage,
    /// Around the places where the map is high.
    pub contours: Vec<Outline>,
    /// Around the places where the finding is known to be.
    pub truth: Vec<Outline>,
    /// What the network saw, where that is not all of the picture.
    pub window: Option<Window>,
    /// Lines below the picture, the first of them in a heavier weight; each is broken where it is too long.
    pub caption: Vec<String>,
}

impl Panel {
    /// A picture without lines or text.
    pub fn new(picture: impl Into<DynamicImage>) -> Self {
        Self {
            picture: picture.into(),
            contours: Vec::new(),
            truth: Vec::new(),
            window: None,
            caption: Vec::new(),
        }
    }
}

/// Panels in rows, under a title and over a legend.
#[derive(Debug, Clone, Default)]
pub struct Sheet {
    /// The heading.
    pub title: String,
    /// The panels; rows may be of different lengths.
    pub rows: Vec<Vec<Panel>>,
    /// What the colours stand for, from 0 to 1; no colour bar without.
    pub scale: Option<String>,
    /// What a contour stands for.
    pub contour: Option<String>,
    /// What the outline of the truth stands for.
    pub truth: Option<String>,
    /// Lines below the legend.
    pub notes: Vec<String>,
    /// The width of a panel in pixels, at most, for a sheet of thumbnails; wider pictures are made smaller.
    pub widest_panel: Option<u32>,
}

/// The width of a panel in pixels, at least: captions need room.
const NARROWEST: u32 = 320;
/// The width of a sheet in pixels, at most: what common programs can open.
const WIDEST: u32 = 16_384;

impl Sheet {
    /// The width of every panel in pixels: that of the widest picture, so that its resolution is kept, but no less than
    /// 320 and no more than [`widest_panel`](Self::widest_panel) or than fits 16,384 pixels for all columns.
    pub fn panel_width(&self) -> u32 {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0).max(1) as u32;
        let widest = self
            .rows
            .iter()
            .flatten()
            .map(|panel| panel.picture.width())
            .max();
        // A gap is a twentieth of a panel.
        let room = WIDEST / (columns + columns / 16 + 1);
        let widest = widest.unwrap_or(0).max(NARROWEST);
        widest
            .min(self.widest_panel.unwrap_or(widest))
            .min(room)
            .max(1)
    }

    /// The sheet as SVG: pictures embedded as PNG in their own resolution, lines and text as such, fonts included.
    ///
    /// # Errors
    /// [`Error::Picture`] for a sheet without pictures.
    pub fn to_svg(&self) -> Result<String> {
        Ok(Drawing::of(self, &Fonts::new())?.into_svg(true))
    }

    /// The sheet as PNG, the same picture as [`to_svg`](Self::to_svg).
    ///
    /// # Errors
    /// As [`to_svg`](Self::to_svg).
    pub fn to_png(&self) -> Result<Vec<u8>> {
        let mut bytes = Cursor::new(Vec::new());
        let picture = self.to_image()?;
        picture
            .write_to(&mut bytes, ImageFormat::Png)
            .map_err(Error::picture)?;
        Ok(bytes.into_inner())
    }

    /// The sheet as pixels.
    ///
    /// # Errors
    /// As [`to_svg`](Self::to_svg).
    pub fn to_image(&self) -> Result<RgbImage> {
        let fonts = Fonts::new();
        // The rasteriser knows the fonts already.
        let tree = fonts.parse(&Drawing::of(self, &fonts)?.into_svg(false))?;
        let size = tree.size().to_int_size();
        let mut pixmap = Pixmap::new(size.width(), size.height()).ok_or_else(|| {
            Error::picture(format!("it would be {}x{}", size.height(), size.width()))
        })?;
        resvg::render(&tree, Transform::identity(), &mut pixmap.as_mut());
        // On a white ground nothing is transparent, so colours are not premultiplied.
        let (pixels, _) = pixmap.data().as_chunks::<4>();
        let colors = pixels
            .iter()
            .flat_map(|[red, green, blue, _]| [*red, *green, *blue])
            .collect();
        RgbImage::from_raw(size.width(), size.height(), colors)
            .ok_or_else(|| Error::picture("its pixels are not those of its size"))
    }

    /// Writes the sheet as PNG or SVG by the file's extension, whole or not at all.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for another extension, [`Error::File`]; then a file of this name is as it was before.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let extension = path
            .extension()
            .and_then(|extension| extension.to_str())
            .unwrap_or_default();
        let content = match extension {
            "png" => self.to_png()?,
            "svg" => self.to_svg()?.into_bytes(),
            other => {
                return Err(Error::UnknownName {
                    what: "kind of picture",
                    name: other.to_owned(),
                    known: "png, svg".to_owned(),
                });
            }
        };
        write_whole(path, |file| file.write_all(&content)).map_err(Error::file("write", path))
    }
}
