//! Batch normalisation with PyTorch's running statistics.

use burn::module::{Flag, Module, Param, RunningState};
use burn::tensor::{DType, Tensor};
use chextransfer_kernels::{batch_norm_train, channel_affine};

use super::Activation;
use crate::initialization::{Distribution, Initialization};
use crate::tensor_spec::TensorList;

/// The constants of every batch normalisation of a network: plain data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchNormSpec {
    /// Weight of a new batch in the running statistics.
    pub momentum: f64,
    /// Added to the variance.
    pub epsilon: f64,
}

impl BatchNormSpec {
    /// PyTorch's defaults.
    pub(crate) const PYTORCH: Self = Self {
        momentum: 0.1,
        epsilon: 1e-5,
    };
}

/// Batch normalisation over the channels of a feature map (Ioffe and Szegedy 2015).
///
/// Burn's own layer keeps the biased batch variance as running variance; PyTorch, and so every
/// checkpoint, keeps the unbiased one (divided by n - 1). Fields carry PyTorch's names.
#[derive(Module, Debug)]
pub struct BatchNorm2d {
    /// Scale, `[channels]`.
    pub weight: Param<Tensor<1>>,
    /// Shift, `[channels]`.
    pub bias: Param<Tensor<1>>,
    /// Mean over the images seen in training, `[channels]`.
    pub running_mean: RunningState<Tensor<1>>,
    /// Unbiased variance over the images seen in training, `[channels]`.
    pub running_var: RunningState<Tensor<1>>,
    /// Off in a frozen layer, which then uses and keeps its running statistics.
    training: Param<Flag>,
    momentum: f64,
    epsilon: f64,
}

impl BatchNorm2d {
    /// `None` in a network whose normalisations are folded.
    pub(crate) fn new(channels: usize, initialization: &mut Initialization) -> Option<Self> {
        let BatchNormSpec { momentum, epsilon } = initialization.batch_norm?;
        let mut constant = |value| initialization.tensor([channels], Distribution::Constant(value));
        Some(Self {
            weight: Param::from_tensor(constant(1.0)),
            bias: Param::from_tensor(constant(0.0)),
            running_mean: RunningState::new(constant(0.0)),
            running_var: RunningState::new(constant(1.0)),
            training: Param::from_bool(true),
            momentum,
            epsilon,
        })
    }

    /// The tensors that a layer of this many channels holds.
    pub(crate) fn tensors(path: &str, channels: usize, into: &mut TensorList) {
        into.parameter(path, "weight", &[channels]);
        into.parameter(path, "bias", &[channels]);
        into.statistic(path, "running_mean", &[channels]);
        into.statistic(path, "running_var", &[channels]);
    }

    /// Factor and summand, each `[channels]`, that do what the layer does in inference.
    pub(crate) fn affine(&self) -> (Tensor<1>, Tensor<1>) {
        let weight = self.weight.val();
        let device = weight.device();
        // Synchronised, for a layer that was frozen right behind a step in training.
        let mean = self.running_mean.value_sync().to_device(&device);
        let variance = self.running_var.value_sync().to_device(&device);
        let factor = weight / variance.add_scalar(self.epsilon).sqrt();
        let summand = self.bias.val() - mean * factor.clone();
        (factor, summand)
    }

    /// Whether a map would be normalised by its own statistics.
    pub(crate) fn trains_on(&self, input: &Tensor<4>) -> bool {
        input.device().is_autodiff() && self.training.is_enabled()
    }

    /// Normalises with the batch's statistics while training, with the running ones otherwise; in
    /// float32, whatever the map is in. Then activates.
    ///
    /// # Shapes
    /// `[batch, channels, height, width]`, unchanged.
    pub fn forward(&self, input: Tensor<4>, activation: Activation) -> Tensor<4> {
        let dtype = input.dtype();
        let input = input.cast(DType::F32);
        let output = if self.trains_on(&input) {
            self.forward_training(input, activation)
        } else {
            let (factor, summand) = self.affine();
            channel_affine(input, factor, summand, activation)
        };
        output.cast(dtype)
    }

    fn forward_training(&self, input: Tensor<4>, activation: Activation) -> Tensor<4> {
        let [batch, _, height, width] = input.dims();
        let device = input.device();
        let count = (batch * height * width) as f64;
        let (weight, bias) = (self.weight.val(), self.bias.val());
        let normalized = batch_norm_train(input, weight, bias, self.epsilon, activation);
        // A single value has no unbiased variance; the biased one (zero) stands in for it.
        let unbiased = normalized
            .variance
            .mul_scalar(count / (count - 1.0).max(1.0));
        for (running, batch) in [
            (&self.running_mean, normalized.mean),
            (&self.running_var, unbiased),
        ] {
            let previous = running.value_sync().to_device(&device);
            running.update(
                previous
                    .mul_scalar(1.0 - self.momentum)
                    .add(batch.mul_scalar(self.momentum))
                    .detach(),
            );
        }
        normalized.output
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::DeviceChoice;
    use burn::tensor::{Device, TensorData};

    fn layer(device: &Device) -> BatchNorm2d {
        let batch_norm = Some(BatchNormSpec::PYTORCH);
        BatchNorm2d::new(1, &mut Initialization::new(0, batch_norm, 0.0, device)).unwrap()
    }

    #[test]
    fn running_statistics_are_pytorchs() {
        let device = DeviceChoice::Cpu.open().unwrap().autodiff();
        let layer = layer(&device);
        let input = TensorData::new(vec![1.0f32, 2.0, 3.0, 6.0], [2, 1, 1, 2]);
        layer.forward(Tensor::from_data(input, &device), Activation::Identity);

        // torch.nn.BatchNorm2d(1) on the same four values: mean 3, unbiased variance 14/3.
        let trained = layer.valid();
        let mean = trained.running_mean.value().into_scalar::<f32>();
        let variance = trained.running_var.value().into_scalar::<f32>();
        assert!((mean - 0.3).abs() < 1e-6, "{mean}");
        assert!(
            (variance - (0.9 + 0.1 * 14.0 / 3.0)).abs() < 1e-6,
            "{variance}"
        );
    }

    #[test]
    fn evaluation_uses_and_keeps_the_running_statistics() {
        let device = DeviceChoice::Cpu.open().unwrap();
        let layer = layer(&device);
        let input = Tensor::<4>::full([2, 1, 2, 2], 3.0, &device);
        let output = layer
            .forward(input, Activation::Identity)
            .max()
            .into_scalar::<f32>();
        assert!((output - 3.0 / (1.0f32 + 1e-5).sqrt()).abs() < 1e-6);
        assert_eq!(layer.running_mean.value().into_scalar::<f32>(), 0.0);
    }
}
