//! The networks against torchvision's: every block's map, logits, running statistics, gradients.
//!
//! `reference/torchvision.toml` is written by hand with `tests/reference/torchvision_parity.py` of the
//! workspace, which says how. Weights come from a formula that both sides compute.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param, ParamGroup};
use burn::optim::GradientsParams;
use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot};
use burn::tensor::{Device, Tensor, TensorData, activation::relu};
use chextransfer_models::weights::{Head, load, torchvision_key};
use chextransfer_models::{Architecture, DeviceChoice, Family, Network};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde::Deserialize;

/// Largest deviation of maps and logits in evaluation. Measured on the CPU: 2e-6.
const EVALUATION: f64 = 2e-5;
/// Of logits in training, where few values make a batch's statistics. Measured: 5e-5.
const TRAINING: f64 = 5e-4;
/// Of running statistics. Measured: 7e-6.
const STATISTICS: f64 = 7e-5;
/// Of gradients. Measured: 1e-5 with ResNet-18 and 8e-4 with MobileNetV2, which has many more
/// activations near a kink. One that rounding moves across changes the gradients by up to 2.6e-2;
/// so large is the difference of PyTorch's own float32 to its float64 for other images.
const GRADIENTS: [(Family, f64); 2] = [(Family::ResNet, 2e-4), (Family::MobileNetV2, 5e-2)];

const CLASSES: usize = 14;
const IMAGES: [usize; 4] = [2, 3, 64, 96];

#[derive(Deserialize)]
struct Reference {
    evaluation: Evaluation,
    training: Option<Training>,
}

#[derive(Deserialize)]
struct Evaluation {
    logits: Numbers,
    blocks: Vec<Block>,
}

#[derive(Deserialize)]
struct Block {
    shape: [usize; 4],
    map: Numbers,
}

#[derive(Deserialize)]
struct Training {
    logits: Numbers,
    statistics: BTreeMap<String, Numbers>,
    gradients: BTreeMap<String, Numbers>,
}

/// A tensor's Euclidean norm, then elements at even distances.
#[derive(Deserialize)]
struct Numbers(Vec<f64>);

impl Numbers {
    /// The largest difference to a tensor, relative to its norm (at least `floor`), and for elements
    /// to their root mean square or to themselves.
    fn deviation(&self, tensor: &[f32], floor: f64) -> f64 {
        let (norm, elements) = self.0.split_first().unwrap();
        let scale = norm.max(floor);
        let square = |value: &f32| f64::from(*value).powi(2);
        let found = tensor.iter().map(square).sum::<f64>().sqrt();
        let typical = scale / (tensor.len() as f64).sqrt();
        let at = |i: usize| f64::from(tensor[(2 * i + 1) * tensor.len() / (2 * elements.len())]);
        elements
            .iter()
            .enumerate()
            .map(|(i, element)| (at(i) - element).abs() / typical.max(element.abs()))
            .fold((found - norm).abs() / scale, f64::max)
    }
}

fn reference(architecture: Architecture) -> Reference {
    let text = include_str!("reference/torchvision.toml");
    let mut all: BTreeMap<String, Reference> = toml::from_str(text).unwrap();
    all.remove(architecture.name())
        .expect("the reference has every architecture")
}

/// Numbers in -1..1: splitmix64 of the index, started at the FNV-1a hash of the name; 24 bits.
fn uniform(name: &str, count: usize) -> impl Iterator<Item = f64> {
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (1..=count as u64).map(move |index| {
        let z = seed.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f64 / f64::from(1 << 23) - 1.0
    })
}

/// The reference's values for a tensor of this name and shape.
fn formula(name: &str, shape: &[usize]) -> Vec<f32> {
    let (scale, shift) = match name.rsplit('.').next() {
        Some("weight") if shape.len() > 1 => {
            let fan_in: usize = shape[1..].iter().product();
            (2.0 / (fan_in as f64).sqrt(), 0.0)
        }
        Some("weight") => (0.2, 1.0),
        Some("running_var") => (0.25, 1.0),
        Some("images") => (2.0, 0.0),
        _ => (0.1, 0.0),
    };
    uniform(name, shape.iter().product())
        .map(|value| (value * scale + shift) as f32)
        .collect()
}

fn images(device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(formula("images", &IMAGES), IMAGES), device)
}

