//! The fast paths against the compositions of Burn's operations that they stand for, in values and gradients.
#![allow(clippy::unwrap_used)]

use burn::tensor::ops::{AvgPoolOptions, ConvOptions as BurnConvOptions, MaxPoolOptions};
use burn::tensor::{DType, Device, Distribution, Tensor, activation, module};
use chextransfer_kernels::{
    Activation, AdamStep, Affine, ConvOptions, PoolKind, PoolOptions, adam_step, add_activate,
    batch_norm_train, channel_affine, concatenate_channels, conv2d, conv2d_affine, global_average,
    pool2d, scale_channels,
};
use proptest::prelude::*;

fn device() -> Device {
    Device::flex().autodiff()
}

/// Values of a formula, so that tests do not share Burn's one generator.
fn tensor<const D: usize>(shape: [usize; D], seed: usize) -> Tensor<D> {
    let count: usize = shape.iter().product();
    let value = |index: usize| {
        let mixed = (index + 7 * seed + 1).wrapping_mul(2_654_435_761) >> 7;
        (mixed % 20_011) as f32 / 10_005.5 - 1.0
    };
    let values: Vec<f32> = (0..count).map(value).collect();
    Tensor::from_data(burn::tensor::TensorData::new(values, shape), &device())
}

/// Largest difference, as a share of the largest value of `scale`.
#[track_caller]
fn assert_close<const D: usize>(
    what: &str,
    found: Tensor<D>,
    expected: Tensor<D>,
    scale: Tensor<D>,
    bound: f64,
) {
    assert_eq!(found.dims(), expected.dims(), "{what}");
    let values = |tensor: Tensor<D>| tensor.into_data().try_into_vec_as::<f64>().unwrap();
    let (found, expected) = (values(found), values(expected));
    let largest = values(scale)
        .iter()
        .fold(1e-3, |largest: f64, value| largest.max(value.abs()));
    for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
        let off = (found - expected).abs() / largest;
        assert!(
            off <= bound,
            "{what}: {found}, not {expected}, at {index} (off by {off})"
        );
    }
}

/// The output of an operation and the gradient of each input.
fn results<const D: usize>(
    inputs: [Tensor<4>; 2],
    weights: impl Fn(Tensor<D>) -> Tensor<D>,
    operation: impl Fn(Tensor<4>, Tensor<4>) -> Tensor<D>,
) -> (Tensor<D>, [Tensor<4>; 2]) {
    let [a, b] = inputs.map(|input| input.detach().require_grad());
    let output = operation(a.clone(), b.clone());
    let weights = weights(tensor(output.dims(), 99).cast(output.dtype()));
    let gradients = (output.clone() * weights).sum().backward();
    (output, [a, b].map(|input| input.grad(&gradients).unwrap()))
}

/// Holds an operation against its composition: output, and the gradient of every input.
#[track_caller]
fn agree<const D: usize>(
    what: &str,
    inputs: [Tensor<4>; 2],
    fast: impl Fn(Tensor<4>, Tensor<4>) -> Tensor<D>,
    composed: impl Fn(Tensor<4>, Tensor<4>) -> Tensor<D>,
    bound: f64,
) {
    let found = results(inputs.clone(), |weights| weights, fast);
    let expected = results(inputs, |weights| weights, composed);
    compare(what, found, expected.clone(), expected, bound);
}

/// The same for convolutions, against float64. Sums may cancel, so what they are off by is measured by the sum of their terms' magnitudes, as their rounding is.
#[track_caller]
fn convolve_alike(
    what: &str,
    inputs: [Tensor<4>; 2],
    fast: impl Fn(Tensor<4>, Tensor<4>) -> Tensor<4>,
    composed: impl Fn(Tensor<4>, Tensor<4>) -> Tensor<4>,
    bound: f64,
) {
    let exact = inputs.clone().map(|input| input.cast(DType::F64));
    let magnitudes = exact.clone().map(Tensor::abs);
    let found = results(inputs, |weights| weights, fast);
    let expected = results(exact, |weights| weights, &composed);
    let scale = results(magnitudes, Tensor::abs, composed);
    compare(what, found, expected, scale, bound);
}

