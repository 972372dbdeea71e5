//! Import of checkpoints: all of it, or an error that says what is wrong.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot};
use burn::tensor::{Device, Tensor, TensorData};
use chextransfer_models::layers::BatchNormSpec;
use chextransfer_models::weights::{Dialect, Head, LeftOut, load};
use chextransfer_models::{Architecture, Channels, DeviceChoice, Error, Network, NetworkSpec};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

fn cpu() -> Device {
    DeviceChoice::Cpu.open().unwrap()
}

/// A checkpoint under the reference's names, as PyTorch would write it: name, shape, float32 bytes.
type Tensors = Vec<(String, Vec<usize>, Vec<u8>)>;

fn checkpoint_of(network: &Network) -> Tensors {
    let dialect = Dialect::reference(network.spec().architecture());
    network
        .collect(None, Some(Box::new(BurnToPyTorchAdapter)), true)
        .into_iter()
        .map(|tensor| {
            let key = dialect.key(network.spec(), &tensor.name).unwrap();
            let shape = tensor.shape.to_vec();
            (key, shape, tensor.into_bytes().unwrap().to_vec())
        })
        .collect()
}

fn write(folder: &Path, tensors: &Tensors, dtype: Dtype) -> PathBuf {
    write_with(folder, tensors, dtype, &[])
}

fn write_with(
    folder: &Path,
    tensors: &Tensors,
    dtype: Dtype,
    metadata: &[(&str, &str)],
) -> PathBuf {
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
    let own = |(key, value): &(&str, &str)| (String::from(*key), String::from(*value));
    let metadata = metadata.iter().map(own).collect();
    safetensors::serialize_to_file(views, Some(metadata), &path).unwrap();
    path
}

