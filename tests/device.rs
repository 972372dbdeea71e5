//! The same networks on another device as on the CPU.
//!
//! `CHEXTRANSFER_TEST_DEVICE` names the device, for example `wgpu:0` or `cuda`, for which the tests must be built with its
//! cargo feature; without it they say that they were skipped. Small enough for a graphics driver in software.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::store::ModuleSnapshot;
use burn::tensor::{Device, FloatDType, Tensor, TensorData};
use chextransfer::data::{Split, phantom};
use chextransfer::explain::{Explainer, Method};
use chextransfer::models::weights::{Dialect, Head, export, load};
use chextransfer::models::{Architecture, DeviceChoice, Network, NetworkSpec};
use chextransfer::train::{Ensemble, Event, Interval, Loss, Precision, Run, TrainConfig};

const CLASSES: usize = 14;

/// The device under test.
fn choice() -> Option<DeviceChoice> {
    match std::env::var("CHEXTRANSFER_TEST_DEVICE") {
        Ok(name) => Some(name.parse().unwrap()),
        Err(_) => {
            eprintln!("skipped: CHEXTRANSFER_TEST_DEVICE names no device");
            None
        }
    }
}

fn devices() -> Option<[Device; 2]> {
    let open = |choice: DeviceChoice| choice.open().unwrap_or_else(|error| panic!("{error}"));
    Some([DeviceChoice::Cpu.open().unwrap(), open(choice()?)])
}

/// What a difference may be: `exact` where float32 is float32, and what TF32 leaves, which keeps 11 bits, where a card may
/// compute in it.
fn tolerance(exact: f32) -> f32 {
    let is_software = |found: &chextransfer::models::FoundDevice| {
        Some(found.choice) == choice() && found.software
    };
    match DeviceChoice::found().iter().any(is_software) {
        true => exact,
        false => exact.max(2e-2),
    }
}

fn small(architecture: Architecture, minus: usize) -> NetworkSpec {
    let spec = architecture.minus(minus).unwrap();
    let spec = spec.with_classes(CLASSES).unwrap().without_auxiliary();
    // Devices draw different numbers.
    spec.with_dropout(0.0).with_stochastic_depth(0.0)
}

/// The same pictures on every device, `[2, 3, height, width]`.
fn images([height, width]: [usize; 2], device: &Device) -> Tensor<4> {
    let shape = [2, 3, height, width];
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|i: usize| ((i * 37 % 101) as f32 / 50.0) - 1.0)
        .collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// The largest difference, relative to the largest value; not a number where one is none.
fn difference(expected: &[f32], found: &[f32]) -> f32 {
    assert_eq!(expected.len(), found.len());
    let farthest = |values: &mut dyn Iterator<Item = f32>| {
        values.fold(0.0f32, |most, value| {
            if value.abs() <= most {
                most
            } else {
                value.abs()
            }
        })
    };
    let differences = &mut expected
        .iter()
        .zip(found)
        .map(|(expected, found)| expected - found);
    farthest(differences) / farthest(&mut expected.iter().copied())
}

fn gives_the_maps_of_the_cpu(architecture: Architecture, minus: usize, side: usize) {
    let Some(devices) = devices() else { return };
    let spec = small(architecture, minus);
    let [cpu, other] = devices.each_ref().map(|device| {
        let network = spec.init(0, device);
        let images = images([side, side + 8], device);
        let maps = network.forward_features(images.clone()).into_iter();
        let mut found: Vec<_> = maps.map(values).collect();
        found.push(values(network.forward(images)));
        found
    });
    // The maps of the blocks, and behind them the logits.
    for (index, (cpu, other)) in cpu.iter().zip(&other).enumerate() {
        let found = difference(cpu, other);
        let largest = cpu.iter().copied().fold(0.0, f32::max);
        eprintln!("{} {index}: {found:.1e} of {largest:.1e}", spec.name());
        assert!(found < tolerance(1e-4), "{} {index}: {found}", spec.name());
    }
}

