//! The steps between a decoded image and a network's square of values: resize, then crop.

mod crop;
mod recipe;
mod resize;

pub use recipe::{CropPosition, ImageRecipe};
pub use resize::Interpolation;
pub(crate) use resize::grey as resize_grey;
