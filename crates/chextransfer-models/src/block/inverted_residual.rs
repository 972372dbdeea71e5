//! A stage of inverted residuals with linear bottlenecks.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::geometry::{DoesNotFit, Trace};
use crate::initialization::Initialization;
use crate::layers::{ConvNormAct, ConvSpec, SqueezeExcite, SqueezeExciteSpec, StochasticDepth};
use crate::tensor_spec::TensorList;

/// A sequence of inverted residuals: plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct InvertedResidualStageSpec {
    /// The units, first to last.
    pub units: Vec<InvertedResidualSpec>,
}

/// Widen, filter each channel, narrow; added to the input where shapes agree: plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct InvertedResidualSpec {
    /// The 1x1 convolution that widens; absent where the width stays.
    pub expand: Option<ConvSpec>,
    /// The depthwise convolution; carries the stride.
    pub depthwise: ConvSpec,
    /// The gate behind the depthwise convolution.
    pub squeeze_excite: Option<SqueezeExciteSpec>,
    /// The 1x1 convolution that narrows, without activation.
    pub project: ConvSpec,
    /// Units of the network before this one, as a share of all: stochastic depth drops the branch
    /// with this share of the network's probability.
    pub depth: f64,
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

    pub(super) fn tensors(&self, path: &str, into: &mut TensorList) {
        for (index, unit) in self.units.iter().enumerate() {
            let path = format!("{path}.units.{index}");
            for (name, conv) in unit.convolutions() {
                conv.tensors(&format!("{path}.{name}"), into);
            }
            if let Some(squeeze_excite) = &unit.squeeze_excite {
                squeeze_excite.tensors(&format!("{path}.squeeze_excite"), into);
            }
        }
    }

    pub(super) fn trace(&self, trace: &mut Trace) -> Result<(), DoesNotFit> {
        for unit in &self.units {
            for (_, conv) in unit.convolutions() {
                trace.conv("inverted residual", conv)?;
            }
            trace.macs += unit.squeeze_excite.map_or(0, |gate| gate.macs());
        }
        Ok(())
    }

    pub(super) fn init(&self, initialization: &mut Initialization) -> InvertedResidualStage {
        let mut unit = |unit: &InvertedResidualSpec| InvertedResidual {
            expand: unit.expand.as_ref().map(|conv| conv.init(initialization)),
            depthwise: unit.depthwise.init(initialization),
            squeeze_excite: unit.squeeze_excite.map(|gate| gate.init(initialization)),
            project: unit.project.init(initialization),
            shortcut: unit.has_shortcut(),
            stochastic_depth: StochasticDepth::new(
                f64::from(u8::from(unit.has_shortcut()))
                    * unit.depth
                    * initialization.stochastic_depth,
            ),
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
    squeeze_excite: Option<SqueezeExcite>,
    project: ConvNormAct,
    shortcut: bool,
    stochastic_depth: Option<StochasticDepth>,
}

impl InvertedResidualStage {
    pub(super) fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        self.units.iter().fold(map, |map, unit| unit.forward(map))
    }

    pub(super) fn fold_batch_norm(self) -> Self {
        let fold = |unit: InvertedResidual| InvertedResidual {
            expand: unit.expand.map(ConvNormAct::fold_batch_norm),
            depthwise: unit.depthwise.fold_batch_norm(),
            project: unit.project.fold_batch_norm(),
            ..unit
        };
        Self {
            units: self.units.into_iter().map(fold).collect(),
        }
    }
}

impl InvertedResidual {
    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let mut map = match &self.expand {
            Some(expand) => expand.forward(input.clone()),
            None => input.clone(),
        };
        map = self.depthwise.forward(map);
        if let Some(squeeze_excite) = &self.squeeze_excite {
            map = squeeze_excite.forward(map);
        }
        map = self.project.forward(map);
        if let Some(stochastic_depth) = &self.stochastic_depth {
            map = stochastic_depth.forward(map);
        }
        if self.shortcut { input + map } else { map }
    }
}