#[test]
fn densenet_gives_the_maps_of_the_cpu() {
    gives_the_maps_of_the_cpu(Architecture::DenseNet121, 3, 32);
}

#[test]
fn resnet_gives_the_maps_of_the_cpu() {
    gives_the_maps_of_the_cpu(Architecture::ResNet18, 1, 32);
    gives_the_maps_of_the_cpu(Architecture::ResNet50, 3, 32);
}

#[test]
fn inception_gives_the_maps_of_the_cpu() {
    gives_the_maps_of_the_cpu(Architecture::InceptionV3, 8, 80);
    gives_the_maps_of_the_cpu(Architecture::InceptionV4, 14, 80);
}

#[test]
fn mnasnet_gives_the_maps_of_the_cpu() {
    gives_the_maps_of_the_cpu(Architecture::MnasNet1_0, 3, 32);
}

#[test]
fn efficientnet_gives_the_maps_of_the_cpu() {
    gives_the_maps_of_the_cpu(Architecture::EfficientNetB0, 4, 32);
}

#[test]
fn mobilenet_gives_the_maps_of_the_cpu() {
    gives_the_maps_of_the_cpu(Architecture::MobileNetV2, 3, 32);
    gives_the_maps_of_the_cpu(Architecture::MobileNetV3Large, 3, 32);
}

/// Losses before and after a step of Adam, and the network behind a second one.
fn steps(spec: &NetworkSpec, device: &Device) -> (Vec<f32>, Network) {
    let device = device.clone().autodiff();
    let mut network = spec.init(0, &device);
    let mut adam = AdamConfig::new().with_epsilon(1e-8).init();
    let targets = Tensor::<2>::ones([2, CLASSES], &device);
    let mut losses = Vec::new();
    for _ in 0..2 {
        let logits = network.forward(images([32, 40], &device));
        let loss = Loss::binary(CLASSES).mean(logits, targets.clone(), targets.clone());
        losses.push(loss.clone().into_scalar::<f32>());
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        network = adam.step(1e-3, network, gradients);
    }
    (losses, network.valid())
}

fn trains_as_on_the_cpu(architecture: Architecture, minus: usize) {
    let Some(devices) = devices() else { return };
    let spec = small(architecture, minus);
    let [cpu, other] = devices.each_ref().map(|device| steps(&spec, device).0);
    let found = difference(&cpu, &other);
    eprintln!("{}: losses {cpu:?} and {other:?}, {found:.1e}", spec.name());
    assert_ne!(cpu[0], cpu[1]);
    // The first steps of Adam divide by the size of the gradient and so enlarge its rounding.
    assert!(found < tolerance(1e-3), "{}: {found}", spec.name());
}

#[test]
fn resnet_trains_as_on_the_cpu() {
    trains_as_on_the_cpu(Architecture::ResNet18, 2);
}

#[test]
fn mobilenet_trains_as_on_the_cpu() {
    trains_as_on_the_cpu(Architecture::MobileNetV2, 3);
}

#[test]
fn densenet_trains_as_on_the_cpu() {
    trains_as_on_the_cpu(Architecture::DenseNet121, 3);
}

#[test]
fn a_map_of_a_trained_network_is_that_of_the_cpu() {
    let Some(devices) = devices() else { return };
    let spec = small(Architecture::ResNet18, 2);
    let [cpu, other] = devices.map(|device| {
        let network = steps(&spec, &device).1;
        let explainer = Explainer::new(&network, Method::GradCam).unwrap();
        let maps = explainer
            .explain(images([32, 40], &device), &[0, 10])
            .unwrap();
        maps[1].values.iter().copied().collect::<Vec<_>>()
    });
    let found = difference(&cpu, &other);
    eprintln!("map: {found:.1e}");
    assert!(found < tolerance(2e-2), "{found}");
}

/// Names and values of all tensors.
fn tensors(network: &Network) -> BTreeMap<String, Vec<u8>> {
    let tensors = network.collect(None, None, true).into_iter();
    let bytes = tensors.map(|tensor| (tensor.name.clone(), tensor.into_bytes().unwrap().to_vec()));
    bytes.collect()
}

