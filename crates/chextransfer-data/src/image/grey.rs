//! Pixels of any channels to one channel of grey.

use ::image::DynamicImage;

use super::contract::{Channels, Correction};
use super::plane::Samples;

/// One grey channel in the precision of `image`, and what had to be changed; the error says why that cannot be done.
pub(super) fn grey(image: DynamicImage) -> Result<(Samples, Channels, Vec<Correction>), String> {
    require_opaque(&image)?;
    let channels = channels(&image);
    let mut corrections = Vec::new();
    if matches!(channels, Channels::GreyAlpha | Channels::Rgba) {
        corrections.push(Correction::OpaqueAlphaDropped);
    }
    let mut merged = |is_grey: bool| {
        corrections.push(if is_grey {
            Correction::GreyChannelsMerged
        } else {
            Correction::ColorToLuma
        });
    };
    let samples = match image {
        DynamicImage::ImageLuma8(image) => Samples::Bits8(image.into_raw()),
        DynamicImage::ImageLumaA8(image) => Samples::Bits8(first_of::<2, _>(&image)),
        DynamicImage::ImageRgb8(image) => {
            merged(is_grey::<3, _>(&image));
            Samples::Bits8(luma8::<3>(&image))
        }
        DynamicImage::ImageRgba8(image) => {
            merged(is_grey::<4, _>(&image));
            Samples::Bits8(luma8::<4>(&image))
        }
        DynamicImage::ImageLuma16(image) => Samples::Bits16(image.into_raw()),
        DynamicImage::ImageLumaA16(image) => Samples::Bits16(first_of::<2, _>(&image)),
        DynamicImage::ImageRgb16(image) => {
            merged(is_grey::<3, _>(&image));
            Samples::Bits16(luma16::<3>(&image))
        }
        DynamicImage::ImageRgba16(image) => {
            merged(is_grey::<4, _>(&image));
            Samples::Bits16(luma16::<4>(&image))
        }
        other => {
            return Err(format!(
                "pixels of type {:?} are not supported",
                other.color()
            ));
        }
    };
    Ok((samples, channels, corrections))
}

/// Refuses transparent pixels: what lies behind them is not in the file, and a radiograph has nothing behind it.
pub(super) fn require_opaque(image: &DynamicImage) -> Result<(), String> {
    fn transparent<const CHANNELS: usize, T: PartialEq>(samples: &[T], opaque: T) -> usize {
        let (pixels, _) = samples.as_chunks::<CHANNELS>();
        pixels
            .iter()
            .filter(|pixel| pixel[CHANNELS - 1] != opaque)
            .count()
    }
    let count = match image {
        DynamicImage::ImageLumaA8(image) => transparent::<2, _>(image, u8::MAX),
        DynamicImage::ImageRgba8(image) => transparent::<4, _>(image, u8::MAX),
        DynamicImage::ImageLumaA16(image) => transparent::<2, _>(image, u16::MAX),
        DynamicImage::ImageRgba16(image) => transparent::<4, _>(image, u16::MAX),
        _ => 0,
    };
    if count == 0 {
        return Ok(());
    }
    Err(format!(
        "{count} of its {} pixels are transparent, expected an opaque image",
        u64::from(image.width()) * u64::from(image.height())
    ))
}

fn channels(image: &DynamicImage) -> Channels {
    match image.color().channel_count() {
        1 => Channels::Grey,
        2 => Channels::GreyAlpha,
        3 => Channels::Rgb,
        _ => Channels::Rgba,
    }
}

fn first_of<const CHANNELS: usize, T: Copy>(samples: &[T]) -> Vec<T> {
    let (pixels, _) = samples.as_chunks::<CHANNELS>();
    pixels.iter().map(|pixel| pixel[0]).collect()
}

fn is_grey<const CHANNELS: usize, T: PartialEq>(samples: &[T]) -> bool {
    let (pixels, _) = samples.as_chunks::<CHANNELS>();
    pixels.iter().all(|p| p[0] == p[1] && p[1] == p[2])
}

/// ITU-R BT.601 luma in 16-bit fixed point: 0.299, 0.587 and 0.114 times 65,536.
const LUMA: [u64; 3] = [19_595, 38_470, 7_471];

fn luma(r: u64, g: u64, b: u64) -> u64 {
    (LUMA[0] * r + LUMA[1] * g + LUMA[2] * b + (1 << 15)) >> 16
}

// The weights add up to 65,536, so a luma is never larger than the largest sample and the casts lose nothing.
fn luma8<const CHANNELS: usize>(samples: &[u8]) -> Vec<u8> {
    let (pixels, _) = samples.as_chunks::<CHANNELS>();
    pixels
        .iter()
        .map(|p| luma(p[0].into(), p[1].into(), p[2].into()) as u8)
        .collect()
}

fn luma16<const CHANNELS: usize>(samples: &[u16]) -> Vec<u16> {
    let (pixels, _) = samples.as_chunks::<CHANNELS>();
    pixels
        .iter()
        .map(|p| luma(p[0].into(), p[1].into(), p[2].into()) as u16)
        .collect()
}
