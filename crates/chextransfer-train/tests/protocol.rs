//! When a run validates, what it keeps, what it averages and what it reports.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use burn::module::Module;
use burn::store::ModuleRecord;
use chextransfer_data::{CheXpert, Loader, LoaderConfig, Observation, Split};
use chextransfer_metrics::Predictions;
use chextransfer_models::weights::sha256_hex;
use chextransfer_train::{
    Ensemble, Event, Interval, Outcome, Run, TrainConfig, ValidationRecord, predict,
};
use common::*;
use serde_json::Value;

fn trained(config: &TrainConfig, folder: &Path) -> Run {
    let mut run = begin(config, folder).unwrap();
    assert_eq!(run.train(&mut quiet).unwrap(), Outcome::Finished);
    run
}

fn rows(data: &Path, split: Split) -> u64 {
    CheXpert::open(data).unwrap().split(split).unwrap().len() as u64
}

#[test]
fn validations_come_every_so_many_examples_and_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let data = phantom(folder.path(), 24);
    let epoch = rows(&data, Split::Train);
    for validate_every in [1, 8, epoch + 1, 10_000] {
        let config = TrainConfig {
            epochs: 3,
            validate_every: Interval::Examples(validate_every),
            ..settings(&data)
        };
        let run = trained(
            &config,
            &folder.path().join(format!("run-{validate_every}")),
        );
        let validations = run.directory().validations().unwrap();

        // Every step ends a batch; an epoch's last batch holds what is left.
        let ends = (1..=3 * epoch).filter(|examples| {
            let in_epoch = (examples - 1) % epoch + 1;
            in_epoch.is_multiple_of(4) || in_epoch == epoch
        });
        let (mut expected, mut steps) = (Vec::new(), Vec::new());
        for (step, examples) in (1..).zip(ends) {
            let since = examples - expected.last().copied().unwrap_or(0);
            if since >= validate_every || examples == 3 * epoch {
                expected.push(examples);
                steps.push(step);
            }
        }
        let examples: Vec<_> = validations.iter().map(|record| record.examples).collect();
        assert_eq!(examples, expected, "every {validate_every}");
        let found: Vec<u64> = validations.iter().map(|record| record.step).collect();
        assert_eq!(found, steps, "every {validate_every}");
        assert_eq!(*expected.last().unwrap(), run.examples());
        for record in &validations {
            assert!(record.training_loss.is_finite() && record.validation_loss.is_finite());
            assert_eq!(record.observations.len(), Observation::COUNT);
        }
    }
}

#[test]
fn the_mean_training_loss_of_a_validation_is_that_of_the_steps_since_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let config = settings(&phantom(folder.path(), 12));
    let mut run = begin(&config, &folder.path().join("run")).unwrap();
    let (mut losses, mut validations) = (Vec::new(), 0);
    let outcome = run.train(&mut |event: Event| {
        match event {
            Event::Step { loss, .. } => losses.push(f64::from(loss)),
            Event::Validated(record) => {
                let mean = losses.iter().sum::<f64>() / losses.len() as f64;
                assert!((record.training_loss - mean).abs() < 1e-12, "{record:?}");
                losses.clear();
                validations += 1;
            }
            _ => (),
        }
        ControlFlow::Continue(())
    });
    assert_eq!(outcome.unwrap(), Outcome::Finished);
    assert!(validations > 1);
}

#[test]
fn the_checkpoints_with_the_highest_validation_auc_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let data = phantom(folder.path(), 24);
    for keep_best in [1, 3, 100] {
        let config = TrainConfig {
            validate_every: Interval::Examples(4),
            keep_best,
            ..settings(&data)
        };
        let out = folder.path().join(format!("run-{keep_best}"));
        let run = trained(&config, &out);
        let mut ranked = run.directory().validations().unwrap();
        assert!(ranked.len() > 3);
        let auc = |record: &ValidationRecord| record.validation_auc.unwrap_or(-1.0);
        ranked.sort_by(|a, b| auc(b).total_cmp(&auc(a)).then(a.step.cmp(&b.step)));
        ranked.truncate(keep_best);

        let ensemble = Ensemble::open(run.directory()).unwrap();
        let members: Vec<_> = ensemble
            .members()
            .iter()
            .map(|member| member.step)
            .collect();
        let expected: Vec<_> = ranked.iter().map(|record| record.step).collect();
        assert_eq!(members, expected, "keep {keep_best}");
        let mut files: Vec<_> = expected
            .iter()
            .map(|step| format!("step-{step:08}.bpk"))
            .collect();
        files.sort();
        let best = out.join("checkpoints/best");
        assert_eq!(names(&best), files);
        for member in ensemble.members() {
            let path = best.join(format!("step-{:08}.bpk", member.step));
            assert_eq!(sha256_hex(&fs::read(path).unwrap()), member.sha256);
        }
        assert_eq!(checkpoints(&out).len(), 2);
    }
}

