//! The residual stage of a ResNet.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::relu;

use crate::geometry::{DoesNotFit, Trace};
use crate::initialization::Initialization;
use crate::layers::{ConvNormAct, ConvSpec};
use crate::tensor_spec::TensorSpec;

/// A sequence of residual units: plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct ResidualStageSpec {
    /// The units, first to last.
    pub units: Vec<ResidualUnitSpec>,
}

/// `relu(convolutions(x) + shortcut(x))`: plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct ResidualUnitSpec {
    /// The main path; the last one has no activation.
    pub convolutions: Vec<ConvSpec>,
    /// The shortcut where shapes differ; the identity otherwise.
    pub downsample: Option<ConvSpec>,
}

impl ResidualUnitSpec {
    pub(crate) fn output(&self) -> usize {
        self.convolutions.last().map_or(0, |conv| conv.output)
    }
}

impl ResidualStageSpec {
    pub(super) fn channels(&self) -> usize {
        self.units.last().map_or(0, ResidualUnitSpec::output)
    }

    pub(super) fn tensors(&self, path: &str, into: &mut Vec<TensorSpec>) {
        for (index, unit) in self.units.iter().enumerate() {
            let path = format!("{path}.units.{index}");
            for (index, conv) in unit.convolutions.iter().enumerate() {
                conv.tensors(&format!("{path}.convolutions.{index}"), into);
            }
            if let Some(conv) = &unit.downsample {
                conv.tensors(&format!("{path}.downsample"), into);
            }
        }
    }

    pub(super) fn trace(&self, trace: &mut Trace) -> Result<(), DoesNotFit> {
        for unit in &self.units {
            let start = trace.clone();
            for conv in &unit.convolutions {
                trace.conv("residual unit", conv)?;
            }
            if let Some(conv) = &unit.downsample {
                trace.shortcut(&start, conv)?;
            }
        }
        Ok(())
    }

    pub(super) fn init(&self, initialization: &mut Initialization) -> ResidualStage {
        let mut unit = |unit: &ResidualUnitSpec| ResidualUnit {
            convolutions: unit
                .convolutions
                .iter()
                .map(|conv| conv.init(initialization))
                .collect(),
            downsample: unit
                .downsample
                .as_ref()
                .map(|conv| conv.init(initialization)),
        };
        ResidualStage {
            units: self.units.iter().map(&mut unit).collect(),
        }
    }
}

/// Residual units, one after the other; described by [`ResidualStageSpec`].
#[derive(Module, Debug)]
pub struct ResidualStage {
    units: Vec<ResidualUnit>,
}

#[derive(Module, Debug)]
struct ResidualUnit {
    convolutions: Vec<ConvNormAct>,
    downsample: Option<ConvNormAct>,
}

impl ResidualStage {
    pub(super) fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        self.units.iter().fold(map, |map, unit| unit.forward(map))
    }
}

impl ResidualUnit {
    fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        let shortcut = match &self.downsample {
            Some(downsample) => downsample.forward(map.clone()),
            None => map.clone(),
        };
        let residual = self
            .convolutions
            .iter()
            .fold(map, |map, conv| conv.forward(map));
        relu(residual + shortcut)
    }
}
