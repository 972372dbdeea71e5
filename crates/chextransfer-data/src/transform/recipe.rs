//! The recipe: how large, and which part.

use ::image::RgbImage;
use serde::{Deserialize, Serialize};

use super::{Interpolation, crop, resize};
use crate::draw::Draw;
use crate::image::{GreyImage, Samples};
use crate::{Error, Result};

/// How an image becomes a square: its shorter side is resized, keeping the ratio, then a square is cut out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageRecipe {
    /// The shorter side after resizing, in pixels.
    pub resize: u32,
    /// The side of the square, in pixels; at most `resize`.
    pub crop: u32,
    /// Where the square lies.
    pub position: CropPosition,
    /// How the image is resized.
    #[serde(default)]
    pub interpolation: Interpolation,
}

/// Where the crop lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CropPosition {
    /// Anywhere, drawn anew for each image and epoch; for training.
    Random,
    /// In the middle; for evaluation.
    Center,
}

impl ImageRecipe {
    /// The largest side that a recipe may ask for, in pixels.
    pub const MAX_SIDE: u32 = 4_096;

    /// The paper's recipe for training: shorter side 320, random crop of 320.
    pub const fn paper() -> Self {
        Self {
            resize: 320,
            crop: 320,
            position: CropPosition::Random,
            interpolation: Interpolation::Bilinear,
        }
    }

    /// The same sizes with the crop in the middle.
    pub const fn centered(self) -> Self {
        Self {
            position: CropPosition::Center,
            ..self
        }
    }

    /// Checks that the recipe can be followed for every image.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] unless `1 <= crop <= resize <=` [`Self::MAX_SIDE`].
    pub fn validate(&self) -> Result<()> {
        if !(1..=Self::MAX_SIDE).contains(&self.resize) {
            return Err(Error::Setting {
                setting: "resize",
                found: self.resize.to_string(),
                expected: format!("1 to {} pixels", Self::MAX_SIDE),
            });
        }
        if !(1..=self.resize).contains(&self.crop) {
            return Err(Error::Setting {
                setting: "crop",
                found: self.crop.to_string(),
                expected: format!(
                    "1 to {} pixels, the shorter side after resizing",
                    self.resize
                ),
            });
        }
        Ok(())
    }

    /// The square of an image: `[crop, crop]` grey values in 0 to 1.
    ///
    /// Resizing is done in the precision of the file and rounds to it, as in Pillow, so 8-bit values are multiples of
    /// 1/255. `draw` matters only where the position is random.
    ///
    /// # Errors
    ///
    /// As [`Self::validate`].
    pub fn apply(&self, image: &GreyImage, draw: Draw) -> Result<Vec<f32>> {
        self.validate()?;
        let size = resize::size_with_shorter_side(image.width(), image.height(), self.resize);
        let samples = resize::grey(image, size, self.interpolation)?;
        let window = self.window(size, draw);
        Ok(match samples {
            Samples::Bits8(samples) => window.cut(&samples, |v| f32::from(v) / 255.0),
            Samples::Bits16(samples) => window.cut(&samples, |v| f32::from(v) / 65_535.0),
        })
    }

    /// The square of a natural picture: `[3, crop, crop]` values in 0 to 1, red first.
    ///
    /// # Errors
    ///
    /// As [`Self::validate`].
    pub fn apply_rgb(&self, image: &RgbImage, draw: Draw) -> Result<Vec<f32>> {
        self.validate()?;
        let from = image.dimensions();
        let size = resize::size_with_shorter_side(from.0, from.1, self.resize);
        let samples = resize::rgb(image.as_raw(), from, size, self.interpolation)?;
        let window = self.window(size, draw);
        let (pixels, _) = samples.as_chunks::<3>();
        Ok((0..3)
            .flat_map(|channel| window.cut(pixels, |pixel| f32::from(pixel[channel]) / 255.0))
            .collect())
    }

    fn window(&self, (width, height): (u32, u32), draw: Draw) -> Window {
        let (left, top) = match self.position {
            CropPosition::Center => (
                crop::centered(width, self.crop),
                crop::centered(height, self.crop),
            ),
            CropPosition::Random => crop::random(width, height, self.crop, draw),
        };
        Window {
            stride: width as usize,
            left: left as usize,
            top: top as usize,
            side: self.crop as usize,
        }
    }
}

/// A square within rows of `stride` pixels.
struct Window {
    stride: usize,
    left: usize,
    top: usize,
    side: usize,
}

impl Window {
    fn cut<T: Copy>(&self, pixels: &[T], value: impl Fn(T) -> f32) -> Vec<f32> {
        let mut values = Vec::with_capacity(self.side * self.side);
        let rows = pixels.chunks_exact(self.stride);
        for row in rows.skip(self.top).take(self.side) {
            let row = &row[self.left..self.left + self.side];
            values.extend(row.iter().map(|&pixel| value(pixel)));
        }
        values
    }
}
