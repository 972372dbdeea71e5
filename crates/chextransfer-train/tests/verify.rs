//! A change to any file of a run is found and named.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use chextransfer_data::Split;
use chextransfer_models::Architecture;
use chextransfer_train::{Ensemble, EvaluateConfig, FileState, RunDirectory, TrainConfig, verify};
use common::*;

/// A run from weights, evaluated on two splits and on another dataset, with a figure and an unreadable image.
fn evaluated(folder: &Path) -> (TrainConfig, RunDirectory) {
    let data = phantom(folder, 16);
    fs::create_dir(folder.join("elsewhere")).unwrap();
    let other = phantom(&folder.join("elsewhere"), 12);
    fs::rename(other, folder.join("other")).unwrap();
    let config = TrainConfig {
        weights: Some(weights_file(folder, Architecture::ResNet18)),
        epochs: 1,
        max_unreadable: 0.5,
        ..settings(&data)
    };
    let records = chextransfer_data::CheXpert::open(&data).unwrap();
    let records = records.split(Split::Train).unwrap();
    fs::write(records.image_path(&records.records()[0]), "").unwrap();
    let out = folder.join("run");
    let mut run = begin(&config, &out).unwrap();
    run.train(&mut quiet).unwrap();
    let directory = run.directory().clone();
    let ensemble = Ensemble::open(&directory).unwrap();
    for (split, data) in [
        (Split::Valid, None),
        (Split::Test, None),
        (Split::Test, Some("other")),
    ] {
        let config = EvaluateConfig {
            data: data.map(|name| folder.join(name)),
            ..EvaluateConfig::of(split)
        };
        ensemble.judge(&config, CPU, &mut quiet).unwrap().unwrap();
    }
    let curve = out.join("training_curve.svg");
    fs::write(&curve, "<svg/>").unwrap();
    directory.note_files(&[curve]).unwrap();
    (config, directory)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for name in names(folder) {
        let path = folder.join(name);
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

#[test]
fn a_flipped_byte_in_any_file_of_a_run_is_found_and_so_is_a_file_that_went() {
    let folder = tempfile::tempdir().unwrap();
    let (config, run) = evaluated(folder.path());
    let whole = verify(run.root()).unwrap();
    assert_eq!(whole.differences(), 0, "{whole}");
    let unlisted = whole
        .files
        .values()
        .filter(|state| **state == FileState::Unlisted);
    assert_eq!(unlisted.count(), 0, "{whole}");

    let mut checked = files(run.root());
    checked.retain(|path| fs::metadata(path).unwrap().len() > 0);
    let inside = |path: &Path| path.strip_prefix(run.root()).map(Path::to_owned);
    for name in [
        "config.toml",
        "provenance.json",
        "metrics.jsonl",
        "metrics.json",
        "unreadable.csv",
        "SHA256SUMS",
        "training_curve.svg",
        "predictions/test.json",
        "evaluations/other/metrics.json",
    ] {
        assert!(checked.contains(&run.root().join(name)), "{name}");
    }
    checked.push(config.weights.clone().unwrap());
    checked.push(config.data.join("train.csv"));
    assert!(checked.len() > 20, "{checked:?}");
    for path in checked {
        let content = fs::read(&path).unwrap();
        let last = content.len() - 1;
        for (at, bit) in [(0, 0x01), (last / 2, 0x20), (last, 0x80)] {
            let mut changed = content.clone();
            changed[at] ^= bit;
            fs::write(&path, changed).unwrap();
            let found = verify(run.root()).unwrap();
            assert!(found.differences() > 0, "{} at {at}", path.display());
            // A list of digests speaks of other files; all others are named themselves.
            let name = inside(&path).unwrap_or(path.clone());
            if !name.ends_with("SHA256SUMS") {
                let state = &found.files[&name];
                assert!(
                    matches!(state, FileState::Changed { .. }),
                    "{name:?} {state:?}"
                );
            }
        }
        fs::remove_file(&path).unwrap();
        let found = verify(run.root()).unwrap();
        let name = inside(&path).unwrap_or(path.clone());
        let state = &found.files[&name];
        assert!(
            matches!(state, FileState::Missing { .. }),
            "{name:?} {state:?}"
        );
        fs::write(&path, content).unwrap();
    }
    assert_eq!(verify(run.root()).unwrap(), whole);
}

#[test]
fn a_file_that_no_one_listed_is_told_and_is_no_difference() {
    let folder = tempfile::tempdir().unwrap();
    let config = settings(&phantom(folder.path(), 8));
    let out = folder.path().join("run");
    begin(&config, &out).unwrap();
    fs::write(out.join("notes.txt"), "mine").unwrap();
    let found = verify(&out).unwrap();
    assert_eq!(found.differences(), 0, "{found}");
    assert_eq!(found.files[Path::new("notes.txt")], FileState::Unlisted);
    assert!(found.to_string().contains("unlisted  notes.txt"));

    let error = verify(&folder.path().join("absent"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("absent"), "{error}");
    let error = verify(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("neither config.toml nor SHA256SUMS"),
        "{error}"
    );
}