#[test]
fn what_is_exported_loads_on_the_cpu_to_the_bit() {
    let Some([cpu, other]) = devices() else {
        return;
    };
    let spec = small(Architecture::MobileNetV2, 3);
    let (_, network) = steps(&spec, &other);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("network.safetensors");
    export(&network, Dialect::Torchvision, &file, BTreeMap::new()).unwrap();
    let (loaded, _) = load(spec.init(1, &cpu), &file, Head::Load).unwrap();
    assert_eq!(tensors(&loaded), tensors(&network));
}

fn settings(data: &Path) -> TrainConfig {
    TrainConfig {
        minus: 3,
        image_size: 32,
        epochs: 2,
        batch_size: 4,
        learning_rate: 1e-3,
        validate_every: Interval::Examples(24),
        keep_best: 2,
        bootstrap_replicates: 20,
        ..TrainConfig::paper(Architecture::ResNet18, data)
    }
}

/// The losses of all steps, and the probabilities of the test split.
fn run(config: TrainConfig, folder: &Path, device: DeviceChoice) -> (Vec<f32>, Vec<f32>) {
    let mut losses = Vec::new();
    let mut observer = |event: Event| {
        if let Event::Step { loss, .. } = event {
            losses.push(loss);
        }
        ControlFlow::Continue(())
    };
    let mut run = Run::begin(config.clone(), folder, device, &mut observer).unwrap();
    run.train(&mut observer).unwrap();
    assert!(run.time().waiting() > 0.0 && run.time().waiting() < 1.0);
    // A finished run goes on from its checkpoint, optimiser included, and has nothing left to do.
    drop(run);
    let mut run = Run::resume(config, folder, device, &mut observer).unwrap();
    run.train(&mut observer).unwrap();
    assert_eq!(run.time().images, 0);
    let ensemble = Ensemble::open(run.directory()).unwrap();
    let mut quiet = |_: Event| ControlFlow::Continue(());
    ensemble
        .evaluate(Split::Test, device, &mut quiet)
        .unwrap()
        .unwrap();
    let predictions = std::fs::read_to_string(run.directory().predictions_path(Split::Test));
    let numbers = predictions.unwrap();
    let numbers = numbers.lines().skip(1).flat_map(|line| line.split(','));
    (
        losses,
        numbers.filter_map(|cell| cell.parse().ok()).collect(),
    )
}

#[test]
fn a_run_from_files_to_predictions_is_that_of_the_cpu() {
    let Some(other) = choice() else { return };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let config = phantom::PhantomConfig {
        patients: 16,
        side: 32,
        ..Default::default()
    };
    phantom::generate(&config, &data, |_, _| ()).unwrap();
    let [cpu, found] = [("cpu", DeviceChoice::Cpu), ("other", other)]
        .map(|(name, device)| run(settings(&data), &folder.path().join(name), device));
    let (loss, probability) = (difference(&cpu.0, &found.0), difference(&cpu.1, &found.1));
    eprintln!("run: losses {loss:.1e}, probabilities {probability:.1e}");
    assert!(cpu.0.len() > 4 && cpu.1.len() > CLASSES);
    assert!(
        loss < tolerance(5e-3) && probability < tolerance(2e-2),
        "{loss} {probability}"
    );

    let opened = other.open().unwrap();
    for precision in [Precision::Bfloat16, Precision::Float16] {
        let half = TrainConfig {
            precision,
            ..settings(&data)
        };
        let out = folder.path().join(precision.name());
        if opened.supports_dtype(precision.cast().unwrap_or(FloatDType::F32)) {
            let (losses, _) = run(half, &out, other);
            let found = difference(&cpu.0, &losses);
            eprintln!("run in {}: losses {found:.1e}", precision.name());
            assert!(found < 5e-2, "{found}");
        } else {
            let mut quiet = |_: Event| ControlFlow::Continue(());
            let refused = Run::begin(half, &out, other, &mut quiet).err().unwrap();
            assert!(refused.to_string().contains(precision.name()), "{refused}");
        }
    }
}
