//! The dense block of a DenseNet, with the transition that feeds it.

use burn::module::Module;
use burn::tensor::Tensor;
use chextransfer_kernels::concatenate_channels;

use crate::geometry::{DoesNotFit, Trace};
use crate::initialization::Initialization;
use crate::layers::{Activation, ConvNormAct, ConvSpec, NormAct, Pool, PoolKind, PoolSpec};
use crate::tensor_spec::TensorList;

/// Dense layers behind an optional transition: plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct DenseStageSpec {
    /// Narrows and halves the map of the stage before; the first stage has none.
    pub transition: Option<TransitionSpec>,
    /// The layers; each sees the maps of all before it.
    pub layers: Vec<DenseLayerSpec>,
}

/// Normalisation, activation, 1x1 convolution and 2x2 average pooling: plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct TransitionSpec {
    /// The 1x1 convolution.
    pub conv: ConvSpec,
}

/// Normalisation and activation, 1x1 bottleneck, 3x3 convolution that adds channels: plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct DenseLayerSpec {
    /// The 1x1 convolution, normalised and activated.
    pub bottleneck: ConvSpec,
    /// The 3x3 convolution whose output is appended to the map.
    pub growth: ConvSpec,
}

/// The pooling of a transition.
const POOL: PoolSpec = PoolSpec::new(PoolKind::Average, 2, 2, 0);

impl DenseStageSpec {
    pub(super) fn channels(&self) -> usize {
        self.layers
            .last()
            .map_or(0, |layer| layer.bottleneck.input + layer.growth.output)
    }

    pub(super) fn tensors(&self, path: &str, into: &mut TensorList) {
        if let Some(transition) = &self.transition {
            let path = format!("{path}.transition");
            NormAct::tensors(&format!("{path}.norm_act"), transition.conv.input, into);
            transition.conv.tensors(&format!("{path}.conv"), into);
        }
        for (index, layer) in self.layers.iter().enumerate() {
            let path = format!("{path}.layers.{index}");
            NormAct::tensors(&format!("{path}.norm_act"), layer.bottleneck.input, into);
            layer
                .bottleneck
                .tensors(&format!("{path}.bottleneck"), into);
            layer.growth.tensors(&format!("{path}.growth"), into);
        }
    }

    pub(super) fn trace(&self, trace: &mut Trace) -> Result<(), DoesNotFit> {
        if let Some(transition) = &self.transition {
            trace.conv("transition", &transition.conv)?;
            trace.pool("transition pooling", &POOL)?;
        }
        for layer in &self.layers {
            trace.conv("dense layer", &layer.bottleneck)?;
            trace.conv("dense layer", &layer.growth)?;
        }
        Ok(())
    }

    pub(super) fn init(&self, initialization: &mut Initialization) -> DenseStage {
        let transition = self.transition.as_ref().map(|transition| Transition {
            norm_act: NormAct::new(transition.conv.input, Activation::Relu, initialization),
            conv: transition.conv.init(initialization),
            pool: POOL.init(),
        });
        let mut layer = |layer: &DenseLayerSpec| DenseLayer {
            norm_act: NormAct::new(layer.bottleneck.input, Activation::Relu, initialization),
            bottleneck: layer.bottleneck.init(initialization),
            growth: layer.growth.init(initialization),
        };
        DenseStage {
            transition,
            layers: self.layers.iter().map(&mut layer).collect(),
        }
    }
}

/// A transition and its dense layers; described by [`DenseStageSpec`].
#[derive(Module, Debug)]
pub struct DenseStage {
    transition: Option<Transition>,
    layers: Vec<DenseLayer>,
}

#[derive(Module, Debug)]
struct Transition {
    norm_act: NormAct,
    conv: ConvNormAct,
    pool: Pool,
}

#[derive(Module, Debug)]
struct DenseLayer {
    norm_act: NormAct,
    bottleneck: ConvNormAct,
    growth: ConvNormAct,
}

impl DenseStage {
    pub(super) fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        let map = match &self.transition {
            Some(transition) => transition.forward(map),
            None => map,
        };
        self.layers.iter().fold(map, |map, layer| {
            let growth = layer.forward(map.clone());
            concatenate_channels(vec![map, growth])
        })
    }

    pub(super) fn fold_batch_norm(self) -> Self {
        Self {
            transition: self.transition.map(Transition::fold_batch_norm),
            layers: (self.layers.into_iter())
                .map(DenseLayer::fold_batch_norm)
                .collect(),
        }
    }
}

impl Transition {
    fn fold_batch_norm(self) -> Self {
        Self {
            norm_act: self.norm_act.fold_batch_norm(),
            ..self
        }
    }

    fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        self.pool
            .forward(self.norm_act.forward_into(&self.conv, map))
    }
}

impl DenseLayer {
    fn fold_batch_norm(self) -> Self {
        Self {
            norm_act: self.norm_act.fold_batch_norm(),
            bottleneck: self.bottleneck.fold_batch_norm(),
            growth: self.growth,
        }
    }

    fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        self.growth
            .forward(self.norm_act.forward_into(&self.bottleneck, map))
    }
}
