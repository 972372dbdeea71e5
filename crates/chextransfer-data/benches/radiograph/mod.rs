//! A picture to decode.

use image::{GrayImage, Luma};

/// Smooth shapes with some texture: compresses about as a radiograph of CheXpert-small does.
pub(crate) fn radiograph(width: u32, height: u32, salt: u32) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| {
        let wave = ((x + salt) as f32 / 37.0).sin() * ((y + salt) as f32 / 53.0).cos();
        let noise =
            (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).wrapping_mul(salt + 1) >> 28;
        Luma([(128.0 + 90.0 * wave) as u8 + noise as u8])
    })
}
