//! Import of checkpoints: all of it, or an error that says what is wrong.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot};
use burn::tensor::Device;
use chextransfer_models::weights::{Head, LeftOut, load, torchvision_key};
use chextransfer_models::{Architecture, DeviceChoice, Error, Network, NetworkSpec};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

fn cpu() -> Device {
    DeviceChoice::Cpu.open().unwrap()
}

/// A checkpoint under torchvision's names, as PyTorch would write it: name, shape, float32 bytes.
type Tensors = Vec<(String, Vec<usize>, Vec<u8>)>;

fn checkpoint_of(network: &Network) -> Tensors {
    network
        .collect(None, Some(Box::new(BurnToPyTorchAdapter)), true)
        .into_iter()
        .map(|tensor| {
            let key = torchvision_key(network.spec(), &tensor.name).unwrap();
            let shape = tensor.shape.to_vec();
            (key, shape, tensor.into_bytes().unwrap().to_vec())
        })
        .collect()
}

fn write(folder: &Path, tensors: &Tensors, dtype: Dtype) -> PathBuf {
    let path = folder.join("weights.safetensors");
    let views: HashMap<_, _> = tensors
        .iter()
        .map(|(key, shape, bytes)| {
            (
                key.as_str(),
                TensorView::new(dtype, shape.clone(), bytes).unwrap(),
            )
        })
        .collect();
    safetensors::serialize_to_file(views, None, &path).unwrap();
    path
}

fn tensors_of(network: &Network) -> Tensors {
    let mut tensors = checkpoint_of(network);
    tensors.sort();
    tensors
}

fn mismatch(network: Network, path: &Path, head: Head) -> String {
    let error = load(network, path, head).unwrap_err();
    assert!(matches!(error, Error::WeightsMismatch { .. }), "{error}");
    error.to_string()
}

#[test]
fn every_architecture_takes_its_own_checkpoint_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    for architecture in [
        Architecture::ResNet18,
        Architecture::ResNet50,
        Architecture::DenseNet121,
        Architecture::MobileNetV2,
    ] {
        let spec = architecture.spec().with_classes(3).unwrap();
        let source = spec.init(1, &cpu());
        let path = write(folder.path(), &checkpoint_of(&source), Dtype::F32);
        let (loaded, report) = load(spec.init(2, &cpu()), &path, Head::Load).unwrap();
        assert!(tensors_of(&loaded) == tensors_of(&source), "{architecture}");
        assert_eq!(report.applied.len(), spec.tensors().len());
        assert!(report.left_out.is_empty() && report.converted.is_empty());
        assert_eq!(report.sha256.len(), 64);
    }
}

#[test]
fn a_truncated_network_takes_what_it_keeps_and_leaves_out_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let source = Architecture::MobileNetV2.spec().init(1, &cpu());
    let mut tensors = checkpoint_of(&source);
    tensors.push((
        "features.0.1.num_batches_tracked".to_owned(),
        vec![],
        vec![0; 4],
    ));
    let path = write(folder.path(), &tensors, Dtype::F32);
    let fresh = Architecture::MobileNetV2
        .minus(2)
        .unwrap()
        .with_classes(14)
        .unwrap()
        .init(2, &cpu());
    let head_before = head_of(&fresh);
    let (cut, report) = load(fresh, &path, Head::LeaveOut).unwrap();

    let source: HashMap<_, _> = checkpoint_of(&source)
        .into_iter()
        .map(|(key, _, bytes)| (key, bytes))
        .collect();
    for (key, _, bytes) in checkpoint_of(&cut) {
        if key != "classifier.1.weight" && key != "classifier.1.bias" {
            assert!(source[&key] == bytes, "{key}");
        }
    }
    assert!(
        head_of(&cut) == head_before,
        "the fresh head was overwritten"
    );
    let reason = |key: &str| {
        report
            .left_out
            .iter()
            .find(|(name, _)| name == key)
            .unwrap()
            .1
    };
    assert_eq!(reason("classifier.1.weight"), LeftOut::Head);
    assert_eq!(reason("features.18.0.weight"), LeftOut::Truncated);
    assert_eq!(
        reason("features.0.1.num_batches_tracked"),
        LeftOut::BatchCounter
    );
}

fn head_of(network: &Network) -> Tensors {
    let mut tensors = tensors_of(network);
    tensors.retain(|(key, ..)| key.starts_with("classifier"));
    tensors
}

