//! What is wrong is named in one line, and nothing is left half-done.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use chextransfer_data::{CheXpert, Split};
use chextransfer_models::{Architecture, DeviceChoice};
use chextransfer_train::{
    Ensemble, Error, Event, Interval, Outcome, Run, RunDirectory, TrainConfig,
};
use common::*;

struct Setting {
    folder: tempfile::TempDir,
    config: TrainConfig,
    out: PathBuf,
}

fn setting() -> Setting {
    let folder = tempfile::tempdir().unwrap();
    let config = settings(&phantom(folder.path(), 12));
    let out = folder.path().join("run");
    Setting {
        folder,
        config,
        out,
    }
}

/// The message, which must be one line with each of these parts.
fn message(error: &Error, parts: &[&str]) -> String {
    let message = error.to_string();
    assert!(
        !message.contains('\n') && !message.is_empty(),
        "{message:?}"
    );
    for part in parts {
        assert!(message.contains(part), "{part}: {message}");
    }
    message
}

/// Empties the files of a split's first images; gives their paths as in the CSV.
fn make_unreadable(data: &Path, split: Split, count: usize) -> Vec<String> {
    let records = CheXpert::open(data).unwrap().split(split).unwrap();
    let damaged = records.records()[..count].iter();
    damaged
        .map(|record| {
            fs::write(records.image_path(record), "").unwrap();
            record.path.clone()
        })
        .collect()
}

/// The lines of `unreadable.csv` below its header.
fn unreadable(out: &Path) -> Vec<String> {
    let text = fs::read_to_string(out.join("unreadable.csv")).unwrap();
    let mut lines = text.lines().map(str::to_owned);
    assert_eq!(lines.next().unwrap(), "Split,Path,Reason");
    lines.collect()
}

#[test]
fn an_output_folder_that_cannot_be_one_is_named() {
    let Setting { folder, config, .. } = setting();
    let file = folder.path().join("file");
    fs::write(&file, "kept").unwrap();
    let mut places = vec![file.clone(), file.join("run")];
    if cfg!(target_os = "linux") {
        places.push(PathBuf::from("/proc/run")); // not writable even for root
    }
    for place in places {
        let error = begin(&config, &place).err().unwrap();
        assert!(matches!(error, Error::Io { .. }), "{error}");
        message(&error, &["cannot create", &place.display().to_string()]);
    }
    assert_eq!(fs::read_to_string(file).unwrap(), "kept");
}

#[test]
fn a_folder_with_a_run_is_not_overwritten() {
    let Setting {
        folder: _folder,
        config,
        out,
    } = setting();
    let mut run = begin(&config, &out).unwrap();
    run.train(&mut quiet).unwrap();
    let before = left_behind(&config, &out);
    let error = begin(&config, &out).err().unwrap();
    assert!(matches!(error, Error::RunExists { .. }), "{error}");
    message(&error, &["run already holds a run", "resume"]);
    assert_same(&left_behind(&config, &out), &before, "refused");
}

#[test]
fn whatever_is_wrong_with_settings_data_or_device_is_found_before_the_folder_is_made() {
    let Setting {
        folder,
        config,
        out,
    } = setting();
    let nowhere = folder.path().join("nowhere");
    let truncated = folder.path().join("truncated.safetensors");
    fs::write(&truncated, [9, 0, 0, 0, 0, 0, 0, 0, b'{']).unwrap();
    let cases = [
        (
            TrainConfig {
                data: nowhere.clone(),
                ..config.clone()
            },
            nowhere.display().to_string(),
        ),
        (
            TrainConfig {
                weights: Some(nowhere.clone()),
                ..config.clone()
            },
            nowhere.display().to_string(),
        ),
        (
            TrainConfig {
                weights: Some(truncated.clone()),
                ..config.clone()
            },
            truncated.display().to_string(),
        ),
        (
            TrainConfig {
                batch_size: 0,
                ..config.clone()
            },
            "batch_size".to_owned(),
        ),
        (
            TrainConfig {
                minus: 7,
                ..config.clone()
            },
            "minus 3".to_owned(),
        ),
    ];
    for (config, part) in cases {
        let error = begin(&config, &out).err().unwrap();
        message(&error, &[&part]);
        assert!(!out.exists(), "{error}");
    }
    if !cfg!(feature = "cuda") {
        let error = Run::begin(config.clone(), &out, DeviceChoice::Cuda(0), &mut quiet);
        message(&error.err().unwrap(), &["cuda"]);
        assert!(!out.exists());
    }

    let train = config.data.join("train.csv");
    let table = fs::read_to_string(&train).unwrap();
    fs::write(&train, table.replace(",Edema,", ",Oedema,")).unwrap();
    message(
        &begin(&config, &out).err().unwrap(),
        &["train.csv", "\"Edema\""],
    );
    fs::write(&train, table).unwrap();
    fs::remove_file(config.data.join("valid.csv")).unwrap();
    message(&begin(&config, &out).err().unwrap(), &["valid.csv"]);
    assert!(!out.exists());
}

