//! The networks against torchvision's (timm's for Inception-v4): every block's map, logits, gradients,
//! running statistics, and the loss over three steps of Adam. One trial a file of `tests/reference`,
//! which `tests/reference/network_parity.py` of the workspace writes and explains.
//!
//! Every trial prints a row of the table in `docs/parity.md`. `CHEXTRANSFER_TEST_DEVICE` names another device than the CPU,
//! for example `cuda:0`.
#![allow(clippy::panic, clippy::unwrap_used)]

mod formula;
mod reference;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::{AdamConfig, GradientsParams};
use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot};
use burn::tensor::{Device, Tensor, TensorData, activation::relu};
use chextransfer_models::weights::{self, Dialect, Head};
use chextransfer_models::{Architecture, DeviceChoice, Family, Network};
use libtest_mimic::{Arguments, Failed, Trial};

use formula::{CLASSES, Weights, images, targets};
use reference::{Reference, Sketch, Training, logits_deviation, median};

const LEARNING_RATE: f64 = 1e-4;

/// What is compared.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Blocks' maps in evaluation.
    Map,
    /// Logits in evaluation and in training.
    Logits,
    /// The median of the parameters' gradients.
    MedianGradient,
    /// Parameters' gradients.
    Gradient,
    /// What a forward pass adds to the running statistics.
    Change,
    /// Losses before and after steps of Adam.
    Loss,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::Map,
        Self::Logits,
        Self::MedianGradient,
        Self::Gradient,
        Self::Change,
        Self::Loss,
    ];

    /// As the reference files and the table have it.
    fn name(self) -> &'static str {
        match self {
            Self::Map => "maps",
            Self::Logits => "logits",
            Self::MedianGradient => "median_gradients",
            Self::Gradient => "gradients",
            Self::Change => "changes",
            Self::Loss => "losses",
        }
    }

    /// What was measured, see `docs/parity.md`, and room for processors that round otherwise.
    fn tolerance(self, family: Family) -> f64 {
        match (self, family) {
            (Self::Map | Self::Logits, _) => 2e-5,
            // In one of its 1.6 million windows of max pooling the two largest elements differ by no
            // more than rounding. If the wrong one wins, the gradients before it change: torch's own
            // float32 is 7e-3 off with images that have three such windows.
            (Self::Gradient, Family::InceptionV3) => 5e-2,
            (Self::Gradient, _) => 1e-3,
            (Self::MedianGradient, Family::InceptionV4) => 5e-4,
            (Self::MedianGradient, _) => 1e-4,
            // What is added is small beside the statistic, with these momenta of 3e-4 and 0.01 the
            // more so, and the statistic itself is rounded to float32.
            (Self::Change, Family::MnasNet) => 2e-3,
            (Self::Change, Family::MobileNetV3) => 1e-4,
            (Self::Change, _) => 2e-5,
            (Self::Loss, Family::InceptionV4) => 5e-4,
            (Self::Loss, _) => 2e-5,
        }
    }

    /// On cards, whose matrix units may round factors to TF32, that is to 11 bits instead of 24: chosen, since no card was
    /// at hand, so that another operation or another order of dimensions is far beyond.
    fn tolerance_of_a_card(self) -> f64 {
        match self {
            Self::Map | Self::Logits | Self::Change | Self::Loss => 2e-2,
            Self::MedianGradient => 5e-2,
            Self::Gradient => 0.5,
        }
    }

    fn at(self, place: &str, relative: f64) -> Deviation {
        Deviation {
            kind: self,
            place: place.to_owned(),
            relative,
        }
    }
}

/// The device under test.
fn choice() -> DeviceChoice {
    let name = std::env::var("CHEXTRANSFER_TEST_DEVICE");
    name.map_or(DeviceChoice::Cpu, |name| name.parse().unwrap())
}

/// The device under test; it must be there.
fn device() -> Device {
    choice().open().unwrap_or_else(|error| panic!("{error}"))
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // A network in training takes about a gigabyte, and the layers are parallel themselves.
    arguments.test_threads = arguments.test_threads.or(Some(2));
    let mut trials = vec![Trial::test("every_network_has_a_reference", || {
        every_network_has_a_reference();
        Ok(())
    })];
    trials.extend(reference_files().into_iter().map(|(name, path)| {
        let trial = name.clone();
        Trial::test(name, move || agrees(&trial, &path))
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn reference_files() -> BTreeMap<String, PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        });
    let named = |path: PathBuf| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path);
    paths.map(named).collect()
}

