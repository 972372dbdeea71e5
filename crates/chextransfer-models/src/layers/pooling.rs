//! Maximum and average over a square window.

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::pool::{AvgPool2d, AvgPool2dConfig, MaxPool2d, MaxPool2dConfig};
use burn::tensor::Tensor;

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

/// What pooling takes of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolKind {
    /// The largest value; the border never is.
    Max,
    /// The mean, the border's zeros counting as values.
    Average,
    /// The mean of the values inside the map.
    AverageInside,
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
        let (kernel, stride) = ([self.kernel; 2], [self.stride; 2]);
        let border = self.padding;
        let border = PaddingConfig2d::Explicit(border, border, border, border);
        let average = |counted| {
            AvgPool2dConfig::new(kernel)
                .with_strides(stride)
                .with_padding(border.clone())
                .with_count_include_pad(counted)
                .init()
        };
        match self.kind {
            PoolKind::Max => Pool::Max(
                MaxPool2dConfig::new(kernel)
                    .with_strides(stride)
                    .with_padding(border)
                    .init(),
            ),
            PoolKind::Average => Pool::Average(average(true)),
            PoolKind::AverageInside => Pool::Average(average(false)),
        }
    }
}

/// Pooling on a device; described by [`PoolSpec`].
#[derive(Module, Debug)]
pub enum Pool {
    /// The largest value of a window.
    Max(MaxPool2d),
    /// The mean of a window.
    Average(AvgPool2d),
}

impl Pool {
    /// Pools every window.
    ///
    /// # Shapes
    /// `[batch, channels, height, width]` to `[batch, channels, height / stride, width / stride]`,
    /// rounded down.
    pub fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Max(pool) => pool.forward(map),
            Self::Average(pool) => pool.forward(map),
        }
    }
}
