//! The steps between a decoded image and a network's square of values: resize, crop, and in training perhaps augmentation.

mod augmentation;
mod crop;
mod recipe;
mod resize;

pub use augmentation::Augmentation;
pub use recipe::{CropPosition, Fit, ImageRecipe};
pub use resize::Interpolation;
pub(crate) use resize::{Levels, Resized, Scratch};
