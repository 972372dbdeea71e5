//! ResNet: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, table 1.

use crate::block::{BlockLayout, ResidualStageSpec, ResidualUnitSpec};
use crate::layers::{Activation, ConvSpec, PoolKind, PoolSpec};
use crate::spec::{Lowered, NetworkSpec};
use crate::stem::{StemLayerSpec, StemSpec};
use crate::{Architecture, BlockSpec};

/// The residual unit of a network.
#[derive(Clone, Copy)]
enum Unit {
    /// Two 3x3 convolutions.
    Basic,
    /// 1x1, 3x3 and 1x1 convolutions; the last widens fourfold, the 3x3 carries the stride.
    Bottleneck,
}

/// A column of the table.
pub(crate) struct ResNet {
    architecture: Architecture,
    unit: Unit,
    /// Units in the stages conv2_x to conv5_x.
    units: [usize; 4],
}

#[rustfmt::skip]
mod table {
    use super::*;
    pub(crate) const RESNET18:  ResNet = ResNet { architecture: Architecture::ResNet18,  unit: Unit::Basic,      units: [2, 2,  2, 2] };
    pub(crate) const RESNET34:  ResNet = ResNet { architecture: Architecture::ResNet34,  unit: Unit::Basic,      units: [3, 4,  6, 3] };
    pub(crate) const RESNET50:  ResNet = ResNet { architecture: Architecture::ResNet50,  unit: Unit::Bottleneck, units: [3, 4,  6, 3] };
    pub(crate) const RESNET101: ResNet = ResNet { architecture: Architecture::ResNet101, unit: Unit::Bottleneck, units: [3, 4, 23, 3] };
}
pub(crate) use table::*;

/// Channels inside the units of each stage.
const WIDTHS: [usize; 4] = [64, 128, 256, 512];

impl ResNet {
    pub(crate) fn lower(&self) -> NetworkSpec {
        let stem = StemSpec {
            layers: vec![
                StemLayerSpec::Conv(ConvSpec::new(3, 64, 7, Activation::Relu).stride(2)),
                StemLayerSpec::Pool(PoolSpec::new(PoolKind::Max, 3, 2, 1)),
            ],
        };
        let mut input = 64;
        let blocks = WIDTHS
            .iter()
            .zip(self.units)
            .enumerate()
            .map(|(stage, (&width, units))| {
                let units = (0..units)
                    .map(|index| {
                        let stride = if stage > 0 && index == 0 { 2 } else { 1 };
                        let unit = self.unit.lower(input, width, stride);
                        input = unit.output();
                        unit
                    })
                    .collect();
                BlockSpec {
                    name: format!("layer{}", stage + 1),
                    layout: BlockLayout::Residual(ResidualStageSpec { units }),
                }
            })
            .collect();
        NetworkSpec::new(self.architecture, Lowered::new(stem, blocks))
    }
}

impl Unit {
    fn lower(self, input: usize, width: usize, stride: usize) -> ResidualUnitSpec {
        let (convolutions, output) = match self {
            Self::Basic => (
                vec![
                    ConvSpec::new(input, width, 3, Activation::Relu).stride(stride),
                    ConvSpec::new(width, width, 3, Activation::Identity),
                ],
                width,
            ),
            Self::Bottleneck => (
                vec![
                    ConvSpec::new(input, width, 1, Activation::Relu),
                    ConvSpec::new(width, width, 3, Activation::Relu).stride(stride),
                    ConvSpec::new(width, 4 * width, 1, Activation::Identity),
                ],
                4 * width,
            ),
        };
        ResidualUnitSpec {
            convolutions,
            downsample: (stride != 1 || input != output)
                .then(|| ConvSpec::new(input, output, 1, Activation::Identity).stride(stride)),
        }
    }
}
