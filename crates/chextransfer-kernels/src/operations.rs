//! The public functions, each with the composition of Burn's operations that it equals.

use burn::tensor::ops::{AvgPoolOptions, ConvOptions as BurnConvOptions, MaxPoolOptions};
use burn::tensor::{Tensor, module};

use crate::Activation;

/// How a kernel moves over a map; `[rows, columns]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvOptions {
    /// Step of the kernel.
    pub stride: [usize; 2],
    /// Zeros on either side.
    pub padding: [usize; 2],
    /// Independent groups of channels.
    pub groups: usize,
}

impl Default for ConvOptions {
    /// One step, no border, one group.
    fn default() -> Self {
        Self {
            stride: [1; 2],
            padding: [0; 2],
            groups: 1,
        }
    }
}

/// `activation(factor x + summand)` with a factor and a summand for each channel, as in [`channel_affine`].
#[derive(Debug, Clone)]
pub struct Affine {
    /// `[channels]`; one where it is missing.
    pub factor: Option<Tensor<1>>,
    /// `[channels]`.
    pub summand: Tensor<1>,
    /// The last step.
    pub activation: Activation,
}

impl Affine {
    fn apply(self, input: Tensor<4>) -> Tensor<4> {
        let factor = self.factor.unwrap_or_else(|| self.summand.ones_like());
        channel_affine(input, factor, self.summand, self.activation)
    }
}

/// What [`batch_norm_train`] gives.
#[derive(Debug)]
pub struct BatchNormalized {
    /// Normalised and activated, `[batch, channels, rows, columns]`.
    pub output: Tensor<4>,
    /// Mean of each channel, `[channels]`; no gradient flows through it.
    pub mean: Tensor<1>,
    /// Biased variance of each channel, `[channels]`; no gradient flows through it.
    pub variance: Tensor<1>,
}

/// A pooling; `[rows, columns]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolOptions {
    /// What is taken of a window.
    pub kind: PoolKind,
    /// Sides of the window.
    pub kernel: [usize; 2],
    /// Step of the window.
    pub stride: [usize; 2],
    /// Border on either side, at most half a window.
    pub padding: [usize; 2],
}

/// What pooling takes of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolKind {
    /// The largest value; the border never is.
    Max,
    /// The mean, the border's zeros counting as values.
    Average,
    /// The mean of the values inside the map.
    AverageInside,
}

/// What Adam does in a step to every weight `w` with gradient `g` and moments `m` and `v`, in this order:
/// `g += penalty w`, `m = betas[0] m + (1 - betas[0]) g`, `v = betas[1] v + (1 - betas[1]) g^2` and
/// `w = retention w - rate m / (sqrt(v) + epsilon)` (Kingma and Ba 2015, section 2, where `rate` and `epsilon` hold the
/// corrections of the moments' bias).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamStep {
    /// What is kept of the moments.
    pub betas: [f32; 2],
    /// The learning rate, times `sqrt(1 - betas[1]^t) / (1 - betas[0]^t)` in step t.
    pub rate: f32,
    /// Keeps the divisor from zero, times `sqrt(1 - betas[1]^t)` in step t.
    pub epsilon: f32,
    /// Share of the weight in the gradient: L2 penalty.
    pub penalty: f32,
    /// Share of the weight that stays: 1, or less with decoupled weight decay.
    pub retention: f32,
}

