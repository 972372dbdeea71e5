//! A second classifier on an inner map, for training only.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{ClassificationHead, ConvNormAct, ConvSpec, HeadSpec, Pool, PoolSpec};
use crate::geometry::{DoesNotFit, Trace};
use crate::initialization::Initialization;
use crate::tensor_spec::TensorList;

/// Pooling, convolutions and a head on the map of an inner block: plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct AuxiliaryHeadSpec {
    /// Index of the block whose map it sees.
    pub block: usize,
    /// The first layer.
    pub pool: PoolSpec,
    /// What follows it.
    pub convolutions: Vec<ConvSpec>,
    /// Pooling and the linear layer.
    pub head: HeadSpec,
}

impl AuxiliaryHeadSpec {
    pub(crate) fn tensors(&self, path: &str, into: &mut TensorList) {
        for (index, conv) in self.convolutions.iter().enumerate() {
            conv.tensors(&format!("{path}.convolutions.{index}"), into);
        }
        self.head.tensors(&format!("{path}.head"), into);
    }

    pub(crate) fn trace(&self, trace: &mut Trace) -> Result<(), DoesNotFit> {
        trace.pool("auxiliary pooling", &self.pool)?;
        let mut convolutions = self.convolutions.iter();
        convolutions.try_for_each(|conv| trace.conv("auxiliary convolution", conv))
    }

    pub(crate) fn init(&self, initialization: &mut Initialization) -> AuxiliaryHead {
        AuxiliaryHead {
            pool: self.pool.init(),
            convolutions: (self.convolutions.iter())
                .map(|conv| conv.init(initialization))
                .collect(),
            head: self.head.init(initialization),
        }
    }
}

/// A second classifier; described by [`AuxiliaryHeadSpec`].
#[derive(Module, Debug)]
pub struct AuxiliaryHead {
    pool: Pool,
    convolutions: Vec<ConvNormAct>,
    head: ClassificationHead,
}

impl AuxiliaryHead {
    /// Logits from the inner map.
    ///
    /// # Shapes
    /// `[batch, channels, height, width]` to `[batch, classes]`.
    pub fn forward(&self, map: Tensor<4>) -> Tensor<2> {
        let map = self.pool.forward(map);
        let map = (self.convolutions.iter()).fold(map, |map, conv| conv.forward(map));
        self.head.forward(map)
    }
}
