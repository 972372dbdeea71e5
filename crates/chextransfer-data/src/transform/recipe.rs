//! The recipe: how large, and which part.

use ::image::RgbImage;
use fast_image_resize::PixelType;
use serde::{Deserialize, Serialize};

use super::resize::{Levels, Resized, Scratch};
use super::{Interpolation, crop, resize};
use crate::draw::Draw;
use crate::image::{GreyImage, VoiTransform};
use crate::{Error, Result};

/// How an image becomes a square: it is resized, keeping the ratio of its sides, then a square is cut out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageRecipe {
    /// The side that `fit` names, after resizing, in pixels.
    pub resize: u32,
    /// The side of the square, in pixels; at most `resize`.
    pub crop: u32,
    /// Where the square lies.
    pub position: CropPosition,
    /// How the image is resized.
    #[serde(default)]
    pub interpolation: Interpolation,
    /// Which side is resized to `resize`.
    #[serde(default)]
    pub fit: Fit,
    /// What is black and white in a DICOM file.
    #[serde(default)]
    pub voi: VoiTransform,
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

/// Which side of an image is resized.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// The shorter side; the longer one reaches beyond the square and is cropped.
    #[default]
    ShorterSide,
    /// The longer side; the image is padded with black to a square, as much on either side, so that nothing is lost.
    LongerSide,
}

/// The recipes that have a name.
const PRESETS: [(&str, ImageRecipe); 2] = [
    ("paper", ImageRecipe::paper()),
    ("torchvision-eval", ImageRecipe::torchvision_eval()),
];

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
            fit: Fit::ShorterSide,
            voi: VoiTransform::FromFile,
        }
    }

    /// torchvision's `ImageClassification` transform with its defaults, under which its ImageNet weights are evaluated:
    /// shorter side 256, centred crop of 224, bilinear.
    pub const fn torchvision_eval() -> Self {
        Self {
            resize: 256,
            crop: 224,
            position: CropPosition::Center,
            ..Self::paper()
        }
    }

    /// The recipe of this name: `paper` or `torchvision-eval`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] with the names.
    pub fn preset(name: &str) -> Result<Self> {
        PRESETS
            .into_iter()
            .find(|(preset, _)| *preset == name)
            .map(|(_, recipe)| recipe)
            .ok_or_else(|| Error::unknown_name("image recipe", name, PRESETS.map(|(name, _)| name)))
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
                expected: format!("1 to {} pixels, the side after resizing", self.resize),
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
        let mut scratch = Scratch::default();
        let mut square = Vec::with_capacity(self.crop as usize * self.crop as usize);
        self.cut(&self.resized(image, &mut scratch)?, draw, &mut square);
        Ok(square)
    }

    /// The square of a natural picture: `[3, crop, crop]` values in 0 to 1, red first.
    ///
    /// # Errors
    ///
    /// As [`Self::validate`].
    pub fn apply_rgb(&self, image: &RgbImage, draw: Draw) -> Result<Vec<f32>> {
        self.validate()?;
        let from = image.dimensions();
        let size = self.size(from);
        let mut scratch = Scratch::default();
        let samples = scratch.bytes(
            image.as_raw(),
            from,
            size,
            PixelType::U8x3,
            self.interpolation,
        )?;
        let window = self.window(size, draw);
        let (pixels, _) = samples.as_chunks::<3>();
        let mut square = Vec::with_capacity(3 * self.crop as usize * self.crop as usize);
        for channel in 0..3 {
            window.cut(pixels, &mut square, |pixel| {
                BYTES[usize::from(pixel[channel])]
            });
        }
        Ok(square)
    }

    /// The first half of the recipe, which depends on no draw.
    pub(crate) fn resized<'a>(
        &self,
        image: &'a GreyImage,
        scratch: &'a mut Scratch,
    ) -> Result<Resized<'a>> {
        let size = self.size((image.width(), image.height()));
        scratch.grey(image, size, self.interpolation)
    }

    /// The second half: appends the `crop * crop` values of the square.
    pub(crate) fn cut(&self, resized: &Resized<'_>, draw: Draw, square: &mut Vec<f32>) {
        let window = self.window(resized.size, draw);
        match &resized.levels {
            Levels::Bits8(levels) => {
                window.cut(levels, square, |level| BYTES[usize::from(level)]);
            }
            Levels::Bits16(levels) => {
                window.cut(levels, square, |level| f32::from(level) / 65_535.0);
            }
        }
    }

    fn size(&self, (width, height): (u32, u32)) -> (u32, u32) {
        match self.fit {
            Fit::ShorterSide => resize::size_with_shorter_side(width, height, self.resize),
            Fit::LongerSide => resize::size_with_longer_side(width, height, self.resize),
        }
    }

    fn window(&self, (width, height): (u32, u32), draw: Draw) -> Window {
        // The area in which the square lies: the image, padded where it is smaller than `resize`.
        let (across, down) = (width.max(self.resize), height.max(self.resize));
        let (left, top) = match self.position {
            CropPosition::Center => (
                crop::centered(across, self.crop),
                crop::centered(down, self.crop),
            ),
            CropPosition::Random => crop::random(across, down, self.crop, draw),
        };
        let padding = |area: u32, side: u32| crop::centered(area, side) as usize;
        Window {
            size: (width as usize, height as usize),
            padding: (padding(across, width), padding(down, height)),
            left: left as usize,
            top: top as usize,
            side: self.crop as usize,
        }
    }
}

/// What a byte stands for: `level / 255`.
const BYTES: [f32; 256] = {
    let mut values = [0.0; 256];
    let mut level = 0;
    while level < 256 {
        values[level] = level as f32 / 255.0;
        level += 1;
    }
    values
};

/// A square within an image that is padded by `padding` columns at its left and rows at its top, and as far as is needed
/// at its right and bottom.
struct Window {
    size: (usize, usize),
    padding: (usize, usize),
    left: usize,
    top: usize,
    side: usize,
}

impl Window {
    /// Appends the square; padding is 0.
    fn cut<T: Copy>(&self, pixels: &[T], square: &mut Vec<f32>, value: impl Fn(T) -> f32) {
        let (width, height) = self.size;
        let columns = self.span(self.left, self.padding.0, width);
        for row in self.top..self.top + self.side {
            let begin = square.len();
            if (self.padding.1..self.padding.1 + height).contains(&row) {
                let row = (row - self.padding.1) * width;
                square.resize(begin + columns.before, 0.0);
                let pixels = &pixels[row + columns.begin..row + columns.end];
                square.extend(pixels.iter().map(|&pixel| value(pixel)));
            }
            square.resize(begin + self.side, 0.0);
        }
    }

    /// The part of an axis of the image that the square shows.
    fn span(&self, offset: usize, padding: usize, length: usize) -> Span {
        let before = padding.saturating_sub(offset).min(self.side);
        let begin = offset.saturating_sub(padding).min(length);
        Span {
            before,
            begin,
            end: (begin + self.side - before).min(length),
        }
    }
}

struct Span {
    /// Padding that the square begins with.
    before: usize,
    begin: usize,
    end: usize,
}
