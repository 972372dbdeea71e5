//! DenseNet: Huang, Liu, van der Maaten and Weinberger, "Densely Connected Convolutional Networks", CVPR 2017, table 1.

use crate::block::{BlockLayout, DenseLayerSpec, DenseStageSpec, TransitionSpec};
use crate::layers::{
    Activation, ConvInitialization, ConvSpec, LinearInitialization, PoolKind, PoolSpec,
};
use crate::neck::NeckSpec;
use crate::spec::{Lowered, NetworkSpec};
use crate::stem::{StemLayerSpec, StemSpec};
use crate::{Architecture, BlockSpec};

/// A column of the table.
pub(crate) struct DenseNet {
    architecture: Architecture,
    /// Layers in each of the four dense blocks.
    layers: [usize; 4],
}

#[rustfmt::skip]
mod table {
    use super::*;
    pub(crate) const DENSENET121: DenseNet = DenseNet { architecture: Architecture::DenseNet121, layers: [6, 12, 24, 16] };
    pub(crate) const DENSENET169: DenseNet = DenseNet { architecture: Architecture::DenseNet169, layers: [6, 12, 32, 32] };
    pub(crate) const DENSENET201: DenseNet = DenseNet { architecture: Architecture::DenseNet201, layers: [6, 12, 48, 32] };
}
pub(crate) use table::*;

/// Channels that a layer adds (k in the paper).
const GROWTH: usize = 32;
/// Width of a layer's 1x1 bottleneck, in units of the growth.
const BOTTLENECK: usize = 4;
/// Share of channels that a transition keeps, as its reciprocal.
const COMPRESSION: usize = 2;

impl DenseNet {
    pub(crate) fn lower(&self) -> NetworkSpec {
        let conv = |input, output, kernel| {
            ConvSpec::new(input, output, kernel, Activation::Relu)
                .initialization(ConvInitialization::KaimingFanIn)
        };
        let mut channels = 2 * GROWTH;
        let stem = StemSpec {
            layers: vec![
                StemLayerSpec::Conv(conv(3, channels, 7).stride(2)),
                StemLayerSpec::Pool(PoolSpec::new(PoolKind::Max, 3, 2, 1)),
            ],
        };
        let blocks: Vec<_> = (self.layers.into_iter().enumerate())
            .map(|(stage, layers)| {
                let transition = (stage > 0).then(|| {
                    let input = channels;
                    channels /= COMPRESSION;
                    TransitionSpec {
                        conv: conv(input, channels, 1).without_norm(),
                    }
                });
                let layers = (0..layers)
                    .map(|_| {
                        let input = channels;
                        channels += GROWTH;
                        DenseLayerSpec {
                            bottleneck: conv(input, BOTTLENECK * GROWTH, 1),
                            growth: conv(BOTTLENECK * GROWTH, GROWTH, 3).without_norm(),
                        }
                    })
                    .collect();
                BlockSpec {
                    name: format!("denseblock{}", stage + 1),
                    layout: BlockLayout::Dense(DenseStageSpec { transition, layers }),
                }
            })
            .collect();
        let neck = NeckSpec::NormAct {
            channels,
            activation: Activation::Relu,
        };
        NetworkSpec::new(
            self.architecture,
            Lowered {
                neck: Some(neck),
                initialization: LinearInitialization::UniformZeroBias,
                ..Lowered::new(stem, blocks)
            },
        )
    }
}
