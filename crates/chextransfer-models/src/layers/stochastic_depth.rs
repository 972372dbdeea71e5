//! Stochastic depth: Huang, Sun, Liu, Sedra and Weinberger, ECCV 2016.

use burn::module::{Flag, Module, Param};
use burn::tensor::{Distribution, Tensor};

/// Drops a residual branch for a random part of the images while training, and scales it up for the
/// others so that its mean stays (torchvision's mode `row`).
#[derive(Module, Debug)]
pub struct StochasticDepth {
    probability: f64,
    /// Off in a frozen layer, which then keeps every branch.
    training: Param<Flag>,
}

impl StochasticDepth {
    /// `None` where nothing would ever be dropped.
    pub(crate) fn new(probability: f64) -> Option<Self> {
        (probability > 0.0).then(|| Self {
            probability,
            training: Param::from_bool(true),
        })
    }

    /// The branch's map, or zeros, image by image.
    ///
    /// # Shapes
    /// `[batch, channels, height, width]`, unchanged.
    pub fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        let device = map.device();
        if !(device.is_autodiff() && self.training.is_enabled()) {
            return map;
        }
        let kept = 1.0 - self.probability;
        let images = [map.dims()[0], 1, 1, 1];
        let dtype = map.dtype();
        let drawn: Tensor<4> = Tensor::random(images, Distribution::Bernoulli(kept), &device);
        map * (drawn / kept).cast(dtype)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::DeviceChoice;

    #[test]
    fn training_drops_whole_images_and_keeps_the_mean() {
        let device = DeviceChoice::Cpu.open().unwrap().autodiff();
        let layer = StochasticDepth::new(0.25).unwrap();
        let output = layer.forward(Tensor::ones([4000, 2, 1, 2], &device));
        let values = output.into_data().try_into_vec_as::<f32>().unwrap();
        let mut kept = 0;
        for image in values.chunks(4) {
            assert!(image.iter().all(|value| *value == image[0]), "{image:?}");
            assert!(image[0] == 0.0 || (image[0] - 1.0 / 0.75).abs() < 1e-6);
            kept += usize::from(image[0] > 0.0);
        }
        // Five standard deviations of a binomial.
        assert!(kept.abs_diff(3000) < 137, "{kept} of 4000 kept");
    }

    #[test]
    fn evaluation_keeps_everything() {
        let device = DeviceChoice::Cpu.open().unwrap();
        let layer = StochasticDepth::new(0.9).unwrap();
        let output = layer.forward(Tensor::ones([8, 1, 1, 1], &device));
        assert_eq!(output.min().into_scalar::<f32>(), 1.0);
        assert!(StochasticDepth::new(0.0).is_none());
    }
}
