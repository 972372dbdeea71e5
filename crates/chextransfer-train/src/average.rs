//! An exponential moving average of a network's weights.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;
use burn::tensor::container::TensorContainer;
use chextransfer_models::Network;

/// The average of a network over its training steps, running statistics included:
/// `average <- decay * average + (1 - decay) * network` after each step, as
/// `torch.optim.swa_utils.AveragedModel` with `use_buffers=True` and timm's `ModelEmaV2` do it.
#[derive(Debug)]
pub(crate) struct Average {
    network: Network,
    decay: f64,
}

impl Average {
    /// Begins with a network, an inference copy.
    pub(crate) fn new(network: Network, decay: f64) -> Self {
        Self { network, decay }
    }

    /// The average as it is now.
    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// Takes in the network after a step, an inference copy of it.
    pub(crate) fn update(&mut self, network: &Network) {
        // Both networks are of one shape, so their tensors come in the same order.
        #[derive(Default)]
        struct Collect {
            tensors: TensorContainer<usize>,
            count: usize,
        }
        impl ModuleVisitor for Collect {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                self.tensors.register(self.count, param.val());
                self.count += 1;
            }
        }
        struct Blend {
            tensors: TensorContainer<usize>,
            count: usize,
            decay: f64,
        }
        impl ModuleMapper for Blend {
            fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
                let newest = self.tensors.remove::<Tensor<D>>(&self.count);
                self.count += 1;
                match newest {
                    Some(newest) => param.map(|average| {
                        average.mul_scalar(self.decay) + newest.mul_scalar(1.0 - self.decay)
                    }),
                    None => param,
                }
            }
        }
        let mut collected = Collect::default();
        network.visit(&mut collected);
        let mut blend = Blend {
            tensors: collected.tensors,
            count: 0,
            decay: self.decay,
        };
        self.network = self.network.clone().map(&mut blend);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use burn::store::ModuleSnapshot;
    use chextransfer_models::{Architecture, DeviceChoice};

    fn values(network: &Network) -> Vec<f32> {
        let tensors = network.collect(None, None, false);
        let bytes = tensors
            .into_iter()
            .flat_map(|t| t.into_bytes().unwrap().to_vec());
        let bytes: Vec<u8> = bytes.collect();
        bytes
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect()
    }

    #[test]
    fn the_average_of_weights_and_statistics_follows_its_formula() {
        let device = DeviceChoice::Cpu.open().unwrap();
        let spec = Architecture::ResNet18.minus(3).unwrap();
        let training = spec.init(1, &device.clone().autodiff());
        training.forward(Tensor::ones([2, 3, 32, 32], &device.clone().autodiff()) * 3.0);
        let newest = training.valid();
        let mut average = Average::new(spec.init(0, &device), 0.75);
        let before = values(average.network());
        average.update(&newest);
        let expected = before
            .iter()
            .zip(values(&newest))
            .map(|(a, b)| 0.75 * a + 0.25 * b);
        let found = values(average.network());
        assert_ne!(found, before);
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found - expected).abs() <= 1e-6 * expected.abs().max(1.0),
                "{found} {expected}"
            );
        }
    }
}
