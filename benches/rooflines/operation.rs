//! Operations of a network, one by one.

use burn::tensor::{Device, Distribution, Tensor};
use chextransfer_kernels::{
    Activation, Affine, ConvOptions, batch_norm_train, conv2d, conv2d_affine,
};
use chextransfer_models::{ConvSummary, NetworkSpec};

use super::common::BATCH;
use super::machine::{Machine, fastest};

/// A kind of layer at one size, as often as a network has it.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) name: String,
    /// How many of the network's layers are of this size.
    pub(crate) layers: usize,
    /// Seconds of all of them.
    pub(crate) seconds: f64,
    /// Seconds that they would take at least at the machine's rates, where every value is read and written once.
    pub(crate) least: f64,
    /// Whether the copy of values is what bounds them, and not their multiplications.
    pub(crate) is_bound_by_memory: bool,
}

/// What is measured of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The convolution with folded normalisation and activation.
    Inference,
    Forward,
    /// Those of the input and of the weights.
    Gradients,
    Normalization,
    NormalizationGradients,
}

const INFERENCE: &[Part] = &[Part::Inference];
const TRAINING: &[Part] = &[
    Part::Forward,
    Part::Gradients,
    Part::Normalization,
    Part::NormalizationGradients,
];

/// All operations of a network in a mode, longest first.
pub(crate) fn operations(spec: &NetworkSpec, training: bool, machine: &Machine) -> Vec<Operation> {
    let mut sizes: Vec<(ConvSummary, usize)> = Vec::new();
    for layer in spec.convolutions([super::SIDE; 2]).unwrap_or_default() {
        let same = |other: &ConvSummary| {
            let key = |layer: &ConvSummary| {
                let conv = &layer.conv;
                let window = (conv.kernel, conv.stride, conv.padding, conv.groups);
                (conv.input, conv.output, window, conv.norm, layer.input)
            };
            key(other) == key(&layer)
        };
        match sizes.iter_mut().find(|(other, _)| same(other)) {
            Some((_, count)) => *count += 1,
            None => sizes.push((layer, 1)),
        }
    }
    let parts = if training { TRAINING } else { INFERENCE };
    let mut operations: Vec<_> = (sizes.iter())
        .flat_map(|(layer, count)| {
            let parts = parts.iter();
            parts.filter_map(|part| measure(layer, *count, *part, machine))
        })
        .collect();
    operations.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    operations
}

fn measure(layer: &ConvSummary, count: usize, part: Part, machine: &Machine) -> Option<Operation> {
    let conv = &layer.conv;
    let device = match part {
        Part::Inference => Device::flex(),
        _ => Device::flex().autodiff(),
    };
    let options = ConvOptions {
        stride: conv.stride,
        padding: conv.padding,
        groups: conv.groups,
    };
    let noise = |shape| Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device);
    let [rows, columns] = conv.kernel;
    let inputs = [BATCH, conv.input, layer.input[0], layer.input[1]];
    let outputs = [BATCH, conv.output, layer.output[0], layer.output[1]];
    let weights = [conv.output, conv.input / conv.groups, rows, columns];
    let [input, weight] = [inputs, weights].map(noise);
    let of_channels = || Tensor::<1>::ones([conv.output], &device);
    let activation = conv.norm.unwrap_or(Activation::Identity);
    let seconds = match part {
        Part::Inference => fastest(|| {
            let (input, weight) = (input.clone(), weight.clone());
            let behind = Affine {
                factor: None,
                summand: of_channels(),
                activation,
            };
            drop(conv2d_affine(input, None, weight, Some(behind), options));
        }),
        Part::Forward => fastest(|| {
            drop(conv2d(input.clone(), weight.clone(), None, options));
        }),
        Part::Gradients => {
            let [input, weight] = [input, weight].map(|tensor| tensor.require_grad());
            gradients(|| conv2d(input.clone(), weight.clone(), None, options))
        }
        Part::Normalization | Part::NormalizationGradients => {
            conv.norm?;
            let map = noise(outputs);
            let [factor, summand] = [of_channels(), of_channels()];
            if part == Part::Normalization {
                fastest(|| {
                    let (factor, summand) = (factor.clone(), summand.clone());
                    drop(batch_norm_train(map.clone(), factor, summand, 1e-5, activation).output);
                })
            } else {
                let map = map.require_grad();
                let [factor, summand] = [factor, summand].map(|tensor| tensor.require_grad());
                gradients(|| {
                    let (factor, summand) = (factor.clone(), summand.clone());
                    batch_norm_train(map.clone(), factor, summand, 1e-5, activation).output
                })
            }
        }
    };
    let values = |shape: [usize; 4]| shape.iter().product::<usize>() as f64;
    let (input, output, weight) = (values(inputs), values(outputs), values(weights));
    let macs = (layer.macs * BATCH as u64) as f64;
    let (macs, moved) = match part {
        Part::Inference | Part::Forward => (macs, input + output + weight),
        Part::Gradients => (2.0 * macs, 2.0 * input + output + 2.0 * weight),
        Part::Normalization => (0.0, 2.0 * output),
        Part::NormalizationGradients => (0.0, 3.0 * output),
    };
    let (macs, bytes) = (count as f64 * macs, count as f64 * 4.0 * moved);
    Some(Operation {
        name: name(layer, part),
        layers: count,
        seconds: seconds * count as f64,
        least: machine.least(macs, bytes),
        is_bound_by_memory: bytes / machine.bytes > macs / machine.macs,
    })
}

/// Seconds of the way back.
fn gradients(forward: impl Fn() -> Tensor<4>) -> f64 {
    let ways = fastest(|| drop(forward().backward()));
    (ways - fastest(|| drop(forward()))).max(f64::MIN_POSITIVE)
}

fn name(layer: &ConvSummary, part: Part) -> String {
    let conv = &layer.conv;
    let [rows, columns] = conv.kernel;
    let kind = match conv.groups {
        1 => "",
        _ => "depthwise ",
    };
    let stride = match conv.stride {
        [1, 1] => String::new(),
        [down, _] => format!(" / {down}"),
    };
    let [height, width] = layer.output;
    let size = format!("{height}x{width}");
    let convolution = format!(
        "{kind}{rows}x{columns}{stride}, {} to {} channels of {size}",
        conv.input, conv.output
    );
    match part {
        Part::Inference => convolution,
        Part::Forward => format!("{convolution}, forward"),
        Part::Gradients => format!("{convolution}, gradients"),
        Part::Normalization => format!(
            "normalisation of {} channels of {size}, forward",
            conv.output
        ),
        Part::NormalizationGradients => {
            format!(
                "normalisation of {} channels of {size}, gradients",
                conv.output
            )
        }
    }
}
