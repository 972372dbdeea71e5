//! Inception v3: Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, "Rethinking the Inception Architecture for Computer Vision",
//! CVPR 2016, table 1 and figures 5 to 10, with the widths of torchvision's port.
//!
//! torchvision's checkpoint was trained on pixels in -1..1 and its network remaps images that are
//! normalised for ImageNet (`transform_input`); [`weights::load`](crate::weights::load) puts that
//! map into the first convolution, so that this network takes the same input as all others.

use super::inception_branch::{Input, Layer, Layer::*};
use crate::block::BlockLayout;
use crate::layers::{
    Activation, AuxiliaryHeadSpec, BatchNormSpec, ConvInitialization, ConvSpec, HeadSpec,
    LinearInitialization, PoolKind, PoolSpec,
};
use crate::spec::{Lowered, NetworkSpec};
use crate::stem::{StemLayerSpec, StemSpec};
use crate::{Architecture, BlockSpec};

const INITIALIZATION: ConvInitialization = ConvInitialization::TruncatedNormal(0.1);
const AVERAGE: PoolSpec = PoolSpec::new(PoolKind::Average, 3, 1, 1);
const MAX: PoolSpec = PoolSpec::new(PoolKind::Max, 3, 2, 0);

/// A module of the table: its name, and its kind with the width that varies.
type Row = (&'static str, Kind);

/// The five modules, with torchvision's letters.
#[derive(Clone, Copy)]
enum Kind {
    /// Figure 5; the width of the pooled branch.
    A { pooled: usize },
    /// Figure 10: the grid shrinks to half.
    B,
    /// Figure 6 with n = 7; the width of the factorised 7x7 convolutions.
    C { inner: usize },
    /// Figure 10 with factorised 7x7 convolutions.
    D,
    /// Figure 7: the filter bank is expanded.
    E,
}

#[rustfmt::skip]
const MODULES: [Row; 11] = [
    ("Mixed_5b", Kind::A { pooled: 32 }),
    ("Mixed_5c", Kind::A { pooled: 64 }),
    ("Mixed_5d", Kind::A { pooled: 64 }),
    ("Mixed_6a", Kind::B),
    ("Mixed_6b", Kind::C { inner: 128 }),
    ("Mixed_6c", Kind::C { inner: 160 }),
    ("Mixed_6d", Kind::C { inner: 160 }),
    ("Mixed_6e", Kind::C { inner: 192 }),
    ("Mixed_7a", Kind::D),
    ("Mixed_7b", Kind::E),
    ("Mixed_7c", Kind::E),
];

/// The module whose map the auxiliary head sees: `Mixed_6e`.
const AUXILIARY: usize = 7;

impl Kind {
    #[rustfmt::skip]
    fn branches(self) -> Vec<Vec<Layer>> {
        match self {
            Self::A { pooled } => vec![
                vec![Same("branch1x1", 64, [1, 1])],
                vec![Same("branch5x5_1", 48, [1, 1]), Same("branch5x5_2", 64, [5, 5])],
                vec![Same("branch3x3dbl_1", 64, [1, 1]), Same("branch3x3dbl_2", 96, [3, 3]), Same("branch3x3dbl_3", 96, [3, 3])],
                vec![Pool(AVERAGE), Same("branch_pool", pooled, [1, 1])],
            ],
            Self::B => vec![
                vec![Reduce("branch3x3", 384)],
                vec![Same("branch3x3dbl_1", 64, [1, 1]), Same("branch3x3dbl_2", 96, [3, 3]), Reduce("branch3x3dbl_3", 96)],
                vec![Pool(MAX)],
            ],
            Self::C { inner } => vec![
                vec![Same("branch1x1", 192, [1, 1])],
                vec![Same("branch7x7_1", inner, [1, 1]), Same("branch7x7_2", inner, [1, 7]), Same("branch7x7_3", 192, [7, 1])],
                vec![
                    Same("branch7x7dbl_1", inner, [1, 1]),
                    Same("branch7x7dbl_2", inner, [7, 1]), Same("branch7x7dbl_3", inner, [1, 7]),
                    Same("branch7x7dbl_4", inner, [7, 1]), Same("branch7x7dbl_5", 192, [1, 7]),
                ],
                vec![Pool(AVERAGE), Same("branch_pool", 192, [1, 1])],
            ],
            Self::D => vec![
                vec![Same("branch3x3_1", 192, [1, 1]), Reduce("branch3x3_2", 320)],
                vec![
                    Same("branch7x7x3_1", 192, [1, 1]), Same("branch7x7x3_2", 192, [1, 7]),
                    Same("branch7x7x3_3", 192, [7, 1]), Reduce("branch7x7x3_4", 192),
                ],
                vec![Pool(MAX)],
            ],
            Self::E => vec![
                vec![Same("branch1x1", 320, [1, 1])],
                vec![Same("branch3x3_1", 384, [1, 1]), Fork([("branch3x3_2a", 384, [1, 3]), ("branch3x3_2b", 384, [3, 1])])],
                vec![
                    Same("branch3x3dbl_1", 448, [1, 1]), Same("branch3x3dbl_2", 384, [3, 3]),
                    Fork([("branch3x3dbl_3a", 384, [1, 3]), ("branch3x3dbl_3b", 384, [3, 1])]),
                ],
                vec![Pool(AVERAGE), Same("branch_pool", 192, [1, 1])],
            ],
        }
    }
}

fn conv(input: usize, output: usize, kernel: usize) -> ConvSpec {
    ConvSpec::new(input, output, kernel, Activation::Relu).initialization(INITIALIZATION)
}

pub(crate) fn lower() -> NetworkSpec {
    let stem = StemSpec {
        layers: vec![
            StemLayerSpec::Conv(conv(3, 32, 3).stride(2).unpadded()),
            StemLayerSpec::Conv(conv(32, 32, 3).unpadded()),
            StemLayerSpec::Conv(conv(32, 64, 3)),
            StemLayerSpec::Pool(MAX),
            StemLayerSpec::Conv(conv(64, 80, 1)),
            StemLayerSpec::Conv(conv(80, 192, 3).unpadded()),
            StemLayerSpec::Pool(MAX),
        ],
    };
    let mut channels = 192;
    let blocks: Vec<_> = MODULES
        .into_iter()
        .map(|(name, kind)| {
            let input = Input {
                channels,
                initialization: INITIALIZATION,
            };
            let layout: BlockLayout = input.block(kind.branches());
            channels = layout.channels();
            BlockSpec {
                name: name.to_owned(),
                layout,
            }
        })
        .collect();
    let inner = blocks[AUXILIARY].layout.channels();
    let auxiliary = AuxiliaryHeadSpec {
        block: AUXILIARY,
        pool: PoolSpec::new(PoolKind::Average, 5, 3, 0),
        convolutions: vec![
            conv(inner, 128, 1),
            // torchvision means this one to start with a deviation of 0.01, but sets it on a wrapper
            // where its initialisation does not look, so it starts like all others.
            conv(128, 768, 5).unpadded(),
        ],
        head: HeadSpec {
            features: 768,
            hidden: None,
            dropout: 0.0,
            classes: NetworkSpec::IMAGENET_CLASSES,
            initialization: LinearInitialization::TruncatedNormal(0.001),
        },
    };
    NetworkSpec::new(
        Architecture::InceptionV3,
        Lowered {
            auxiliary: Some(auxiliary),
            batch_norm: BatchNormSpec {
                epsilon: 1e-3,
                ..BatchNormSpec::PYTORCH
            },
            dropout: 0.5,
            initialization: LinearInitialization::TruncatedNormal(0.1),
            ..Lowered::new(stem, blocks)
        },
    )
}
