//! The gradients of all parameters at once: their norm, and clipping.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use chextransfer_models::Network;

/// The Euclidean norm of all gradients together; not finite where one of them is not. 0 where there
/// are none.
pub(crate) fn norm(network: &Network, gradients: &GradientsParams) -> f32 {
    struct SumOfSquares<'a> {
        gradients: &'a GradientsParams,
        sum: Option<Tensor<1>>,
    }
    impl ModuleVisitor for SumOfSquares<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.gradients.get::<D>(param.id) {
                let squares = (gradient.clone() * gradient).sum();
                self.sum = Some(match self.sum.take() {
                    Some(sum) => sum + squares,
                    None => squares,
                });
            }
        }
    }
    let mut visitor = SumOfSquares {
        gradients,
        sum: None,
    };
    network.visit(&mut visitor);
    visitor
        .sum
        .map_or(0.0, |sum| sum.sqrt().into_scalar::<f32>())
}

/// All gradients times the same factor.
pub(crate) fn scale(network: &Network, gradients: GradientsParams, factor: f32) -> GradientsParams {
    struct Scale {
        gradients: GradientsParams,
        factor: f32,
    }
    impl ModuleVisitor for Scale {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.gradients.remove::<D>(param.id) {
                let scaled = gradient.mul_scalar(self.factor);
                self.gradients.register(param.id, scaled);
            }
        }
    }
    let mut visitor = Scale { gradients, factor };
    network.visit(&mut visitor);
    visitor.gradients
}

/// The factor that brings a norm down to at most `limit`: that of PyTorch's `clip_grad_norm_`.
pub(crate) fn clip_factor(norm: f32, limit: f64) -> Option<f32> {
    let factor = limit / (f64::from(norm) + 1e-6);
    (factor < 1.0).then_some(factor as f32)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use chextransfer_models::{Architecture, DeviceChoice};

    #[test]
    fn the_norm_is_that_of_all_gradients_and_clipping_bounds_it() {
        let device = DeviceChoice::Cpu.open().unwrap().autodiff();
        let network = Architecture::ResNet18.minus(3).unwrap().init(0, &device);
        let images = Tensor::<4>::ones([2, 3, 32, 32], &device);
        let loss = network.forward(images).powf_scalar(2.0).mean();
        let gradients = GradientsParams::from_grads(loss.backward(), &network);

        struct Squares<'a>(&'a GradientsParams, f64);
        impl ModuleVisitor for Squares<'_> {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                if let Some(gradient) = self.0.get::<D>(param.id) {
                    let values = gradient.into_data();
                    self.1 += values.iter::<f64>().map(|v| v * v).sum::<f64>();
                }
            }
        }
        let mut squares = Squares(&gradients, 0.0);
        network.visit(&mut squares);
        let expected = squares.1.sqrt();
        let found = norm(&network, &gradients);
        assert!(
            (f64::from(found) / expected - 1.0).abs() < 1e-5,
            "{found} {expected}"
        );

        assert_eq!(clip_factor(found, f64::from(found) * 2.0), None);
        let factor = clip_factor(found, 0.5).unwrap();
        let clipped = norm(&network, &scale(&network, gradients, factor));
        assert!((clipped - 0.5).abs() < 1e-5, "{clipped}");
        assert_eq!(norm(&network, &GradientsParams::new()), 0.0);
    }
}
