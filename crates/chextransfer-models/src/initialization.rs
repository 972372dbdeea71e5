//! Random initial weights, drawn on the host so that one seed gives the same network on every device.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Normal, Uniform};

/// Where a layer's initial weights come from.
///
/// Layers draw in the order in which the network is built, stem first, so a truncated network
/// starts with the same numbers as the full one of the same seed.
pub(crate) struct Initialization<'a> {
    pub(crate) device: &'a Device,
    random: ChaCha8Rng,
}

/// The distribution of a layer's initial weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Distribution {
    /// Normal with mean 0 and this standard deviation.
    Normal(f64),
    /// Uniform in `-bound..bound`.
    Uniform(f64),
    /// The same value everywhere.
    Constant(f32),
}

impl<'a> Initialization<'a> {
    pub(crate) fn new(seed: u64, device: &'a Device) -> Self {
        Self {
            device,
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
        let values = match distribution {
            Distribution::Normal(deviation) => Normal::new(0.0, deviation)
                .map(|normal| self.draw(count, normal))
                .unwrap_or_else(|_| vec![0.0; count]),
            Distribution::Uniform(bound) => Uniform::new(-bound, bound)
                .map(|uniform| self.draw(count, uniform))
                .unwrap_or_else(|_| vec![0.0; count]),
            Distribution::Constant(value) => vec![value; count],
        };
        Tensor::from_data(TensorData::new(values, shape), self.device)
    }

    fn draw(&mut self, count: usize, distribution: impl rand_distr::Distribution<f64>) -> Vec<f32> {
        (&mut self.random)
            .sample_iter(distribution)
            .take(count)
            .map(|value| value as f32)
            .collect()
    }
}
