//! Batch normalisation with the activation behind it, in as few passes over memory as there can be.

use rayon::prelude::*;

use crate::Activation;
use crate::buffer::unwritten;
use crate::scalar::with_constant_activation;
use crate::simd::{LANES, total, vectorized};

/// What normalisation in training leaves behind.
pub(crate) struct Normalized {
    /// `activation(weight (x - mean) / sqrt(variance + epsilon) + bias)`.
    pub(crate) output: Vec<f32>,
    /// Of each channel.
    pub(crate) mean: Vec<f32>,
    /// Of each channel, biased.
    pub(crate) variance: Vec<f32>,
    /// What a channel is multiplied by before the activation.
    pub(crate) factor: Vec<f32>,
    /// What is added to that.
    pub(crate) summand: Vec<f32>,
}

/// `[batch, channels, area]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Maps {
    pub(crate) channels: usize,
    pub(crate) area: usize,
}

impl Maps {
    /// The same with another number of channels, such as those of all images.
    pub(crate) fn with(self, channels: usize) -> Self {
        Self { channels, ..self }
    }

    /// The maps of each channel.
    fn by_channel<'a>(&self, values: &'a mut [f32]) -> Vec<Vec<&'a mut [f32]>> {
        let mut channels: Vec<Vec<_>> = (0..self.channels).map(|_| Vec::new()).collect();
        for (index, map) in values.chunks_exact_mut(self.area).enumerate() {
            channels[index % self.channels].push(map);
        }
        channels
    }

    fn of_channel<'a>(
        &self,
        values: &'a [f32],
        channel: usize,
    ) -> impl Iterator<Item = &'a [f32]> + use<'a> {
        let maps = values.chunks_exact(self.area);
        maps.skip(channel).step_by(self.channels)
    }
}

/// A channel's factor and summand, `x -> factor x + summand`.
#[derive(Debug, Clone, Copy)]
struct Affine {
    factor: f32,
    summand: f32,
}

impl Affine {
    fn new(mean: f32, variance: f32, weight: f32, bias: f32, epsilon: f32) -> Self {
        let factor = weight / (variance + epsilon).sqrt();
        Self {
            factor,
            summand: mean.mul_add(-factor, bias),
        }
    }

    #[inline(always)]
    fn apply(self, x: f32) -> f32 {
        self.factor.mul_add(x, self.summand)
    }
}

/// Normalises by the statistics of the batch.
pub(crate) fn normalize(
    maps: Maps,
    input: &[f32],
    weight: &[f32],
    bias: &[f32],
    epsilon: f32,
    activation: Activation,
) -> Normalized {
    let mut output = unwritten(input.len());
    let statistics: Vec<_> = maps
        .by_channel(&mut output)
        .into_par_iter()
        .enumerate()
        .map(|(channel, outputs)| {
            vectorized(
                #[inline(always)]
                || {
                    let (mean, variance) = statistics(maps, input, channel);
                    let affine =
                        Affine::new(mean, variance, weight[channel], bias[channel], epsilon);
                    let inputs = maps.of_channel(input, channel);
                    for (output, input) in outputs.into_iter().zip(inputs) {
                        affine_activation(affine, activation, input, output);
                    }
                    (mean, variance, affine)
                },
            )
        })
        .collect();
    let of_each = |value: fn(&(f32, f32, Affine)) -> f32| statistics.iter().map(value).collect();
    Normalized {
        output,
        mean: of_each(|(mean, _, _)| *mean),
        variance: of_each(|(_, variance, _)| *variance),
        factor: of_each(|(_, _, affine)| affine.factor),
        summand: of_each(|(_, _, affine)| affine.summand),
    }
}

/// Mean and biased variance of a channel, the variance about the mean.
#[inline(always)]
fn statistics(maps: Maps, input: &[f32], channel: usize) -> (f32, f32) {
    let (mut sum, mut count) = (0.0f64, 0);
    for map in maps.of_channel(input, channel) {
        sum += f64::from(sum_of(map, |x| x));
        count += map.len();
    }
    let mean = (sum / count as f64) as f32;
    let mut squares = 0.0f64;
    for map in maps.of_channel(input, channel) {
        squares += f64::from(sum_of(
            map,
            #[inline(always)]
            |x| (x - mean) * (x - mean),
        ));
    }
    (mean, (squares / count as f64) as f32)
}

