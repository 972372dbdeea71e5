//! Normalisation and activation.

use burn::module::{Module, Param};
use burn::tensor::{DType, Tensor};
use chextransfer_kernels::{Affine, channel_affine};

use super::{Activation, BatchNorm2d, ConvNormAct};
use crate::initialization::{Distribution, Initialization};
use crate::tensor_spec::TensorList;

/// Batch normalisation followed by an activation, as DenseNet applies them before a convolution.
#[derive(Module, Debug)]
pub struct NormAct {
    norm: Norm,
    #[module(skip)]
    activation: Activation,
}

/// A normalisation that no convolution stands before.
#[derive(Module, Debug)]
pub enum Norm {
    /// By the batch's or the running statistics.
    Batch(BatchNorm2d),
    /// The same for inference alone, in one multiplication and one addition.
    Affine(ChannelAffine),
}

/// A factor and a summand for each channel.
#[derive(Module, Debug)]
pub struct ChannelAffine {
    /// The factor, `[channels]`.
    pub weight: Param<Tensor<1>>,
    /// The summand, `[channels]`.
    pub bias: Param<Tensor<1>>,
}

impl NormAct {
    pub(crate) fn new(
        channels: usize,
        activation: Activation,
        initialization: &mut Initialization,
    ) -> Self {
        let norm = match BatchNorm2d::new(channels, initialization) {
            Some(norm) => Norm::Batch(norm),
            None => Norm::Affine(ChannelAffine {
                weight: initialization.parameter([channels], Distribution::Constant(1.0)),
                bias: initialization.parameter([channels], Distribution::Constant(0.0)),
            }),
        };
        Self { norm, activation }
    }

    pub(crate) fn tensors(path: &str, channels: usize, into: &mut TensorList) {
        let path = format!("{path}.norm");
        if into.folded {
            into.parameter(&path, "weight", &[channels]);
            into.parameter(&path, "bias", &[channels]);
        } else {
            BatchNorm2d::tensors(&path, channels, into);
        }
    }

    pub(crate) fn fold_batch_norm(self) -> Self {
        let norm = match self.norm {
            Norm::Batch(norm) => {
                let (weight, bias) = norm.affine();
                Norm::Affine(ChannelAffine {
                    weight: Param::from_tensor(weight),
                    bias: Param::from_tensor(bias),
                })
            }
            affine @ Norm::Affine(_) => affine,
        };
        Self { norm, ..self }
    }

    /// Normalises, then activates.
    ///
    /// # Shapes
    /// `[batch, channels, height, width]`, unchanged.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        match &self.norm {
            Norm::Batch(norm) => norm.forward(input, self.activation),
            Norm::Affine(affine) => {
                let (factor, summand) = (affine.weight.val(), affine.bias.val());
                channel_affine(input, factor, summand, self.activation)
            }
        }
    }

    /// The same and a convolution behind it.
    pub(crate) fn forward_into(&self, conv: &ConvNormAct, input: Tensor<4>) -> Tensor<4> {
        let (factor, summand) = match &self.norm {
            Norm::Batch(norm) if norm.trains_on(&input) || input.dtype() != DType::F32 => {
                return conv.forward(self.forward(input));
            }
            Norm::Batch(norm) => norm.affine(),
            Norm::Affine(affine) => (affine.weight.val(), affine.bias.val()),
        };
        let before = Affine {
            factor: Some(factor),
            summand,
            activation: self.activation,
        };
        conv.forward_behind(Some(before), input)
    }
}
