//! MobileNetV2: Sandler, Howard, Zhu, Zhmoginov and Chen, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, table 2.

use super::inverted_residuals::{Stage, stages};
use crate::Architecture;
use crate::layers::{Activation, ConvSpec, LinearInitialization};
use crate::neck::NeckSpec;
use crate::spec::{Lowered, NetworkSpec};
use crate::stem::StemSpec;

/// The table's rows of bottlenecks.
#[rustfmt::skip]
const STAGES: [Stage; 7] = [
    Stage { expansion: 1, kernel: 3, stride: 1, channels:  16, units: 1 },
    Stage { expansion: 6, kernel: 3, stride: 2, channels:  24, units: 2 },
    Stage { expansion: 6, kernel: 3, stride: 2, channels:  32, units: 3 },
    Stage { expansion: 6, kernel: 3, stride: 2, channels:  64, units: 4 },
    Stage { expansion: 6, kernel: 3, stride: 1, channels:  96, units: 3 },
    Stage { expansion: 6, kernel: 3, stride: 2, channels: 160, units: 3 },
    Stage { expansion: 6, kernel: 3, stride: 1, channels: 320, units: 1 },
];

/// Channels of the stem and of the convolution before the head.
const STEM: usize = 32;
const LAST: usize = 1280;

pub(crate) fn lower() -> NetworkSpec {
    let activation = Activation::Relu6;
    let mut input = STEM;
    let units = STAGES.map(|stage| {
        let input = std::mem::replace(&mut input, stage.channels);
        stage.units(input, activation, |_, _| None)
    });
    let stem = StemSpec::conv(ConvSpec::new(3, STEM, 3, activation).stride(2));
    NetworkSpec::new(
        Architecture::MobileNetV2,
        Lowered {
            neck: Some(NeckSpec::Conv(ConvSpec::new(input, LAST, 1, activation))),
            dropout: 0.2,
            initialization: LinearInitialization::Normal(0.01),
            ..Lowered::new(stem, stages(units.into()))
        },
    )
}