/// A step of Adam: the weight, and its moments.
///
/// # Shapes
/// Four of any one shape, unchanged.
///
/// # Panics
/// Where the shapes differ.
pub fn adam_step<const D: usize>(
    weight: Tensor<D>,
    gradient: Tensor<D>,
    moments: [Tensor<D>; 2],
    step: AdamStep,
) -> (Tensor<D>, [Tensor<D>; 2]) {
    let [first, second] = moments;
    #[cfg(feature = "cpu")]
    {
        let all = [&weight, &gradient, &first, &second];
        let alike = |tensor: &Tensor<D>| {
            crate::flex::is_fast(tensor)
                && !tensor.device().is_autodiff()
                && tensor.dims() == weight.dims()
        };
        if all.into_iter().all(alike) {
            return crate::flex::adam_step(weight, gradient, [first, second], step);
        }
    }
    let [first_decay, second_decay] = step.betas;
    let gradient = match step.penalty {
        0.0 => gradient,
        penalty => gradient + weight.clone() * penalty,
    };
    let first = first * first_decay + gradient.clone() * (1.0 - first_decay);
    let second = second * second_decay + gradient.square() * (1.0 - second_decay);
    let change = first.clone() * step.rate / (second.clone().sqrt() + step.epsilon);
    let weight = match step.retention {
        1.0 => weight,
        retention => weight * retention,
    };
    (weight - change, [first, second])
}

/// A convolution, without dilation.
///
/// # Shapes
/// `[batch, input, rows, columns]` with weights `[output, input / groups, rows, columns]` and bias `[output]` to
/// `[batch, output, rows, columns]`, where each side is `(side + 2 padding - kernel) / stride + 1`, rounded down.
///
/// # Panics
/// Where the shapes do not fit each other, or the kernel does not fit the map.
pub fn conv2d(
    input: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    options: ConvOptions,
) -> Tensor<4> {
    #[cfg(feature = "cpu")]
    if let Some(shape) = crate::flex::conv_shape(&input, &weight, options) {
        let output = crate::flex::conv2d(input, weight, shape);
        return match bias {
            Some(bias) => {
                let ones = bias.ones_like();
                channel_affine(output, ones, bias, Activation::Identity)
            }
            None => output,
        };
    }
    let [rows, columns] = options.padding;
    let options = BurnConvOptions::new_with_padding(
        options.stride,
        [(rows, rows), (columns, columns)],
        [1; 2],
        options.groups,
    );
    module::conv2d(input, weight, bias, options)
}

/// A convolution with what happens to the channels of its input before and to those of its output behind it; in one pass
/// where no gradient is asked for.
///
/// # Shapes
/// Those of [`conv2d`].
///
/// # Panics
/// As [`conv2d`].
pub fn conv2d_affine(
    input: Tensor<4>,
    before: Option<Affine>,
    weight: Tensor<4>,
    behind: Option<Affine>,
    options: ConvOptions,
) -> Tensor<4> {
    #[cfg(feature = "cpu")]
    if !input.device().is_autodiff()
        && !weight.device().is_autodiff()
        && let Some(shape) = crate::flex::conv_shape(&input, &weight, options)
    {
        let (input, before) = match before {
            Some(before) if !crate::flex::packs_affine(&shape, &before) => {
                (before.apply(input), None)
            }
            before => (input, before),
        };
        return crate::flex::conv2d_affine(input, before, weight, behind, shape);
    }
    let input = match before {
        Some(before) => before.apply(input),
        None => input,
    };
    match behind {
        Some(Affine {
            factor: None,
            summand,
            activation,
        }) => activation.forward(conv2d(input, weight, Some(summand), options)),
        Some(behind) => behind.apply(conv2d(input, weight, None, options)),
        None => conv2d(input, weight, None, options),
    }
}

/// Batch normalisation by the batch's own statistics (Ioffe and Szegedy 2015), followed by an activation.
///
/// # Shapes
/// `[batch, channels, rows, columns]`, unchanged; `weight` and `bias` are `[channels]`.
pub fn batch_norm_train(
    input: Tensor<4>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    epsilon: f64,
    activation: Activation,
) -> BatchNormalized {
    #[cfg(feature = "cpu")]
    if crate::flex::is_fast(&input) {
        return crate::flex::batch_norm_train(input, weight, bias, epsilon, activation);
    }
    let normalized = module::batch_norm_train(input, weight, bias, epsilon);
    BatchNormalized {
        output: activation.forward(normalized.output),
        mean: normalized.mean.detach(),
        variance: normalized.variance.detach(),
    }
}

