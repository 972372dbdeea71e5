//! The unit of truncation: one variant for each kind of block.

mod dense;
mod inverted_residual;
mod residual;

use burn::module::Module;
use burn::tensor::Tensor;

pub use dense::{DenseLayerSpec, DenseStage, DenseStageSpec, TransitionSpec};
pub use inverted_residual::{
    InvertedResidualSpec, InvertedResidualStage, InvertedResidualStageSpec,
};
pub use residual::{ResidualStage, ResidualStageSpec, ResidualUnitSpec};

use crate::geometry::{DoesNotFit, Trace};
use crate::initialization::Initialization;
use crate::tensor_spec::TensorSpec;

/// A block on a device; described by [`BlockLayout`].
#[allow(
    clippy::large_enum_variant,
    reason = "a network has a handful; boxes would buy nothing"
)]
#[derive(Module, Debug)]
pub enum Block {
    /// A residual stage of a ResNet.
    Residual(ResidualStage),
    /// A dense block with the transition that feeds it.
    Dense(DenseStage),
    /// A stage of inverted residuals.
    InvertedResidual(InvertedResidualStage),
}

impl Block {
    /// The block's feature map.
    ///
    /// # Shapes
    /// `[batch, channels_in, height, width]` to `[batch, channels, height / r, width / r]`, where
    /// `r` is the reduction of this block alone.
    pub fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Residual(stage) => stage.forward(map),
            Self::Dense(stage) => stage.forward(map),
            Self::InvertedResidual(stage) => stage.forward(map),
        }
    }
}

/// The layers of a block: plain data.
#[derive(Debug, Clone, PartialEq)]
pub enum BlockLayout {
    /// A residual stage of a ResNet.
    Residual(ResidualStageSpec),
    /// A dense block with the transition that feeds it.
    Dense(DenseStageSpec),
    /// A stage of inverted residuals.
    InvertedResidual(InvertedResidualStageSpec),
}

impl BlockLayout {
    /// Channels of the block's feature map.
    pub fn channels(&self) -> usize {
        match self {
            Self::Residual(stage) => stage.channels(),
            Self::Dense(stage) => stage.channels(),
            Self::InvertedResidual(stage) => stage.channels(),
        }
    }

    pub(crate) fn tensors(&self, path: &str, into: &mut Vec<TensorSpec>) {
        match self {
            Self::Residual(stage) => stage.tensors(path, into),
            Self::Dense(stage) => stage.tensors(path, into),
            Self::InvertedResidual(stage) => stage.tensors(path, into),
        }
    }

    pub(crate) fn trace(&self, trace: &mut Trace) -> Result<(), DoesNotFit> {
        match self {
            Self::Residual(stage) => stage.trace(trace),
            Self::Dense(stage) => stage.trace(trace),
            Self::InvertedResidual(stage) => stage.trace(trace),
        }
    }

    pub(crate) fn init(&self, initialization: &mut Initialization) -> Block {
        match self {
            Self::Residual(stage) => Block::Residual(stage.init(initialization)),
            Self::Dense(stage) => Block::Dense(stage.init(initialization)),
            Self::InvertedResidual(stage) => Block::InvertedResidual(stage.init(initialization)),
        }
    }
}
