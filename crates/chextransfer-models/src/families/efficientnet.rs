//! EfficientNet-B0 to B3: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019, table 1
//! and the coefficients of its published code.

use super::inverted_residuals::{Stage, multiple_of_8, stages};
use crate::Architecture;
use crate::layers::{Activation, ConvSpec, LinearInitialization, SqueezeExciteSpec};
use crate::neck::NeckSpec;
use crate::spec::{Lowered, NetworkSpec};
use crate::stem::StemSpec;

/// A member of the family: factors of width and depth, dropout before the last layer.
pub(crate) struct EfficientNet {
    architecture: Architecture,
    width: f64,
    depth: f64,
    dropout: f64,
}

#[rustfmt::skip]
mod table {
    use super::*;
    pub(crate) const EFFICIENTNET_B0: EfficientNet = EfficientNet { architecture: Architecture::EfficientNetB0, width: 1.0, depth: 1.0, dropout: 0.2 };
    pub(crate) const EFFICIENTNET_B1: EfficientNet = EfficientNet { architecture: Architecture::EfficientNetB1, width: 1.0, depth: 1.1, dropout: 0.2 };
    pub(crate) const EFFICIENTNET_B2: EfficientNet = EfficientNet { architecture: Architecture::EfficientNetB2, width: 1.1, depth: 1.2, dropout: 0.3 };
    pub(crate) const EFFICIENTNET_B3: EfficientNet = EfficientNet { architecture: Architecture::EfficientNetB3, width: 1.2, depth: 1.4, dropout: 0.3 };
}
pub(crate) use table::*;

/// The table for B0.
#[rustfmt::skip]
const STAGES: [Stage; 7] = [
    Stage { expansion: 1, kernel: 3, stride: 1, channels:  16, units: 1 },
    Stage { expansion: 6, kernel: 3, stride: 2, channels:  24, units: 2 },
    Stage { expansion: 6, kernel: 5, stride: 2, channels:  40, units: 2 },
    Stage { expansion: 6, kernel: 3, stride: 2, channels:  80, units: 3 },
    Stage { expansion: 6, kernel: 5, stride: 1, channels: 112, units: 3 },
    Stage { expansion: 6, kernel: 5, stride: 2, channels: 192, units: 4 },
    Stage { expansion: 6, kernel: 3, stride: 1, channels: 320, units: 1 },
];

/// Channels of B0's stem.
const STEM: usize = 32;
/// Channels of the last convolution, in units of the last stage's.
const LAST: usize = 4;
/// Share of a unit's input channels that its gate squeezes to, as the reciprocal.
const SQUEEZE: usize = 4;
/// Share of images that skip the last unit in training; it grows linearly from 0 at the first.
const STOCHASTIC_DEPTH: f64 = 0.2;

impl EfficientNet {
    pub(crate) fn lower(&self) -> NetworkSpec {
        let wide = |channels: usize| multiple_of_8(channels as f64 * self.width);
        let activation = Activation::Silu;
        let mut input = wide(STEM);
        let stem = StemSpec::conv(ConvSpec::new(3, input, 3, activation).stride(2));
        let units = STAGES.map(|stage| {
            let scaled = Stage {
                channels: wide(stage.channels),
                units: (stage.units as f64 * self.depth).ceil() as usize,
                ..stage
            };
            let input = std::mem::replace(&mut input, scaled.channels);
            scaled.units(input, activation, |input, expanded| {
                Some(SqueezeExciteSpec {
                    channels: expanded,
                    squeezed: input / SQUEEZE,
                    activation,
                    gate: Activation::Sigmoid,
                })
            })
        });
        let last = ConvSpec::new(input, LAST * input, 1, activation);
        NetworkSpec::new(
            self.architecture,
            Lowered {
                neck: Some(NeckSpec::Conv(last)),
                dropout: self.dropout,
                stochastic_depth: STOCHASTIC_DEPTH,
                initialization: LinearInitialization::UniformOutputs,
                ..Lowered::new(stem, stages(units.into()))
            },
        )
    }
}
