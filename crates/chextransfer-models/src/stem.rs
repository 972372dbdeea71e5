//! The layers before the first block.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::block::{Inception, InceptionSpec};
use crate::geometry::{DoesNotFit, Trace};
use crate::initialization::Initialization;
use crate::layers::{ConvNormAct, ConvSpec, Pool, PoolSpec};
use crate::tensor_spec::TensorList;

/// The layers before the first block: plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct StemSpec {
    /// The layers, first to last; the first is a convolution.
    pub layers: Vec<StemLayerSpec>,
}

/// A layer of a stem: plain data.
#[derive(Debug, Clone, PartialEq)]
pub enum StemLayerSpec {
    /// Convolution, normalisation and activation.
    Conv(ConvSpec),
    /// Pooling.
    Pool(PoolSpec),
    /// Branches side by side.
    Branches(InceptionSpec),
}

impl StemSpec {
    /// A stem of one convolution.
    pub(crate) fn conv(conv: ConvSpec) -> Self {
        Self {
            layers: vec![StemLayerSpec::Conv(conv)],
        }
    }

    /// The path of the convolution that sees the image.
    pub(crate) const FIRST: &str = "stem.layers.0";

    /// The convolution that sees the image.
    pub(crate) fn first_mut(&mut self) -> Option<&mut ConvSpec> {
        match self.layers.first_mut() {
            Some(StemLayerSpec::Conv(conv)) => Some(conv),
            _ => None,
        }
    }

    pub(crate) fn tensors(&self, into: &mut TensorList) {
        for (index, layer) in self.layers.iter().enumerate() {
            let path = format!("stem.layers.{index}");
            match layer {
                StemLayerSpec::Conv(conv) => conv.tensors(&path, into),
                StemLayerSpec::Pool(_) => {}
                StemLayerSpec::Branches(branches) => branches.tensors(&path, into),
            }
        }
    }

    pub(crate) fn trace(&self, trace: &mut Trace) -> Result<(), DoesNotFit> {
        self.layers.iter().try_for_each(|layer| match layer {
            StemLayerSpec::Conv(conv) => trace.conv("stem", conv),
            StemLayerSpec::Pool(pool) => trace.pool("stem pooling", pool),
            StemLayerSpec::Branches(branches) => branches.trace(trace),
        })
    }

    pub(crate) fn init(&self, initialization: &mut Initialization) -> Stem {
        let layer = |layer: &StemLayerSpec| match layer {
            StemLayerSpec::Conv(conv) => StemLayer::Conv(conv.init(initialization)),
            StemLayerSpec::Pool(pool) => StemLayer::Pool(pool.init()),
            StemLayerSpec::Branches(branches) => StemLayer::Branches(branches.init(initialization)),
        };
        Stem {
            layers: self.layers.iter().map(layer).collect(),
        }
    }
}

/// The layers before the first block; described by [`StemSpec`].
#[derive(Module, Debug)]
pub struct Stem {
    layers: Vec<StemLayer>,
}

/// A layer of a stem; described by [`StemLayerSpec`].
#[allow(
    clippy::large_enum_variant,
    reason = "a network has a handful; boxes would buy nothing"
)]
#[derive(Module, Debug)]
pub enum StemLayer {
    /// Convolution, normalisation and activation.
    Conv(ConvNormAct),
    /// Pooling.
    Pool(Pool),
    /// Branches side by side.
    Branches(Inception),
}

impl Stem {
    /// The map that the first block sees.
    ///
    /// # Shapes
    /// `[batch, 3, height, width]` (1 for grey) to `[batch, channels, height / r, width / r]`, where
    /// `r` is the reduction of the stem.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        self.layers.iter().fold(images, |map, layer| match layer {
            StemLayer::Conv(conv) => conv.forward(map),
            StemLayer::Pool(pool) => pool.forward(map),
            StemLayer::Branches(branches) => branches.forward(map),
        })
    }

    pub(crate) fn fold_batch_norm(self) -> Self {
        let fold = |layer| match layer {
            StemLayer::Conv(conv) => StemLayer::Conv(conv.fold_batch_norm()),
            StemLayer::Pool(pool) => StemLayer::Pool(pool),
            StemLayer::Branches(branches) => StemLayer::Branches(branches.fold_batch_norm()),
        };
        Self {
            layers: self.layers.into_iter().map(fold).collect(),
        }
    }

    /// The stem for images whose channels are all equal, given once.
    pub(crate) fn sum_input_channels(self) -> Self {
        let sum = |(index, layer)| match (index, layer) {
            (0, StemLayer::Conv(conv)) => StemLayer::Conv(conv.sum_input_channels()),
            (_, layer) => layer,
        };
        Self {
            layers: self.layers.into_iter().enumerate().map(sum).collect(),
        }
    }
}