/// The metadata of an `inception_v3` that takes its input as it comes.
const AS_IT_COMES: [(&str, &str); 1] = [("transform_input", "false")];

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
    for architecture in Architecture::ALL {
        let spec = architecture.spec().with_classes(3).unwrap();
        let source = spec.init(1, &cpu());
        let tensors = checkpoint_of(&source);
        let path = write_with(folder.path(), &tensors, Dtype::F32, &AS_IT_COMES);
        let (loaded, report) = load(spec.init(2, &cpu()), &path, Head::Load).unwrap();
        assert!(tensors_of(&loaded) == tensors_of(&source), "{architecture}");
        assert_eq!(report.applied.len(), spec.tensors().len(), "{architecture}");
        assert!(report.left_out.is_empty() && report.converted.is_empty());
        assert_eq!(report.sha256.len(), 64);
        assert_eq!(report.dialect, Dialect::reference(architecture));
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

/// Images whose pixels all differ, normalised about right.
fn images(shape: [usize; 4], device: &Device) -> Tensor<4> {
    let count = shape.iter().product::<usize>();
    let value = |index: usize| 2.0 * ((index as f32 * 0.37).sin() + (index as f32 * 0.011).cos());
    let values: Vec<f32> = (0..count).map(value).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// A network whose running statistics are those of a batch, so that it evaluates to numbers of the
/// usual size.
fn trained(spec: &NetworkSpec, seed: u64) -> Network {
    let batch_norm = BatchNormSpec {
        momentum: 1.0,
        ..spec.batch_norm()
    };
    let device = cpu().autodiff();
    // Stochastic depth would draw from a generator that tests in other threads draw from as well.
    let spec = spec.clone().with_stochastic_depth(0.0);
    let network = spec.with_batch_norm(batch_norm).init(seed, &device);
    network.forward(images([3, 3, 83, 107], &device));
    network.valid()
}

fn largest<const D: usize>(tensor: &Tensor<D>) -> f32 {
    let values = tensor.to_data();
    assert!(values.iter::<f32>().all(f32::is_finite));
    values
        .iter::<f32>()
        .fold(0.0, |largest, value| largest.max(value.abs()))
}

/// The largest difference relative to the largest expected value.
fn difference<const D: usize>(found: Tensor<D>, expected: Tensor<D>) -> f32 {
    largest(&(found - expected.clone())) / largest(&expected)
}

#[test]
fn a_gray_network_takes_the_sum_of_a_colour_checkpoints_filters() {
    let folder = tempfile::tempdir().unwrap();
    let gray = images([2, 1, 83, 107], &cpu());
    let colour = gray.clone().repeat_dim(1, 3);
    for architecture in [
        Architecture::ResNet18,
        Architecture::InceptionV3,
        Architecture::InceptionV4,
        Architecture::EfficientNetB0,
    ] {
        let spec = architecture.minus(2).unwrap().with_classes(3).unwrap();
        let source = trained(&spec, 1);
        let path = write(folder.path(), &checkpoint_of(&source), Dtype::F32);
        // inception_v3 is remapped here, which must agree with the sum.
        let (rgb, _) = load(spec.init(2, &cpu()), &path, Head::Load).unwrap();
        let one = spec.with_channels(Channels::Gray);
        let (summed, report) = load(one.init(2, &cpu()), &path, Head::Load).unwrap();
        assert_eq!(report.applied.len(), one.tensors().len());
        assert_eq!(summed.spec().channels(), Channels::Gray);
        let off = difference(summed.forward(gray.clone()), rgb.forward(colour.clone()));
        eprintln!("{architecture}: {off:.1e}");
        assert!(
            off < 1e-5,
            "{architecture}: one channel differs from three by {off}"
        );
    }
}

#[test]
fn a_gray_network_takes_a_checkpoint_of_one_channel_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing says that inception_v3 remaps one channel, so it takes it as it comes.
    for architecture in [Architecture::DenseNet121, Architecture::InceptionV3] {
        let spec = architecture
            .minus(3)
            .unwrap()
            .with_classes(3)
            .unwrap()
            .with_channels(Channels::Gray);
        let source = spec.init(1, &cpu());
        let path = write(folder.path(), &checkpoint_of(&source), Dtype::F32);
        let (loaded, _) = load(spec.init(2, &cpu()), &path, Head::Load).unwrap();
        assert!(tensors_of(&loaded) == tensors_of(&source), "{architecture}");
    }
}

/// torchvision's `transform_input`: from ImageNet's normalisation to pixels in -1..1.
fn remapped(images: Tensor<4>) -> Tensor<4> {
    let device = images.device();
    let per_channel =
        |values: [f32; 3]| Tensor::<1>::from_floats(values, &device).reshape([1, 3, 1, 1]);
    let factor = per_channel([0.229 / 0.5, 0.224 / 0.5, 0.225 / 0.5]);
    let summand = per_channel([
        (0.485 - 0.5) / 0.5,
        (0.456 - 0.5) / 0.5,
        (0.406 - 0.5) / 0.5,
    ]);
    images * factor + summand
}

#[test]
fn inception_v3_takes_the_input_of_all_others_unless_the_file_says_that_it_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let spec = Architecture::InceptionV3
        .minus(8)
        .unwrap()
        .with_classes(3)
        .unwrap();
    let source = trained(&spec, 1);
    let tensors = checkpoint_of(&source);
    let loaded = |metadata: &[(&str, &str)]| {
        let path = write_with(folder.path(), &tensors, Dtype::F32, metadata);
        load(spec.init(2, &cpu()), &path, Head::Load).unwrap().0
    };
    let images = images([2, 3, 83, 107], &cpu());
    let expected = source.forward(remapped(images.clone()));

    for stated in ["false", "False"] {
        let as_it_comes = loaded(&[("transform_input", stated)]);
        assert!(tensors_of(&as_it_comes) == tensors_of(&source), "{stated}");
    }
    let unlike = difference(source.forward(images.clone()), expected.clone());
    assert!(unlike > 1e-2, "the remapping makes no difference: {unlike}");
    for metadata in [&[][..], &[("transform_input", "true")], &[("format", "pt")]] {
        let folded = loaded(metadata);
        let off = difference(folded.forward(images.clone()), expected.clone());
        assert!(
            off < 1e-5,
            "{metadata:?}: differs from the remapped input by {off}"
        );
        let changed = tensors_of(&folded).into_iter().zip(tensors_of(&source));
        let changed: Vec<_> = changed.filter(|(a, b)| a != b).map(|(a, _)| a.0).collect();
        let expected = ["Conv2d_1a_3x3.bn.running_mean", "Conv2d_1a_3x3.conv.weight"];
        assert_eq!(changed, expected, "{metadata:?}");
    }

    let path = write_with(
        folder.path(),
        &tensors,
        Dtype::F32,
        &[("transform_input", "no")],
    );
    let error = load(spec.init(2, &cpu()), &path, Head::Load).unwrap_err();
    assert!(
        error.to_string().contains("`no`, expected true or false"),
        "{error}"
    );

    // Nor is training changed: the batch's mean takes the constant away, and the running means
    // go on differing by it.
    let training = cpu().autodiff();
    let step = |metadata: &[(&str, &str)], images: Tensor<4>| {
        let network = loaded(metadata).train();
        let logits = network.forward(Tensor::from_data(images.into_data(), &training));
        (logits.inner(), network.valid())
    };
    let (logits, folded) = step(&[], images.clone());
    let (expected, as_it_comes) = step(&AS_IT_COMES, remapped(images.clone()));
    let off = difference(logits, expected);
    assert!(
        off < 1e-5,
        "training differs from the remapped input by {off}"
    );
    let expected = as_it_comes.forward(remapped(images.clone()));
    let off = difference(folded.forward(images), expected);
    assert!(
        off < 1e-5,
        "evaluation behind a training step differs by {off}"
    );
}

