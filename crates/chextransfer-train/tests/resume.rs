//! A run that was interrupted, killed or damaged ends as if it had not been.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use chextransfer_models::Architecture;
use chextransfer_train::{
    Error, Event, Freeze, Interval, OptimizerConfig, Outcome, Precision, Run, Schedule, TrainConfig,
};
use common::*;

/// A run that has only begun, and a copy of it that was trained without interruption.
struct Begun {
    folder: tempfile::TempDir,
    config: TrainConfig,
    expected: Vec<String>,
    /// What happened in the uninterrupted run.
    events: Vec<&'static str>,
}

impl Begun {
    fn new(config: impl FnOnce(&Path) -> TrainConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config(&phantom(folder.path(), 24));
        let whole = folder.path().join("whole");
        let mut run = begin(&config, &whole).unwrap();
        copy_folder(&whole, &folder.path().join("begun"));
        let mut events = Vec::new();
        let outcome = run.train(&mut |event: Event| {
            events.push(match event {
                Event::Step { .. } => "step",
                Event::Predicting { done, of } if done < of => "predicting",
                Event::Predicting { .. } => "predicted",
                Event::Validated(_) => "validated",
                _ => "other",
            });
            ControlFlow::Continue(())
        });
        assert_eq!(outcome.unwrap(), Outcome::Finished);
        Self {
            expected: left_behind(&config, &whole),
            folder,
            config,
            events,
        }
    }

    /// A fresh copy of the run that has only begun.
    fn copy(&self, name: &str) -> std::path::PathBuf {
        let copy = self.folder.path().join(name);
        copy_folder(&self.folder.path().join("begun"), &copy);
        copy
    }