/// The sixteen, the twelve truncations of Ke et al. 2021, other image sizes, and a remapped input.
fn every_network_has_a_reference() {
    let mut expected: BTreeSet<String> = Architecture::ALL.map(|a| a.name().to_owned()).into();
    for (architecture, deepest) in [
        (Architecture::DenseNet121, 3),
        (Architecture::ResNet18, 3),
        (Architecture::EfficientNetB0, 2),
        (Architecture::MnasNet1_0, 4),
    ] {
        expected.extend((1..=deepest).map(|k| architecture.minus(k).unwrap().name()));
    }
    for name in ["resnet18", "efficientnet_b0"] {
        expected.extend(["320x320", "299x267"].map(|size| format!("{name}-{size}")));
    }
    expected.insert("inception_v3-transform_input".to_owned());
    let found: BTreeSet<String> = reference_files().into_keys().collect();
    assert_eq!(found, expected);
}

/// How far one tensor, or one batch of logits, or one loss, is from the reference.
struct Deviation {
    kind: Kind,
    place: String,
    relative: f64,
}

impl Deviation {
    /// Not a number counts as beyond any tolerance.
    fn is_beyond(&self, tolerance: f64) -> bool {
        self.relative.is_nan() || self.relative > tolerance
    }
}

fn agrees(name: &str, path: &Path) -> Result<(), Failed> {
    let reference: Reference = serde_json::from_str(&fs::read_to_string(path)?)?;
    let mut found = evaluation(&reference);
    if let Some(expected) = &reference.training {
        found.extend(training(&reference, expected));
    }
    let mut row = format!("| {name} |");
    let mut failures = Vec::new();
    for kind in Kind::ALL {
        let found = || found.iter().filter(|deviation| deviation.kind == kind);
        let Some(worst) = found().max_by(|a, b| a.relative.total_cmp(&b.relative)) else {
            assert!(reference.training.is_none(), "{} compared", kind.name());
            row += " |";
            continue;
        };
        let torch = reference.float32[kind.name()];
        row += &format!(" {:.0e} / {torch:.0e} |", worst.relative);
        let tolerance = match choice() {
            DeviceChoice::Cpu => kind.tolerance(reference.architecture.family()),
            _ => kind.tolerance_of_a_card(),
        };
        let beyond = found().filter(|deviation| deviation.is_beyond(tolerance));
        match beyond.count() {
            0 => {}
            count => failures.push(format!(
                "{}: {count} of {} deviate by more than {tolerance:.0e}, {} by {:.1e}",
                kind.name(),
                found().count(),
                worst.place,
                worst.relative
            )),
        }
    }
    eprintln!("{row}");
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("\n").into())
    }
}

/// Maps and logits with the running statistics.
fn evaluation(reference: &Reference) -> Vec<Deviation> {
    let device = device();
    let gain = reference.gain;
    let network = network(reference, Weights::Evaluation { gain }, &device);
    let expected = &reference.evaluation;
    let maps = network.forward_features(images(reference.image, 0, &device));
    assert_eq!(maps.len(), expected.blocks.len());
    let logits = network.forward_head(maps[maps.len() - 1].clone());
    let mut found: Vec<_> = (expected.blocks.iter().zip(maps))
        .map(|(block, map)| {
            assert_eq!(map.dims(), block.shape, "{}", block.module);
            let relative = block.map.deviation(&values(map), 0.0);
            Kind::Map.at(&block.module, relative)
        })
        .collect();
    found.push(Kind::Logits.at(
        "logits",
        logits_deviation(&values(logits), &expected.logits),
    ));
    found
}

