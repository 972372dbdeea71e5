//! PyTorch's own files: written by torch, read without it.
//!
//! `reference/pth` is written by hand with `tests/reference/pth_fixtures.py` of the workspace.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot};
use chextransfer_models::weights::{Dialect, Head, LeftOut, head_classes, load, read_tensor};
use chextransfer_models::{Architecture, DeviceChoice, NetworkSpec};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/reference/pth")
        .join(name)
}

fn spec() -> NetworkSpec {
    let cut = Architecture::MnasNet1_0.minus(6).unwrap();
    cut.with_classes(5).unwrap()
}

/// The fixtures' formula.
fn value(name: &str, index: usize) -> f32 {
    let value = ((index * 37 + 11 * name.len()) % 101) as f32 / 64.0 - 0.75;
    if name.ends_with("running_var") {
        value + 1.0
    } else {
        value
    }
}

fn has_the_formulas_values(file: &str, converted: bool) {
    let device = DeviceChoice::Cpu.open().unwrap();
    let (network, report) = load(spec().init(3, &device), &fixture(file), Head::Load).unwrap();
    assert_eq!(report.applied.len(), spec().tensors().len(), "{file}");
    assert_eq!(
        report.converted.len(),
        if converted { report.applied.len() } else { 0 },
        "{file}"
    );
    let counters = |reason: &LeftOut| *reason == LeftOut::BatchCounter;
    assert!(
        report.left_out.iter().all(|(_, reason)| counters(reason)),
        "{file}"
    );
    for tensor in network.collect(None, Some(Box::new(BurnToPyTorchAdapter)), true) {
        let name = Dialect::Torchvision.key(&spec(), &tensor.name).unwrap();
        let bytes = tensor.into_bytes().unwrap();
        let found = bytes
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()));
        for (index, found) in found.enumerate() {
            assert_eq!(found, value(&name, index), "{file}: {name} at {index}");
        }
    }
}

#[test]
fn every_container_that_torch_writes_is_read_to_the_bit() {
    for (file, converted) in [
        ("zip.pth", false),
        ("legacy.pth", false),
        ("half.pth", true),
        ("strided.pth", false),
    ] {
        has_the_formulas_values(file, converted);
    }
}

#[test]
fn a_state_dict_among_other_things_and_the_wrapper_of_several_devices_are_unpacked() {
    has_the_formulas_values("wrapped.pth", false);
}

#[test]
fn classes_and_tensors_of_a_checkpoint_can_be_looked_at() {
    assert_eq!(head_classes(&spec(), &fixture("zip.pth")).unwrap(), Some(5));
    let whole = Architecture::MnasNet1_0.spec();
    assert_eq!(head_classes(&whole, &fixture("zip.pth")).unwrap(), None);
    let bias = read_tensor(&fixture("zip.pth"), "classifier.1.bias").unwrap();
    let expected: Vec<f32> = (0..5)
        .map(|index| value("classifier.1.bias", index))
        .collect();
    assert_eq!(bias.iter::<f32>().collect::<Vec<_>>(), expected);
}
