//! From grey images to the network's input.

use burn::tensor::Tensor;
use chextransfer_data::Normalization;

/// The network's input from grey images: replicated to three channels, and normalised.
///
/// # Shapes
/// `[batch, 1, height, width]` in `[0, 1]` to `[batch, 3, height, width]`.
pub fn normalized(grey: Tensor<4>, normalization: &Normalization) -> Tensor<4> {
    let device = grey.device();
    let channels =
        |values: [f32; 3]| Tensor::<1>::from_floats(values, &device).reshape([1, 3, 1, 1]);
    (grey - channels(normalization.mean)) / channels(normalization.std)
}