/// A network with the reference's weights, through a checkpoint file as torchvision would name it.
fn network(architecture: Architecture, device: &Device) -> Network {
    let spec = architecture.spec().with_classes(CLASSES).unwrap();
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = spec
        .tensors()
        .into_iter()
        .map(|tensor| {
            let key = torchvision_key(&spec, &tensor.path).unwrap();
            let values = formula(&key, &tensor.shape);
            let bytes = values.iter().flat_map(|value| value.to_le_bytes());
            (key, tensor.shape, bytes.collect())
        })
        .collect();
    let views = tensors.iter().map(|(key, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap();
        (key.as_str(), view)
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    safetensors::serialize_to_file(views, None, file.path()).unwrap();
    load(spec.init(0, device), file.path(), Head::Load)
        .unwrap()
        .0
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter().collect()
}

/// A network's tensors by torchvision's names.
fn by_name(network: &Network) -> BTreeMap<String, Vec<f32>> {
    network
        .collect(None, Some(Box::new(BurnToPyTorchAdapter)), true)
        .into_iter()
        .map(|tensor| {
            let key = torchvision_key(network.spec(), &tensor.name).unwrap();
            let bytes = tensor.into_bytes().unwrap();
            let values = bytes.chunks_exact(4).map(|bytes| bytes.try_into().unwrap());
            (key, values.map(f32::from_le_bytes).collect())
        })
        .collect()
}

/// Puts every parameter's gradient in its place.
struct Gradients(GradientsParams);

impl ModuleMapper for Gradients {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.0.remove(parameter.id) {
            Some(gradient) => parameter.map(|_| gradient),
            None => parameter,
        }
    }
}

fn evaluation_agrees(architecture: Architecture, expected: &Evaluation) {
    let device = DeviceChoice::Cpu.open().unwrap();
    let network = network(architecture, &device);
    let maps = network.forward_features(images(&device));
    assert_eq!(maps.len(), expected.blocks.len());
    let blocks = network.spec().blocks().to_vec();
    for ((map, expected), block) in maps.into_iter().zip(&expected.blocks).zip(blocks) {
        assert_eq!(map.dims(), expected.shape, "{architecture} {}", block.name);
        let deviation = expected.map.deviation(&values(map), 0.0);
        within(architecture, &block.name, deviation, EVALUATION);
    }
    let logits = values(network.forward(images(&device)));
    let deviation = expected.logits.deviation(&logits, 0.0);
    within(architecture, "logits", deviation, EVALUATION);
}

/// One forward and backward pass with the batch's statistics, binary cross-entropy, dropout off.
fn training_agrees(architecture: Architecture, expected: &Training) {
    let device = DeviceChoice::Cpu.open().unwrap().autodiff();
    let network = network(architecture, &device);
    let network = network.freeze_group(ParamGroup::from_predicate("head.dropout"));
    let shape = [IMAGES[0], CLASSES];
    let targets = formula("targets", &shape).into_iter();
    let targets = targets.map(|value| f32::from(u8::from(value > 0.0)));
    let targets = TensorData::new(targets.collect::<Vec<_>>(), shape);

    let logits = network.forward(images(&device));
    let targets = Tensor::<2>::from_data(targets, &device);
    let loss = (relu(logits.clone()) - logits.clone() * targets
        + logits.clone().abs().neg().exp().log1p())
    .mean();
    let gradients = GradientsParams::from_grads(loss.backward(), &network);

    let trained = network.valid();
    let statistics = by_name(&trained);
    let gradients = by_name(&trained.map(&mut Gradients(gradients)));
    // Some gradients are zero but for rounding, as those of a shift that the next normalisation
    // undoes; so none is asked to be more exact than a small part of the largest.
    let norms = expected.gradients.values().map(|numbers| numbers.0[0]);
    let floor = 1e-3 * norms.fold(0.0, f64::max);

    let (_, tolerance) = GRADIENTS
        .into_iter()
        .find(|(family, _)| *family == architecture.family())
        .unwrap();

    let deviation = expected.logits.deviation(&values(logits), 0.0);
    within(architecture, "logits in training", deviation, TRAINING);
    for (expected, found, floor, tolerance) in [
        (&expected.statistics, statistics, 0.0, STATISTICS),
        (&expected.gradients, gradients, floor, tolerance),
    ] {
        let deviations = expected
            .iter()
            .map(|(name, numbers)| (numbers.deviation(&found[name], floor), name));
        let (deviation, name) = deviations.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
        within(architecture, name, deviation, tolerance);
    }
}

fn within(architecture: Architecture, what: &str, deviation: f64, tolerance: f64) {
    eprintln!("{architecture} {what}: {deviation:.1e}");
    assert!(
        deviation < tolerance,
        "{architecture} {what}: deviates by {deviation}, more than {tolerance}"
    );
}

macro_rules! parity {
    ($($test:ident => $architecture:ident,)*) => {
        $(
            #[test]
            fn $test() {
                let reference = reference(Architecture::$architecture);
                evaluation_agrees(Architecture::$architecture, &reference.evaluation);
                if let Some(training) = &reference.training {
                    training_agrees(Architecture::$architecture, training);
                }
            }
        )*

        #[test]
        fn every_architecture_is_compared() {
            assert_eq!([$(Architecture::$architecture),*], Architecture::ALL);
        }
    };
}

parity! {
    densenet121_is_torchvisions => DenseNet121,
    densenet169_is_torchvisions => DenseNet169,
    densenet201_is_torchvisions => DenseNet201,
    resnet18_is_torchvisions => ResNet18,
    resnet34_is_torchvisions => ResNet34,
    resnet50_is_torchvisions => ResNet50,
    resnet101_is_torchvisions => ResNet101,
    mobilenet_v2_is_torchvisions => MobileNetV2,
}
