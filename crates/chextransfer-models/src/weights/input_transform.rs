//! Inception v3's own remapping of its input, put into the first convolution.

use std::collections::HashMap;

use super::Dialect;
use crate::stem::StemSpec;
use crate::{Architecture, Channels, NetworkSpec};

/// ImageNet's mean and standard deviation of red, green and blue in `[0, 1]`.
const MEAN: [f64; 3] = [0.485, 0.456, 0.406];
const STD: [f64; 3] = [0.229, 0.224, 0.225];
/// What the checkpoint was trained on: pixels in -1..1.
const CENTRE: f64 = 0.5;
const SPREAD: f64 = 0.5;

/// Metadata of a safetensors file under torchvision's names: `false` says that the network takes its
/// input as it comes (`transform_input=False`).
pub(super) const METADATA: &str = "transform_input";

/// What a checkpoint's first convolution needs so that the network takes the input of all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StemAdaptation {
    /// torchvision's `transform_input`.
    remap: bool,
    /// How the filters' channels become the network's.
    channels: Adaptation,
    /// Elements of a filter for one channel.
    taps: usize,
}

/// How a checkpoint's first filters become those of a network for images of other channels. Either
/// way the output is the same for a grey image, given once or three times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Adaptation {
    Keep,
    /// A colour checkpoint's red, green and blue for grey images.
    Sum,
    /// A third of a grey checkpoint's filter for each colour.
    Spread,
}

impl StemAdaptation {
    /// For a checkpoint with this metadata whose first convolution has a weight of this shape,
    /// `[outputs, channels, height, width]`.
    ///
    /// # Errors
    /// When the metadata say something else than true or false.
    pub(super) fn new(
        spec: &NetworkSpec,
        dialect: Dialect,
        metadata: &HashMap<String, String>,
        shape: &[usize],
    ) -> Result<Self, String> {
        let as_it_comes = match metadata.get(METADATA).map(|value| value.to_lowercase()) {
            None => false,
            Some(stated) => match stated.as_str() {
                "true" => false,
                "false" => true,
                other => {
                    return Err(format!(
                        "its metadata say {METADATA} = `{other}`, expected true or false"
                    ));
                }
            },
        };
        let rgb = shape.get(1) == Some(&3);
        let inception = spec.architecture() == Architecture::InceptionV3;
        Ok(Self {
            remap: inception && dialect == Dialect::Torchvision && rgb && !as_it_comes,
            channels: match (shape.get(1), spec.channels()) {
                (Some(3), Channels::Gray) => Adaptation::Sum,
                (Some(1), Channels::Rgb) => Adaptation::Spread,
                _ => Adaptation::Keep,
            },
            taps: shape.iter().skip(2).product(),
        })
    }

    /// Adapts the tensor at `path`; `weight` holds the checkpoint's values of the first convolution.
    ///
    /// A constant that the remapping adds to every pixel adds a constant to every output, because
    /// this convolution has no padding; the normalisation behind it subtracts the running mean, so
    /// that takes it up, and training is not changed either.
    pub(super) fn apply(self, path: &str, values: &mut Vec<f32>, weight: &[f32]) {
        let taps = self.taps;
        let first = format!("{}.", StemSpec::FIRST);
        let Some(tensor) = path.strip_prefix(&first) else {
            return;
        };
        match tensor {
            "conv.weight" => {
                if self.remap {
                    for (index, value) in values.iter_mut().enumerate() {
                        *value = (f64::from(*value) * STD[index / taps % 3] / SPREAD) as f32;
                    }
                }
                match self.channels {
                    Adaptation::Keep => {}
                    Adaptation::Sum => {
                        *values = values
                            .chunks(3 * taps)
                            .flat_map(|filter| {
                                (0..taps).map(|tap| (0..3).map(|c| filter[c * taps + tap]).sum())
                            })
                            .collect();
                    }
                    Adaptation::Spread => {
                        let filters = values.chunks(taps);
                        let third = |filter: &[f32]| -> Vec<f32> {
                            filter.iter().map(|value| value / 3.0).collect()
                        };
                        *values = filters.flat_map(|filter| third(filter).repeat(3)).collect();
                    }
                }
            }
            "norm.running_mean" if self.remap => {
                for (mean, filter) in values.iter_mut().zip(weight.chunks(3 * taps)) {
                    let constant: f64 = filter
                        .iter()
                        .enumerate()
                        .map(|(index, value)| {
                            f64::from(*value) * (MEAN[index / taps] - CENTRE) / SPREAD
                        })
                        .sum();
                    *mean = (f64::from(*mean) - constant) as f32;
                }
            }
            _ => {}
        }
    }
}