#[test]
fn weights_of_another_architecture_are_refused_and_its_own_are_taken() {
    let Setting {
        folder,
        config,
        out,
    } = setting();
    let other = weights_file(folder.path(), Architecture::MobileNetV2);
    let asked = TrainConfig {
        weights: Some(other.clone()),
        ..config.clone()
    };
    let error = begin(&asked, &out).err().unwrap();
    assert!(matches!(error, Error::Models(_)), "{error}");
    message(&error, &[&other.display().to_string(), "conv1.weight"]);
    assert!(!out.exists());

    let own = weights_file(folder.path(), Architecture::ResNet18);
    let asked = TrainConfig {
        weights: Some(own.clone()),
        epochs: 1,
        ..config
    };
    let mut run = begin(&asked, &out).unwrap();
    let provenance = run.directory().provenance().unwrap().weights.unwrap();
    assert_eq!(provenance.path, own);
    assert_eq!(provenance.sha256.len(), 64);
    // The head of 1,000 classes and the dropped blocks.
    assert!(provenance.left_out.contains(&"fc.weight".to_owned()));
    assert_eq!(run.train(&mut quiet).unwrap(), Outcome::Finished);
}

#[test]
fn a_damaged_run_folder_is_named_and_an_absent_one_is_begun() {
    let Setting {
        folder: _folder,
        config,
        out,
    } = setting();
    let error = RunDirectory::open(&out).unwrap_err();
    message(&error, &["cannot read", "config.toml"]);
    assert!(!out.exists());

    resume(&config, &out).unwrap();
    for (file, content) in [("config.toml", "epochs = \n x"), ("provenance.json", "{\n")] {
        let path = out.join(file);
        let before = fs::read(&path).unwrap();
        fs::write(&path, content).unwrap();
        message(&resume(&config, &out).err().unwrap(), &[file]);
        fs::write(&path, before).unwrap();
    }
    fs::remove_dir_all(out.join("checkpoints")).unwrap();
    let error = resume(&config, &out).err().unwrap();
    assert!(matches!(error, Error::NoCheckpoint { .. }), "{error}");
    message(&error, &["has no whole checkpoint"]);
    let directory = RunDirectory::open(&out).unwrap();
    let error = Ensemble::open(&directory).unwrap_err();
    message(&error, &["has no whole checkpoint"]);
}

/// Its checkpoints would be taken for the new run's, or removed.
#[test]
fn a_trained_run_that_lost_its_settings_is_not_begun_over() {
    let Setting {
        folder: _folder,
        config,
        out,
    } = setting();
    begin(&config, &out).unwrap().train(&mut quiet).unwrap();
    fs::remove_file(out.join("config.toml")).unwrap();
    let kept = checkpoints(&out);
    for attempt in [begin(&config, &out), resume(&config, &out)] {
        let error = attempt.err().unwrap();
        assert!(matches!(error, Error::RunExists { .. }), "{error}");
    }
    assert_eq!(checkpoints(&out), kept);
}

#[test]
fn few_unreadable_images_are_left_out_and_listed_once_each() {
    let Setting {
        folder: _folder,
        config,
        out,
    } = setting();
    let config = TrainConfig {
        max_unreadable: 0.5,
        ..config
    };
    let train = make_unreadable(&config.data, Split::Train, 2);
    let valid = make_unreadable(&config.data, Split::Valid, 1);
    let test = make_unreadable(&config.data, Split::Test, 1);

    let mut told = Vec::new();
    let mut note = |event: Event| {
        if let Event::Unreadable { path, reason } = event {
            told.push((path.to_owned(), reason.to_owned()));
        }
        ControlFlow::Continue(())
    };
    let mut run = Run::begin(config.clone(), &out, CPU, &mut note).unwrap();
    assert_eq!(run.train(&mut note).unwrap(), Outcome::Finished);
    let ensemble = Ensemble::open(run.directory()).unwrap();
    let table = ensemble
        .predict(Split::Test, &CPU.open().unwrap(), &mut note)
        .unwrap()
        .unwrap();
    assert!(!table.paths().contains(&test[0]));

    let mut found: Vec<_> = told.iter().map(|(path, _)| path.clone()).collect();
    let mut expected = [train.clone(), valid.clone(), test.clone()].concat();
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "each is told once");
    let lines = unreadable(&out);
    assert_eq!(lines.len(), 4, "{lines:?}");
    for (split, paths) in [("test", test), ("train", train), ("valid", valid)] {
        for path in paths {
            let start = format!("{split},{path},");
            let of_path = lines.iter().filter(|line| line.starts_with(&start));
            assert_eq!(of_path.count(), 1, "{start} {lines:?}");
        }
    }
}