    /// Ends a run and compares all that it leaves behind with the uninterrupted one.
    fn check(&self, folder: &Path, how: &str) {
        finish(&self.config, folder);
        assert_same(&left_behind(&self.config, folder), &self.expected, how);
        fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn a_run_interrupted_at_any_event_ends_as_the_uninterrupted_one() {
    let _alone = alone();
    let begun = Begun::new(settings);
    for kind in ["step", "predicting", "predicted", "validated"] {
        assert!(begun.events.contains(&kind), "{:?}", begun.events);
    }
    for (index, kind) in begun.events.iter().enumerate() {
        let cut = begun.copy("cut");
        stop_at(&mut resume(&begun.config, &cut).unwrap(), index + 1);
        begun.check(&cut, &format!("interrupted at event {index}, {kind}"));
    }
}

#[test]
fn neither_threads_nor_many_interruptions_change_a_run() {
    let _alone = alone();
    let begun = Begun::new(settings);
    for threads in [1, 4] {
        let config = TrainConfig {
            loader_threads: threads,
            ..begun.config.clone()
        };
        let cut = begun.copy("cut");
        let mut stops = 0;
        // An interrupted validation starts anew, so it must be let through.
        let mut stop_after_step = |event: Event| match event {
            Event::Predicting { .. } => ControlFlow::Continue(()),
            _ => {
                stops += 1;
                ControlFlow::Break(())
            }
        };
        while resume(&config, &cut)
            .unwrap()
            .train(&mut stop_after_step)
            .unwrap()
            == Outcome::Interrupted
        {}
        assert!(stops > 10, "{stops}");
        let how = format!("{threads} threads");
        assert_same(&left_behind(&config, &cut), &begun.expected, &how);
        fs::remove_dir_all(cut).unwrap();

        let from_the_start = begun.folder.path().join("from-the-start");
        let mut run = begin(&config, &from_the_start).unwrap();
        run.train(&mut quiet).unwrap();
        assert_same(
            &left_behind(&config, &from_the_start),
            &begun.expected,
            &how,
        );
        fs::remove_dir_all(from_the_start).unwrap();
    }
}

#[test]
fn float16_goes_on_with_the_factor_of_the_loss() {
    let _alone = alone();
    let begun = Begun::new(|data| TrainConfig {
        precision: Precision::Float16,
        ..settings(data)
    });
    let factor = |line: &&String| line.contains("progress.toml: factor = ");
    assert_eq!(begun.expected.iter().filter(factor).count(), 1);
    for last in [2, begun.events.len() - 2] {
        let cut = begun.copy("cut");
        stop_at(&mut resume(&begun.config, &cut).unwrap(), last);
        begun.check(&cut, &format!("interrupted at event {last}"));
    }
}

#[test]
fn dropout_is_reproduced() {
    let _alone = alone();
    let begun = Begun::new(|data| TrainConfig {
        architecture: Architecture::MobileNetV2,
        minus: 0,
        epochs: 1,
        ..settings(data)
    });
    for last in [1, 2, begun.events.len() - 2] {
        let cut = begun.copy("cut");
        stop_at(&mut resume(&begun.config, &cut).unwrap(), last);
        begun.check(&cut, &format!("interrupted at event {last}"));
    }
}

#[test]
fn schedules_freezing_averages_and_parts_of_a_batch_are_resumed() {
    let _alone = alone();
    let begun = Begun::new(|data| TrainConfig {
        minus: 2,
        epochs: 3,
        micro_batch_size: Some(3),
        optimizer: OptimizerConfig::Sgd {
            momentum: 0.9,
            nesterov: true,
            weight_decay: 1e-3,
        },
        decay_all: false,
        layer_decay: 0.8,
        learning_rates: [("head".to_owned(), 1e-2)].into(),
        schedule: Schedule::Plateau {
            patience: 0,
            factor: 0.5,
            min_rise: 0.01,
        },
        warm_up: Some(Interval::Steps(2)),
        freeze: Freeze::Gradual(1),
        clip_norm: Some(0.5),
        ema_decay: Some(0.9),
        validate_every: Interval::Steps(2),
        checkpoint_every: Interval::Steps(3),
        ..settings(data)
    });
    for last in (1..begun.events.len()).step_by(3) {
        let cut = begun.copy("cut");
        stop_at(&mut resume(&begun.config, &cut).unwrap(), last);
        begun.check(&cut, &format!("interrupted at event {last}"));
    }
}

#[test]
fn a_run_killed_anywhere_ends_as_the_uninterrupted_one() {
    let _alone = alone();
    let begun = Begun::new(settings);
    let going_on = begun.copy("going-on");
    let killed = |event: usize| begun.folder.path().join(format!("killed-{event}"));
    let mut events = 0;
    let mut run = resume(&begun.config, &going_on).unwrap();
    let outcome = run.train(&mut |_: Event| {
        events += 1;
        if events % 3 == 1 {
            copy_folder(&going_on, &killed(events));
        }
        ControlFlow::Continue(())
    });
    assert_eq!(outcome.unwrap(), Outcome::Finished);
    assert_eq!(events, begun.events.len());

    for event in (1..events).step_by(3) {
        let folder = killed(event);
        // What a kill in the middle of a write leaves, and a line that no checkpoint knows.
        let unfinished = folder.join("checkpoints/unfinished-a1b2c3");
        fs::create_dir_all(&unfinished).unwrap();
        fs::write(unfinished.join("network.bpk"), "half").unwrap();
        fs::create_dir_all(folder.join("checkpoints/best")).unwrap();
        fs::write(folder.join("checkpoints/best/step-00000099.bpk"), "half").unwrap();
        fs::write(folder.join("checkpoints/best/.tmpa1b2c3"), "half").unwrap();
        let metrics = folder.join("metrics.jsonl");
        let lines = fs::read_to_string(&metrics).unwrap_or_default();
        let lines = match event % 9 {
            1 => lines + "{\"step\":99,\"epoch\"",
            4 => String::new(),
            _ => lines,
        };
        fs::write(&metrics, lines).unwrap();

        finish(&begun.config, &folder);
        let found = names(&folder.join("checkpoints"));
        assert!(
            !found.iter().any(|name| name.starts_with("unfinished")),
            "killed at event {event}: {found:?}"
        );
        let left = left_behind(&begun.config, &folder);
        assert_same(&left, &begun.expected, &format!("killed at event {event}"));
    }
}

#[test]
fn a_damaged_checkpoint_is_refused_by_name_and_the_one_before_is_used() {
    let _alone = alone();
    let begun = Begun::new(settings);
    let stopped = begun.copy("stopped");
    stop_at(
        &mut resume(&begun.config, &stopped).unwrap(),
        begun.events.len() - 3,
    );
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 5] = [
        ("network.bpk", |path| {
            let mut bytes = fs::read(path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(path, bytes).unwrap();
        }),
        ("optimizer.bpk", |path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
        }),
        ("optimizer.bpk", |path| fs::remove_file(path).unwrap()),
        ("progress.toml", |path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("SHA256SUMS", |path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() - 3]).unwrap();
        }),
    ];
    for (file, damage) in damages {
        let folder = begun.folder.path().join("damaged");
        copy_folder(&stopped, &folder);
        let kept = checkpoints(&folder);
        assert_eq!(kept.len(), 2, "{kept:?}");
        damage(&folder.join("checkpoints").join(&kept[0]).join(file));

        let mut refused = Vec::new();
        Run::resume(begun.config.clone(), &folder, CPU, &mut |event: Event| {
            if let Event::Refused { checkpoint, reason } = event {
                refused.push((checkpoint.to_owned(), reason.to_owned()));
            }
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(refused.len(), 1, "{refused:?}");
        let (checkpoint, reason) = &refused[0];
        assert!(checkpoint.ends_with(&kept[0]), "{checkpoint:?}");
        assert!(
            reason.contains(&kept[0]) && reason.contains(file) && !reason.contains('\n'),
            "{reason}"
        );
        begun.check(&folder, file);
    }

    for name in checkpoints(&stopped) {
        fs::write(
            stopped.join("checkpoints").join(name).join("network.bpk"),
            "",
        )
        .unwrap();
    }
    let error = resume(&begun.config, &stopped).err().unwrap();
    assert!(matches!(error, Error::NoCheckpoint { .. }), "{error}");
    let message = error.to_string();
    for name in checkpoints(&stopped) {
        assert!(message.contains(&name), "{message}");
    }
    assert!(!message.contains('\n'), "{message}");
}

#[test]
fn changed_settings_and_changed_data_are_refused_by_name() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let data = phantom(folder.path(), 8);
    let config = settings(&data);
    let out = folder.path().join("run");
    begin(&config, &out).unwrap();

    let differing = [
        (
            "learning_rate",
            TrainConfig {
                learning_rate: 0.5,
                ..config.clone()
            },
        ),
        (
            "weights",
            TrainConfig {
                weights: Some("other.safetensors".into()),
                ..config.clone()
            },
        ),
        (
            "seed",
            TrainConfig {
                seed: 1,
                ..config.clone()
            },
        ),
    ];
    for (setting, asked) in differing {
        let error = resume(&asked, &out).err().unwrap();
        let message = error.to_string();
        assert!(
            matches!(&error, Error::ConfigDiffers { setting: found, .. } if found == setting),
            "{message}"
        );
        assert!(message.contains("config.toml"), "{message}");
    }
    let message = resume(
        &TrainConfig {
            learning_rate: 0.5,
            ..config.clone()
        },
        &out,
    )
    .err()
    .unwrap()
    .to_string();
    assert!(
        message.contains("learning_rate = 0.001, now 0.5"),
        "{message}"
    );

    for split in ["train.csv", "valid.csv", "test.csv"] {
        let path = data.join(split);
        let before = fs::read_to_string(&path).unwrap();
        let last = before.lines().last().unwrap();
        fs::write(&path, format!("{before}{last}\n")).unwrap();
        let error = resume(&config, &out).err().unwrap();
        let message = error.to_string();
        assert!(matches!(error, Error::DataChanged { .. }), "{message}");
        assert!(
            message.contains(split) && !message.contains('\n'),
            "{message}"
        );
        fs::write(&path, before).unwrap();
    }
    finish(&config, &out);
}

#[test]
fn a_run_killed_while_it_began_can_be_begun_anew() {
    let _alone = alone();
    let begun = Begun::new(settings);
    let folder = begun.copy("killed");
    // The settings are written last.
    fs::remove_file(folder.join("config.toml")).unwrap();
    fs::create_dir(folder.join("checkpoints/unfinished-a1b2c3")).unwrap();
    resume(&begun.config, &folder).unwrap();
    begun.check(&folder, "begun anew");
}

#[test]
fn what_a_kill_behind_the_last_checkpoint_leaves_is_removed() {
    let _alone = alone();
    let begun = Begun::new(settings);
    let whole = begun.folder.path().join("whole");
    let superseded = whole.join("checkpoints/best/step-00000000.bpk");
    fs::write(&superseded, "superseded").unwrap();
    begun.check(&whole, "resumed when it had ended");
}