/// Gradients and statistics of one pass in training mode, and the loss over steps of Adam; dropout
/// and stochastic depth are off, as their draws cannot be compared.
fn training(reference: &Reference, expected: &Training) -> Vec<Deviation> {
    let device = device().autodiff();
    let mut network = network(reference, Weights::Training, &device);
    let before = by_name(&network.valid());
    let mut optimizer = AdamConfig::new().with_epsilon(1e-8).init();
    let images = images(expected.image, expected.draw, &device);
    let targets = targets(&device);
    let mut found = Vec::new();
    for (step, expected_loss) in expected.losses.iter().enumerate() {
        let (logits, auxiliary) = network.forward_with_auxiliary(images.clone());
        let mut loss = cross_entropy(logits.clone(), targets.clone());
        if let Some(auxiliary) = &auxiliary {
            let auxiliary = cross_entropy(auxiliary.clone(), targets.clone());
            loss = loss + auxiliary * Network::AUXILIARY_LOSS_WEIGHT;
        }
        let relative = (loss.clone().into_scalar::<f64>() / expected_loss - 1.0).abs();
        found.push(Kind::Loss.at(&format!("step {step}"), relative));
        if step > 0 && step + 1 == expected.losses.len() {
            break;
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        if step == 0 {
            let mut compare = |place, logits, expected: &[f64]| {
                let relative = logits_deviation(&values(logits), expected);
                found.push(Kind::Logits.at(place, relative));
            };
            compare("logits in training", logits, &expected.logits);
            assert_eq!(auxiliary.is_some(), expected.auxiliary.is_some());
            if let (Some(logits), Some(expected)) = (auxiliary, &expected.auxiliary) {
                compare("auxiliary logits", logits, expected);
            }
            found.extend(first_pass(expected, &before, &network.valid(), &gradients));
        }
        network = optimizer.step(LEARNING_RATE, network, gradients);
    }
    found
}

/// Every parameter's gradient, and what was added to every running statistic.
fn first_pass(
    expected: &Training,
    before: &BTreeMap<String, Vec<f32>>,
    after: &Network,
    gradients: &GradientsParams,
) -> Vec<Deviation> {
    let statistics = by_name(after);
    let gradients = by_name(&after.clone().map(&mut Gradients(gradients)));
    let compared: BTreeSet<_> = (expected.changes.keys())
        .chain(expected.gradients.keys())
        .collect();
    assert!(compared.into_iter().eq(before.keys()));
    // The gradient of a shift or scale that the next normalisation undoes is zero but for rounding.
    let floor = 0.1 * median(expected.gradients.values().map(Sketch::norm));

    let changes = expected.changes.iter().map(|(name, sketch)| {
        let pairs = statistics[name].iter().zip(&before[name]);
        let change: Vec<f32> = pairs.map(|(after, before)| after - before).collect();
        Kind::Change.at(name, sketch.deviation(&change, 0.0))
    });
    let gradients: Vec<_> = (expected.gradients.iter())
        .map(|(name, sketch)| Kind::Gradient.at(name, sketch.deviation(&gradients[name], floor)))
        .collect();
    let median = median(gradients.iter().map(|deviation| deviation.relative));
    changes
        .chain([Kind::MedianGradient.at("the middle one", median)])
        .chain(gradients)
        .collect()
}

/// A network with the reference's weights, through a checkpoint file as the reference would name it.
fn network(reference: &Reference, weights: Weights, device: &Device) -> Network {
    let spec = reference.architecture.minus(reference.minus).unwrap();
    let spec = spec.with_classes(CLASSES).unwrap();
    let spec = spec.with_dropout(0.0).with_stochastic_depth(0.0);
    assert_eq!(spec.parameters(), reference.parameters);

    let dialect = Dialect::reference(reference.architecture);
    let shapes: BTreeMap<String, Vec<usize>> = spec
        .tensors()
        .into_iter()
        .map(|tensor| (dialect.key(&spec, &tensor.path).unwrap(), tensor.shape))
        .collect();
    let tensors: Vec<_> = shapes
        .iter()
        .map(|(name, shape)| {
            let (module, _) = name.rsplit_once('.').unwrap();
            let normalization = shapes.contains_key(&format!("{module}.running_var"));
            let values = weights.tensor(name, shape, normalization);
            (name.clone(), TensorData::new(values, shape.clone()))
        })
        .collect();
    // Where a checkpoint does not say, its input is remapped.
    let metadata = match reference.transform_input {
        true => BTreeMap::new(),
        false => BTreeMap::from([("transform_input".to_owned(), "false".to_owned())]),
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("reference.safetensors");
    weights::write_tensors(&file, &tensors, &metadata).unwrap();
    weights::load(spec.init(0, device), &file, Head::Load)
        .unwrap()
        .0
}

/// A network's tensors under the reference's names, as PyTorch stores them.
fn by_name(network: &Network) -> BTreeMap<String, Vec<f32>> {
    let dialect = Dialect::reference(network.spec().architecture());
    network
        .collect(None, Some(Box::new(BurnToPyTorchAdapter)), true)
        .into_iter()
        .map(|tensor| {
            let key = dialect.key(network.spec(), &tensor.name).unwrap();
            let bytes = tensor.into_bytes().unwrap();
            let values = bytes.chunks_exact(4).map(|bytes| bytes.try_into().unwrap());
            (key, values.map(f32::from_le_bytes).collect())
        })
        .collect()
}

/// Puts every parameter's gradient in its place.
struct Gradients<'a>(&'a GradientsParams);

impl ModuleMapper for Gradients<'_> {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.0.get(parameter.id) {
            Some(gradient) => parameter.map(|_| gradient),
            None => parameter,
        }
    }
}

/// Mean binary cross-entropy of logits.
fn cross_entropy(logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    let softplus = logits.clone().abs().neg().exp().log1p();
    (relu(logits.clone()) - logits * targets + softplus).mean()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter().collect()
}
