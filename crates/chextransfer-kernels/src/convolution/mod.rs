//! Convolutions and their gradients, `[batch, channels, rows, columns]`, all in float32.
//!
//! A convolution is a product of its weights with what its windows see; the windows are packed for the product block by block
//! and never exist as a whole. The gradient of the input is the same product with transposed weights, one for each phase of the
//! stride; the gradient of the weights is one of windows with the output's gradient. 3x3 kernels with single steps are filtered at
//! Winograd's points where that pays, and depthwise convolutions have loops of their own. No sum is split by the number of threads, so results do not depend on it.

mod depthwise;
mod epilogue;
mod geometry;
mod input_gradient;
mod product;
mod weight_gradient;
mod winograd;

pub(crate) use epilogue::{Clamp, Epilogue};
pub(crate) use geometry::ConvShape;

pub(crate) use depthwise::{depthwise, depthwise_input_gradient, depthwise_weight_gradient};
pub(crate) use input_gradient::input_gradient;
pub(crate) use product::convolve;
pub(crate) use weight_gradient::weight_gradient;