#[track_caller]
fn compare<const D: usize>(
    what: &str,
    (output, [of_a, of_b]): (Tensor<D>, [Tensor<4>; 2]),
    (expected, [expected_a, expected_b]): (Tensor<D>, [Tensor<4>; 2]),
    (scale, [scale_a, scale_b]): (Tensor<D>, [Tensor<4>; 2]),
    bound: f64,
) {
    let part = |part: &str| format!("{what}: {part}");
    assert_close(&part("output"), output, expected, scale, bound);
    assert_close(&part("first gradient"), of_a, expected_a, scale_a, bound);
    assert_close(&part("second gradient"), of_b, expected_b, scale_b, bound);
}

#[derive(Debug, Clone, Copy)]
struct Case {
    batch: usize,
    input: usize,
    output: usize,
    map: [usize; 2],
    kernel: [usize; 2],
    options: ConvOptions,
}

impl Case {
    fn burn(&self) -> BurnConvOptions<2> {
        let [rows, columns] = self.options.padding;
        let padding = [(rows, rows), (columns, columns)];
        BurnConvOptions::new_with_padding(self.options.stride, padding, [1; 2], self.options.groups)
    }

    fn may_be_winograds(&self) -> bool {
        let ConvOptions { stride, groups, .. } = self.options;
        let channels = self.input.min(self.output);
        self.kernel == [3, 3] && stride == [1, 1] && groups == 1 && channels >= 16
    }

