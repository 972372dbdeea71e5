//! A stage of inverted residuals with linear bottlenecks.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::geometry::{DoesNotFit, Trace};
use crate::initialization::Initialization;
use crate::layers::{ConvNormAct, ConvSpec};
use crate::tensor_spec::TensorSpec;

/// A sequence of inverted residuals: plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct InvertedResidualStageSpec {
    /// The units, first to last.
    pub units: Vec<InvertedResidualSpec>,
}

/// Widen, filter each channel, narrow; added to the input where shapes agree: plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct InvertedResidualSpec {
    /// The 1x1 convolution that widens; absent where the expansion factor is 1.
    pub expand: Option<ConvSpec>,
    /// The depthwise convolution; carries the stride.
    pub depthwise: ConvSpec,
    /// The 1x1 convolution that narrows, without activation.
    pub project: ConvSpec,
}

impl InvertedResidualSpec {
    fn convolutions(&self) -> impl Iterator<Item = (&'static str, &ConvSpec)> {
        let expand = self.expand.iter().map(|conv| ("expand", conv));
        expand.chain([("depthwise", &self.depthwise), ("project", &self.project)])
    }

    fn has_shortcut(&self) -> bool {
        let input = self.expand.as_ref().unwrap_or(&self.depthwise).input;
        self.depthwise.stride == [1, 1] && input == self.project.output
    }
}

impl InvertedResidualStageSpec {
    pub(super) fn channels(&self) -> usize {
        self.units.last().map_or(0, |unit| unit.project.output)
    }

    pub(super) fn tensors(&self, path: &str, into: &mut Vec<TensorSpec>) {
        for (index, unit) in self.units.iter().enumerate() {
            for (name, conv) in unit.convolutions() {
                conv.tensors(&format!("{path}.units.{index}.{name}"), into);
            }
        }
    }

    pub(super) fn trace(&self, trace: &mut Trace) -> Result<(), DoesNotFit> {
        for unit in &self.units {
            for (_, conv) in unit.convolutions() {
                trace.conv("inverted residual", conv)?;
            }
        }
        Ok(())
    }

    pub(super) fn init(&self, initialization: &mut Initialization) -> InvertedResidualStage {
        let mut unit = |unit: &InvertedResidualSpec| InvertedResidual {
            expand: unit.expand.as_ref().map(|conv| conv.init(initialization)),
            depthwise: unit.depthwise.init(initialization),
            project: unit.project.init(initialization),
            shortcut: unit.has_shortcut(),
        };
        InvertedResidualStage {
            units: self.units.iter().map(&mut unit).collect(),
        }
    }
}

/// Inverted residuals, one after the other; described by [`InvertedResidualStageSpec`].
#[derive(Module, Debug)]
pub struct InvertedResidualStage {
    units: Vec<InvertedResidual>,
}

#[derive(Module, Debug)]
struct InvertedResidual {
    expand: Option<ConvNormAct>,
    depthwise: ConvNormAct,
    project: ConvNormAct,
    shortcut: bool,
}

impl InvertedResidualStage {
    pub(super) fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        self.units.iter().fold(map, |map, unit| unit.forward(map))
    }
}

impl InvertedResidual {
    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let wide = match &self.expand {
            Some(expand) => expand.forward(input.clone()),
            None => input.clone(),
        };
        let narrow = self.project.forward(self.depthwise.forward(wide));
        if self.shortcut {
            input + narrow
        } else {
            narrow
        }
    }
}
