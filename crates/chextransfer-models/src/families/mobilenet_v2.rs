//! MobileNetV2: Sandler, Howard, Zhu, Zhmoginov and Chen, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, table 2.

use crate::Architecture;
use crate::block::{BlockLayout, InvertedResidualSpec, InvertedResidualStageSpec};
use crate::layers::{Activation, ConvSpec, LinearInitialization};
use crate::spec::{NeckSpec, NetworkSpec, StemSpec};

/// A stage: expansion factor t, output channels c, units n, stride s of the first unit.
struct Stage {
    t: usize,
    c: usize,
    n: usize,
    s: usize,
}

/// The table's rows of bottlenecks.
pub(crate) struct MobileNetV2 {
    stages: [Stage; 7],
}

#[rustfmt::skip]
pub(crate) const MOBILENET_V2: MobileNetV2 = MobileNetV2 { stages: [
    Stage { t: 1, c:  16, n: 1, s: 1 },
    Stage { t: 6, c:  24, n: 2, s: 2 },
    Stage { t: 6, c:  32, n: 3, s: 2 },
    Stage { t: 6, c:  64, n: 4, s: 2 },
    Stage { t: 6, c:  96, n: 3, s: 1 },
    Stage { t: 6, c: 160, n: 3, s: 2 },
    Stage { t: 6, c: 320, n: 1, s: 1 },
] };

/// Channels of the stem and of the convolution before the head.
const STEM: usize = 32;
const LAST: usize = 1280;

impl MobileNetV2 {
    pub(crate) fn lower(&self) -> NetworkSpec {
        let stem = StemSpec {
            conv: ConvSpec::new(3, STEM, 3, Activation::Relu6).stride(2),
            pool: None,
        };
        let mut input = STEM;
        let blocks: Vec<_> = (self.stages.iter().enumerate())
            .map(|(index, stage)| {
                let units = (0..stage.n)
                    .map(|unit| {
                        let stride = if unit == 0 { stage.s } else { 1 };
                        let lowered = inverted_residual(input, stage, stride);
                        input = stage.c;
                        lowered
                    })
                    .collect();
                (
                    format!("stage{}", index + 1),
                    BlockLayout::InvertedResidual(InvertedResidualStageSpec { units }),
                )
            })
            .collect();
        let neck = NeckSpec::Conv(ConvSpec::new(input, LAST, 1, Activation::Relu6));
        let linear = LinearInitialization::Normal(0.01);
        NetworkSpec::new(
            Architecture::MobileNetV2,
            stem,
            blocks,
            Some(neck),
            0.2,
            linear,
        )
    }
}

fn inverted_residual(input: usize, stage: &Stage, stride: usize) -> InvertedResidualSpec {
    let hidden = stage.t * input;
    InvertedResidualSpec {
        expand: (stage.t != 1).then(|| ConvSpec::new(input, hidden, 1, Activation::Relu6)),
        depthwise: ConvSpec::new(hidden, hidden, 3, Activation::Relu6)
            .stride(stride)
            .depthwise(),
        project: ConvSpec::new(hidden, stage.c, 1, Activation::Identity),
    }
}
