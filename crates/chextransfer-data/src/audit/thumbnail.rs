//! A radiograph at 64x64: what it looks like, for telling the same picture and an inverted one.
//!
//! # Measured
//!
//! `cargo run -p chextransfer-data --example audit_thresholds -- FOLDER` measures a folder. On the 1,593 frontal
//! radiographs of an NIH ChestX-ray14 sample at 320x320 (1,268,028 pairs, one of which is the same file twice), and on
//! altered copies of every tenth, encoded as JPEG:
//!
//! | pair | bits that differ | correlation | found |
//! | --- | --- | --- | --- |
//! | different radiographs | at least 44 | at most 0.968 (one patient), 0.956 (two) | none |
//! | JPEG quality 50; 20 | at most 8; 14 | at least 0.9997; 0.9989 | 100 % |
//! | half the size; double | at most 8; 6 | at least 0.9998 | 100 % |
//! | contrast x 0.8; x 1.3 with clipping | at most 8; 32 | at least 0.9998; 0.9887 | 100 %; 99 % |
//! | gamma 1.3 | at most 22 | at least 0.9929 | 100 % |
//! | rim of 1 % cut off | at most 34, median 22 | at least 0.951 | 86 % |
//! | a white marker of 16x16 | at most 76, median 32 | at least 0.961 | 48 % |
//! | rim of 3 % cut off | at most 94, median 60 | at least 0.748 | none |
//!
//! So [`MAX_DISTANCE`] and [`MIN_CORRELATION`], which both must hold, find what was encoded, scaled or developed anew,
//! and leave room to different chests; larger changes are missed. Of 880 phantom pictures (386,760 pairs), none are called
//! nearly identical; the nearest are two lateral views with 26 bits and 0.967.
//!
//! Below [`INVERTED_BELOW`] lay 2 of the 1,593 radiographs, both of which are inverted to the eye, and the rest above
//! 0.05; of the same radiographs inverted, 1,586 (99.6 %) lay below.
//! Of 768 frontal phantoms all lay above 0.49.

use image::GrayImage;
use image_hasher::{HashAlg, HasherConfig};

use crate::image::GreyImage;
use crate::transform::{Interpolation, Levels, Scratch};
use crate::{Error, Result};

/// Pairs of hashes that differ in more bits are different pictures.
pub const MAX_DISTANCE: u32 = 31;

/// Pairs of thumbnails that correlate less are different pictures.
pub const MIN_CORRELATION: f64 = 0.98;

/// A frontal view whose [`Thumbnail::chest_likeness`] is lower is probably inverted.
pub const INVERTED_BELOW: f64 = -0.15;

const SIDE: u32 = 64;

/// The whole picture squeezed into 64x64 values of mean 0 and norm 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Thumbnail(Vec<f32>);

/// A hash of 256 bits that changes little when a picture is encoded, scaled or developed anew.
///
/// The signs of the 16x16 lowest frequencies of a discrete cosine transform, each against their median ("pHash"), by
/// the crate `image_hasher`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PerceptualHash(pub [u64; 4]);

/// Makes [`PerceptualHash`]es; holds the plan of the transform.
pub struct PerceptualHasher(image_hasher::Hasher<[u8; 32]>);

impl Thumbnail {
    /// Shrinks an image.
    ///
    /// # Errors
    ///
    /// [`Error::Resize`] if the image cannot be shrunk or has only one value.
    pub fn of(image: &GreyImage) -> Result<Self> {
        let mut scratch = Scratch::default();
        let resized = scratch.grey(image, (SIDE, SIDE), Interpolation::Bilinear)?;
        let values: Vec<f32> = match &resized.levels {
            Levels::Bits8(levels) => levels.iter().copied().map(f32::from).collect(),
            Levels::Bits16(levels) => levels.iter().copied().map(f32::from).collect(),
        };
        Self::normalised(values).ok_or_else(|| Error::Resize {
            from: (image.width(), image.height()),
            to: (SIDE, SIDE),
            problem: "all pixels have one value".to_owned(),
        })
    }

    fn normalised(mut values: Vec<f32>) -> Option<Self> {
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
        for value in &mut values {
            *value -= mean as f32;
        }
        let square: f64 = values.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
        if square == 0.0 {
            return None;
        }
        let scale = (1.0 / square.sqrt()) as f32;
        for value in &mut values {
            *value *= scale;
        }
        Some(Self(values))
    }

    /// Pearson's correlation of the pixels, -1 to 1; brightness and contrast do not matter.
    pub fn correlation(&self, other: &Self) -> f64 {
        let products = self.0.iter().zip(&other.0);
        products.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    }

    /// Correlation with a coarse frontal chest: bright spine and abdomen, dark lungs, dark sides. An inverted
    /// radiograph has the opposite sign.
    pub fn chest_likeness(&self) -> f64 {
        thread_local! {
            static CHEST: Option<Thumbnail> = coarse_chest();
        }
        CHEST.with(|chest| chest.as_ref().map_or(0.0, |chest| self.correlation(chest)))
    }
}