/// `activation(factor x + summand)` with a factor and a summand for each channel.
///
/// # Shapes
/// `[batch, channels, rows, columns]`, unchanged; `factor` and `summand` are `[channels]`.
///
/// # Panics
/// Where there are other numbers of them.
pub fn channel_affine(
    input: Tensor<4>,
    factor: Tensor<1>,
    summand: Tensor<1>,
    activation: Activation,
) -> Tensor<4> {
    let [_, channels, _, _] = input.dims();
    assert_eq!((factor.dims(), summand.dims()), ([channels], [channels]));
    #[cfg(feature = "cpu")]
    if crate::flex::is_fast(&input) {
        return crate::flex::affine(input, factor, summand, activation);
    }
    let broadcast = |tensor: Tensor<1>| tensor.reshape([1, channels, 1, 1]);
    activation.forward(input * broadcast(factor) + broadcast(summand))
}

/// `activation(a + b)`, as at the end of a residual unit.
///
/// # Shapes
/// Two of any one shape, unchanged.
///
/// # Panics
/// Where the shapes differ.
pub fn add_activate<const D: usize>(
    a: Tensor<D>,
    b: Tensor<D>,
    activation: Activation,
) -> Tensor<D> {
    #[cfg(feature = "cpu")]
    if activation == Activation::Relu && crate::flex::is_fast(&a) && crate::flex::is_fast(&b) {
        return crate::flex::add_relu(a, b);
    }
    activation.forward(a + b)
}

/// Maps side by side, channel behind channel.
///
/// # Shapes
/// `[batch, channels of each, rows, columns]` to `[batch, channels of all, rows, columns]`.
///
/// # Panics
/// Where the other sizes differ, or there is no map.
pub fn concatenate_channels(maps: Vec<Tensor<4>>) -> Tensor<4> {
    #[cfg(feature = "cpu")]
    if crate::flex::concatenates(&maps) {
        return crate::flex::concatenate(maps);
    }
    Tensor::cat(maps, 1)
}

/// Pools every window.
///
/// # Shapes
/// `[batch, channels, rows, columns]` to the same with sides `(side + 2 padding - kernel) / stride + 1`, rounded down.
///
/// # Panics
/// Where the window does not fit the map.
pub fn pool2d(input: Tensor<4>, options: PoolOptions) -> Tensor<4> {
    #[cfg(feature = "cpu")]
    if let Some(shape) = crate::flex::pool_shape(&input, options) {
        return crate::flex::pool2d(input, shape);
    }
    let PoolOptions {
        kind,
        kernel,
        stride,
        padding,
    } = options;
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
}

/// The mean of each map.
///
/// # Shapes
/// `[batch, channels, rows, columns]` to `[batch, channels]`.
pub fn global_average(input: Tensor<4>) -> Tensor<2> {
    #[cfg(feature = "cpu")]
    if crate::flex::is_fast(&input) {
        return crate::flex::global_average(input);
    }
    let [batch, channels, height, width] = input.dims();
    input
        .reshape([batch, channels, height * width])
        .mean_dim(2)
        .reshape([batch, channels])
}

/// Multiplies every channel of every image by a factor of its own.
///
/// # Shapes
/// `[batch, channels, rows, columns]`, unchanged; `factors` is `[batch, channels]`.
///
/// # Panics
/// Where it has another shape.
pub fn scale_channels(input: Tensor<4>, factors: Tensor<2>) -> Tensor<4> {
    let [batch, channels, _, _] = input.dims();
    assert_eq!(factors.dims(), [batch, channels]);
    #[cfg(feature = "cpu")]
    if crate::flex::is_fast(&input) {
        let factors = factors.reshape([batch * channels]);
        let summands = factors.zeros_like();
        return crate::flex::affine(input, factors, summands, Activation::Identity);
    }
    input * factors.reshape([batch, channels, 1, 1])
}
