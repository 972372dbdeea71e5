//! Kinds of fine-tuning: what is trained, how fast, and when it ends.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::store::burn_pack::Reader;
use burn::tensor::Bytes;
use chextransfer_data::Split;
use chextransfer_models::Architecture;
use chextransfer_train::{
    EarlyStopping, Ensemble, Freeze, Interval, NonFinite, OptimizerConfig, Outcome, Precision,
    RunDirectory, Schedule, TrainConfig,
};
use common::*;

/// The tensors of a stored network by path.
fn tensors(path: &Path) -> BTreeMap<String, Vec<f32>> {
    let bytes = Bytes::from_bytes_vec(fs::read(path).unwrap());
    let tensors = Reader::from_bytes(bytes).unwrap().into_tensors().unwrap();
    let values = |bytes: &[u8]| {
        let floats = bytes.chunks_exact(4);
        floats
            .map(|four| f32::from_le_bytes(four.try_into().unwrap()))
            .collect()
    };
    let named = tensors.into_iter().map(|tensor| {
        let name = tensor.name.clone();
        (name, values(&tensor.into_bytes().unwrap()))
    });
    named.collect()
}

fn newest(folder: &Path, file: &str) -> BTreeMap<String, Vec<f32>> {
    tensors(
        &folder
            .join("checkpoints")
            .join(&checkpoints(folder)[0])
            .join(file),
    )
}

/// The weights that a run began with, and those that it ended with.
fn before_and_after(config: &TrainConfig, folder: &Path) -> [BTreeMap<String, Vec<f32>>; 2] {
    let mut run = begin(config, folder).unwrap();
    let before = newest(folder, "network.bpk");
    run.train(&mut quiet).unwrap();
    [before, newest(folder, "network.bpk")]
}

/// A column of `steps.csv`.
fn column(folder: &Path, name: &str) -> Vec<f64> {
    let path = RunDirectory::open(folder).unwrap().steps_path();
    let mut reader = csv::Reader::from_path(path).unwrap();
    let place = reader
        .headers()
        .unwrap()
        .iter()
        .position(|found| found == name)
        .unwrap();
    reader
        .records()
        .map(|row| row.unwrap()[place].parse().unwrap())
        .collect()
}

#[test]
fn what_is_frozen_stays_to_the_bit_and_the_rest_is_trained() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let data = phantom(folder.path(), 12);
    for (freeze, architecture, minus, trained) in [
        (
            Freeze::Nothing,
            Architecture::ResNet18,
            2,
            &["stem", "blocks", "head"][..],
        ),
        (
            Freeze::Blocks(1),
            Architecture::ResNet18,
            2,
            &["blocks.1", "head"],
        ),
        (Freeze::Blocks(2), Architecture::ResNet18, 2, &["head"]),
        (Freeze::Body, Architecture::ResNet18, 2, &["head"]),
        // A whole MobileNetV2 has a convolution behind its last block.
        (
            Freeze::Blocks(7),
            Architecture::MobileNetV2,
            0,
            &["neck", "head"],
        ),
        (Freeze::Body, Architecture::MobileNetV2, 0, &["head"]),
    ] {
        let config = TrainConfig {
            architecture,
            minus,
            freeze,
            epochs: 1,
            ..settings(&data)
        };
        let out = folder.path().join(format!(
            "{architecture}-{}",
            freeze.to_string().replace(':', "-")
        ));
        let [before, after] = before_and_after(&config, &out);
        assert_eq!(before.len(), after.len());
        for (name, values) in &after {
            let is_trained = trained
                .iter()
                .any(|part| name.starts_with(&format!("{part}.")));
            assert_eq!(values != &before[name], is_trained, "{freeze}, {name}");
        }
    }
}

#[test]
fn gradual_unfreezing_trains_a_block_more_every_epoch() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let data = phantom(folder.path(), 12);
    let mut changed = Vec::new();
    for epochs in 1..=4 {
        let config = TrainConfig {
            minus: 2,
            epochs,
            freeze: Freeze::Gradual(1),
            ..settings(&data)
        };
        let [before, after] = before_and_after(&config, &folder.path().join(epochs.to_string()));
        let parts = ["head.", "blocks.1.", "blocks.0.", "stem."];
        let is_changed = |part: &&&str| {
            after
                .iter()
                .any(|(name, values)| name.starts_with(**part) && values != &before[name])
        };
        changed.push(parts.iter().filter(is_changed).count());
    }
    assert_eq!(changed, [1, 2, 3, 4]);
}