/// In coordinates from -1 to 1 across and down. The shape is that of any chest; the weights are round numbers that
/// left the upright radiographs of the NIH sample well above 0.
fn coarse_chest() -> Option<Thumbnail> {
    let coordinate = |i: u32| (2.0 * i as f32 + 1.0) / SIDE as f32 - 1.0;
    let values = (0..SIDE * SIDE).map(|i| {
        let (x, y) = (coordinate(i % SIDE), coordinate(i / SIDE));
        let spine = (-(x / 0.3).powi(2)).exp();
        let in_lung = ((x.abs() - 0.45) / 0.2).powi(2) + ((y + 0.1) / 0.5).powi(2) < 1.0;
        let lungs = f32::from(u8::from(in_lung));
        spine + 0.5 * y - 0.6 * x.powi(4) - 0.6 * lungs
    });
    Thumbnail::normalised(values.collect())
}

impl PerceptualHasher {
    /// Plans the transform.
    pub fn new() -> Self {
        let config = HasherConfig::with_bytes_type::<[u8; 32]>()
            .hash_size(16, 16)
            .hash_alg(HashAlg::Median)
            .preproc_dct();
        Self(config.to_hasher())
    }

    /// The hash of a picture.
    pub fn hash(&self, thumbnail: &Thumbnail) -> PerceptualHash {
        let values = &thumbnail.0;
        let low = values.iter().copied().fold(f32::MAX, f32::min);
        let high = values.iter().copied().fold(f32::MIN, f32::max);
        let scale = 255.0 / (high - low).max(f32::MIN_POSITIVE);
        let grey = GrayImage::from_fn(SIDE, SIDE, |x, y| {
            let value = values.get((y * SIDE + x) as usize).map_or(0.0, |v| v - low);
            image::Luma([(value * scale + 0.5) as u8])
        });
        let hash = self.0.hash_image(&grey);
        let mut words = [0; 4];
        let (bytes, _) = hash.as_bytes().as_chunks::<8>();
        for (word, bytes) in words.iter_mut().zip(bytes) {
            *word = u64::from_le_bytes(*bytes);
        }
        PerceptualHash(words)
    }
}

impl Default for PerceptualHasher {
    fn default() -> Self {
        Self::new()
    }
}

impl PerceptualHash {
    /// In how many of the 256 bits two hashes differ.
    pub fn distance(self, other: Self) -> u32 {
        let words = self.0.iter().zip(other.0);
        words.map(|(a, b)| (a ^ b).count_ones()).sum()
    }
}

impl std::fmt::Debug for PerceptualHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PerceptualHasher")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::image::decode_grey;
    use image::DynamicImage;

    /// As a file of 8 or 16 bits gives it; `value` is from 0 to 255.
    fn picture(width: u32, height: u32, bits: u8, value: impl Fn(f32, f32) -> f32) -> GreyImage {
        let at = |x: u32, y: u32| value(x as f32 / width as f32, y as f32 / height as f32) as u8;
        let eight = GrayImage::from_fn(width, height, |x, y| image::Luma([at(x, y)]));
        let image = match bits {
            8 => DynamicImage::from(eight),
            _ => DynamicImage::from(DynamicImage::from(eight).into_luma16()),
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("picture.png");
        image.save(&file).unwrap();
        decode_grey(&file).unwrap()
    }

    /// Waves of many frequencies in both directions.
    fn waves(x: f32, y: f32) -> f32 {
        let wave = |k: f32| (2.1 * k * x + k * k).sin() * (1.3 * k * y + 5.0 * k).cos();
        128.0
            + (1..40)
                .map(|k| 40.0 / (k as f32).sqrt() * wave(k as f32))
                .sum::<f32>()
    }

    #[test]
    fn a_picture_keeps_hash_and_correlation_at_another_size_and_contrast() {
        let hasher = PerceptualHasher::new();
        let one = Thumbnail::of(&picture(200, 240, 8, waves)).unwrap();
        let same = Thumbnail::of(&picture(320, 310, 8, |x, y| 60.0 + 0.5 * waves(x, y))).unwrap();
        let other = Thumbnail::of(&picture(200, 240, 8, |x, y| waves(1.0 - x, y * y))).unwrap();
        assert!(hasher.hash(&one).distance(hasher.hash(&same)) <= 16);
        assert!(one.correlation(&same) > 0.995, "{}", one.correlation(&same));
        assert!(hasher.hash(&one).distance(hasher.hash(&other)) > 2 * MAX_DISTANCE);
        assert!(one.correlation(&other) < 0.5);
    }

    #[test]
    fn sixteen_bits_give_the_thumbnail_of_eight() {
        let [eight, sixteen] =
            [8, 16].map(|bits| Thumbnail::of(&picture(100, 100, bits, waves)).unwrap());
        assert!(eight.correlation(&sixteen) > 0.999);
    }

    #[test]
    fn an_inverted_picture_has_the_opposite_likeness() {
        let upright = Thumbnail::of(&picture(64, 64, 8, |x, y| {
            100.0 + 100.0 * y - 90.0 * (x - 0.5).abs()
        }));
        let inverted = Thumbnail::of(&picture(64, 64, 8, |x, y| {
            155.0 - 100.0 * y + 90.0 * (x - 0.5).abs()
        }));
        let (upright, inverted) = (
            upright.unwrap().chest_likeness(),
            inverted.unwrap().chest_likeness(),
        );
        assert!(upright > 0.3, "{upright}");
        assert!((upright + inverted).abs() < 0.02, "{upright} {inverted}");
    }
}
