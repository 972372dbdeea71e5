//! Antialiased resizing in the precision of the image, as Pillow does it.

use std::borrow::Cow;

use fast_image_resize::images::{Image, ImageRef, TypedImage, TypedImageRef};
use fast_image_resize::pixels::U16;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use serde::{Deserialize, Serialize};

use crate::image::{GreyImage, Samples};
use crate::{Error, Result};

/// The size at which the shorter side is `short` and the ratio is kept, as torchvision computes it: the longer side is
/// cut off to a whole number.
pub(super) fn size_with_shorter_side(width: u32, height: u32, short: u32) -> (u32, u32) {
    let scaled = |long: u32, other: u32| {
        let long = u64::from(short) * u64::from(long) / u64::from(other.max(1));
        u32::try_from(long).unwrap_or(u32::MAX)
    };
    if width <= height {
        (short, scaled(height, width))
    } else {
        (scaled(width, height), short)
    }
}

/// The size at which the longer side is `long` and the ratio is kept; the shorter side is cut off to a whole number, but
/// not to nothing.
pub(super) fn size_with_longer_side(width: u32, height: u32, long: u32) -> (u32, u32) {
    let scaled = |short: u32, other: u32| {
        let short = u64::from(long) * u64::from(short) / u64::from(other.max(1));
        u32::try_from(short).unwrap_or(long).max(1)
    };
    if width >= height {
        (long, scaled(height, width))
    } else {
        (scaled(width, height), long)
    }
}

/// How resizing interpolates; both average over what they shrink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// A triangle over two pixels an axis.
    #[default]
    Bilinear,
    /// Keys' cubic with a = -0.5 over four pixels an axis: Pillow's bicubic.
    Bicubic,
}

impl Interpolation {
    fn options(self) -> ResizeOptions {
        let filter = match self {
            Self::Bilinear => FilterType::Bilinear,
            Self::Bicubic => FilterType::CatmullRom,
        };
        ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(filter))
            .use_alpha(false)
    }
}

/// Grey levels of some size, in the precision of their image.
#[derive(Clone, Debug)]
pub(crate) struct Resized<'a> {
    /// `(width, height)`
    pub(crate) size: (u32, u32),
    pub(crate) levels: Levels<'a>,
}

/// `height` rows of `width` levels, 0 being black.
#[derive(Clone, Debug)]
pub(crate) enum Levels<'a> {
    Bits8(&'a [u8]),
    Bits16(Cow<'a, [u16]>),
}

/// The resizer with its memory, to be used for one image after the other.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    resizer: Resizer,
    across: Vec<u8>,
    down: Vec<u8>,
}

impl Scratch {
    /// Resizes a grey image to `size`, which is `(width, height)`.
    pub(crate) fn grey<'a>(
        &'a mut self,
        image: &'a GreyImage,
        size: (u32, u32),
        interpolation: Interpolation,
    ) -> Result<Resized<'a>> {
        let from = (image.width(), image.height());
        let levels = match image.samples() {
            Samples::Bits8(samples) => {
                Levels::Bits8(self.bytes(samples, from, size, PixelType::U8, interpolation)?)
            }
            Samples::Bits16(samples) => {
                Levels::Bits16(self.words(samples, from, size, interpolation)?)
            }
        };
        Ok(Resized { size, levels })
    }

    /// Resizes 8-bit samples of one channel or of three interleaved ones.
    ///
    /// First across, then down, rounding in between. That is Pillow's order; left alone, the resizer goes down first with
    /// 8 bits, and nearly a tenth of the pixels differ by one level.
    pub(super) fn bytes<'a>(
        &'a mut self,
        mut samples: &'a [u8],
        from: (u32, u32),
        to: (u32, u32),
        kind: PixelType,
        interpolation: Interpolation,
    ) -> Result<&'a [u8]> {
        let options = interpolation.options();
        let mut pass = |samples: &[u8], target: &mut Vec<u8>, from: (u32, u32), to: (u32, u32)| {
            target.resize(to.0 as usize * to.1 as usize * kind.size(), 0);
            let source = ImageRef::new(from.0, from.1, samples, kind).map_err(failed(from, to))?;
            let mut target =
                Image::from_slice_u8(to.0, to.1, target, kind).map_err(failed(from, to))?;
            self.resizer
                .resize(&source, &mut target, &options)
                .map_err(failed(from, to))
        };
        let between = (to.0, from.1);
        if from != between {
            pass(samples, &mut self.across, from, between)?;
            samples = &self.across;
        }
        if between != to {
            pass(samples, &mut self.down, between, to)?;
            samples = &self.down;
        }
        Ok(samples)
    }

    /// The same for 16 bits of one channel.
    fn words<'a>(
        &mut self,
        samples: &'a [u16],
        from: (u32, u32),
        to: (u32, u32),
        interpolation: Interpolation,
    ) -> Result<Cow<'a, [u16]>> {
        let options = interpolation.options();
        let mut pass = |samples: &[u16], from: (u32, u32), to: (u32, u32)| -> Result<Vec<u16>> {
            let pixels: Vec<U16> = samples.iter().copied().map(U16::new).collect();
            let source = TypedImageRef::new(from.0, from.1, &pixels).map_err(failed(from, to))?;
            let mut target = TypedImage::<U16>::new(to.0, to.1);
            self.resizer
                .resize_typed(&source, &mut target, &options)
                .map_err(failed(from, to))?;
            Ok(target.pixels().iter().map(|pixel| pixel.0).collect())
        };
        let between = (to.0, from.1);
        let mut samples = Cow::Borrowed(samples);
        if from != between {
            samples = Cow::Owned(pass(&samples, from, between)?);
        }
        if between != to {
            samples = Cow::Owned(pass(&samples, between, to)?);
        }
        Ok(samples)
    }
}

fn failed<E: std::fmt::Display>(from: (u32, u32), to: (u32, u32)) -> impl FnOnce(E) -> Error {
    move |error| Error::Resize {
        from,
        to,
        problem: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_side_is_met_and_the_longer_is_cut_off() {
        // torchvision: short, long = 320, int(320 * long / short)
        assert_eq!(size_with_shorter_side(390, 320, 320), (390, 320));
        assert_eq!(size_with_shorter_side(2320, 2828, 320), (320, 390));
        assert_eq!(size_with_shorter_side(2828, 2320, 320), (390, 320));
        assert_eq!(size_with_shorter_side(100, 100, 224), (224, 224));
        assert_eq!(size_with_shorter_side(3, 5, 2), (2, 3));
    }

    #[test]
    fn the_longer_side_is_met_and_the_shorter_is_cut_off() {
        assert_eq!(size_with_longer_side(390, 320, 320), (320, 262));
        assert_eq!(size_with_longer_side(2320, 2828, 320), (262, 320));
        assert_eq!(size_with_longer_side(100, 100, 224), (224, 224));
        assert_eq!(size_with_longer_side(1, 32, 8), (1, 8));
    }
}