#[test]
fn the_ensemble_is_the_mean_of_its_members_probabilities() {
    let folder = tempfile::tempdir().unwrap();
    let config = TrainConfig {
        keep_best: 3,
        validate_every: Interval::Examples(4),
        ..settings(&phantom(folder.path(), 24))
    };
    let out = folder.path().join("run");
    let run = trained(&config, &out);
    let device = CPU.open().unwrap();
    let ensemble = Ensemble::open(run.directory()).unwrap();
    let together = ensemble
        .predict(Split::Test, &device, &mut quiet)
        .unwrap()
        .unwrap();

    let records = CheXpert::open(&config.data)
        .unwrap()
        .split(Split::Test)
        .unwrap();
    let loader = LoaderConfig {
        batch_size: 3,
        ..LoaderConfig::default()
    };
    let loader = Loader::new(Arc::new(records), config.recipe(), config.labels, loader).unwrap();
    let members: Vec<_> = ensemble
        .members()
        .iter()
        .map(|member| {
            let path = out.join(format!("checkpoints/best/step-{:08}.bpk", member.step));
            let network = config.network().unwrap().init(9, &device);
            let network = network.load_record(ModuleRecord::load(path).unwrap());
            predict(
                &network,
                &loader,
                ensemble.normalization(),
                &device,
                &mut quiet,
            )
            .unwrap()
            .unwrap()
            .table
        })
        .collect();
    assert_eq!(members.len(), 3);
    assert_ne!(members[0].probabilities(), members[1].probabilities());
    assert_eq!(together.paths(), members[0].paths());
    assert_eq!(together.labels(), members[0].labels());
    for (at, mean) in together.probabilities().indexed_iter() {
        let sum: f64 = members.iter().map(|one| one.probabilities()[at]).sum();
        assert!((mean - sum / 3.0).abs() < 1e-6, "{at:?}: {mean} {sum}");
    }
}

#[test]
fn metrics_json_holds_what_other_programs_rely_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = phantom(folder.path(), 24);
    let config = TrainConfig {
        seed: 7,
        ..settings(&data)
    };
    let out = folder.path().join("run");
    let run = trained(&config, &out);
    let ensemble = Ensemble::open(run.directory()).unwrap();
    let evaluation = ensemble
        .evaluate(Split::Test, CPU, &mut quiet)
        .unwrap()
        .unwrap();
    ensemble.evaluate(Split::Valid, CPU, &mut quiet).unwrap();

    let text = fs::read_to_string(run.directory().metrics_path()).unwrap();
    let metrics: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(metrics["architecture"], "resnet18");
    assert_eq!(metrics["minus"], 3);
    assert_eq!(metrics["pretrained"], false);
    assert_eq!(metrics["device"], "cpu");
    assert_eq!(metrics["seed"], 7);
    assert!(metrics["valid"]["mean_auc"].is_number());
    let test = &metrics["test"];
    let is_interval = |ci: &Value| {
        let [low, high] = &ci.as_array().unwrap()[..] else {
            return false;
        };
        low.as_f64().unwrap() <= high.as_f64().unwrap()
    };
    assert!(test["mean_auc"].is_number() && is_interval(&test["mean_auc_ci"]));
    let observations = test["observations"].as_object().unwrap();
    let order: Vec<_> = evaluation
        .observations
        .iter()
        .map(|one| &one.name)
        .collect();
    assert_eq!(order, Observation::ALL.map(Observation::name));
    assert_eq!(observations.len(), Observation::COUNT);
    for result in &evaluation.observations {
        let one = &observations[&result.name];
        assert_eq!(one["positives"], result.positives);
        assert_eq!(one["negatives"], result.negatives);
        assert_eq!(one["auc"].is_null(), result.auc.is_none());
        assert_eq!(one["auc"].is_number(), result.auc.is_some());
        assert!(one["ci"].is_null() || is_interval(&one["ci"]));
    }

    // By image and by study, and the reported numbers are those of the stored predictions.
    let by_image = Predictions::read_csv(run.directory().predictions_path(Split::Test)).unwrap();
    assert_eq!(by_image.rows() as u64, rows(&data, Split::Test));
    let by_study = Predictions::read_csv(out.join("predictions/test-by-study.csv")).unwrap();
    assert_eq!(by_study, by_image.by_study().unwrap());
    assert_eq!(by_study.rows(), evaluation.studies);
    let again = by_study.evaluate(
        &Observation::CHEXPERT_AUC.map(Observation::name),
        &evaluation.bootstrap,
    );
    assert_eq!(again.unwrap(), evaluation);
}

