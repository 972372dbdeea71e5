//! Ensembles of runs, what is fitted on validation, other datasets, and images without labels.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use chextransfer_data::{CheXpert, Split};
use chextransfer_metrics::{Aggregation, OperatingRule, Predictions, TemperatureScope};
use chextransfer_models::weights::sha256_hex;
use chextransfer_train::{
    Ensemble, Error, EvaluateConfig, Event, PredictConfig, RunDirectory, TrainConfig, find_images,
};
use common::*;
use serde_json::Value;

/// A dataset, and a run of each seed on it.
struct Setting {
    folder: tempfile::TempDir,
    data: PathBuf,
    runs: Vec<RunDirectory>,
}

fn setting(seeds: &[u64]) -> Setting {
    let folder = tempfile::tempdir().unwrap();
    let data = phantom(folder.path(), 30);
    let train = |seed: &u64| {
        let config = TrainConfig {
            seed: *seed,
            epochs: 1,
            ..settings(&data)
        };
        let out = folder.path().join(format!("run-{seed}"));
        let mut run = begin(&config, &out).unwrap();
        run.train(&mut quiet).unwrap();
        run.directory().clone()
    };
    Setting {
        runs: seeds.iter().map(train).collect(),
        folder,
        data,
    }
}

fn table(ensemble: &Ensemble, split: Split) -> Predictions {
    let device = CPU.open().unwrap();
    let table = ensemble.predict(split, &device, &mut quiet);
    table.unwrap().unwrap()
}

fn json(path: impl AsRef<Path>) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn several_runs_weigh_the_same_whatever_their_checkpoints_and_need_a_folder_of_their_own() {
    let Setting { folder, runs, .. } = setting(&[1, 2]);
    let each = [0, 1].map(|run| Ensemble::open(&runs[run]).unwrap());
    let expected = Predictions::mean(&each.map(|one| table(&one, Split::Test))).unwrap();
    let together = Ensemble::of_runs(&runs).unwrap();
    assert_eq!(together.members().len(), 4);
    assert_eq!(table(&together, Split::Test), expected);

    let mut config = EvaluateConfig::of(Split::Test);
    let error = together.judge(&config, CPU, &mut quiet).unwrap_err();
    assert!(error.to_string().contains("setting `out`"), "{error}");
    config.out = Some(runs[0].root().to_owned());
    let error = together.judge(&config, CPU, &mut quiet).unwrap_err();
    assert!(matches!(error, Error::RunExists { .. }), "{error}");
    let out = folder.path().join("both");
    config.out = Some(out.clone());
    let judgement = together.judge(&config, CPU, &mut quiet).unwrap().unwrap();
    assert_eq!(judgement.folder, out);
    let stored = Predictions::read_csv(out.join("predictions/test.csv")).unwrap();
    assert_eq!(stored, expected);
    let sidecar = json(out.join("predictions/test.json"));
    assert_eq!(sidecar["runs"].as_array().unwrap().len(), 2);
    assert!(!runs[0].metrics_path().exists());
}

