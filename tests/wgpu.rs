//! The same networks through the graphics API, against the CPU. Built with the cargo feature `wgpu`; without an adapter
//! the tests say that they were skipped, unless `CHEXTRANSFER_REQUIRE_WGPU` is set.
#![allow(clippy::unwrap_used)]

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData};
use chextransfer::explain::{Explainer, Method};
use chextransfer::models::{Architecture, DeviceChoice, NetworkSpec};
use chextransfer::train::Loss;

fn devices() -> Option<[Device; 2]> {
    let required = std::env::var_os("CHEXTRANSFER_REQUIRE_WGPU").is_some();
    match DeviceChoice::Wgpu.open() {
        Ok(wgpu) => Some([DeviceChoice::Cpu.open().unwrap(), wgpu]),
        Err(error) if required => panic!("{error}"),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

/// Small enough for a graphics driver in software.
fn networks() -> [NetworkSpec; 3] {
    [
        Architecture::ResNet18.minus(2),
        Architecture::DenseNet121.minus(3),
        Architecture::MobileNetV2.minus(3),
    ]
    .map(|spec| spec.unwrap().with_classes(14).unwrap())
}

/// The same pictures on every device, `[2, 3, 32, 40]`.
fn images(device: &Device) -> Tensor<4> {
    let shape = [2, 3, 32, 40];
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|i: usize| ((i * 37 % 101) as f32 / 50.0) - 1.0)
        .collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// The largest difference, relative to the largest value.
fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let largest = a
        .iter()
        .fold(f32::MIN_POSITIVE, |largest, value| largest.max(value.abs()));
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
        / largest
}

#[test]
fn one_small_network_a_family_gives_the_logits_of_the_cpu() {
    let Some(devices) = devices() else { return };
    for spec in networks() {
        let [cpu, wgpu] = devices
            .each_ref()
            .map(|device| values(spec.init(0, device).forward(images(device))));
        let found = difference(&cpu, &wgpu);
        eprintln!("{}: {found:.1e}", spec.name());
        assert!(found < 1e-4, "{}: {found}", spec.name());
    }
}

#[test]
fn two_training_steps_and_a_map_follow_the_cpu() {
    let Some(devices) = devices() else { return };
    let spec = &networks()[0];
    let [cpu, wgpu] = devices.map(|device| {
        let training = device.clone().autodiff();
        let mut network = spec.init(0, &training);
        let mut adam = AdamConfig::new().with_epsilon(1e-8).init();
        let targets = Tensor::<2>::ones([2, 14], &training);
        let mut losses = Vec::new();
        for _ in 0..2 {
            let logits = network.forward(images(&training));
            let loss = Loss::binary(14).mean(logits, targets.clone(), targets.clone());
            losses.push(loss.clone().into_scalar::<f32>());
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            network = adam.step(1e-3, network, gradients);
        }
        let maps = Explainer::new(&network.valid(), Method::GradCam)
            .unwrap()
            .explain(images(&device), &[0, 10])
            .unwrap();
        (losses, maps[1].values.iter().copied().collect::<Vec<_>>())
    });
    let (loss, map) = (difference(&cpu.0, &wgpu.0), difference(&cpu.1, &wgpu.1));
    eprintln!("loss {loss:.1e}, map {map:.1e}");
    // The first steps of Adam divide by the size of the gradient and so enlarge its rounding.
    assert!(loss < 1e-3 && map < 2e-2, "loss {loss}, map {map}");
}
