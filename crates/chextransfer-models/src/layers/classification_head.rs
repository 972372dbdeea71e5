//! Global average pooling and one linear layer.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::{DType, Tensor};
use chextransfer_kernels::global_average;

use super::{Activation, LinearInitialization};
use crate::initialization::Initialization;
use crate::tensor_spec::TensorList;

/// The classification head: plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadSpec {
    /// Channels of the map that enters.
    pub features: usize,
    /// A linear layer before the last one (MobileNetV3).
    pub hidden: Option<HiddenSpec>,
    /// Share of features that training drops before the last layer.
    pub dropout: f64,
    /// Outputs.
    pub classes: usize,
    /// How the linear layers start.
    pub initialization: LinearInitialization,
}

/// A linear layer with an activation: plain data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HiddenSpec {
    /// Outputs.
    pub features: usize,
    /// What follows it.
    pub activation: Activation,
}

impl HeadSpec {
    /// Inputs of the last layer.
    fn last_features(&self) -> usize {
        self.hidden.map_or(self.features, |hidden| hidden.features)
    }

    pub(crate) fn tensors(&self, path: &str, into: &mut TensorList) {
        let hidden = self.hidden.map(|h| ("hidden", self.features, h.features));
        let last = ("linear", self.last_features(), self.classes);
        for (name, inputs, outputs) in hidden.into_iter().chain([last]) {
            let path = format!("{path}.{name}");
            // Checkpoints store a linear layer's weight as [outputs, inputs]; see `weights::import`.
            into.parameter(&path, "weight", &[outputs, inputs]);
            into.parameter(&path, "bias", &[outputs]);
        }
    }

    /// Multiply-accumulates for one image.
    pub(crate) fn macs(&self) -> u64 {
        let last = self.last_features();
        let hidden = self.hidden.map_or(0, |_| self.features * last);
        (hidden + last * self.classes) as u64
    }

    pub(crate) fn init(&self, initialization: &mut Initialization) -> ClassificationHead {
        let mut linear =
            |inputs, outputs| self.initialization.linear(inputs, outputs, initialization);
        ClassificationHead {
            hidden: self.hidden.map(|h| linear(self.features, h.features)),
            activation: self.hidden.map(|hidden| hidden.activation),
            dropout: (self.dropout > 0.0).then(|| DropoutConfig::new(self.dropout).init()),
            linear: linear(self.last_features(), self.classes),
        }
    }
}

/// Global average pooling, dropout and one linear layer; described by [`HeadSpec`].
#[derive(Module, Debug)]
pub struct ClassificationHead {
    hidden: Option<Linear>,
    #[module(skip)]
    activation: Option<Activation>,
    dropout: Option<Dropout>,
    linear: Linear,
}

impl ClassificationHead {
    /// Pools, drops features out while training, and maps to logits.
    ///
    /// # Shapes
    /// `[batch, features, height, width]` to `[batch, classes]`.
    pub fn forward(&self, map: Tensor<4>) -> Tensor<2> {
        let embedding = self.embed(map);
        self.linear.forward(match &self.dropout {
            Some(dropout) => dropout.forward(embedding),
            None => embedding,
        })
    }

    /// What the last linear layer sees, without dropout.
    ///
    /// # Shapes
    /// `[batch, features, height, width]` to `[batch, features]`, or to the hidden layer's features
    /// where there is one.
    pub fn embed(&self, map: Tensor<4>) -> Tensor<2> {
        // Float32 from here on, whatever the maps are in.
        let pooled = global_average(map.cast(DType::F32));
        match (&self.hidden, self.activation) {
            (Some(hidden), Some(activation)) => activation.forward(hidden.forward(pooled)),
            _ => pooled,
        }
    }

    /// What each channel of the pooled map is worth to each class, `[classes, features]`: the last linear
    /// layer's weights. `None` where a hidden layer lies between.
    pub fn channel_weights(&self) -> Option<Tensor<2>> {
        match self.hidden {
            None => Some(self.linear.weight.val().transpose()),
            Some(_) => None,
        }
    }
}
