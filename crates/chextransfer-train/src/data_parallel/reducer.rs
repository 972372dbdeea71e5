//! Adding up the gradients of several devices.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::distributed::{ReduceOperation, all_reduce};
use burn::tensor::{Device, Tensor};
use chextransfer_models::{DeviceChoice, Network};

use super::Replica;
use crate::{Error, Result};

/// Adds up gradients that lie on several devices.
pub trait GradientReducer: Send + Sync {
    /// The sum of all gradients, on the device of the first.
    ///
    /// `gradients` has those of the calling thread's device first, then those of `replicas` in their
    /// order, of all or, for a small batch, of the first few. It is called when all of them are there.
    ///
    /// # Errors
    /// When one of the devices fails.
    fn sum(
        &self,
        network: &Network,
        gradients: Vec<GradientsParams>,
        replicas: &[Replica],
    ) -> Result<GradientsParams>;
}

/// Copies all gradients to the first device and adds them there, in the order of the replicas: for any
/// devices, and reproducible to the bit.
#[derive(Debug, Clone, Copy, Default)]
pub struct InProcess;

impl GradientReducer for InProcess {
    fn sum(
        &self,
        network: &Network,
        gradients: Vec<GradientsParams>,
        _replicas: &[Replica],
    ) -> Result<GradientsParams> {
        let mut sum = Sum {
            gradients,
            sums: GradientsParams::new(),
        };
        network.visit(&mut sum);
        Ok(sum.sums)
    }
}

struct Sum {
    gradients: Vec<GradientsParams>,
    sums: GradientsParams,
}

impl ModuleVisitor for Sum {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let gradients = self.gradients.iter_mut();
        let sum = gradients
            .filter_map(|gradients| gradients.remove::<D>(parameter.id))
            .reduce(|sum, gradient| {
                let device = sum.device();
                sum + gradient.to_device(&device)
            });
        if let Some(sum) = sum {
            self.sums.register(parameter.id, sum);
        }
    }
}

/// Burn's own collectives: NCCL between the CUDA devices of one machine.
///
/// Every device reduces on its own thread, for a collective may wait for the others on the host too.
/// None is begun before every shard has its gradients, so a shard that fails leaves none waiting.
pub struct Collectives {
    device: Device,
}

impl Collectives {
    /// For these devices, of which `first` is the opened first one.
    ///
    /// # Errors
    /// [`Error::Setting`] unless all are different CUDA devices: no other backend of Burn's has
    /// collectives.
    pub fn new(choices: &[DeviceChoice], first: &Device) -> Result<Self> {
        let different = |(at, choice)| !choices[..at].contains(choice);
        let cuda = |choice: &DeviceChoice| matches!(choice, DeviceChoice::Cuda(_));
        if !(choices.iter().all(cuda) && choices.iter().enumerate().all(different)) {
            let names: Vec<_> = choices.iter().map(ToString::to_string).collect();
            return Err(Error::Setting {
                setting: "devices",
                found: names.join(", "),
                expected: "different CUDA devices, which alone have collectives",
            });
        }
        Ok(Self {
            device: first.clone().without_autodiff(),
        })
    }
}

impl GradientReducer for Collectives {
    fn sum(
        &self,
        network: &Network,
        gradients: Vec<GradientsParams>,
        replicas: &[Replica],
    ) -> Result<GradientsParams> {
        let mut gradients = gradients.into_iter();
        let Some(own) = gradients.next() else {
            return Ok(GradientsParams::new());
        };
        let replicas: Vec<_> = replicas.iter().zip(gradients).collect();
        let others = replicas.iter().map(|(replica, _)| replica.device());
        let devices: Vec<_> = [&self.device]
            .into_iter()
            .chain(others)
            .map(|device| device.clone().without_autodiff())
            .collect();
        let pending: Vec<_> = replicas
            .into_iter()
            .map(|(replica, gradients)| {
                let (devices, network) = (devices.clone(), network.valid());
                // Their copies of the sum are not needed: the optimiser is on the first device.
                replica.run(move |_| {
                    sum_everywhere(&network, gradients, devices);
                    Ok(())
                })
            })
            .collect();
        let sums = sum_everywhere(network, own, devices);
        pending.into_iter().try_for_each(super::Pending::wait)?;
        Ok(sums)
    }
}

/// One device's part in a collective sum, which every device gets.
fn sum_everywhere(
    network: &Network,
    gradients: GradientsParams,
    devices: Vec<Device>,
) -> GradientsParams {
    let mut sum = CollectiveSum {
        gradients,
        devices,
        begun: Vec::new(),
    };
    // The same order on every device: collectives are matched by it.
    network.visit(&mut sum);
    let mut sums = GradientsParams::new();
    for sum in sum.begun {
        sum(&mut sums);
    }
    sums
}

/// Waits for one tensor's sum and stores it.
type Begun = Box<dyn FnOnce(&mut GradientsParams)>;

struct CollectiveSum {
    gradients: GradientsParams,
    devices: Vec<Device>,
    begun: Vec<Begun>,
}

impl ModuleVisitor for CollectiveSum {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let id = parameter.id;
        if let Some(gradient) = self.gradients.remove::<D>(id) {
            let sum = all_reduce(gradient, ReduceOperation::Sum, self.devices.clone());
            let store = move |sums: &mut GradientsParams| sums.register(id, sum.resolve());
            self.begun.push(Box::new(store));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn collectives_are_for_different_cuda_devices_alone() {
        let first = DeviceChoice::Cpu.open().unwrap();
        let made = |choices: &[DeviceChoice]| Collectives::new(choices, &first).is_ok();
        assert!(made(&[DeviceChoice::Cuda(0), DeviceChoice::Cuda(1)]));
        assert!(!made(&[DeviceChoice::Cuda(0), DeviceChoice::Cuda(0)]));
        assert!(!made(&[DeviceChoice::Cuda(0), DeviceChoice::Cpu]));
    }
}