/// With a frozen body there is no batch normalisation in training, so parts and whole are the same sum.
#[test]
fn a_batch_in_parts_has_the_gradient_of_the_whole() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let data = phantom(folder.path(), 16);
    let whole = TrainConfig {
        freeze: Freeze::Body,
        batch_size: 6,
        optimizer: OptimizerConfig::Sgd {
            momentum: 0.9,
            nesterov: false,
            weight_decay: 0.0,
        },
        ..settings(&data)
    };
    let [_, expected] = before_and_after(&whole, &folder.path().join("whole"));
    for size in [1, 4] {
        let parts = TrainConfig {
            micro_batch_size: Some(size),
            ..whole.clone()
        };
        let out = folder.path().join(format!("parts-of-{size}"));
        let [before, after] = before_and_after(&parts, &out);
        assert_ne!(before, after);
        for (name, values) in &after {
            for (found, expected) in values.iter().zip(&expected[name]) {
                assert!(
                    (found - expected).abs() < 1e-6,
                    "{name}: {found} for {expected}"
                );
            }
        }
        let (found, expected) = (
            column(&out, "loss"),
            column(&folder.path().join("whole"), "loss"),
        );
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found} for {expected}");
        }
    }
}

#[test]
fn recomputed_activations_change_nothing() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let kept = settings(&phantom(folder.path(), 12));
    let recomputed = TrainConfig {
        gradient_checkpointing: true,
        ..kept.clone()
    };
    let [_, expected] = before_and_after(&kept, &folder.path().join("kept"));
    let [_, found] = before_and_after(&recomputed, &folder.path().join("recomputed"));
    assert_eq!(found, expected);
}

/// bfloat16 keeps 8 bits, so a convolution's output is off by up to 0.4 %.
#[test]
fn training_in_bfloat16_follows_float32_and_keeps_its_weights_in_it() {
    follows_float32(Precision::Bfloat16, 0.05, 0xffff);
}

/// float16 keeps 11 bits, so a convolution's output is off by up to 0.05 %, in which training as small as this strays: by
/// up to 3.7 % of a loss (resnet18, at its last step).
#[test]
fn training_in_float16_follows_float32_and_keeps_its_weights_in_it() {
    follows_float32(Precision::Float16, 0.05, 0x1fff);
}

/// `dropped` are the bits of a float32 that the type lacks.
fn follows_float32(precision: Precision, tolerance: f64, dropped: u32) {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let data = phantom(folder.path(), 24);
    // Squeeze-excite, stochastic depth and dropout; concatenation; an ordinary residual network.
    for (architecture, minus) in [
        (Architecture::EfficientNetB0, 3),
        (Architecture::DenseNet121, 3),
        (Architecture::ResNet18, 2),
    ] {
        let full = TrainConfig {
            architecture,
            minus,
            learning_rate: 1e-3,
            ..settings(&data)
        };
        let half = TrainConfig {
            precision,
            ..full.clone()
        };
        let [a, b] =
            ["full", "half"].map(|name| folder.path().join(format!("{architecture}-{name}")));
        let [before, expected] = before_and_after(&full, &a);
        let [_, found] = before_and_after(&half, &b);
        assert_ne!(found, expected, "{architecture} was trained in float32");
        // No step was left out, so that both took the same number.
        assert!(
            column(&b, "gradient_norm")
                .iter()
                .all(|norm| norm.is_finite())
        );
        let losses = column(&a, "loss").into_iter().zip(column(&b, "loss"));
        for (step, (full, half)) in losses.enumerate() {
            assert!(
                (half / full - 1.0).abs() < tolerance,
                "{architecture}, step {step}: {half} for {full}"
            );
        }
        // More digits than the type has, whose float32 form ends in zeros.
        let trained = found
            .iter()
            .filter(|(name, values)| **values != before[*name]);
        let values: Vec<_> = trained.flat_map(|(_, values)| values).collect();
        let fine = values
            .iter()
            .filter(|value| value.to_bits() & dropped != 0)
            .count();
        assert!(
            fine * 10 > values.len() * 9,
            "{architecture}: {fine} of {}",
            values.len()
        );
    }
}

/// What counts in the end.
#[test]
fn half_precision_ranks_unseen_patients_as_float32_does() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let data = phantom(folder.path(), 240);
    let [full, bfloat16, float16] = [Precision::Float32, Precision::Bfloat16, Precision::Float16]
        .map(|precision| {
            let config = TrainConfig {
                precision,
                minus: 2,
                epochs: 4,
                batch_size: 8,
                validate_every: Interval::Epochs(1),
                checkpoint_every: Interval::Epochs(1),
                ..settings(&data)
            };
            let out = folder.path().join(precision.name());
            begin(&config, &out).unwrap().train(&mut quiet).unwrap();
            let ensemble = Ensemble::open(&RunDirectory::open(&out).unwrap()).unwrap();
            let evaluation = ensemble.evaluate(Split::Test, CPU, &mut quiet);
            evaluation.unwrap().unwrap().mean_auc.unwrap()
        });
    eprintln!("AUROC {full:.4} in float32, {bfloat16:.4} in bfloat16, {float16:.4} in float16");
    assert!(full > 0.7, "{full}");
    assert!((bfloat16 - full).abs() < 0.02, "{bfloat16} for {full}");
    assert!((float16 - full).abs() < 0.02, "{float16} for {full}");
}