#[test]
fn half_precision_becomes_single_precision_and_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let spec = Architecture::ResNet18
        .minus(3)
        .unwrap()
        .with_classes(2)
        .unwrap();
    let mut tensors = checkpoint_of(&spec.init(1, &cpu()));
    for (_, shape, bytes) in &mut tensors {
        let ones = 0x3f80u16.to_le_bytes(); // 1.0 as bfloat16
        *bytes = ones.repeat(shape.iter().product());
    }
    let path = write(folder.path(), &tensors, Dtype::BF16);
    let (network, report) = load(spec.init(2, &cpu()), &path, Head::Load).unwrap();
    assert_eq!(report.converted.len(), tensors.len());
    for (key, shape, bytes) in checkpoint_of(&network) {
        let expected = 1f32.to_le_bytes().repeat(shape.iter().product());
        assert!(bytes == expected, "{key}");
    }
}

#[test]
fn missing_unexpected_and_misshapen_tensors_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let spec = Architecture::ResNet18.spec().with_classes(14).unwrap();
    let mut tensors = checkpoint_of(&spec.init(1, &cpu()));
    tensors.retain(|(key, ..)| key != "layer2.1.bn2.running_var");
    tensors.push(("layer9.weight".to_owned(), vec![1], vec![0; 4]));
    let path = write(folder.path(), &tensors, Dtype::F32);
    let other_head = Architecture::ResNet18.spec().init(2, &cpu());
    let message = mismatch(other_head.clone(), &path, Head::Load);
    for part in [
        "weights.safetensors does not fit resnet18:",
        "1 tensors missing (layer2.1.bn2.running_var)",
        "1 tensors unexpected (layer9.weight)",
        "fc.weight is [14, 512] instead of [1000, 512]",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!message.contains('\n'));
    let body_only = mismatch(other_head, &path, Head::LeaveOut);
    assert!(!body_only.contains("fc."), "{body_only}");
}

#[test]
fn a_checkpoint_of_another_architecture_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let other = Architecture::MobileNetV2.spec().init(1, &cpu());
    let path = write(folder.path(), &checkpoint_of(&other), Dtype::F32);
    let message = mismatch(
        Architecture::ResNet18.spec().init(0, &cpu()),
        &path,
        Head::LeaveOut,
    );
    assert!(
        message.contains("tensors missing (conv1.weight"),
        "{message}"
    );
    assert!(
        message.contains("tensors unexpected (classifier.1.bias"),
        "{message}"
    );
}

#[test]
fn integers_are_no_weights() {
    let folder = tempfile::tempdir().unwrap();
    let spec = Architecture::ResNet18
        .minus(3)
        .unwrap()
        .with_classes(2)
        .unwrap();
    let path = write(
        folder.path(),
        &checkpoint_of(&spec.init(1, &cpu())),
        Dtype::I32,
    );
    let message = mismatch(spec.init(2, &cpu()), &path, Head::Load);
    assert!(
        message.contains("not floating-point (conv1.weight is I32"),
        "{message}"
    );
}

#[test]
fn broken_files_are_errors_that_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let spec: NetworkSpec = Architecture::ResNet18.minus(3).unwrap();
    let whole = write(
        folder.path(),
        &checkpoint_of(&spec.init(1, &cpu())),
        Dtype::F32,
    );
    let bytes = std::fs::read(&whole).unwrap();
    let header = |length: u64| [&length.to_le_bytes()[..], b"{\"a\":{\"dtype\":\"F32\"}}"].concat();
    let hostile: [(&str, Vec<u8>); 6] = [
        ("empty", vec![]),
        ("cut", bytes[..bytes.len() - 1000].to_vec()),
        ("cut-in-header", bytes[..100].to_vec()),
        ("length", header(u64::MAX)),
        ("no-shape", header(21)),
        ("text", b"this is no weights file, not at all".to_vec()),
    ];
    for (name, content) in hostile {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let error = load(spec.init(0, &cpu()), &path, Head::Load).unwrap_err();
        assert!(
            matches!(error, Error::WeightsMalformed { .. }),
            "{name}: {error}"
        );
        assert!(error.to_string().contains(name), "{error}");
    }
    let absent = load(
        spec.init(0, &cpu()),
        &folder.path().join("absent"),
        Head::Load,
    );
    assert!(matches!(absent, Err(Error::WeightsUnreadable { .. })));
}
