//! Global average pooling and one linear layer.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::Tensor;

use crate::initialization::{Distribution, Initialization};
use crate::tensor_spec::{TensorKind, TensorSpec};

/// The classification head: plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadSpec {
    /// Channels of the map that enters.
    pub features: usize,
    /// Outputs.
    pub classes: usize,
    /// Share of pooled features that training drops.
    pub dropout: f64,
    /// How the linear layer starts.
    pub initialization: LinearInitialization,
}

/// Initial weights of a linear layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LinearInitialization {
    /// `torch.nn.Linear`'s default: weights and biases uniform within `1 / sqrt(features)`.
    Uniform,
    /// As `Uniform`, but biases zero.
    UniformZeroBias,
    /// Weights normal with this standard deviation, biases zero.
    Normal(f64),
}

impl HeadSpec {
    pub(crate) fn tensors(&self, path: &str, into: &mut Vec<TensorSpec>) {
        let path = format!("{path}.linear");
        // Checkpoints store a linear layer's weight as [outputs, inputs]; see `weights::import`.
        into.push(TensorSpec::new(
            &path,
            "weight",
            vec![self.classes, self.features],
            TensorKind::Parameter,
        ));
        into.push(TensorSpec::new(
            &path,
            "bias",
            vec![self.classes],
            TensorKind::Parameter,
        ));
    }

    pub(crate) fn init(&self, initialization: &mut Initialization) -> ClassificationHead {
        let bound = 1.0 / (self.features as f64).sqrt();
        let (weight, bias) = match self.initialization {
            LinearInitialization::Uniform => {
                (Distribution::Uniform(bound), Distribution::Uniform(bound))
            }
            LinearInitialization::UniformZeroBias => {
                (Distribution::Uniform(bound), Distribution::Constant(0.0))
            }
            LinearInitialization::Normal(deviation) => {
                (Distribution::Normal(deviation), Distribution::Constant(0.0))
            }
        };
        let mut linear = LinearConfig::new(self.features, self.classes).init(initialization.device);
        linear.weight = initialization.parameter([self.features, self.classes], weight);
        linear.bias = Some(initialization.parameter([self.classes], bias));
        ClassificationHead {
            dropout: (self.dropout > 0.0).then(|| DropoutConfig::new(self.dropout).init()),
            linear,
        }
    }
}

/// Global average pooling, dropout and one linear layer; described by [`HeadSpec`].
#[derive(Module, Debug)]
pub struct ClassificationHead {
    dropout: Option<Dropout>,
    linear: Linear,
}

impl ClassificationHead {
    /// Pools, drops features out while training, and maps to logits.
    ///
    /// # Shapes
    /// `[batch, features, height, width]` to `[batch, classes]`.
    pub fn forward(&self, map: Tensor<4>) -> Tensor<2> {
        let [batch, channels, height, width] = map.dims();
        let pooled = map
            .reshape([batch, channels, height * width])
            .mean_dim(2)
            .reshape([batch, channels]);
        let pooled = match &self.dropout {
            Some(dropout) => dropout.forward(pooled),
            None => pooled,
        };
        self.linear.forward(pooled)
    }
}