#[test]
fn the_logged_learning_rate_follows_warm_up_and_schedule() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let config = TrainConfig {
        learning_rate: 8e-3,
        schedule: Schedule::Linear { floor: 0.0 },
        warm_up: Some(Interval::Steps(2)),
        epochs: 2,
        ..settings(&phantom(folder.path(), 12))
    };
    let out = folder.path().join("run");
    begin(&config, &out).unwrap().train(&mut quiet).unwrap();
    let rates = column(&out, "learning_rate");
    let behind = rates.len() - 2;
    assert!(
        (rates[0] - 4e-3).abs() < 1e-12 && (rates[1] - 8e-3).abs() < 1e-12,
        "{rates:?}"
    );
    for (index, rate) in rates[2..].iter().enumerate() {
        let expected = 8e-3 * (1.0 - index as f64 / behind as f64);
        assert!((rate - expected).abs() < 1e-12, "{rates:?}");
    }
}

#[test]
fn clipping_shortens_steps_and_a_layer_without_rate_stays() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let data = phantom(folder.path(), 12);
    let free = TrainConfig {
        epochs: 1,
        learning_rate: 0.1,
        optimizer: OptimizerConfig::Sgd {
            momentum: 0.0,
            nesterov: false,
            weight_decay: 0.0,
        },
        ..settings(&data)
    };
    let clipped = TrainConfig {
        clip_norm: Some(1e-3),
        ..free.clone()
    };
    let moved = |config: &TrainConfig, name: &str| {
        let [before, after] = before_and_after(config, &folder.path().join(name));
        let weights = after.iter().filter(|(name, _)| !name.contains("running"));
        let squares = weights.flat_map(|(name, after)| {
            after
                .iter()
                .zip(&before[name])
                .map(|(a, b)| f64::from(a - b).powi(2))
        });
        squares.sum::<f64>().sqrt()
    };
    let (far, near) = (moved(&free, "free"), moved(&clipped, "clipped"));
    let steps = column(&folder.path().join("clipped"), "gradient_norm");
    assert!(
        steps.iter().all(|norm| *norm > 1e-3),
        "logged before clipping: {steps:?}"
    );
    // Each step is at most rate times norm long.
    let longest = 0.1 * 1e-3 * steps.len() as f64;
    assert!(
        near <= longest * 1.001 && near > 0.0 && far > near * 10.0,
        "{near} {far} {longest}"
    );
}

#[test]
fn the_average_is_what_is_validated_and_kept() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let config = TrainConfig {
        ema_decay: Some(0.9),
        keep_best: 1,
        validate_every: Interval::Examples(10_000),
        epochs: 1,
        ..settings(&phantom(folder.path(), 12))
    };
    let out = folder.path().join("run");
    begin(&config, &out).unwrap().train(&mut quiet).unwrap();
    let best = names(&out.join("checkpoints/best"));
    let best = tensors(&out.join("checkpoints/best").join(&best[0]));
    assert_eq!(best, newest(&out, "average.bpk"));
    assert_ne!(best, newest(&out, "network.bpk"));
}

#[test]
fn a_run_without_progress_ends_early_and_stays_ended() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let config = TrainConfig {
        epochs: 50,
        validate_every: Interval::Steps(1),
        early_stopping: Some(EarlyStopping {
            patience: 2,
            // Never reached, so the run ends behind the fourth validation: the first sets the best.
            min_rise: 1.0,
        }),
        ..settings(&phantom(folder.path(), 12))
    };
    let out = folder.path().join("run");
    let mut run = begin(&config, &out).unwrap();
    assert_eq!(run.train(&mut quiet).unwrap(), Outcome::StoppedEarly);
    let validations = RunDirectory::open(&out).unwrap().validations().unwrap();
    assert_eq!(validations.len(), 4);
    assert_eq!(column(&out, "step").len(), 4);
    let mut again = resume(&config, &out).unwrap();
    assert_eq!(again.train(&mut quiet).unwrap(), Outcome::StoppedEarly);
    assert_eq!(column(&out, "step").len(), 4);
}

#[test]
fn steps_without_finite_numbers_are_left_out_on_request_and_counted() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    // The first step takes the weights out of what a float can hold.
    let config = TrainConfig {
        learning_rate: 1e38,
        optimizer: OptimizerConfig::Sgd {
            momentum: 0.0,
            nesterov: false,
            weight_decay: 0.0,
        },
        non_finite: NonFinite::Skip,
        validate_every: Interval::Examples(10_000),
        epochs: 1,
        ..settings(&phantom(folder.path(), 12))
    };
    let out = folder.path().join("run");
    let mut run = begin(&config, &out).unwrap();
    // What it makes of the images is no number either, which ends the run at its validation.
    let error = run.train(&mut quiet).unwrap_err().to_string();
    assert!(error.contains("predicts no finite numbers"), "{error}");
    assert!(run.skipped_steps() > 0);
    let mut counted = 0;
    let mut going_on = resume(&config, &out).unwrap();
    let _ = going_on.train(&mut |event: chextransfer_train::Event| {
        counted += u64::from(matches!(
            event,
            chextransfer_train::Event::StepSkipped { .. }
        ));
        std::ops::ControlFlow::Continue(())
    });
    assert_eq!(going_on.skipped_steps(), run.skipped_steps());
    assert!(counted <= run.skipped_steps());
}
