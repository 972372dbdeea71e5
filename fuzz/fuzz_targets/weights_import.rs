//! Any bytes as a checkpoint: an error or a network, never a panic. See `README.md` beside it.
#![no_main]

use std::sync::LazyLock;

use chextransfer_models::weights::{Head, load};
use chextransfer_models::{Architecture, DeviceChoice, Network};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static NETWORK: LazyLock<Network> = LazyLock::new(|| {
    let spec = Architecture::MnasNet1_0.minus(6).expect("it has seven blocks");
    let device = DeviceChoice::Cpu.open().expect("the CPU is there");
    spec.with_classes(5).expect("five classes").init(0, &device)
});
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

fuzz_target!(|bytes: &[u8]| {
    let path = FOLDER.path().join("weights");
    std::fs::write(&path, bytes).expect("it can be written");
    let _ = load(NETWORK.clone(), &path, Head::Load);
});
