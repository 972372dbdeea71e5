//! Inception v4: Szegedy, Ioffe, Vanhoucke and Alemi, "Inception-v4, Inception-ResNet and the Impact of Residual Connections on
//! Learning", AAAI 2017, figures 3 to 9, as timm builds it.

use super::inception_branch::{Input, Layer, Layer::*};
use crate::layers::{
    Activation, BatchNormSpec, ConvInitialization, ConvSpec, LinearInitialization, PoolKind,
    PoolSpec,
};
use crate::spec::{Lowered, NetworkSpec};
use crate::stem::{StemLayerSpec, StemSpec};
use crate::{Architecture, BlockSpec};

const INITIALIZATION: ConvInitialization = ConvInitialization::Uniform;
const AVERAGE: PoolSpec = PoolSpec::new(PoolKind::AverageInside, 3, 1, 1);
const MAX: PoolSpec = PoolSpec::new(PoolKind::Max, 3, 2, 0);

/// The modules of figure 9 behind the stem: kind and how often.
const MODULES: [(Kind, usize); 5] = [
    (Kind::A, 4),
    (Kind::ReductionA, 1),
    (Kind::B, 7),
    (Kind::ReductionB, 1),
    (Kind::C, 3),
];

#[derive(Clone, Copy)]
enum Kind {
    /// Figure 4.
    A,
    /// Figure 7 with k, l, m, n = 192, 224, 256, 384.
    ReductionA,
    /// Figure 5.
    B,
    /// Figure 8.
    ReductionB,
    /// Figure 6.
    C,
}

impl Kind {
    fn name(self, index: usize) -> String {
        match self {
            Self::A => format!("inception_a{index}"),
            Self::ReductionA => "reduction_a".to_owned(),
            Self::B => format!("inception_b{index}"),
            Self::ReductionB => "reduction_b".to_owned(),
            Self::C => format!("inception_c{index}"),
        }
    }

    #[rustfmt::skip]
    fn branches(self) -> Vec<Vec<Layer>> {
        match self {
            Self::A => vec![
                vec![Same("branch0", 96, [1, 1])],
                vec![Same("branch1.0", 64, [1, 1]), Same("branch1.1", 96, [3, 3])],
                vec![Same("branch2.0", 64, [1, 1]), Same("branch2.1", 96, [3, 3]), Same("branch2.2", 96, [3, 3])],
                vec![Pool(AVERAGE), Same("branch3.1", 96, [1, 1])],
            ],
            Self::ReductionA => vec![
                vec![Reduce("branch0", 384)],
                vec![Same("branch1.0", 192, [1, 1]), Same("branch1.1", 224, [3, 3]), Reduce("branch1.2", 256)],
                vec![Pool(MAX)],
            ],
            Self::B => vec![
                vec![Same("branch0", 384, [1, 1])],
                vec![Same("branch1.0", 192, [1, 1]), Same("branch1.1", 224, [1, 7]), Same("branch1.2", 256, [7, 1])],
                vec![
                    Same("branch2.0", 192, [1, 1]),
                    Same("branch2.1", 192, [7, 1]), Same("branch2.2", 224, [1, 7]),
                    Same("branch2.3", 224, [7, 1]), Same("branch2.4", 256, [1, 7]),
                ],
                vec![Pool(AVERAGE), Same("branch3.1", 128, [1, 1])],
            ],
            Self::ReductionB => vec![
                vec![Same("branch0.0", 192, [1, 1]), Reduce("branch0.1", 192)],
                vec![
                    Same("branch1.0", 256, [1, 1]), Same("branch1.1", 256, [1, 7]),
                    Same("branch1.2", 320, [7, 1]), Reduce("branch1.3", 320),
                ],
                vec![Pool(MAX)],
            ],
            Self::C => vec![
                vec![Same("branch0", 256, [1, 1])],
                vec![Same("branch1_0", 384, [1, 1]), Fork([("branch1_1a", 256, [1, 3]), ("branch1_1b", 256, [3, 1])])],
                vec![
                    Same("branch2_0", 384, [1, 1]), Same("branch2_1", 448, [3, 1]), Same("branch2_2", 512, [1, 3]),
                    Fork([("branch2_3a", 256, [1, 3]), ("branch2_3b", 256, [3, 1])]),
                ],
                vec![Pool(AVERAGE), Same("branch3.1", 256, [1, 1])],
            ],
        }
    }
}

/// Figure 3.
#[rustfmt::skip]
fn stem() -> StemSpec {
    let conv = |input, output| {
        ConvSpec::new(input, output, 3, Activation::Relu).initialization(INITIALIZATION)
    };
    let module = |channels, branches: [Vec<Layer>; 2]| {
        let input = Input { channels, initialization: INITIALIZATION };
        StemLayerSpec::Branches(input.module(branches))
    };
    StemSpec {
        layers: vec![
            StemLayerSpec::Conv(conv(3, 32).stride(2).unpadded()),
            StemLayerSpec::Conv(conv(32, 32).unpadded()),
            StemLayerSpec::Conv(conv(32, 64)),
            module(64, [vec![Pool(MAX)], vec![Reduce("conv", 96)]]),
            module(160, [
                vec![Same("branch0.0", 64, [1, 1]), Valid("branch0.1", 96)],
                vec![
                    Same("branch1.0", 64, [1, 1]), Same("branch1.1", 64, [1, 7]),
                    Same("branch1.2", 64, [7, 1]), Valid("branch1.3", 96),
                ],
            ]),
            module(192, [vec![Reduce("conv", 192)], vec![Pool(MAX)]]),
        ],
    }
}

pub(crate) fn lower() -> NetworkSpec {
    let mut channels = 384;
    let kinds = MODULES
        .into_iter()
        .flat_map(|(kind, count)| (1..=count).map(move |index| (kind, index)));
    let blocks = kinds
        .map(|(kind, index)| {
            let input = Input {
                channels,
                initialization: INITIALIZATION,
            };
            let layout = input.block(kind.branches());
            channels = layout.channels();
            BlockSpec {
                name: kind.name(index),
                layout,
            }
        })
        .collect();
    NetworkSpec::new(
        Architecture::InceptionV4,
        Lowered {
            batch_norm: BatchNormSpec {
                epsilon: 1e-3,
                ..BatchNormSpec::PYTORCH
            },
            initialization: LinearInitialization::Uniform,
            ..Lowered::new(stem(), blocks)
        },
    )
}
