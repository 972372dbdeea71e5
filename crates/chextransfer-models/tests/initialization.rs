//! Fresh weights have the distributions that the reference implementations draw from.
//!
//! What is expected is written down here from torchvision 0.29 and timm 1.0 themselves, family by
//! family. Two details of theirs: `torch.nn.init.kaiming_normal_` does not divide the fan-out of a
//! grouped convolution by its groups, and torchvision sets the smaller deviation of `inception_v3`'s
//! auxiliary convolution on a wrapper where nothing reads it, so that it starts like all others.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot, bridge};
use chextransfer_models::{Architecture, Channels, DeviceChoice, Family, Network, NetworkSpec};

/// Outputs of the heads: another number than any layer's inputs, so that fan-in and fan-out differ.
const CLASSES: usize = 44;
/// Elements from which a tensor is large enough for its moments to say something.
const LARGE: usize = 1000;
/// Elements of a tensor that are sorted to compare the whole distribution.
const SORTED: usize = 20_000;
/// Standard deviations that a moment may be off by chance: 6 in ten million are.
const DEVIATIONS: f64 = 5.0;
/// Kolmogorov's distance times the root of the count, exceeded by 3 in a million.
const KOLMOGOROV: f64 = 2.6;

/// A distribution around 0, or one value.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Law {
    /// With this standard deviation.
    Normal(f64),
    /// Between minus and plus this bound.
    Uniform(f64),
    Constant(f32),
}

impl Law {
    /// Standard deviation.
    fn sigma(self) -> f64 {
        match self {
            Self::Normal(sigma) => sigma,
            Self::Uniform(bound) => bound / 3f64.sqrt(),
            Self::Constant(_) => 0.0,
        }
    }

    /// Fourth and eighth moment in units of the standard deviation.
    fn moments(self) -> (f64, f64) {
        match self {
            Self::Normal(_) => (3.0, 105.0),
            _ => (9.0 / 5.0, 9.0),
        }
    }

    /// Probability of less than `x` standard deviations.
    fn below(self, x: f64) -> f64 {
        match self {
            Self::Normal(_) => normal_below(x),
            _ => (0.5 + x / 12f64.sqrt()).clamp(0.0, 1.0),
        }
    }
}

/// Abramowitz and Stegun 7.1.26, to 1.5e-7.
fn normal_below(x: f64) -> f64 {
    let z = x.abs() / 2f64.sqrt();
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let coefficients = [
        1.061_405_429,
        -1.453_152_027,
        1.421_413_741,
        -0.284_496_736,
        0.254_829_592,
    ];
    let series = coefficients.iter().fold(0.0, |sum, a| (sum + a) * t);
    let tail = series * (-z * z).exp() / 2.0;
    if x < 0.0 { tail } else { 1.0 - tail }
}

/// What the reference draws the tensor at this path from; weights are `[outputs, inputs, ...]`.
fn law(spec: &NetworkSpec, path: &str, shape: &[usize]) -> Law {
    const ZERO: Law = Law::Constant(0.0);
    const ONE: Law = Law::Constant(1.0);
    let family = spec.architecture().family();
    let (layer, tensor) = path.rsplit_once('.').unwrap();
    if layer.ends_with("norm") {
        return if matches!(tensor, "weight" | "running_var") {
            ONE
        } else {
            ZERO
        };
    }
    let root = |value: usize| (value as f64).sqrt();
    if layer.starts_with("head.") || layer.starts_with("auxiliary.head.") {
        let inputs = if layer.ends_with("hidden") || spec.head().hidden.is_none() {
            spec.head().features
        } else {
            1280
        };
        let inputs = if layer.starts_with("auxiliary") {
            768
        } else {
            inputs
        };
        if tensor == "weight" {
            assert_eq!(shape[1], inputs, "{path}");
        }
        let outputs = shape[0];
        let default = Law::Uniform(1.0 / root(inputs));
        let (weight, bias) = match family {
            _ if spec.dropped() > 0 => (default, default),
            Family::ResNet | Family::InceptionV4 => (default, default),
            Family::DenseNet => (default, ZERO),
            Family::InceptionV3 if layer.starts_with("auxiliary") => (Law::Normal(0.001), default),
            Family::InceptionV3 => (Law::Normal(0.1), default),
            Family::MnasNet => (Law::Uniform((3.0 / outputs as f64).sqrt()), ZERO),
            Family::EfficientNet => (Law::Uniform(1.0 / root(outputs)), ZERO),
            Family::MobileNetV2 | Family::MobileNetV3 => (Law::Normal(0.01), ZERO),
        };
        return if tensor == "weight" { weight } else { bias };
    }
    // The biases of gates; no other convolution has one.
    if tensor == "bias" {
        assert!(layer.contains("squeeze_excite"), "{path}");
        return ZERO;
    }
    let fan_in = shape[1..].iter().product::<usize>();
    let fan_out = shape[0] * shape[2..].iter().product::<usize>();
    match family {
        Family::DenseNet => Law::Normal((2.0 / fan_in as f64).sqrt()),
        Family::InceptionV3 => Law::Normal(0.1),
        Family::InceptionV4 => Law::Uniform(1.0 / root(fan_in)),
        _ => Law::Normal((2.0 / fan_out as f64).sqrt()),
    }
}

