//! Maximum and average over a square window.

use burn::module::Module;
use burn::tensor::Tensor;
pub use chextransfer_kernels::PoolKind;
use chextransfer_kernels::{PoolOptions, pool2d};

/// Pooling over a square window: plain data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSpec {
    /// What is taken of a window.
    pub kind: PoolKind,
    /// Side of the window.
    pub kernel: usize,
    /// Step of the window.
    pub stride: usize,
    /// Border on either side.
    pub padding: usize,
}

impl PoolSpec {
    pub(crate) const fn new(kind: PoolKind, kernel: usize, stride: usize, padding: usize) -> Self {
        Self {
            kind,
            kernel,
            stride,
            padding,
        }
    }

    pub(crate) fn init(&self) -> Pool {
        Pool { spec: *self }
    }
}

/// Pooling on a device; described by [`PoolSpec`].
#[derive(Module, Debug)]
pub struct Pool {
    #[module(skip)]
    spec: PoolSpec,
}

impl Pool {
    /// Pools every window.
    ///
    /// # Shapes
    /// `[batch, channels, height, width]` to `[batch, channels, height / stride, width / stride]`,
    /// rounded down.
    pub fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        let PoolSpec {
            kind,
            kernel,
            stride,
            padding,
        } = self.spec;
        let options = PoolOptions {
            kind,
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding: [padding; 2],
        };
        pool2d(map, options)
    }
}
