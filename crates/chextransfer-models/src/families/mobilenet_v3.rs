//! MobileNetV3-Large: Howard et al., "Searching for MobileNetV3", ICCV 2019, table 1.
//!
//! A block is a stage of units with the same width. The paper's last two rows, 1x1 convolutions behind
//! global pooling, are linear layers of the head.

use super::inverted_residuals::{Unit, multiple_of_8, stages};
use crate::Architecture;
use crate::layers::{
    Activation, BatchNormSpec, ConvSpec, HiddenSpec, LinearInitialization, SqueezeExciteSpec,
};
use crate::neck::NeckSpec;
use crate::spec::{Lowered, NetworkSpec};
use crate::stem::StemSpec;

/// A row of the table: kernel, expansion size, outputs, squeeze-and-excitation, non-linearity, stride.
type Row = (usize, usize, usize, bool, Activation, usize);

const RE: Activation = Activation::Relu;
const HS: Activation = Activation::Hardswish;

#[rustfmt::skip]
const ROWS: [Row; 15] = [
    (3,  16,  16, false, RE, 1),
    (3,  64,  24, false, RE, 2),
    (3,  72,  24, false, RE, 1),
    (5,  72,  40, true,  RE, 2),
    (5, 120,  40, true,  RE, 1),
    (5, 120,  40, true,  RE, 1),
    (3, 240,  80, false, HS, 2),
    (3, 200,  80, false, HS, 1),
    (3, 184,  80, false, HS, 1),
    (3, 184,  80, false, HS, 1),
    (3, 480, 112, true,  HS, 1),
    (3, 672, 112, true,  HS, 1),
    (5, 672, 160, true,  HS, 2),
    (5, 960, 160, true,  HS, 1),
    (5, 960, 160, true,  HS, 1),
];

/// Channels of the stem, of the convolution behind the last unit, and of the layer before the last.
const STEM: usize = 16;
const LAST: usize = 960;
const HIDDEN: usize = 1280;

pub(crate) fn lower() -> NetworkSpec {
    let mut input = STEM;
    let mut all: Vec<Vec<Unit>> = Vec::new();
    for (kernel, expanded, output, gated, activation, stride) in ROWS {
        let unit = Unit {
            input: std::mem::replace(&mut input, output),
            expanded,
            output,
            kernel,
            stride,
            activation,
            squeeze_excite: gated.then(|| SqueezeExciteSpec {
                channels: expanded,
                squeezed: multiple_of_8(expanded as f64 / 4.0),
                activation: Activation::Relu,
                gate: Activation::Hardsigmoid,
            }),
        };
        match all.last_mut() {
            Some(stage) if stage[0].output == output => stage.push(unit),
            _ => all.push(vec![unit]),
        }
    }
    let stem = StemSpec::conv(ConvSpec::new(3, STEM, 3, HS).stride(2));
    NetworkSpec::new(
        Architecture::MobileNetV3Large,
        Lowered {
            neck: Some(NeckSpec::Conv(ConvSpec::new(input, LAST, 1, HS))),
            hidden: Some(HiddenSpec {
                features: HIDDEN,
                activation: HS,
            }),
            batch_norm: BatchNormSpec {
                momentum: 0.01,
                epsilon: 1e-3,
            },
            dropout: 0.2,
            initialization: LinearInitialization::Normal(0.01),
            ..Lowered::new(stem, stages(all))
        },
    )
}
