//! What the families of inverted residuals share: a unit by its sizes, stages of units.

use crate::BlockSpec;
use crate::block::{BlockLayout, InvertedResidualSpec, InvertedResidualStageSpec};
use crate::layers::{Activation, ConvSpec, SqueezeExciteSpec};

/// An inverted residual by its sizes.
pub(super) struct Unit {
    /// Channels that enter.
    pub(super) input: usize,
    /// Channels of the depthwise convolution.
    pub(super) expanded: usize,
    /// Channels that leave.
    pub(super) output: usize,
    /// Side of the depthwise kernel.
    pub(super) kernel: usize,
    /// Step of the depthwise convolution.
    pub(super) stride: usize,
    /// The activation behind the first two convolutions.
    pub(super) activation: Activation,
    /// The gate, if there is one.
    pub(super) squeeze_excite: Option<SqueezeExciteSpec>,
}

impl Unit {
    fn lower(self, depth: f64) -> InvertedResidualSpec {
        let Self {
            input,
            expanded,
            activation,
            ..
        } = self;
        InvertedResidualSpec {
            expand: (expanded != input).then(|| ConvSpec::new(input, expanded, 1, activation)),
            depthwise: ConvSpec::new(expanded, expanded, self.kernel, activation)
                .stride(self.stride)
                .depthwise(),
            squeeze_excite: self.squeeze_excite,
            project: ConvSpec::new(expanded, self.output, 1, Activation::Identity),
            depth,
        }
    }
}

/// A row of the tables of MobileNetV2, MNASNet and EfficientNet.
#[derive(Clone, Copy)]
pub(super) struct Stage {
    /// Expansion factor: channels of a unit's depthwise convolution, in units of those that enter.
    pub(super) expansion: usize,
    /// Side of the depthwise kernels.
    pub(super) kernel: usize,
    /// Step of the first unit.
    pub(super) stride: usize,
    /// Channels that leave every unit.
    pub(super) channels: usize,
    /// How many units there are.
    pub(super) units: usize,
}

impl Stage {
    /// The units behind `input` channels; `gate` makes a unit's squeeze-and-excitation of the channels
    /// that enter it and those of its depthwise convolution.
    pub(super) fn units(
        self,
        mut input: usize,
        activation: Activation,
        gate: impl Fn(usize, usize) -> Option<SqueezeExciteSpec>,
    ) -> Vec<Unit> {
        let unit = |index| {
            let expanded = self.expansion * input;
            Unit {
                squeeze_excite: gate(input, expanded),
                input: std::mem::replace(&mut input, self.channels),
                expanded,
                output: self.channels,
                kernel: self.kernel,
                stride: if index == 0 { self.stride } else { 1 },
                activation,
            }
        };
        (0..self.units).map(unit).collect()
    }
}

/// Stages as blocks, named `stage1` and so on.
pub(super) fn stages(stages: Vec<Vec<Unit>>) -> Vec<BlockSpec> {
    let all: usize = stages.iter().map(Vec::len).sum();
    let mut before = 0;
    let stages = stages.into_iter().enumerate();
    stages
        .map(|(index, units)| {
            let mut lower = |unit: Unit| {
                let depth = before as f64 / all as f64;
                before += 1;
                unit.lower(depth)
            };
            let units = units.into_iter().map(&mut lower).collect();
            BlockSpec {
                name: format!("stage{}", index + 1),
                layout: BlockLayout::InvertedResidual(InvertedResidualStageSpec { units }),
            }
        })
        .collect()
}

/// The multiple of 8 next to this width, but not below nine tenths of it: `_make_divisible` of the MobileNet papers' code.
pub(super) fn multiple_of_8(width: f64) -> usize {
    let rounded = ((width + 4.0) as usize / 8 * 8).max(8);
    if (rounded as f64) < 0.9 * width {
        rounded + 8
    } else {
        rounded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_rounded_to_eights_and_never_lose_a_tenth() {
        // 35.2, 26.4 and 105.6 are widths of EfficientNet-B2; 10.8 would lose a quarter at 8.
        let rounded = [35.2, 26.4, 105.6, 10.8, 3.0, 18.0].map(multiple_of_8);
        assert_eq!(rounded, [32, 24, 104, 16, 8, 24]);
    }
}
