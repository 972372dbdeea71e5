//! Normalisation and activation.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{Activation, BatchNorm2d};
use crate::initialization::Initialization;

/// Batch normalisation followed by an activation, as DenseNet applies them before a convolution.
#[derive(Module, Debug)]
pub struct NormAct {
    norm: BatchNorm2d,
    #[module(skip)]
    activation: Activation,
}

impl NormAct {
    pub(crate) fn new(
        channels: usize,
        activation: Activation,
        initialization: &mut Initialization,
    ) -> Self {
        Self {
            norm: BatchNorm2d::new(channels, initialization),
            activation,
        }
    }

    /// Normalises, then activates.
    ///
    /// # Shapes
    /// `[batch, channels, height, width]`, unchanged.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        self.activation.forward(self.norm.forward(input))
    }
}
