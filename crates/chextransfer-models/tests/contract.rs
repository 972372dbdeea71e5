//! What every architecture promises at every cut, on the CPU at small images.
#![allow(clippy::unwrap_used)]

use burn::module::{Module, ModuleVisitor, Param};
use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot};
use burn::tensor::{Device, Distribution, Gradients, Tensor};
use chextransfer_models::{Architecture, DeviceChoice, Network, NetworkSpec, TensorSpec};

/// Neither square nor a multiple of the reductions, and as small as all eight admit.
const IMAGE: [usize; 2] = [40, 52];

fn cpu() -> Device {
    DeviceChoice::Cpu.open().unwrap()
}

fn every_cut() -> impl Iterator<Item = NetworkSpec> {
    Architecture::ALL.into_iter().flat_map(|architecture| {
        let blocks = architecture.spec().blocks().len();
        (0..blocks).map(move |k| architecture.minus(k).unwrap().with_classes(5).unwrap())
    })
}

fn images(batch: usize, device: &Device) -> Tensor<4> {
    Tensor::random(
        [batch, 3, IMAGE[0], IMAGE[1]],
        Distribution::Normal(0.0, 1.0),
        device,
    )
}

/// The tensors of a network with their shapes as PyTorch stores them.
fn held(network: &Network) -> Vec<(String, Vec<usize>)> {
    let mut held: Vec<_> = network
        .collect(None, Some(Box::new(BurnToPyTorchAdapter)), true)
        .into_iter()
        .map(|tensor| (tensor.name.clone(), tensor.shape.to_vec()))
        .collect();
    held.sort();
    held
}

#[test]
fn the_spec_lists_exactly_the_tensors_that_the_network_holds() {
    for spec in every_cut() {
        let pair = |tensor: TensorSpec| (tensor.path, tensor.shape);
        let mut listed: Vec<_> = spec.tensors().into_iter().map(pair).collect();
        listed.sort();
        assert_eq!(held(&spec.init(0, &cpu())), listed, "{}", spec.name());
    }
}

#[test]
fn maps_have_the_declared_shapes_and_lead_to_the_same_logits() {
    let device = cpu();
    for spec in every_cut() {
        let network = spec.init(0, &device);
        let input = images(2, &device);
        let maps = network.forward_features(input.clone());
        let declared = spec.describe(IMAGE).unwrap();
        assert_eq!(maps.len(), declared.len());
        for (map, block) in maps.iter().zip(&declared) {
            let [height, width] = block.side;
            let name = spec.name();
            assert_eq!(
                map.dims(),
                [2, block.channels, height, width],
                "{name} {}",
                block.name
            );
        }
        let logits = network.forward(input);
        assert_eq!(logits.dims(), [2, 5]);
        let again = network.forward_head(maps.last().unwrap().clone());
        let (logits, again) = (logits.into_data(), again.into_data());
        assert!(logits.iter::<f32>().all(f32::is_finite), "{}", spec.name());
        assert_eq!(logits, again, "{}", spec.name());
    }
}

#[test]
fn a_truncated_network_starts_with_the_body_of_the_whole_one() {
    let device = cpu();
    for architecture in Architecture::ALL {
        let whole = architecture.spec().init(7, &device);
        let cut = architecture.minus(2).unwrap().init(7, &device);
        let input = images(1, &device);
        for (kept, original) in cut
            .forward_features(input.clone())
            .iter()
            .zip(whole.forward_features(input))
        {
            assert_eq!(kept.to_data(), original.into_data(), "{architecture}");
        }
    }
}

#[test]
fn another_seed_draws_other_weights() {
    let device = cpu();
    let spec = Architecture::ResNet18.minus(3).unwrap();
    let input = images(1, &device);
    let logits = |seed| spec.init(seed, &device).forward(input.clone()).into_data();
    assert_eq!(logits(1), logits(1));
    assert_ne!(logits(1), logits(2));
}

/// Counts parameters and those that received a gradient other than zero.
struct GradientCount<'a> {
    gradients: &'a Gradients,
    parameters: usize,
    without: Vec<String>,
    path: Vec<String>,
}

impl ModuleVisitor for GradientCount<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if !parameter.is_require_grad() {
            return;
        }
        self.parameters += 1;
        let largest = parameter
            .val()
            .grad(self.gradients)
            .map(|gradient| gradient.abs().max().into_scalar::<f32>());
        if !largest.is_some_and(|largest| largest > 0.0 && largest.is_finite()) {
            self.without
                .push(format!("{}: {largest:?}", self.path.join(".")));
        }
    }

    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
}

#[test]
fn every_parameter_of_a_training_network_receives_a_gradient() {
    let device = cpu().autodiff();
    for spec in every_cut() {
        let network = spec.init(0, &device);
        let gradients = network
            .forward(images(2, &device))
            .powf_scalar(2.0)
            .sum()
            .backward();
        let mut count = GradientCount {
            gradients: &gradients,
            parameters: 0,
            without: Vec::new(),
            path: Vec::new(),
        };
        network.visit(&mut count);
        assert!(
            count.without.is_empty(),
            "{}: {:?}",
            spec.name(),
            count.without
        );
        assert!(count.parameters > 0);
    }
}

#[test]
fn evaluation_does_not_depend_on_the_rest_of_the_batch() {
    let device = cpu();
    for architecture in Architecture::ALL {
        let network = architecture.minus(1).unwrap().init(0, &device);
        let both = images(2, &device);
        let alone = network.forward(both.clone().narrow(0, 0, 1));
        let together = network.forward(both).narrow(0, 0, 1);
        let scale = together.clone().abs().max().into_scalar::<f32>();
        let difference = (alone - together).abs().max().into_scalar::<f32>();
        // Matrix kernels tile another batch size in another order: rounding only.
        assert!(
            difference < 1e-5 * scale,
            "{architecture}: {difference} of {scale}"
        );
    }
}
