//! How a linear layer starts, family by family.

use burn::nn::{Linear, LinearConfig};

use crate::initialization::{Distribution, Initialization};

/// Initial weights of a linear layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LinearInitialization {
    /// `torch.nn.Linear`'s default: weights and biases uniform within `1 / sqrt(inputs)`.
    Uniform,
    /// As `Uniform`, but biases zero (DenseNet).
    UniformZeroBias,
    /// Weights uniform within `1 / sqrt(outputs)`, biases zero (EfficientNet).
    UniformOutputs,
    /// Weights uniform within `sqrt(3 / outputs)`, which is He et al. 2015 with fan-out and the gain
    /// of a sigmoid; biases zero (MNASNet).
    KaimingUniformFanOut,
    /// Weights normal with this standard deviation, biases zero (MobileNet).
    Normal(f64),
    /// Weights normal with this standard deviation within -2..2, biases uniform within
    /// `1 / sqrt(inputs)` (Inception v3).
    TruncatedNormal(f64),
}

impl LinearInitialization {
    /// Distributions of weight and bias.
    fn distributions(self, inputs: usize, outputs: usize) -> (Distribution, Distribution) {
        let (inputs, outputs) = (inputs as f64, outputs as f64);
        let default = Distribution::Uniform(1.0 / inputs.sqrt());
        let zero = Distribution::Constant(0.0);
        match self {
            Self::Uniform => (default, default),
            Self::UniformZeroBias => (default, zero),
            Self::UniformOutputs => (Distribution::Uniform(1.0 / outputs.sqrt()), zero),
            Self::KaimingUniformFanOut => (Distribution::Uniform((3.0 / outputs).sqrt()), zero),
            Self::Normal(deviation) => (Distribution::Normal(deviation), zero),
            Self::TruncatedNormal(deviation) => (Distribution::TruncatedNormal(deviation), default),
        }
    }

    /// A layer that starts so; Burn stores its weight as `[inputs, outputs]`.
    pub(crate) fn linear(
        self,
        inputs: usize,
        outputs: usize,
        initialization: &mut Initialization,
    ) -> Linear {
        let (weight, bias) = self.distributions(inputs, outputs);
        let mut linear = LinearConfig::new(inputs, outputs).init(initialization.device);
        linear.weight = initialization.parameter([inputs, outputs], weight);
        linear.bias = Some(initialization.parameter([outputs], bias));
        linear
    }
}