    #[track_caller]
    fn check(&self) {
        let [rows, columns] = self.kernel;
        let input = tensor([self.batch, self.input, self.map[0], self.map[1]], 1);
        let weight = [self.output, self.input / self.options.groups, rows, columns];
        convolve_alike(
            &format!("{self:?}"),
            [input, tensor(weight, 2)],
            |input, weight| conv2d(input, weight, None, self.options),
            |input, weight| module::conv2d(input, weight, None, self.burn()),
            // Rounding at Winograd's points is larger, for values with a pattern more than for others.
            if self.may_be_winograds() { 6e-6 } else { 1e-6 },
        );
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let sides = |range: std::ops::RangeInclusive<usize>| [range.clone(), range];
    (
        (1..=3usize, 1..=20usize, 1..=20usize),
        sides(1..=19),
        sides(1..=5),
        sides(1..=3),
        sides(0..=4),
        any::<bool>(),
    )
        .prop_map(
            |((batch, input, output), map, kernel, stride, padding, depthwise)| {
                let padding = [0, 1].map(|axis| padding[axis].min(kernel[axis] - 1));
                let fits = [0, 1].map(|axis| map[axis].max(kernel[axis]));
                Case {
                    batch,
                    input,
                    output: if depthwise { input } else { output },
                    map: fits,
                    kernel,
                    options: ConvOptions {
                        stride,
                        padding,
                        groups: if depthwise { input } else { 1 },
                    },
                }
            },
        )
}

/// Those that are computed at Winograd's points, if they are large enough.
fn three_by_three() -> impl Strategy<Value = Case> {
    let sizes = (1..=4usize, 16..=70usize, 16..=70usize, 3..=22usize);
    (sizes, 3..=22usize, [0..=2usize, 0..=2]).prop_map(
        |((batch, input, output, height), width, padding)| Case {
            batch,
            input,
            output,
            map: [height, width],
            kernel: [3, 3],
            options: ConvOptions {
                padding,
                ..ConvOptions::default()
            },
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn convolutions_agree(case in cases()) {
        case.check();
    }

    #[test]
    fn convolutions_at_winograds_points_agree(case in three_by_three()) {
        case.check();
    }
}

#[test]
fn convolutions_of_the_networks_agree() {
    let case = |input, output, map, kernel: [usize; 2], stride: usize, groups| Case {
        batch: 2,
        input,
        output,
        map: [map; 2],
        kernel,
        options: ConvOptions {
            stride: [stride; 2],
            padding: kernel.map(|side| side / 2),
            groups,
        },
    };
    for case in [
        case(3, 64, 65, [7, 7], 2, 1),
        case(64, 64, 28, [3, 3], 1, 1),
        case(64, 64, 56, [3, 3], 1, 1),
        case(128, 32, 14, [3, 3], 1, 1),
        case(270, 180, 14, [3, 3], 1, 1),
        case(64, 128, 28, [3, 3], 2, 1),
        case(64, 128, 28, [1, 1], 2, 1),
        case(512, 300, 7, [3, 3], 1, 1),
        case(700, 130, 14, [1, 1], 1, 1),
        case(24, 144, 56, [1, 1], 1, 1),
        case(40, 48, 17, [1, 7], 1, 1),
        case(40, 48, 17, [7, 1], 1, 1),
        case(96, 96, 57, [3, 3], 2, 96),
        case(40, 40, 56, [3, 3], 1, 40),
        case(72, 72, 29, [5, 5], 2, 72),
        case(120, 120, 14, [5, 5], 1, 120),
        case(16, 16, 7, [5, 5], 1, 16),
    ] {
        case.check();
    }
}

#[test]
fn what_is_not_contiguous_is_convolved_all_the_same() {
    let options = ConvOptions {
        padding: [1, 1],
        ..ConvOptions::default()
    };
    let view = |input: Tensor<4>| input.swap_dims(2, 3).narrow(1, 2, 6).flip([0]);
    convolve_alike(
        "views",
        [tensor([3, 9, 11, 8], 3), tensor([5, 3, 3, 6], 4)],
        |input, weight| conv2d(view(input), weight.permute([0, 3, 1, 2]), None, options),
        |input, weight| {
            let burn = BurnConvOptions::new_with_padding([1; 2], [(1, 1), (1, 1)], [1; 2], 1);
            module::conv2d(view(input), weight.permute([0, 3, 1, 2]), None, burn)
        },
        1e-6,
    );
}

#[test]
fn a_convolution_with_its_epilogue_is_the_convolution_and_then_it() {
    let plain = Device::flex();
    for groups in [1, 7] {
        for activation in Activation::ALL {
            let [input, weight] = [tensor([2, 7, 9, 10], 1), tensor([7, 7 / groups, 3, 3], 2)];
            let [factor, summand] = [5, 6].map(|seed| tensor([7], seed).to_device(&plain));
            let [input, weight] = [input, weight].map(|tensor| tensor.to_device(&plain));
            let options = ConvOptions {
                stride: [2, 1],
                padding: [1, 0],
                groups,
            };
            let fused = |factor| {
                let behind = Affine {
                    factor,
                    summand: summand.clone(),
                    activation,
                };
                conv2d_affine(input.clone(), None, weight.clone(), Some(behind), options)
            };
            let output = conv2d(input.clone(), weight.clone(), None, options);
            let ones = factor.ones_like();
            for (found, factor) in [(fused(Some(factor.clone())), factor), (fused(None), ones)] {
                let affine = channel_affine(output.clone(), factor, summand.clone(), activation);
                assert_close(
                    &format!("{activation:?}"),
                    found,
                    affine.clone(),
                    affine,
                    1e-6,
                );
            }
        }
    }
}

#[test]
fn what_happens_before_a_convolution_is_as_if_it_had_happened_alone() {
    let plain = Device::flex();
    // Packed, read in place, with a border, with steps.
    for (outputs, map, kernel, padding, stride) in [
        (40, [8, 12], 1, 0, 1),
        (40, [9, 5], 1, 0, 1),
        (5, [8, 8], 1, 0, 1),
        (7, [9, 9], 1, 0, 2),
        (6, [9, 5], 1, 1, 1),
        (6, [9, 5], 3, 1, 1),
    ] {
        for activation in Activation::ALL {
            let input = tensor([3, 21, map[0], map[1]], 1).to_device(&plain) * 8.0;
            let weight = tensor([outputs, 21, kernel, kernel], 2).to_device(&plain);
            let [factor, summand] = [5, 6].map(|seed| tensor([21], seed).to_device(&plain));
            let options = ConvOptions {
                padding: [padding.min(kernel - 1); 2],
                stride: [stride; 2],
                groups: 1,
            };
            let behind = || {
                Some(Affine {
                    factor: None,
                    summand: tensor([outputs], 7).to_device(&plain),
                    activation: Activation::Relu,
                })
            };
            for factor in [Some(factor), None] {
                let ones = summand.ones_like();
                let prepared = channel_affine(
                    input.clone(),
                    factor.clone().unwrap_or(ones),
                    summand.clone(),
                    activation,
                );
                let before = Affine {
                    factor,
                    summand: summand.clone(),
                    activation,
                };
                for behind in [behind(), None] {
                    let apart = conv2d_affine(
                        prepared.clone(),
                        None,
                        weight.clone(),
                        behind.clone(),
                        options,
                    );
                    let found = conv2d_affine(
                        input.clone(),
                        Some(before.clone()),
                        weight.clone(),
                        behind,
                        options,
                    );
                    let what = format!("{outputs} of {map:?}, {kernel}, {activation:?}");
                    assert_close(&what, found, apart.clone(), apart, 1e-6);
                }
            }
        }
    }
}

#[test]
fn what_is_no_number_stays_so_behind_a_convolution() {
    let plain = Device::flex();
    for (channels, groups, kernel) in [(32, 1, 3), (32, 1, 1), (8, 8, 3)] {
        let input = tensor([2, channels, 16, 16], 1).to_device(&plain);
        let input = input.slice_fill([0..1, 0..1, 5..6, 7..8], f32::NAN);
        let weight = tensor([channels, channels / groups, kernel, kernel], 2).to_device(&plain);
        for activation in [Activation::Relu, Activation::Relu6, Activation::Hardswish] {
            let options = ConvOptions {
                padding: [kernel / 2; 2],
                groups,
                ..ConvOptions::default()
            };
            let summand = tensor([channels], 3).to_device(&plain);
            let behind = Affine {
                factor: None,
                summand,
                activation,
            };
            let (input, weight) = (input.clone(), weight.clone());
            let output = conv2d_affine(input, None, weight, Some(behind), options);
            let values = output.into_data().try_into_vec_as::<f32>().unwrap();
            assert!(values[5 * 16 + 7].is_nan(), "{kernel} {activation:?}");
        }
    }
}

/// Points at which no activation has a kink.
fn smooth(shape: [usize; 4], seed: usize) -> Tensor<4> {
    tensor(shape, seed) * 4.3
}

#[test]
fn activations_agree() {
    for activation in Activation::ALL {
        agree(
            &format!("{activation:?}"),
            [smooth([2, 3, 7, 5], 1), smooth([2, 3, 7, 5], 2)],
            |a, b| activation.forward(a + b.clone()) * b,
            |a, b| composed(a + b.clone(), activation) * b,
            1e-6,
        );
    }
}

fn composed(input: Tensor<4>, activation: Activation) -> Tensor<4> {
    match activation {
        Activation::Identity => input,
        Activation::Relu => activation::relu(input),
        Activation::Relu6 => input.clamp(0.0, 6.0),
        Activation::Silu => activation::silu(input),
        Activation::Hardswish => activation::hard_swish(input),
        Activation::Sigmoid => activation::sigmoid(input),
        Activation::Hardsigmoid => activation::hard_sigmoid(input, 1.0 / 6.0, 0.5),
    }
}

#[test]
fn slopes_at_kinks_are_pytorchs() {
    // torch 2.15: relu, relu6, hardswish and hardsigmoid at 0, 6, -3 and 3.
    for (activation, points) in [
        (Activation::Relu, vec![(0.0, 0.0)]),
        (Activation::Relu6, vec![(0.0, 0.0), (6.0, 0.0)]),
        (Activation::Hardswish, vec![(-3.0, 0.0), (3.0, 1.0)]),
        (Activation::Hardsigmoid, vec![(-3.0, 0.0), (3.0, 0.0)]),
    ] {
        for (point, slope) in points {
            let input = Tensor::<1>::from_floats([point], &device()).require_grad();
            let output = activation.forward(input.clone());
            let found = input.grad(&output.backward()).unwrap().into_scalar::<f32>();
            assert_eq!(found, slope, "{activation:?} at {point}");
        }
    }
}

#[test]
fn residual_sums_agree() {
    agree(
        "relu(a + b)",
        [smooth([2, 3, 7, 5], 1), smooth([2, 3, 7, 5], 2)],
        |a, b| add_activate(a, b, Activation::Relu),
        |a, b| activation::relu(a + b),
        1e-6,
    );
}

#[test]
fn batch_normalisation_agrees() {
    for activation in Activation::ALL {
        for shape in [[4, 5, 7, 9], [3, 2, 33, 31], [2, 3, 1, 3], [16, 1, 1, 2]] {
            let channels = shape[1];
            let vector = |tensor: Tensor<4>| tensor.reshape([channels]);
            let parameters = tensor([1, channels, 1, 1], 3) * 2.0;
            // The bias moves points off the activations' kinks, and takes part in the gradient as a function of the weight.
            let bias = |weight: Tensor<1>| weight * 0.37 + 0.11;
            for part in 0..3 {
                let fast = |input: Tensor<4>, weight: Tensor<4>| {
                    let weight = vector(weight);
                    let result = batch_norm_train(
                        input * 3.0 + 5.0,
                        weight.clone(),
                        bias(weight),
                        1e-5,
                        activation,
                    );
                    match part {
                        0 => result.output,
                        1 => result.output.clone() * 0.5 + result.mean.reshape([1, channels, 1, 1]),
                        _ => result.output + result.variance.reshape([1, channels, 1, 1]),
                    }
                };
                let plain = |input: Tensor<4>, weight: Tensor<4>| {
                    let weight = vector(weight);
                    let result = module::batch_norm_train(
                        input * 3.0 + 5.0,
                        weight.clone(),
                        bias(weight),
                        1e-5,
                    );
                    let broadcast =
                        |tensor: Tensor<1>| tensor.detach().reshape([1, channels, 1, 1]);
                    let output = composed(result.output, activation);
                    match part {
                        0 => output,
                        1 => output * 0.5 + broadcast(result.mean),
                        _ => output + broadcast(result.variance),
                    }
                };
                let what = format!("{activation:?} {shape:?} {part}");
                let inputs = [tensor(shape, 1), parameters.clone()];
                agree(&what, inputs, fast, plain, 2e-5);
            }
        }
    }
}

#[test]
fn affine_maps_of_channels_agree() {
    for activation in Activation::ALL {
        let vector = |tensor: Tensor<4>| tensor.reshape([5]);
        agree(
            &format!("{activation:?}"),
            [smooth([3, 5, 6, 7], 1), tensor([1, 5, 1, 1], 2)],
            |input, factor| {
                let factor = vector(factor);
                channel_affine(input, factor.clone(), factor * 0.5 + 0.1, activation)
            },
            |input, factor| {
                let summand = factor.clone() * 0.5 + 0.1;
                composed(input * factor + summand, activation)
            },
            2e-6,
        );
    }
}

#[test]
fn pooling_agrees() {
    for kind in [PoolKind::Max, PoolKind::Average, PoolKind::AverageInside] {
        for (map, kernel, stride, padding) in [
            ([13, 14], [3, 3], [2, 2], [1, 1]),
            ([8, 9], [2, 2], [2, 2], [0, 0]),
            ([9, 7], [3, 3], [1, 1], [1, 1]),
            ([12, 11], [5, 5], [3, 3], [0, 0]),
            ([7, 20], [2, 4], [1, 3], [1, 2]),
            ([3, 3], [3, 3], [1, 1], [0, 0]),
        ] {
            let options = PoolOptions {
                kind,
                kernel,
                stride,
                padding,
            };
            agree(
                &format!("{options:?}"),
                // Rectified, so that many windows have several largest values.
                [
                    tensor([2, 3, map[0], map[1]], 1),
                    tensor([2, 3, map[0], map[1]], 2),
                ],
                |a, b| pool2d(activation::relu(a + b), options),
                |a, b| {
                    let input = activation::relu(a + b);
                    match kind {
                        PoolKind::Max => module::max_pool2d(
                            input,
                            MaxPoolOptions::new(kernel)
                                .with_stride(stride)
                                .with_padding(padding),
                        ),
                        _ => {
                            let counted = kind == PoolKind::Average;
                            module::avg_pool2d(
                                input,
                                AvgPoolOptions::new(kernel)
                                    .with_stride(stride)
                                    .with_padding(padding)
                                    .with_count_include_pad(counted),
                            )
                        }
                    }
                },
                1e-6,
            );
        }
    }
}

#[test]
fn concatenations_agree() {
    for count in 2..=7 {
        let maps = |a: Tensor<4>, b: Tensor<4>| -> Vec<_> {
            // Of several widths, also views.
            let of = |map| match map % 3 {
                0 => a.clone() * (map as f32 + 0.5),
                1 => b.clone(),
                _ => a.clone().narrow(1, 1, 2),
            };
            (0..count).map(of).collect()
        };
        agree(
            &format!("{count} maps"),
            [tensor([3, 5, 6, 7], 1), tensor([3, 2, 6, 7], 2)],
            |a, b| concatenate_channels(maps(a, b)),
            |a, b| Tensor::cat(maps(a, b), 1),
            1e-6,
        );
    }
}

#[test]
fn gates_of_channels_agree() {
    agree(
        "gates",
        [tensor([3, 5, 6, 7], 1), tensor([3, 5, 1, 1], 2)],
        |map, gates| {
            let means = global_average(map.clone());
            scale_channels(map, means + gates.reshape([3, 5]))
        },
        |map, gates| {
            let means = map.clone().mean_dim(3).mean_dim(2);
            map * (means + gates)
        },
        1e-6,
    );
}

#[test]
fn steps_of_adam_agree() {
    let step = AdamStep {
        betas: [0.9, 0.99],
        rate: 0.3,
        epsilon: 1e-3,
        penalty: 0.05,
        retention: 0.98,
    };
    // More than a task takes, and no multiple of a vector.
    let shape = [7, 11, 13, 41];
    let [weight, gradient, first, second] = [1, 2, 3, 4].map(|seed| tensor(shape, seed).inner());
    let gradient = gradient.swap_dims(0, 2).reshape(shape);
    let of = |dtype| {
        let [weight, gradient, first, second] =
            [&weight, &gradient, &first, &second].map(|tensor| tensor.clone().cast(dtype));
        let (weight, [first, second]) = adam_step(weight, gradient, [first, second.abs()], step);
        [weight, first, second]
    };
    // Other types take the composition.
    for (found, expected) in of(DType::F32).into_iter().zip(of(DType::F64)) {
        assert_close("adam", found, expected.clone(), expected, 1e-6);
    }
    // What others see stays as it was.
    let before = tensor(shape, 1).inner();
    assert!(weight.into_data() == before.into_data());
}

#[test]
fn threads_do_not_change_a_bit() {
    // The last is filtered at Winograd's points.
    for (inputs, outputs, kernel) in [(12, 20, 3), (30, 50, 1), (150, 70, 3)] {
        let input = tensor([5, inputs, 23, 23], 1);
        let weight = tensor([outputs, inputs, kernel, kernel], 2);
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let [input, weight] = [&input, &weight].map(|t| t.clone().detach().require_grad());
                let options = ConvOptions {
                    padding: [kernel / 2; 2],
                    ..ConvOptions::default()
                };
                let output = conv2d(input.clone(), weight.clone(), None, options);
                let ones = Tensor::<1>::ones([outputs], &device());
                let normalized =
                    batch_norm_train(output, ones.clone(), ones, 1e-5, Activation::Silu).output;
                let gradients = (normalized.clone() * tensor(normalized.dims(), 3))
                    .sum()
                    .backward();
                [
                    normalized,
                    input.grad(&gradients).unwrap(),
                    weight.grad(&gradients).unwrap(),
                ]
                .map(|tensor| tensor.into_data())
            })
        };
        let one = run(1);
        for threads in [2, 3, 8] {
            assert!(one == run(threads), "{inputs} channels, {threads} threads");
        }
    }
}