#[test]
fn the_list_of_unreadable_images_survives_an_interruption() {
    let Setting {
        folder: _folder,
        config,
        out,
    } = setting();
    let config = TrainConfig {
        max_unreadable: 0.5,
        epochs: 1,
        ..config
    };
    let train = make_unreadable(&config.data, Split::Train, 3);
    let mut run = begin(&config, &out).unwrap();
    let mut found = false;
    let outcome = run.train(&mut |event: Event| {
        found |= matches!(event, Event::Unreadable { .. });
        match event {
            Event::Step { .. } if found => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    });
    assert_eq!(outcome.unwrap(), Outcome::Interrupted);
    let before = unreadable(&out);
    assert!(!before.is_empty() && before.len() < train.len());
    finish(&config, &out);
    let after = unreadable(&out);
    assert_eq!(after.len(), train.len(), "{before:?} {after:?}");
    assert!(before.iter().all(|line| after.contains(line)), "{after:?}");
}

#[test]
fn too_many_unreadable_images_end_the_run_with_a_usable_checkpoint() {
    let Setting {
        folder,
        config,
        out,
    } = setting();
    let whole = folder.path().join("whole");
    begin(&config, &whole).unwrap();
    copy_folder(&whole, &out);
    finish(&config, &whole);
    let records = CheXpert::open(&config.data)
        .unwrap()
        .split(Split::Train)
        .unwrap();
    let image = records.image_path(&records.records()[0]);
    let content = fs::read(&image).unwrap();
    let damaged = make_unreadable(&config.data, Split::Train, 1);

    // Asking again does not make it readable.
    for _ in 0..2 {
        let error = resume(&config, &out)
            .unwrap()
            .train(&mut quiet)
            .unwrap_err();
        assert!(
            matches!(error, Error::Unreadable { found: 1, .. }),
            "{error}"
        );
        message(
            &error,
            &[
                &image.display().to_string(),
                "1 of",
                "train",
                "max_unreadable = 0.01",
            ],
        );
        let lines = unreadable(&out);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains(&damaged[0]), "{lines:?}");
    }

    fs::write(&image, content).unwrap();
    finish(&config, &out);
    let expected = left_behind(&config, &whole);
    assert_same(&left_behind(&config, &out), &expected, "readable again");
}

#[test]
fn a_loss_that_is_no_number_ends_the_run_with_the_checkpoint_before_it() {
    let Setting {
        folder: _folder,
        config,
        out,
    } = setting();
    let config = TrainConfig {
        learning_rate: 1e30,
        checkpoint_every: Interval::Examples(1),
        validate_every: Interval::Examples(1000),
        ..config
    };
    let mut run = begin(&config, &out).unwrap();
    let mut losses = Vec::new();
    let error = run
        .train(&mut |event: Event| {
            if let Event::Step { loss, .. } = event {
                losses.push(loss);
            }
            ControlFlow::Continue(())
        })
        .unwrap_err();
    assert!(matches!(error, Error::NotFinite { .. }), "{error}");
    assert!(losses.iter().all(|loss| loss.is_finite()), "{losses:?}");
    let at = format!("at step {}", losses.len() + 1);
    let first = message(&error, &[&at, "view1_frontal.jpg", "nothing was updated"]);

    let newest = format!("step-{:08}", losses.len());
    assert_eq!(checkpoints(&out)[0], newest);
    let mut run = resume(&config, &out).unwrap();
    let second = run.train(&mut quiet).unwrap_err();
    assert_eq!(
        second.to_string(),
        first,
        "the same step on the same images"
    );
    assert_eq!(checkpoints(&out)[0], newest);
}

#[test]
fn a_validation_without_a_finite_loss_ends_the_run_with_the_checkpoint_before_it() {
    let Setting {
        folder: _folder,
        config,
        out,
    } = setting();
    let config = TrainConfig {
        learning_rate: 1e30,
        checkpoint_every: Interval::Examples(1000),
        validate_every: Interval::Examples(4),
        ..config
    };
    let mut run = begin(&config, &out).unwrap();
    let error = run.train(&mut quiet).unwrap_err();
    message(&error, &["loss is", "view1_frontal.jpg", "valid.csv"]);
    assert!(!out.join("metrics.jsonl").exists());
    assert_eq!(checkpoints(&out), ["step-00000000"]);
    resume(&config, &out).unwrap();
}
