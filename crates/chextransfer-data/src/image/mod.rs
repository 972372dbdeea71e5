//! Image files to planes of samples, and the two doors for a single picture.

mod contract;
mod decode;
#[cfg(feature = "dicom")]
mod dicom;
mod grey;
mod jpeg;
mod plane;

use std::path::Path;

use crate::Result;
use crate::draw::Draw;
use crate::transform::{CropPosition, ImageRecipe};

pub use contract::{Channels, Contract, Correction, Format};
pub use decode::{
    MAX_FILE_BYTES, MAX_PIXELS, MAX_SIDE, VoiTransform, decode_grey, decode_grey_with, decode_rgb,
};
pub(crate) use decode::{decode_grey_bytes, read};
pub use plane::{GreyImage, Samples};

/// One radiograph as a network is given it in evaluation: `[crop, crop]` grey values in 0 to 1, not normalised.
///
/// # Errors
///
/// [`crate::Error::Image`] if the file cannot be used, [`crate::Error::Setting`] for sizes that cannot be met.
pub fn load_grey(path: impl AsRef<Path>, resize: u32, crop: u32) -> Result<Vec<f32>> {
    evaluation(resize, crop).apply(&decode_grey(path.as_ref())?, Draw::default())
}

/// One natural picture: `[3, crop, crop]` values in 0 to 1, red first, not normalised; a grey picture is replicated.
///
/// # Errors
///
/// As [`load_grey`].
pub fn load_rgb(path: impl AsRef<Path>, resize: u32, crop: u32) -> Result<Vec<f32>> {
    evaluation(resize, crop).apply_rgb(&decode_rgb(path.as_ref())?, Draw::default())
}

const fn evaluation(resize: u32, crop: u32) -> ImageRecipe {
    ImageRecipe {
        resize,
        crop,
        position: CropPosition::Center,
        ..ImageRecipe::paper()
    }
}