#[test]
fn other_images_of_a_batch_do_not_change_a_bit() {
    for (channels, map, kernel, stride, groups) in [
        (64, 8, 3, 1, 1),
        (96, 7, 3, 1, 1),
        (40, 30, 3, 1, 1),
        (48, 7, 1, 1, 1),
        (24, 12, 5, 1, 1),
        (33, 9, 3, 2, 1),
        (20, 9, 5, 2, 20),
    ] {
        let options = ConvOptions {
            stride: [stride; 2],
            padding: [kernel / 2; 2],
            groups,
        };
        let weight = tensor([channels, channels / groups, kernel, kernel], 2);
        // The output, and the gradient of the input.
        let run = |images: Tensor<4>| {
            let images = images.detach().require_grad();
            let output = conv2d(images.clone(), weight.clone(), None, options);
            let gradient = images
                .grad(&(output.clone() * output.clone()).sum().backward())
                .unwrap();
            [output.into_data(), gradient.into_data()]
        };
        let batch = tensor([17, channels, map, map], 1);
        let together = run(batch.clone());
        for image in [0, 9, 16] {
            let alone = run(batch.clone().narrow(0, image, 1));
            for (together, alone) in together.iter().zip(alone) {
                let [together, alone] = [together.clone(), alone]
                    .map(|data: burn::tensor::TensorData| data.try_into_vec_as::<f32>().unwrap());
                let place = image * alone.len();
                let same = together[place..place + alone.len()] == alone[..];
                assert!(same, "{kernel}x{kernel} of {channels} channels, {image}");
            }
        }
    }
}

#[test]
fn other_types_take_the_composition() {
    let device = Device::flex();
    let random = |shape| Tensor::<4>::random(shape, Distribution::Default, &device);
    let input = random([1, 2, 5, 5]).cast(DType::F64);
    let weight = random([3, 2, 3, 3]).cast(DType::F64);
    let output = conv2d(input, weight, None, ConvOptions::default());
    assert_eq!(output.dtype(), DType::F64);
    assert_eq!(output.dims(), [1, 3, 3, 3]);
}

/// All of this file's tests, in a process that uses no vector instructions.
#[test]
fn without_vector_instructions_everything_agrees() {
    const VARIABLE: &str = "CHEXTRANSFER_VECTORS";
    if std::env::var_os(VARIABLE).is_some() {
        return;
    }
    let tests = std::env::current_exe().unwrap();
    let run = std::process::Command::new(tests)
        .env(VARIABLE, "none")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{told}");
    assert!(told.contains("test convolutions_agree ... ok"), "{told}");
}
