//! A checkpoint of other people's chest X-ray network, as torchxrayvision's are: one channel, other
//! classes, a tensor that belongs to no network, rows of the user's own.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Distribution, Tensor, TensorData};
use chextransfer_models::weights::{
    Dialect, Head, LeftOut, Manifest, export, load, read_tensor, sha256_hex, write_tensors,
};
use chextransfer_models::{Architecture, Channels, DeviceChoice};

/// A grey DenseNet-121 of 18 classes with a tensor `op_threshs`, and the row that describes it.
fn checkpoint(path: &Path) -> Manifest {
    let spec = Architecture::DenseNet121.spec().with_classes(18).unwrap();
    let spec = spec.with_channels(Channels::Gray);
    let network = spec.init(4, &DeviceChoice::Cpu.open().unwrap());
    export(&network, Dialect::Torchvision, path, BTreeMap::new()).unwrap();
    let mut tensors: Vec<_> = (spec.tensors().iter())
        .map(|tensor| {
            let name = Dialect::Torchvision.key(&spec, &tensor.path).unwrap();
            let data = read_tensor(path, &name).unwrap();
            (name, data)
        })
        .collect();
    tensors.push((
        "op_threshs".to_owned(),
        TensorData::new(vec![0.5f32; 18], [18]),
    ));
    write_tensors(path, &tensors, &BTreeMap::new()).unwrap();
    Manifest::parse(&format!(
        r#"
[[checkpoint]]
id = "densenet121.chest"
architecture = "densenet121"
dialect = "torchvision"
source = "a test"
url = "https://example.org/chest.safetensors"
file = "chest.safetensors"
pin.sha256 = "{}"
classes = 18
channels = "gray"
ignore = ["op_threshs"]
parameters = {}
top1 = 0.0
licence = "none"
preprocessing = {{ resize = 224, crop = 224, interpolation = "bilinear", mean = [0.5, 0.5, 0.5], std = [0.00048828125, 0.00048828125, 0.00048828125] }}
"#,
        sha256_hex(&std::fs::read(path).unwrap()),
        spec.parameters()
    ))
    .unwrap()
}

#[test]
fn it_loads_through_the_same_door_into_a_grey_and_into_a_colour_network() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chest.safetensors");
    let manifest = checkpoint(&path);
    let row = manifest.find("densenet121.chest").unwrap();
    let device = DeviceChoice::Cpu.open().unwrap();
    let grey = row.spec().unwrap().minus(2).unwrap();
    let colour = grey.clone().with_channels(Channels::Rgb);

    let (grey, report) = load(grey.init(0, &device), &path, row.import(Head::LeaveOut)).unwrap();
    row.check(&report).unwrap();
    assert!(
        report
            .left_out
            .contains(&("op_threshs".to_owned(), LeftOut::Ignored))
    );
    let (colour, _) = load(colour.init(0, &device), &path, row.import(Head::LeaveOut)).unwrap();

    let noise = Distribution::Normal(0.0, 1.0);
    let image = Tensor::<4>::random([2, 1, 48, 64], noise, &device);
    let one = grey.forward_body(image.clone());
    let three = colour.forward_body(image.repeat_dim(1, 3));
    let scale = one.clone().abs().max().into_scalar::<f32>();
    let difference = (one - three).abs().max().into_scalar::<f32>();
    assert!(difference < 1e-5 * scale, "{difference} of {scale}");
}

#[test]
fn without_the_row_the_foreign_tensor_is_an_error_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chest.safetensors");
    let manifest = checkpoint(&path);
    let network = manifest.checkpoints[0]
        .spec()
        .unwrap()
        .init(0, &DeviceChoice::Cpu.open().unwrap());
    let message = load(network, &path, Head::Load).unwrap_err().to_string();
    assert!(
        message.contains("1 tensors unexpected (op_threshs)"),
        "{message}"
    );
}
