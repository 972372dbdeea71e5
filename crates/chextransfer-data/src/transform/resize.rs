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

/// Resizes a grey image to `size`, which is `(width, height)`.
pub(crate) fn grey(
    image: &GreyImage,
    size: (u32, u32),
    interpolation: Interpolation,
) -> Result<Samples> {
    let options = interpolation.options();
    let from = (image.width(), image.height());
    match image.samples() {
        Samples::Bits8(samples) => in_two_passes(samples, from, size, |samples, from, to| {
            interleaved(samples, from, to, PixelType::U8, &options)
        })
        .map(|samples| Samples::Bits8(samples.into_owned())),
        Samples::Bits16(samples) => in_two_passes(samples, from, size, |samples, from, to| {
            deep(samples, from, to, &options)
        })
        .map(|samples| Samples::Bits16(samples.into_owned())),
    }
}

/// Resizes 8-bit RGB samples, `from` and `to` being `(width, height)`.
pub(super) fn rgb(
    samples: &[u8],
    from: (u32, u32),
    to: (u32, u32),
    interpolation: Interpolation,
) -> Result<Cow<'_, [u8]>> {
    let options = interpolation.options();
    in_two_passes(samples, from, to, |samples, from, to| {
        interleaved(samples, from, to, PixelType::U8x3, &options)
    })
}

/// First across, then down, rounding in between. That is Pillow's order; left alone, the resizer goes down first with 8
/// bits, and nearly a tenth of the pixels differ by one level.
fn in_two_passes<T: Clone>(
    samples: &[T],
    from: (u32, u32),
    to: (u32, u32),
    pass: impl Fn(&[T], (u32, u32), (u32, u32)) -> Result<Vec<T>>,
) -> Result<Cow<'_, [T]>> {
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

fn interleaved(
    samples: &[u8],
    from: (u32, u32),
    to: (u32, u32),
    kind: PixelType,
    options: &ResizeOptions,
) -> Result<Vec<u8>> {
    let source = ImageRef::new(from.0, from.1, samples, kind).map_err(failed(from, to))?;
    let mut target = Image::new(to.0, to.1, kind);
    Resizer::new()
        .resize(&source, &mut target, options)
        .map_err(failed(from, to))?;
    Ok(target.into_vec())
}

fn deep(
    samples: &[u16],
    from: (u32, u32),
    to: (u32, u32),
    options: &ResizeOptions,
) -> Result<Vec<u16>> {
    let pixels: Vec<U16> = samples.iter().copied().map(U16::new).collect();
    let source = TypedImageRef::new(from.0, from.1, &pixels).map_err(failed(from, to))?;
    let mut target = TypedImage::<U16>::new(to.0, to.1);
    Resizer::new()
        .resize_typed(&source, &mut target, options)
        .map_err(failed(from, to))?;
    Ok(target.pixels().iter().map(|pixel| pixel.0).collect())
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
}
