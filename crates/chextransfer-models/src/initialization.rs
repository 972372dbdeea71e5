//! Random initial weights, drawn on the host so that one seed gives the same network on every device.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Normal, Uniform};

use crate::layers::BatchNormSpec;

/// Where a layer's initial weights come from, and what all layers of a network share.
///
/// Layers draw in the order in which the network is built, stem first, so a truncated network
/// starts with the same numbers as the full one of the same seed.
pub(crate) struct Initialization<'a> {
    pub(crate) device: &'a Device,
    /// `None` in a network whose normalisations are folded.
    pub(crate) batch_norm: Option<BatchNormSpec>,
    /// Share of images for which the last unit of the whole network is skipped in training.
    pub(crate) stochastic_depth: f64,
    random: ChaCha8Rng,
}

/// The distribution of a layer's initial weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Distribution {
    /// Normal with mean 0 and this standard deviation.
    Normal(f64),
    /// The same, drawn again outside -2..2: `torch.nn.init.trunc_normal_`'s default bounds.
    TruncatedNormal(f64),
    /// Uniform in `-bound..bound`.
    Uniform(f64),
    /// The same value everywhere.
    Constant(f32),
}

impl<'a> Initialization<'a> {
    pub(crate) fn new(
        seed: u64,
        batch_norm: Option<BatchNormSpec>,
        stochastic_depth: f64,
        device: &'a Device,
    ) -> Self {
        Self {
            device,
            batch_norm,
            stochastic_depth,
            random: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// A parameter of this shape.
    pub(crate) fn parameter<const D: usize>(
        &mut self,
        shape: [usize; D],
        distribution: Distribution,
    ) -> Param<Tensor<D>> {
        Param::from_tensor(self.tensor(shape, distribution))
    }

    /// A tensor of this shape.
    pub(crate) fn tensor<const D: usize>(
        &mut self,
        shape: [usize; D],
        distribution: Distribution,
    ) -> Tensor<D> {
        let count = shape.iter().product();
        let normal = |deviation| Normal::new(0.0, deviation).ok();
        let values = match distribution {
            Distribution::Normal(deviation) => {
                normal(deviation).map(|normal| self.draw(count, normal, |_| true))
            }
            Distribution::TruncatedNormal(deviation) => {
                normal(deviation).map(|normal| self.draw(count, normal, |value| value.abs() <= 2.0))
            }
            Distribution::Uniform(bound) => Uniform::new(-bound, bound)
                .ok()
                .map(|uniform| self.draw(count, uniform, |_| true)),
            Distribution::Constant(value) => Some(vec![value; count]),
        };
        let values = values.unwrap_or_else(|| vec![0.0; count]);
        Tensor::from_data(TensorData::new(values, shape), self.device)
    }

    fn draw(
        &mut self,
        count: usize,
        distribution: impl rand_distr::Distribution<f64>,
        keep: impl Fn(&f64) -> bool,
    ) -> Vec<f32> {
        (&mut self.random)
            .sample_iter(distribution)
            .filter(keep)
            .take(count)
            .map(|value| value as f32)
            .collect()
    }
}
