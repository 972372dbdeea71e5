//! The unit of truncation: one variant for each kind of block.

mod dense;
mod inception;
mod inverted_residual;
mod residual;

use burn::module::Module;
use burn::tensor::Tensor;

pub use dense::{DenseLayerSpec, DenseStage, DenseStageSpec, TransitionSpec};
pub use inception::{BranchConvSpec, BranchSpec, Inception, InceptionSpec};
pub use inverted_residual::{
    InvertedResidualSpec, InvertedResidualStage, InvertedResidualStageSpec,
};
pub use residual::{ResidualStage, ResidualStageSpec, ResidualUnitSpec};

use crate::geometry::{DoesNotFit, Trace};
use crate::initialization::Initialization;
use crate::tensor_spec::TensorList;

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
    /// An inception or reduction module.
    Inception(Inception),
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
            Self::Inception(module) => module.forward(map),
        }
    }

    pub(crate) fn fold_batch_norm(self) -> Self {
        match self {
            Self::Residual(stage) => Self::Residual(stage.fold_batch_norm()),
            Self::Dense(stage) => Self::Dense(stage.fold_batch_norm()),
            Self::InvertedResidual(stage) => Self::InvertedResidual(stage.fold_batch_norm()),
            Self::Inception(module) => Self::Inception(module.fold_batch_norm()),
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
    /// An inception or reduction module.
    Inception(InceptionSpec),
}

impl BlockLayout {
    /// Channels of the block's feature map.
    pub fn channels(&self) -> usize {
        match self {
            Self::Residual(stage) => stage.channels(),
            Self::Dense(stage) => stage.channels(),
            Self::InvertedResidual(stage) => stage.channels(),
            Self::Inception(module) => module.channels(),
        }
    }

    pub(crate) fn tensors(&self, path: &str, into: &mut TensorList) {
        match self {
            Self::Residual(stage) => stage.tensors(path, into),
            Self::Dense(stage) => stage.tensors(path, into),
            Self::InvertedResidual(stage) => stage.tensors(path, into),
            Self::Inception(module) => module.tensors(path, into),
        }
    }

    pub(crate) fn trace(&self, trace: &mut Trace) -> Result<(), DoesNotFit> {
        match self {
            Self::Residual(stage) => stage.trace(trace),
            Self::Dense(stage) => stage.trace(trace),
            Self::InvertedResidual(stage) => stage.trace(trace),
            Self::Inception(module) => module.trace(trace),
        }
    }

    pub(crate) fn init(&self, initialization: &mut Initialization) -> Block {
        match self {
            Self::Residual(stage) => Block::Residual(stage.init(initialization)),
            Self::Dense(stage) => Block::Dense(stage.init(initialization)),
            Self::InvertedResidual(stage) => Block::InvertedResidual(stage.init(initialization)),
            Self::Inception(module) => Block::Inception(module.init(initialization)),
        }
    }
}
