//! A small dataset, small settings, and what a run leaves behind.
#![allow(dead_code)] // each test file uses a part of it
#![allow(clippy::unwrap_used)]

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot};
use chextransfer_data::Split;
use chextransfer_data::phantom::{self, PhantomConfig, SplitFractions};
use chextransfer_models::weights::{Dialect, sha256_hex};
use chextransfer_models::{Architecture, DeviceChoice};
use chextransfer_train::{Ensemble, Event, Interval, Outcome, Run, RunDirectory, TrainConfig};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

pub(crate) const CPU: DeviceChoice = DeviceChoice::Cpu;

/// Makes a dataset of small pictures, half of the patients in its training split.
pub(crate) fn phantom(folder: &Path, patients: usize) -> PathBuf {
    let data = folder.join("data");
    let config = PhantomConfig {
        patients,
        seed: 5,
        side: 32,
        splits: SplitFractions {
            train: 0.5,
            valid: 0.25,
            test: 0.25,
        },
    };
    phantom::generate(&config, &data, |_, _| ()).unwrap();
    data
}

/// A network of milliseconds, validated and stored in the middle of epochs.
pub(crate) fn settings(data: &Path) -> TrainConfig {
    TrainConfig {
        minus: 3,
        image_size: 32,
        epochs: 2,
        batch_size: 4,
        learning_rate: 1e-3,
        validate_every: Interval::Examples(12),
        checkpoint_every: Interval::Examples(8),
        keep_best: 2,
        bootstrap_replicates: 20,
        loader_threads: 0,
        ..TrainConfig::paper(Architecture::ResNet18, data)
    }
}

/// The observer that never asks to stop.
pub(crate) fn quiet(_: Event) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

pub(crate) fn begin(config: &TrainConfig, folder: &Path) -> chextransfer_train::Result<Run> {
    Run::begin(config.clone(), folder, CPU, &mut quiet)
}

pub(crate) fn resume(config: &TrainConfig, folder: &Path) -> chextransfer_train::Result<Run> {
    // As in a new process, where the generator behind dropout is in another state.
    CPU.open().unwrap().seed(4711);
    Run::resume(config.clone(), folder, CPU, &mut quiet)
}

/// Goes on with a run to its end.
pub(crate) fn finish(config: &TrainConfig, folder: &Path) {
    let mut run = resume(config, folder).unwrap();
    assert_eq!(run.train(&mut quiet).unwrap(), Outcome::Finished);
}

/// Trains until the `last`-th event, counted from 1, and stops there.
pub(crate) fn stop_at(run: &mut Run, last: usize) {
    let mut events = 0;
    let outcome = run.train(&mut |_: Event| {
        events += 1;
        if events == last {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert_eq!(outcome.unwrap(), Outcome::Interrupted, "event {last}");
}

/// One after the other: Burn's CPU backend has one random generator for the whole process, and
/// dropout of two runs at a time would share it.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static RUNS: Mutex<()> = Mutex::new(());
    RUNS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All that a finished run must reproduce, line by line, each with the file that it is from; of weights
/// and optimiser the SHA-256 of the files.
pub(crate) fn left_behind(config: &TrainConfig, folder: &Path) -> Vec<String> {
    let directory = RunDirectory::open(folder).unwrap();
    assert_eq!(directory.config().unwrap().seed, config.seed);
    Ensemble::open(&directory)
        .unwrap()
        .evaluate(Split::Test, CPU, &mut quiet)
        .unwrap()
        .unwrap();
    let newest = format!("checkpoints/{}", checkpoints(folder)[0]);
    let mut left = Vec::new();
    for file in [
        "metrics.jsonl".to_owned(),
        "steps.csv".to_owned(),
        "predictions/test.csv".to_owned(),
        format!("{newest}/progress.toml"),
        format!("{newest}/SHA256SUMS"),
    ] {
        let text = fs::read_to_string(folder.join(&file)).unwrap();
        left.extend(text.lines().map(|line| format!("{file}: {line}")));
    }
    for file in names(&folder.join("checkpoints/best")) {
        let bytes = fs::read(folder.join("checkpoints/best").join(&file)).unwrap();
        left.push(format!("{file}: {}", sha256_hex(&bytes)));
    }
    left
}

pub(crate) fn assert_same(found: &[String], expected: &[String], how: &str) {
    let differing = found
        .iter()
        .zip(expected)
        .find(|(found, expected)| found != expected);
    assert!(differing.is_none(), "{how}: {differing:#?}");
    assert_eq!(found.len(), expected.len(), "{how}");
}

/// Names of the checkpoints to resume from, the newest first.
pub(crate) fn checkpoints(folder: &Path) -> Vec<String> {
    let mut names = names(&folder.join("checkpoints"));
    names.retain(|name| name.starts_with("step-"));
    names.reverse();
    names
}

/// Names of all that lies in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in names(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

/// A checkpoint with random weights under torchvision's names.
pub(crate) fn weights_file(folder: &Path, architecture: Architecture) -> PathBuf {
    let network = architecture.spec().init(1, &CPU.open().unwrap());
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = network
        .collect(None, Some(Box::new(BurnToPyTorchAdapter)), true)
        .into_iter()
        .map(|tensor| {
            let key = Dialect::Torchvision
                .key(network.spec(), &tensor.name)
                .unwrap();
            let shape = tensor.shape.to_vec();
            (key, shape, tensor.into_bytes().unwrap().to_vec())
        })
        .collect();
    let views = tensors.iter().map(|(key, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap();
        (key.as_str(), view)
    });
    let path = folder.join(format!("{architecture}.safetensors"));
    safetensors::serialize_to_file(views, None, &path).unwrap();
    path
}