#[test]
fn an_undefined_observation_is_null_and_left_out_of_the_mean_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let data = phantom(folder.path(), 24);
    for split in ["valid.csv", "test.csv"] {
        set_column(&data.join(split), "Edema", "0.0");
    }
    let out = folder.path().join("run");
    let run = trained(&settings(&data), &out);
    for record in run.directory().validations().unwrap() {
        assert_eq!(record.observations["Edema"], None);
        assert!(!record.averaged.iter().any(|name| name == "Edema"));
        let defined: Vec<_> = record
            .averaged
            .iter()
            .map(|name| record.observations[name].unwrap())
            .collect();
        assert!(!defined.is_empty());
        let mean = defined.iter().sum::<f64>() / defined.len() as f64;
        assert!((record.validation_auc.unwrap() - mean).abs() < 1e-12);
    }

    let ensemble = Ensemble::open(run.directory()).unwrap();
    ensemble.evaluate(Split::Test, CPU, &mut quiet).unwrap();
    let text = fs::read_to_string(run.directory().metrics_path()).unwrap();
    let metrics: Value = serde_json::from_str(&text).unwrap();
    let test = &metrics["test"];
    let edema = &test["observations"]["Edema"];
    assert!(edema["auc"].is_null() && edema["ci"].is_null(), "{edema}");
    assert_eq!(edema["positives"], 0);
    let named = |key: &str| test[key].as_array().unwrap().contains(&"Edema".into());
    assert!(named("headline") && !named("averaged"), "{test}");
    let averaged = test["averaged"].as_array().unwrap();
    let auc = |name: &Value| test["observations"][name.as_str().unwrap()]["auc"].as_f64();
    let mean = averaged.iter().map(|name| auc(name).unwrap()).sum::<f64>() / averaged.len() as f64;
    assert!((test["mean_auc"].as_f64().unwrap() - mean).abs() < 1e-12);
}

#[test]
fn a_run_whose_validation_has_no_defined_auc_still_keeps_its_checkpoints() {
    let folder = tempfile::tempdir().unwrap();
    let data = phantom(folder.path(), 12);
    for observation in Observation::CHEXPERT_AUC {
        set_column(&data.join("valid.csv"), observation.name(), "0.0");
    }
    let out = folder.path().join("run");
    let run = trained(&settings(&data), &out);
    let validations = run.directory().validations().unwrap();
    assert!(
        validations
            .iter()
            .all(|record| record.validation_auc.is_none())
    );
    let text = fs::read_to_string(out.join("metrics.jsonl")).unwrap();
    assert!(text.contains("\"validation_auc\":null"), "{text}");
    let ensemble = Ensemble::open(run.directory()).unwrap();
    let members: Vec<_> = ensemble
        .members()
        .iter()
        .map(|member| member.step)
        .collect();
    assert_eq!(members, [validations[0].step, validations[1].step]);
    finish(&settings(&data), &out);
}

#[test]
fn training_fits_a_few_images() {
    let folder = tempfile::tempdir().unwrap();
    let data = phantom(folder.path(), 8);
    let config = TrainConfig {
        epochs: 40,
        learning_rate: 3e-3,
        validate_every: Interval::Examples(rows(&data, Split::Train)),
        ..settings(&data)
    };
    let run = trained(&config, &folder.path().join("run"));
    let losses: Vec<_> = run
        .directory()
        .validations()
        .unwrap()
        .iter()
        .map(|record| record.training_loss)
        .collect();
    let (first, last) = (losses[0], losses[losses.len() - 1]);
    assert!(last < first / 3.0, "{losses:?}");
}

/// Gives an observation the same label in every row.
fn set_column(file: &Path, column: &str, label: &str) {
    let text = fs::read_to_string(file).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let at = header
        .split(',')
        .position(|name| name.trim() == column)
        .unwrap();
    let rows = rows.lines().map(|row| {
        let mut cells: Vec<_> = row.split(',').collect();
        cells[at] = label;
        cells.join(",") + "\n"
    });
    let changed = format!("{header}\n{}", rows.collect::<String>());
    fs::write(file, changed).unwrap();
}