/// Fails with `name` unless these are independent draws from the law.
fn assert_drawn_from(law: Law, values: &[f32], name: &str) {
    if let Law::Constant(value) = law {
        assert!(
            values.iter().all(|found| *found == value),
            "{name} is not {value} throughout"
        );
        return;
    }
    let sigma = law.sigma();
    let scaled: Vec<f64> = values
        .iter()
        .map(|value| f64::from(*value) / sigma)
        .collect();
    if let Law::Uniform(bound) = law {
        let largest = values
            .iter()
            .fold(0.0f64, |largest, value| largest.max(f64::from(value.abs())));
        assert!(
            largest <= bound * (1.0 + 1e-6),
            "{name} reaches {largest}, beyond {bound}"
        );
        let nearly = bound * (1.0 - 15.0 / values.len() as f64);
        assert!(
            largest > nearly,
            "{name} ends at {largest}, far from {bound}"
        );
    }
    if values.len() < LARGE {
        return;
    }
    let count = scaled.len() as f64;
    let mean_of = |power: i32| scaled.iter().map(|x| x.powi(power)).sum::<f64>() / count;
    let (fourth, eighth) = law.moments();
    let pairs = scaled.windows(2).map(|pair| pair[0] * pair[1]);
    // Each with what is expected and the standard deviation of a single draw.
    let statistics = [
        ("mean", mean_of(1), 0.0, 1.0),
        ("variance", mean_of(2), 1.0, (fourth - 1.0).sqrt()),
        ("skewness", mean_of(3), 0.0, sixth(law).sqrt()),
        (
            "kurtosis",
            mean_of(4),
            fourth,
            (eighth - fourth * fourth).sqrt(),
        ),
        (
            "correlation of neighbours",
            pairs.sum::<f64>() / count,
            0.0,
            1.0,
        ),
    ];
    for (statistic, found, expected, deviation) in statistics {
        let tolerance = DEVIATIONS * deviation / count.sqrt();
        assert!(
            (found - expected).abs() < tolerance,
            "{name} from {law:?}: {statistic} {found} instead of {expected} within {tolerance}"
        );
    }
    let distance = kolmogorov(law, &scaled[..scaled.len().min(SORTED)]);
    let tolerance = KOLMOGOROV / count.min(SORTED as f64).sqrt();
    assert!(
        distance < tolerance,
        "{name} is {distance} away from {law:?}, more than {tolerance}"
    );
}

/// Sixth moment in units of the standard deviation.
fn sixth(law: Law) -> f64 {
    match law {
        Law::Normal(_) => 15.0,
        _ => 27.0 / 7.0,
    }
}

/// The largest distance between the distribution of the values and the law's.
fn kolmogorov(law: Law, scaled: &[f64]) -> f64 {
    let mut sorted = scaled.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len() as f64;
    let distances = sorted.iter().enumerate().map(|(index, value)| {
        let expected = law.below(*value);
        let (before, after) = (index as f64 / count, (index + 1) as f64 / count);
        (expected - before).abs().max((expected - after).abs())
    });
    distances.fold(0.0, f64::max)
}

/// Shape and values of every tensor, by path.
fn tensors(network: &Network) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let tensors = network.collect(None, Some(Box::new(BurnToPyTorchAdapter)), true);
    let tensors = tensors.into_iter().map(|tensor| {
        let path = tensor.name.clone();
        let data = bridge::into_data(tensor).unwrap();
        (path, (data.shape().to_vec(), data.iter::<f32>().collect()))
    });
    tensors.collect()
}

fn init(spec: &NetworkSpec, seed: u64) -> Network {
    spec.init(seed, &DeviceChoice::Cpu.open().unwrap())
}

/// Tests every tensor, and all small ones of a kind together, which would be too few alone.
fn assert_starts_as_the_reference(spec: &NetworkSpec) {
    let mut pooled: BTreeMap<&str, Vec<f32>> = BTreeMap::new();
    for (path, (shape, values)) in tensors(&init(spec, 3)) {
        let law = law(spec, &path, &shape);
        assert_drawn_from(law, &values, &format!("{} {path} {shape:?}", spec.name()));
        let kind = match law {
            Law::Normal(_) => "normal",
            Law::Uniform(_) => "uniform",
            Law::Constant(_) => continue,
        };
        if values.len() < LARGE {
            let scaled = values
                .iter()
                .map(|value| (f64::from(*value) / law.sigma()) as f32);
            pooled.entry(kind).or_default().extend(scaled);
        }
    }
    for (kind, values) in pooled {
        let law = if kind == "normal" {
            Law::Normal(1.0)
        } else {
            Law::Uniform(3f64.sqrt())
        };
        assert_drawn_from(
            law,
            &values,
            &format!("{}'s small {kind} tensors", spec.name()),
        );
    }
}