#[inline(always)]
fn sum_of(values: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (groups, rest) = values.as_chunks::<LANES>();
    for group in groups {
        for lane in 0..LANES {
            lanes[lane] += of(group[lane]);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane += of(*value);
    }
    total(lanes)
}

#[inline(always)]
fn affine_activation(affine: Affine, activation: Activation, input: &[f32], output: &mut [f32]) {
    with_constant_activation!(activation, ACTIVATION => {
        for (output, input) in output.iter_mut().zip(input) {
            *output = ACTIVATION.value(affine.apply(*input));
        }
    });
}

/// The gradients of [`normalize`]: of the input, in place of that of the output, of the weight and of the bias.
#[allow(
    clippy::too_many_arguments,
    reason = "what the forward pass had, and its results"
)]
pub(crate) fn normalize_gradients(
    maps: Maps,
    input: &[f32],
    gradient: &mut [f32],
    mean: &[f32],
    variance: &[f32],
    weight: &[f32],
    bias: &[f32],
    epsilon: f32,
    activation: Activation,
) -> (Vec<f32>, Vec<f32>) {
    let count = (input.len() / maps.channels) as f32;
    maps.by_channel(gradient)
        .into_par_iter()
        .enumerate()
        .map(|(channel, mut gradients)| {
            vectorized(
                #[inline(always)]
                || {
                    let (mean, weight) = (mean[channel], weight[channel]);
                    let scale = 1.0 / (variance[channel] + epsilon).sqrt();
                    let affine =
                        Affine::new(mean, variance[channel], weight, bias[channel], epsilon);
                    let (mut of_bias, mut of_weight) = (0.0f64, 0.0f64);
                    for (gradient, input) in
                        gradients.iter_mut().zip(maps.of_channel(input, channel))
                    {
                        let (sum, product) =
                            activation_gradient(affine, mean, activation, input, gradient);
                        of_bias += f64::from(sum);
                        of_weight += f64::from(product);
                    }
                    let of_bias = of_bias as f32;
                    let of_weight = of_weight as f32 * scale;
                    // gradient - mean(gradient) - normalised x * mean(gradient * normalised x), as an affine map of both.
                    let factor = weight * scale;
                    let slope = -factor * scale * of_weight / count;
                    let summand = -factor * of_bias / count - slope * mean;
                    for (gradient, input) in
                        gradients.iter_mut().zip(maps.of_channel(input, channel))
                    {
                        for (gradient, input) in gradient.iter_mut().zip(input) {
                            *gradient = factor.mul_add(*gradient, slope.mul_add(*input, summand));
                        }
                    }
                    (of_weight, of_bias)
                },
            )
        })
        .unzip()
}

/// Values that two loops pass over in turn: of the activation, which are then many at once, and of the sums.
const PIECE: usize = 1024;

/// Takes the gradient through the activation; returns its sum and that of its product with the distance from the mean.
#[inline(always)]
fn activation_gradient(
    affine: Affine,
    mean: f32,
    activation: Activation,
    input: &[f32],
    gradient: &mut [f32],
) -> (f32, f32) {
    let mut sums = [0.0f32; LANES];
    let mut products = [0.0f32; LANES];
    for (gradient, input) in gradient.chunks_mut(PIECE).zip(input.chunks(PIECE)) {
        with_constant_activation!(activation, ACTIVATION => {
            for (gradient, input) in gradient.iter_mut().zip(input) {
                *gradient *= ACTIVATION.slope(affine.apply(*input));
            }
        });
        let (inputs, input_rest) = input.as_chunks::<LANES>();
        let (gradients, gradient_rest) = gradient.as_chunks::<LANES>();
        for (gradient, input) in gradients.iter().zip(inputs) {
            for lane in 0..LANES {
                sums[lane] += gradient[lane];
                products[lane] = gradient[lane].mul_add(input[lane] - mean, products[lane]);
            }
        }
        for (lane, (gradient, input)) in gradient_rest.iter().zip(input_rest).enumerate() {
            sums[lane] += *gradient;
            products[lane] = gradient.mul_add(input - mean, products[lane]);
        }
    }
    (total(sums), total(products))
}

/// `activation(factor x + summand)` with a factor and a summand for each channel.
pub(crate) fn affine(
    maps: Maps,
    input: &[f32],
    factor: &[f32],
    summand: &[f32],
    activation: Activation,
) -> Vec<f32> {
    let mut output = unwritten(input.len());
    output
        .par_chunks_exact_mut(maps.area)
        .zip(input.par_chunks_exact(maps.area))
        .enumerate()
        .for_each(|(index, (output, input))| {
            let channel = index % maps.channels;
            let affine = Affine {
                factor: factor[channel],
                summand: summand[channel],
            };
            vectorized(
                #[inline(always)]
                || affine_activation(affine, activation, input, output),
            );
        });
    output
}

/// The gradients of [`affine`]: of the input, in place of that of the output, of the factor and of the summand.
pub(crate) fn affine_gradients(
    maps: Maps,
    input: &[f32],
    gradient: &mut [f32],
    factor: &[f32],
    summand: &[f32],
    activation: Activation,
) -> (Vec<f32>, Vec<f32>) {
    maps.by_channel(gradient)
        .into_par_iter()
        .enumerate()
        .map(|(channel, gradients)| {
            let affine = Affine {
                factor: factor[channel],
                summand: summand[channel],
            };
            let (mut of_factor, mut of_summand) = (0.0f64, 0.0f64);
            for (gradient, input) in gradients.into_iter().zip(maps.of_channel(input, channel)) {
                vectorized(
                    #[inline(always)]
                    || {
                        let (sum, product) =
                            activation_gradient(affine, 0.0, activation, input, gradient);
                        of_summand += f64::from(sum);
                        of_factor += f64::from(product);
                        for gradient in gradient.iter_mut() {
                            *gradient *= affine.factor;
                        }
                    },
                );
            }
            (of_factor as f32, of_summand as f32)
        })
        .unzip()
}