#[test]
fn the_best_checkpoint_alone_is_the_first_member_and_more_than_there_are_is_an_error() {
    let Setting {
        folder: _folder,
        runs,
        ..
    } = setting(&[3]);
    let all = Ensemble::open(&runs[0]).unwrap();
    let best = Ensemble::open(&runs[0]).unwrap().best(1).unwrap();
    assert_eq!(best.members(), all.members()[..1]);
    assert_ne!(table(&best, Split::Valid), table(&all, Split::Valid));
    for (count, part) in [
        (3, "keeps 2 best checkpoints, found 3"),
        (0, "`checkpoints`: found 0"),
    ] {
        let error = Ensemble::open(&runs[0]).unwrap().best(count).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn temperatures_and_thresholds_are_those_of_validation() {
    let Setting {
        folder: _folder,
        runs,
        ..
    } = setting(&[4]);
    let ensemble = Ensemble::open(&runs[0]).unwrap();
    let [valid, test] = [Split::Valid, Split::Test].map(|split| table(&ensemble, split));
    let rules = [OperatingRule::Youden, OperatingRule::Sensitivity(0.9)];
    let plain = EvaluateConfig::of(Split::Test);
    let config = EvaluateConfig {
        calibration: Some(TemperatureScope::Observation),
        operating_points: rules.to_vec(),
        ..plain.clone()
    };
    let judge = |config: &EvaluateConfig| ensemble.judge(config, CPU, &mut quiet).unwrap().unwrap();
    let judgement = judge(&config);

    let temperatures = valid.temperatures(TemperatureScope::Observation).unwrap();
    let [valid, calibrated] = [&valid, &test].map(|table| {
        let calibrated = temperatures.apply(table).unwrap();
        calibrated.by_study().unwrap()
    });
    for (rule, found) in rules.into_iter().zip(&judgement.operating_points) {
        let expected = valid.thresholds(rule).unwrap().apply(&calibrated, 0.95);
        assert_eq!(*found, expected.unwrap());
    }
    let by_study = test.by_study().unwrap();
    let effect = temperatures.effect(&by_study, &calibrated).unwrap();
    assert_eq!(judgement.calibration, Some(effect));
    assert!(
        temperatures
            .observations
            .iter()
            .any(|of| of.temperature.is_some())
    );

    let metrics = json(runs[0].metrics_path());
    let stored = &metrics["test"]["operating_points"];
    assert_eq!(stored[0]["rule"], "youden");
    assert!(
        stored[1]["observations"][0]["observation"].is_string(),
        "{stored}"
    );
    // Neither unless asked for; the ranking, and with it every AUROC, is the same.
    let uncalibrated = judge(&plain);
    assert_eq!(uncalibrated.calibration, None);
    assert!(uncalibrated.operating_points.is_empty());
    for (one, other) in
        (uncalibrated.evaluation.observations.iter()).zip(&judgement.evaluation.observations)
    {
        assert_eq!(one.auc, other.auc);
    }
    let mean = judge(&EvaluateConfig {
        aggregation: Aggregation::Mean,
        ..plain
    });
    assert_eq!(mean.aggregation, Aggregation::Mean);
    let stored = Predictions::read_csv(runs[0].root().join("predictions/test-by-study.csv"));
    assert_eq!(
        stored.unwrap(),
        test.by_study_as(Aggregation::Mean).unwrap()
    );
}

#[test]
fn stored_validation_is_used_only_if_it_is_of_the_same_checkpoints_uncalibrated_and_whole() {
    let Setting {
        folder: _folder,
        runs,
        ..
    } = setting(&[5]);
    let ensemble = || Ensemble::open(&runs[0]).unwrap();
    let thresholds = EvaluateConfig {
        operating_points: vec![OperatingRule::Youden],
        ..EvaluateConfig::of(Split::Test)
    };
    // How often a split is begun to be predicted.
    let predicted = |ensemble: &Ensemble, config: &EvaluateConfig| {
        let mut ended = 0;
        let mut count = |event: Event| {
            ended += usize::from(matches!(event, Event::Predicting { done, of } if done == of));
            ControlFlow::Continue(())
        };
        ensemble.judge(config, CPU, &mut count).unwrap().unwrap();
        ended
    };
    assert_eq!(predicted(&ensemble(), &thresholds), 2);
    let validation = EvaluateConfig::of(Split::Valid);
    assert_eq!(predicted(&ensemble(), &validation), 1);
    assert_eq!(predicted(&ensemble(), &thresholds), 1, "stored");
    assert_eq!(
        predicted(&ensemble().best(1).unwrap(), &thresholds),
        2,
        "other checkpoints"
    );

    let csv = runs[0].predictions_path(Split::Valid);
    let text = fs::read_to_string(&csv).unwrap();
    fs::write(&csv, text.replacen(",0", ",1", 1)).unwrap();
    assert_eq!(predicted(&ensemble(), &thresholds), 2, "changed");
    let calibrated = EvaluateConfig {
        calibration: Some(TemperatureScope::All),
        ..validation
    };
    predicted(&ensemble(), &calibrated);
    assert_eq!(predicted(&ensemble(), &thresholds), 2, "calibrated");
}

#[test]
fn every_table_has_beside_it_what_it_is_of() {
    let Setting {
        folder: _folder,
        data,
        runs,
    } = setting(&[6]);
    let ensemble = Ensemble::open(&runs[0]).unwrap();
    ensemble.evaluate(Split::Test, CPU, &mut quiet).unwrap();
    let records = CheXpert::open(&data).unwrap().split(Split::Test).unwrap();
    let provenance = runs[0].provenance().unwrap();
    for (name, aggregation) in [("test", Value::Null), ("test-by-study", "max".into())] {
        let csv = runs[0].root().join(format!("predictions/{name}.csv"));
        let sidecar = json(csv.with_extension("json"));
        assert_eq!(
            sidecar["table_sha256"],
            sha256_hex(&fs::read(&csv).unwrap())
        );
        assert_eq!(sidecar["rows"], Predictions::read_csv(&csv).unwrap().rows());
        assert_eq!(sidecar["aggregation"], aggregation);
        assert_eq!(sidecar["calibration"], Value::Null);
        assert_eq!(sidecar["version"], provenance.program.version);
        assert_eq!(sidecar["device"], "cpu");
        assert_eq!(sidecar["data"]["sha256"], records.digest());
        assert_eq!(sidecar["data"]["split"], "test");
        let run = &sidecar["runs"][0];
        assert_eq!(run["network"], "resnet18-minus3");
        assert_eq!(
            run["labels"],
            serde_json::to_value(provenance.labels).unwrap()
        );
        assert_eq!(run["recipe"]["position"], "center");
        assert!(run["normalization"]["mean"].is_array() && run["weights_sha256"].is_null());
        let checkpoints = run["checkpoints"].as_array().unwrap();
        for (stored, member) in checkpoints.iter().zip(ensemble.members()) {
            assert_eq!(stored["sha256"], member.sha256);
        }
        assert_eq!(checkpoints.len(), 2);
    }
    assert_eq!(provenance.seed, 6);
    assert!(provenance.program.lock_sha256.is_some());
}

#[test]
fn another_dataset_leaves_the_runs_own_results_as_they_are() {
    let Setting { folder, runs, .. } = setting(&[7]);
    let ensemble = Ensemble::open(&runs[0]).unwrap();
    ensemble.evaluate(Split::Test, CPU, &mut quiet).unwrap();
    let metrics = fs::read(runs[0].metrics_path()).unwrap();
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let other = phantom(&elsewhere, 12);
    let other_named = elsewhere.join("other");
    fs::rename(other, &other_named).unwrap();
    let config = EvaluateConfig {
        data: Some(other_named.clone()),
        ..EvaluateConfig::of(Split::Test)
    };
    let judgement = ensemble.judge(&config, CPU, &mut quiet).unwrap().unwrap();
    let results = runs[0].root().join("evaluations/other");
    assert_eq!(judgement.folder, results.join(""));
    assert_eq!(fs::read(runs[0].metrics_path()).unwrap(), metrics);
    let records = CheXpert::open(&other_named)
        .unwrap()
        .split(Split::Test)
        .unwrap();
    let stored = json(results.join("metrics.json"));
    assert_eq!(stored["data_sha256"], records.digest());
    let predictions = Predictions::read_csv(results.join("predictions/test.csv")).unwrap();
    assert_eq!(predictions.rows(), records.len());
    assert_eq!(verified(runs[0].root()), 0);
}

fn verified(root: &Path) -> usize {
    chextransfer_train::verify(root).unwrap().differences()
}

#[test]
fn images_without_labels_get_the_probabilities_that_evaluation_gives_them() {
    let Setting { folder, data, runs } = setting(&[8]);
    let ensemble = Ensemble::open(&runs[0]).unwrap();
    let expected = table(&ensemble, Split::Test);
    let out = folder.path().join("predicted/all.csv");
    let config = PredictConfig {
        aggregation: Aggregation::Max,
        calibration: None,
        out: out.clone(),
    };
    let predict = |paths: &[PathBuf], config: &PredictConfig| {
        let images = find_images(paths).unwrap();
        ensemble.predict_images(&images, config, CPU, &mut quiet)
    };
    let found = predict(&[data.join("test.csv")], &config).unwrap().unwrap();
    assert_eq!(found.by_image.paths(), expected.paths());
    assert_eq!(found.by_image.studies(), expected.studies());
    let differs = |(a, b): (&f64, &f64)| (a - b).abs() > 1e-9;
    let pairs = found
        .by_image
        .probabilities()
        .iter()
        .zip(expected.probabilities());
    assert!(!pairs.into_iter().any(differs));
    assert!(found.by_image.labels().iter().all(Option::is_none));
    let studies = expected.by_study().unwrap();
    assert_eq!(found.by_study.unwrap().studies(), studies.studies());
    assert_eq!(
        found.tables,
        [
            out.clone(),
            folder.path().join("predicted/all-by-study.csv")
        ]
    );
    assert_eq!(Predictions::read_csv(&out).unwrap(), found.by_image);
    let sidecar = json(out.with_extension("json"));
    assert_eq!(
        sidecar["table_sha256"],
        sha256_hex(&fs::read(&out).unwrap())
    );

    // A folder, with a file that is no image; temperatures are validation's.
    let loose = folder.path().join("loose");
    fs::create_dir(&loose).unwrap();
    let records = CheXpert::open(&data).unwrap().split(Split::Test).unwrap();
    fs::copy(
        records.image_path(&records.records()[0]),
        loose.join("a.jpg"),
    )
    .unwrap();
    fs::write(loose.join("b.jpg"), "no image").unwrap();
    let calibrated = PredictConfig {
        calibration: Some(TemperatureScope::All),
        ..config.clone()
    };
    let found = predict(std::slice::from_ref(&loose), &calibrated)
        .unwrap()
        .unwrap();
    assert_eq!(found.by_image.rows(), 1);
    assert!(found.by_study.is_none());
    assert!(
        !folder.path().join("predicted/all-by-study.csv").exists(),
        "stale"
    );
    assert_eq!(found.unreadable.len(), 1);
    assert!(
        found.unreadable[0].reason.contains("b.jpg"),
        "{:?}",
        found.unreadable
    );
    let valid = table(&ensemble, Split::Valid);
    let temperatures = valid.temperatures(TemperatureScope::All).unwrap();
    let expected = temperatures.apply(&expected).unwrap();
    let pairs = found
        .by_image
        .probabilities()
        .iter()
        .zip(expected.probabilities().row(0));
    assert!(!pairs.into_iter().any(differs));
    let sidecar = json(out.with_extension("json"));
    assert_eq!(
        sidecar["unreadable"][0]["path"],
        loose.join("b.jpg").display().to_string()
    );
    assert_eq!(sidecar["calibration"]["scope"], "all");

    let error = predict(&[loose.join("b.jpg")], &config).unwrap_err();
    assert!(error.to_string().contains("b.jpg"), "{error}");
    let wrong = PredictConfig {
        out: folder.path().join("all.json"),
        ..config
    };
    let error = predict(&[loose], &wrong).unwrap_err();
    assert!(error.to_string().contains("ends in .csv"), "{error}");
}
