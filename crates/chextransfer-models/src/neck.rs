//! The layers between the last block and the head of a whole network; truncation drops them.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::geometry::{DoesNotFit, Trace};
use crate::initialization::Initialization;
use crate::layers::{Activation, ConvNormAct, ConvSpec, NormAct};
use crate::tensor_spec::TensorList;

/// The layers between the last block and the head: plain data.
#[derive(Debug, Clone, PartialEq)]
pub enum NeckSpec {
    /// A final normalisation and activation.
    NormAct {
        /// Channels of the map.
        channels: usize,
        /// What follows the normalisation.
        activation: Activation,
    },
    /// A final convolution.
    Conv(ConvSpec),
}

impl NeckSpec {
    pub(crate) fn channels(&self) -> usize {
        match self {
            Self::NormAct { channels, .. } => *channels,
            Self::Conv(conv) => conv.output,
        }
    }

    pub(crate) fn tensors(&self, into: &mut TensorList) {
        match self {
            Self::NormAct { channels, .. } => NormAct::tensors("neck", *channels, into),
            Self::Conv(conv) => conv.tensors("neck", into),
        }
    }

    pub(crate) fn trace(&self, trace: &mut Trace) -> Result<(), DoesNotFit> {
        match self {
            Self::NormAct { .. } => Ok(()),
            Self::Conv(conv) => trace.conv("neck", conv),
        }
    }

    pub(crate) fn init(&self, initialization: &mut Initialization) -> Neck {
        match self {
            Self::NormAct {
                channels,
                activation,
            } => Neck::NormAct(NormAct::new(*channels, *activation, initialization)),
            Self::Conv(conv) => Neck::Conv(conv.init(initialization)),
        }
    }
}

/// The layers between the last block and the head; described by [`NeckSpec`].
#[allow(
    clippy::large_enum_variant,
    reason = "a network has at most one; a box would buy nothing"
)]
#[derive(Module, Debug)]
pub enum Neck {
    /// A final normalisation and activation.
    NormAct(NormAct),
    /// A final convolution.
    Conv(ConvNormAct),
}

impl Neck {
    /// The map that the head pools.
    ///
    /// # Shapes
    /// `[batch, channels_in, height, width]` to `[batch, channels, height, width]`.
    pub fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        match self {
            Self::NormAct(norm_act) => norm_act.forward(map),
            Self::Conv(conv) => conv.forward(map),
        }
    }

    pub(crate) fn fold_batch_norm(self) -> Self {
        match self {
            Self::NormAct(norm_act) => Self::NormAct(norm_act.fold_batch_norm()),
            Self::Conv(conv) => Self::Conv(conv.fold_batch_norm()),
        }
    }
}