fn assert_family_starts_as_the_reference(family: Family) {
    let members = Architecture::ALL
        .into_iter()
        .filter(|member| member.family() == family);
    for architecture in members {
        assert_starts_as_the_reference(&architecture.spec().with_classes(CLASSES).unwrap());
    }
}

#[test]
fn densenets_start_with_fan_in_kaiming_normal_filters() {
    assert_family_starts_as_the_reference(Family::DenseNet);
}

#[test]
fn resnets_start_with_fan_out_kaiming_normal_filters() {
    assert_family_starts_as_the_reference(Family::ResNet);
}

#[test]
fn inception_v3_starts_with_one_deviation_for_all_filters() {
    assert_family_starts_as_the_reference(Family::InceptionV3);
    let filters = tensors(&init(&Architecture::InceptionV3.spec(), 3));
    let largest = filters.values().flat_map(|(_, values)| values);
    let largest = largest.fold(0.0f32, |largest, value| largest.max(value.abs()));
    // torch.nn.init.trunc_normal_ cuts at 2, not at two standard deviations.
    assert!(
        largest > 0.4 && largest <= 2.0,
        "the largest weight is {largest}"
    );
}

#[test]
fn inception_v4_starts_as_pytorch_does() {
    assert_family_starts_as_the_reference(Family::InceptionV4);
}

#[test]
fn mnasnet_starts_with_fan_out_kaiming_in_filters_and_head() {
    assert_family_starts_as_the_reference(Family::MnasNet);
}

#[test]
fn efficientnets_start_with_fan_out_kaiming_filters_also_in_their_gates() {
    assert_family_starts_as_the_reference(Family::EfficientNet);
}

#[test]
fn mobilenet_v2_starts_with_fan_out_kaiming_filters_and_a_narrow_head() {
    assert_family_starts_as_the_reference(Family::MobileNetV2);
}

#[test]
fn mobilenet_v3_starts_with_fan_out_kaiming_filters_and_narrow_linear_layers() {
    assert_family_starts_as_the_reference(Family::MobileNetV3);
}

#[test]
fn the_head_of_a_cut_starts_as_pytorchs_linear_layer() {
    for architecture in Architecture::ALL {
        let cut = architecture.spec().blocks().len() - 1;
        let spec = architecture
            .minus(cut)
            .unwrap()
            .with_classes(CLASSES)
            .unwrap();
        assert_starts_as_the_reference(&spec);
    }
}

#[test]
fn no_two_tensors_start_with_the_same_numbers() {
    let spec = Architecture::MobileNetV3Large.spec();
    let (first, second) = (tensors(&init(&spec, 0)), tensors(&init(&spec, 1)));
    let mut seen = BTreeMap::new();
    for (seed, network) in [(0, &first), (1, &second)] {
        for (path, (shape, values)) in network {
            if !matches!(law(&spec, path, shape), Law::Constant(_)) {
                let start: Vec<u32> = values[..9].iter().map(|value| value.to_bits()).collect();
                let before = seen.insert(start, (seed, path));
                assert_eq!(
                    before, None,
                    "{path} of seed {seed} starts like another tensor"
                );
            }
        }
    }
    assert!(
        first == tensors(&init(&spec, 0)),
        "the same seed gave other numbers"
    );
}

#[test]
fn one_channel_starts_with_the_sum_of_the_colours() {
    for architecture in Architecture::ALL {
        let cut = architecture.spec().blocks().len() - 1;
        let spec = architecture.minus(cut).unwrap();
        let colour = tensors(&init(&spec, 3));
        let gray = tensors(&init(&spec.clone().with_channels(Channels::Gray), 3));
        let first = "stem.layers.0.conv.weight";
        for (path, expected) in &colour {
            if path != first {
                assert!(gray[path] == *expected, "{architecture} {path}");
            }
        }
        let (shape, expected) = &colour[first];
        let (gray_shape, found) = &gray[first];
        assert_eq!(
            *gray_shape,
            [shape[0], 1, shape[2], shape[3]],
            "{architecture}"
        );
        let taps = shape[2] * shape[3];
        for (index, found) in found.iter().enumerate() {
            let (filter, tap) = (index / taps, index % taps);
            let sum: f32 = (0..3)
                .map(|c| expected[(filter * 3 + c) * taps + tap])
                .sum();
            assert!(
                (found - sum).abs() < 1e-6,
                "{architecture}: {found} instead of {sum}"
            );
        }
    }
}
