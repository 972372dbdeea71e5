//! MNASNet-B1 at width 1.0: Tan et al., "MnasNet: Platform-Aware Neural Architecture Search for Mobile", CVPR 2019, as torchvision's
//! `mnasnet1_0` builds it (no squeeze-and-excitation).
//!
//! # The paper's MNASNet is another network
//!
//! Ke et al. 2021 give their MNASNet 5.290 million parameters. This network has 4,383,312 with 1000
//! classes and 3,120,246 with 14; 5,289,978 is the count of **NASNet-A-Mobile** with 1000 classes. Their
//! truncated MNASNets, however, are this network's: 2,087,414, 474,614, 265,206 and 46,966 parameters for
//! minus 1 to 4. So the factors by which truncation makes the paper's MNASNet smaller compare two
//! networks. Both, for 14 classes:
//!
//! | cut | parameters | times smaller than NASNet-A-Mobile's 5,289,978 | than `mnasnet1_0`'s 3,120,246 |
//! | --- | ---: | ---: | ---: |
//! | minus 1 | 2,087,414 | 2.53 | 1.49 |
//! | minus 2 | 474,614 | 11.15 | 6.57 |
//! | minus 3 | 265,206 | 19.95 | 11.77 |
//! | minus 4 | 46,966 | 112.63 | 66.44 |
//!
//! This library always counts the network that it builds.

use super::inverted_residuals::{Stage, stages};
use crate::Architecture;
use crate::layers::{Activation, BatchNormSpec, ConvSpec, LinearInitialization};
use crate::neck::NeckSpec;
use crate::spec::{Lowered, NetworkSpec};
use crate::stem::StemSpec;

/// The first stage is the separable convolution of the paper's figure 7.
#[rustfmt::skip]
const STAGES: [Stage; 7] = [
    Stage { expansion: 1, kernel: 3, stride: 1, channels:  16, units: 1 },
    Stage { expansion: 3, kernel: 3, stride: 2, channels:  24, units: 3 },
    Stage { expansion: 3, kernel: 5, stride: 2, channels:  40, units: 3 },
    Stage { expansion: 6, kernel: 5, stride: 2, channels:  80, units: 3 },
    Stage { expansion: 6, kernel: 3, stride: 1, channels:  96, units: 2 },
    Stage { expansion: 6, kernel: 5, stride: 2, channels: 192, units: 4 },
    Stage { expansion: 6, kernel: 3, stride: 1, channels: 320, units: 1 },
];

/// Channels of the stem and of the convolution before the head.
const STEM: usize = 32;
const LAST: usize = 1280;
/// TensorFlow's 0.9997, told from the other side.
const MOMENTUM: f64 = 1.0 - 0.9997;

pub(crate) fn lower() -> NetworkSpec {
    let activation = Activation::Relu;
    let mut input = STEM;
    let units = STAGES.map(|stage| {
        let input = std::mem::replace(&mut input, stage.channels);
        stage.units(input, activation, |_, _| None)
    });
    let stem = StemSpec::conv(ConvSpec::new(3, STEM, 3, activation).stride(2));
    NetworkSpec::new(
        Architecture::MnasNet1_0,
        Lowered {
            neck: Some(NeckSpec::Conv(ConvSpec::new(input, LAST, 1, activation))),
            batch_norm: BatchNormSpec {
                momentum: MOMENTUM,
                ..BatchNormSpec::PYTORCH
            },
            dropout: 0.2,
            initialization: LinearInitialization::KaimingUniformFanOut,
            ..Lowered::new(stem, stages(units.into()))
        },
    )
}
