//! Checkpoints for Python: written, read back to the bit, the same file each time.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use burn::store::ModuleSnapshot;
use burn::tensor::{Device, Distribution, Tensor};
use chextransfer_models::weights::{Dialect, Head, Import, LeftOut, export, load, read_tensor};
use chextransfer_models::{Architecture, Channels, DeviceChoice, Network, NetworkSpec};

fn cpu() -> Device {
    DeviceChoice::Cpu.open().unwrap()
}

/// A network whose running statistics are not those of a fresh one.
fn trained(spec: &NetworkSpec) -> Network {
    let network = spec.init(1, &cpu().autodiff());
    let channels = match spec.channels() {
        Channels::Rgb => 3,
        Channels::Gray => 1,
    };
    let noise = Distribution::Normal(0.0, 1.0);
    network.forward(Tensor::random(
        [2, channels, 80, 96],
        noise,
        &cpu().autodiff(),
    ));
    network
}

fn bits(network: &Network) -> BTreeMap<String, Vec<u8>> {
    let tensors = network.collect(None, None, true).into_iter();
    tensors
        .map(|tensor| (tensor.name.clone(), tensor.into_bytes().unwrap().to_vec()))
        .collect()
}

fn write(network: &Network, dialect: Dialect, path: &Path) {
    let metadata = BTreeMap::from([("provenance".to_owned(), "{}".to_owned())]);
    export(network, dialect, path, metadata).unwrap();
}

/// Exports, loads into another network, and compares every bit.
fn round_trip(spec: &NetworkSpec, dialect: Dialect) {
    use burn::module::Module;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.safetensors");
    let network = trained(spec);
    write(&network, dialect, &path);
    let import = Import {
        head: Head::Load,
        dialect: Some(dialect),
        ignore: Vec::new(),
    };
    let (loaded, report) = load(spec.init(2, &cpu()), &path, import).unwrap();
    assert_eq!(report.applied.len(), spec.tensors().len());
    let name = spec.name();
    assert_eq!(bits(&network.valid()), bits(&loaded), "{name} {dialect}");

    let again = folder.path().join("again.safetensors");
    write(&loaded, dialect, &again);
    let same = std::fs::read(&path).unwrap() == std::fs::read(&again).unwrap();
    assert!(same, "{name} {dialect}: another file");
}

#[test]
fn every_architecture_comes_back_to_the_bit_under_both_dialects() {
    for architecture in Architecture::ALL {
        let spec = architecture.spec().with_classes(5).unwrap();
        round_trip(&spec, Dialect::reference(architecture));
        round_trip(&spec.without_auxiliary(), Dialect::Timm);
    }
}

#[test]
fn truncated_and_gray_networks_come_back_to_the_bit() {
    for (architecture, k) in [
        (Architecture::DenseNet121, 2),
        (Architecture::MobileNetV3Large, 3),
        (Architecture::InceptionV3, 8),
    ] {
        let spec = architecture.minus(k).unwrap().with_classes(5).unwrap();
        round_trip(&spec, Dialect::Torchvision);
        round_trip(&spec.with_channels(Channels::Gray), Dialect::Torchvision);
    }
}

#[test]
fn the_dialect_is_found_out_and_a_body_is_kept_under_another_head() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.safetensors");
    let spec = Architecture::EfficientNetB0.minus(4).unwrap();
    write(&trained(&spec), Dialect::Timm, &path);
    let other = spec.clone().with_classes(3).unwrap();
    let (_, report) = load(other.init(0, &cpu()), &path, Head::LeaveOut).unwrap();
    assert_eq!(report.dialect, Dialect::Timm);
    let left_out: Vec<_> = report.left_out.iter().map(|(_, reason)| *reason).collect();
    assert_eq!(left_out, [LeftOut::Head; 2]);
}

#[test]
fn what_cannot_be_exported_is_an_error_and_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.safetensors");
    let network = Architecture::InceptionV4.minus(15).unwrap().init(0, &cpu());
    for (network, expected) in [
        (network.clone(), "torchvision has no name for"),
        (network.fold_batch_norm(), "batch normalisation folded"),
    ] {
        let error = export(&network, Dialect::Torchvision, &path, BTreeMap::new()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!path.exists());
    }
}

#[test]
fn the_exported_values_are_the_networks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.safetensors");
    let spec = Architecture::ResNet18
        .minus(3)
        .unwrap()
        .with_classes(2)
        .unwrap();
    let network = spec.init(5, &cpu());
    write(&network, Dialect::Torchvision, &path);
    let weight = read_tensor(&path, "fc.weight").unwrap();
    assert_eq!(weight.shape().to_vec(), [2, 64]);
    // A map of ones pools to ones, so a logit is the sum of its row and its bias.
    let bias: Vec<f32> = read_tensor(&path, "fc.bias").unwrap().iter().collect();
    let rows: Vec<f32> = weight.iter().collect();
    let logits = network
        .forward_head(Tensor::ones([1, 64, 2, 2], &cpu()))
        .into_data();
    for (class, logit) in logits.iter::<f32>().enumerate() {
        let expected = rows[class * 64..][..64].iter().sum::<f32>() + bias[class];
        assert!((logit - expected).abs() < 1e-5, "{logit} {expected}");
    }
}
