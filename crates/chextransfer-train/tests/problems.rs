//! Runs on other label problems, on images from a cache, changed at random, and on several devices.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use chextransfer_data::{Augmentation, LabelProblem, Observation, Split, UncertaintyPolicy};
use chextransfer_metrics::Predictions;
use chextransfer_train::{Ensemble, Freeze, Run, TrainConfig};
use common::*;

#[test]
fn chosen_targets_of_two_and_three_classes_are_trained_and_judged() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let targets = [
        Observation::PleuralEffusion,
        Observation::Cardiomegaly,
        Observation::Fracture,
    ];
    let labels = LabelProblem::paper()
        .with_targets(&targets)
        .and_then(|labels| {
            labels.with_policy(Observation::Cardiomegaly, UncertaintyPolicy::MultiClass)
        })
        .unwrap();
    let config = TrainConfig {
        labels,
        pos_weight: [(Observation::Fracture, 4.0)].into(),
        label_smoothing: 0.1,
        ..settings(&phantom(folder.path(), 30))
    };
    assert_eq!(config.network().unwrap().classes(), 5);
    let out = folder.path().join("run");
    let mut run = begin(&config, &out).unwrap();
    run.train(&mut quiet).unwrap();
    let validations = run.directory().validations().unwrap();
    assert!(validations.iter().all(|one| one.observations.len() == 3));
    let first = &validations[0];
    assert!(
        first.averaged.iter().all(|name| name != "Fracture"),
        "{first:?}"
    );

    let ensemble = Ensemble::open(run.directory()).unwrap();
    ensemble
        .evaluate(Split::Valid, CPU, &mut quiet)
        .unwrap()
        .unwrap();
    let table = Predictions::read_csv(run.directory().predictions_path(Split::Valid)).unwrap();
    let names = targets.map(|target| target.name().to_owned());
    assert_eq!(table.observations(), names);
    assert!(
        table
            .probabilities()
            .iter()
            .all(|p| (0.0..=1.0).contains(p))
    );
    for wrong in [Observation::Edema, Observation::Cardiomegaly] {
        let weighted = TrainConfig {
            pos_weight: [(wrong, 2.0)].into(),
            ..config.clone()
        };
        let message = weighted.check().unwrap_err().to_string();
        assert!(message.contains("pos_weight"), "{message}");
    }
}

#[test]
fn a_cache_changes_nothing_and_augmentation_is_reproduced() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let data = phantom(folder.path(), 24);
    let augmented = TrainConfig {
        augmentation: Augmentation {
            rotate: 10.0,
            brightness: 0.2,
            ..Augmentation::default()
        },
        ..settings(&data)
    };
    let plain = settings(&data);
    let mut losses = Vec::new();
    for (name, config) in [("plain", plain), ("augmented", augmented)] {
        let without = folder.path().join(name);
        begin(&config, &without).unwrap().train(&mut quiet).unwrap();
        let expected = left_behind(&config, &without);
        let cached = TrainConfig {
            cache: Some(folder.path().join("cache")),
            loader_threads: 2,
            ..config
        };
        let with = folder.path().join(format!("{name}-cached"));
        begin(&cached, &with).unwrap().train(&mut quiet).unwrap();
        assert_same(&left_behind(&cached, &with), &expected, name);
        losses.push(fs::read_to_string(without.join("steps.csv")).unwrap());
    }
    assert!(folder.path().join("cache").is_dir());
    assert_ne!(losses[0], losses[1]);
}

/// With a frozen body no batch statistics enter, so shards are the same sum as the whole.
#[test]
fn a_run_on_two_devices_is_that_on_one() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let config = TrainConfig {
        freeze: Freeze::Body,
        epochs: 1,
        ..settings(&phantom(folder.path(), 24))
    };
    let loss = |name: &str, spread: fn(&mut Run)| {
        let out = folder.path().join(name);
        let mut run = begin(&config, &out).unwrap();
        spread(&mut run);
        run.train(&mut quiet).unwrap();
        run.directory()
            .validations()
            .unwrap()
            .last()
            .unwrap()
            .validation_loss
    };
    let one = loss("one", |_| ());
    let two = loss("two", |run| run.spread_over(&[CPU, CPU]).unwrap());
    assert!((one - two).abs() < 1e-4, "{one} {two}");
}

#[test]
fn a_patient_in_two_splits_is_found_before_the_folder_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = phantom(folder.path(), 12);
    let train = fs::read_to_string(data.join("train.csv")).unwrap();
    let leak = train.lines().nth(1).unwrap();
    let test = fs::read_to_string(data.join("test.csv")).unwrap();
    fs::write(
        data.join("test.csv"),
        format!("{}\n{leak}\n", test.trim_end()),
    )
    .unwrap();
    let out = folder.path().join("run");
    let message = begin(&settings(&data), &out).err().unwrap().to_string();
    assert!(
        message.contains("patient") && message.contains("test"),
        "{message}"
    );
    assert!(!message.contains('\n') && !out.exists(), "{message}");
}