#[test]
fn the_auxiliary_head_is_left_out_where_the_network_has_none_and_missed_where_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let with = Architecture::InceptionV3.spec().with_classes(3).unwrap();
    let without = with.clone().without_auxiliary();
    let whole = checkpoint_of(&with.init(1, &cpu()));
    let path = write_with(folder.path(), &whole, Dtype::F32, &AS_IT_COMES);
    let (loaded, report) = load(without.init(2, &cpu()), &path, Head::Load).unwrap();
    let left_out: Vec<_> = report
        .left_out
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let mut expected: Vec<_> = whole.iter().map(|(name, ..)| name.as_str()).collect();
    expected.retain(|name| name.starts_with("AuxLogits."));
    expected.sort_unstable();
    assert_eq!(expected.len(), 12);
    assert_eq!(left_out, expected);
    for (name, reason) in &report.left_out {
        assert_eq!(*reason, LeftOut::Auxiliary, "{name}");
    }
    let mut kept = whole.clone();
    kept.retain(|(name, ..)| !name.starts_with("AuxLogits."));
    kept.sort();
    assert!(tensors_of(&loaded) == kept);

    // Fine-tuning keeps both of its own linear layers and takes the auxiliary convolutions.
    let fresh = Architecture::InceptionV3.spec().with_classes(7).unwrap();
    let (tuned, report) = load(fresh.init(2, &cpu()), &path, Head::LeaveOut).unwrap();
    let left_out: Vec<_> = report
        .left_out
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let heads = [
        "AuxLogits.fc.bias",
        "AuxLogits.fc.weight",
        "fc.bias",
        "fc.weight",
    ];
    assert_eq!(left_out, heads);
    assert!(
        report
            .left_out
            .iter()
            .all(|(_, reason)| *reason == LeftOut::Head)
    );
    let source: HashMap<_, _> = whole
        .into_iter()
        .map(|(key, _, bytes)| (key, bytes))
        .collect();
    for (key, _, bytes) in tensors_of(&tuned) {
        assert_eq!(
            source[&key] == bytes,
            !heads.contains(&key.as_str()),
            "{key}"
        );
    }

    let path = write_with(folder.path(), &kept, Dtype::F32, &AS_IT_COMES);
    let message = mismatch(with.init(2, &cpu()), &path, Head::Load);
    assert!(
        message.contains("12 tensors missing (AuxLogits.conv0.conv.weight"),
        "{message}"
    );
    assert!(!message.contains("unexpected"), "{message}");
    let message = mismatch(with.init(2, &cpu()), &path, Head::LeaveOut);
    assert!(
        message.contains("10 tensors missing (AuxLogits.conv0.conv.weight"),
        "{message}"
    );
}

#[test]
fn a_folded_network_takes_no_weights() {
    let folder = tempfile::tempdir().unwrap();
    for architecture in [Architecture::DenseNet121, Architecture::MobileNetV2] {
        let spec = architecture.minus(3).unwrap().with_classes(2).unwrap();
        let path = write(
            folder.path(),
            &checkpoint_of(&spec.init(1, &cpu())),
            Dtype::F32,
        );
        let folded = spec.init(2, &cpu()).fold_batch_norm();
        let error = load(folded, &path, Head::Load).unwrap_err();
        assert!(matches!(error, Error::FoldedNetwork { .. }), "{error}");
        let expected = format!(
            "{architecture}-minus3 has its batch normalisation folded; load weights before folding"
        );
        assert_eq!(error.to_string(), expected);
        // Loaded before folding, they are in the folded network.
        let (loaded, _) = load(spec.init(2, &cpu()), &path, Head::Load).unwrap();
        let images = images([1, 3, 83, 107], &cpu());
        let expected = spec.init(1, &cpu()).forward(images.clone());
        let off = difference(loaded.fold_batch_norm().forward(images), expected);
        assert!(off < 1e-5, "{architecture}: {off}");
    }
}
