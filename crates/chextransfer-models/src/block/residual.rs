//! The residual stage of a ResNet.

use burn::module::Module;
use burn::tensor::Tensor;
use chextransfer_kernels::add_activate;

use crate::geometry::{DoesNotFit, Trace};
use crate::initialization::Initialization;
use crate::layers::{Activation, ConvNormAct, ConvSpec};
use crate::tensor_spec::TensorList;

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

    pub(super) fn tensors(&self, path: &str, into: &mut TensorList) {
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
            let paths = [unit.convolutions.as_slice(), unit.downsample.as_slice()];
            trace.parallel(
                paths.into_iter().filter(|path| !path.is_empty()),
                |trace, path| {
                    path.iter()
                        .try_for_each(|conv| trace.conv("residual unit", conv))
                },
            )?;
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

    pub(super) fn fold_batch_norm(self) -> Self {
        let fold = |unit: ResidualUnit| ResidualUnit {
            convolutions: (unit.convolutions.into_iter())
                .map(ConvNormAct::fold_batch_norm)
                .collect(),
            downsample: unit.downsample.map(ConvNormAct::fold_batch_norm),
        };
        Self {
            units: self.units.into_iter().map(fold).collect(),
        }
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
        add_activate(residual, shortcut, Activation::Relu)
    }
}
