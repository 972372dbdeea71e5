//! From a host batch to the network's tensors.

use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData};
use chextransfer_data::{Batch, Normalization, Observation};

/// A batch on a device.
pub(crate) struct Input {
    /// `[batch, 3, side, side]`, normalised.
    pub(crate) images: Tensor<4>,
    /// `[batch, 14]`, 0 or 1.
    pub(crate) targets: Tensor<2>,
    /// `[batch, 14]`, 1 where the target counts.
    pub(crate) mask: Tensor<2>,
}

impl Input {
    /// Uploads one grey plane for each of these images of a batch, and makes three normalised channels
    /// of it on the device.
    pub(crate) fn new(
        batch: &Batch,
        rows: Range<usize>,
        normalization: &Normalization,
        device: &Device,
    ) -> Self {
        let (count, side) = (rows.len(), batch.side);
        let of_rows =
            |values: &[f32], each: usize| values[rows.start * each..rows.end * each].to_vec();
        let labels = |values: &[f32]| {
            let values = of_rows(values, Observation::COUNT);
            Tensor::from_data(TensorData::new(values, [count, Observation::COUNT]), device)
        };
        let grey = TensorData::new(of_rows(&batch.images, side * side), [count, 1, side, side]);
        let grey = Tensor::<4>::from_data(grey, device);
        Self {
            images: normalized(grey, normalization),
            targets: labels(&batch.targets),
            mask: labels(&batch.mask),
        }
    }
}

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
