//! What both benches of the networks run on.

use burn::tensor::{Device, Distribution, Tensor};

// The large buffers of activations are costly to ask the operating system for; binaries use this
// allocator too.
#[global_allocator]
static ALLOCATOR: chextransfer_kernels::KeepingAllocator =
    chextransfer_kernels::KeepingAllocator::new();

/// Images in a batch.
pub(crate) const BATCH: usize = 16;

/// Side of an image in pixels.
pub(crate) const SIDE: usize = 224;

/// Observations to predict.
pub(crate) const CLASSES: usize = 14;

/// A batch of noise with the statistics of normalised images.
pub(crate) fn images(device: &Device) -> Tensor<4> {
    let noise = Distribution::Normal(0.0, 1.0);
    Tensor::random([BATCH, 3, SIDE, SIDE], noise, device)
}
