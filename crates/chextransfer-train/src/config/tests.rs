#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn settings_survive_toml_and_unknown_ones_are_refused() {
    let config = TrainConfig {
        minus: 2,
        weights: Some("weights.safetensors".into()),
        ..TrainConfig::paper(Architecture::DenseNet121, "data")
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, config.to_toml().unwrap()).unwrap();
    assert_eq!(TrainConfig::read(&path).unwrap(), config);

    std::fs::write(&path, "architecture = \"resnet18\"\ndata = \"d\"").unwrap();
    let defaults = TrainConfig::paper(Architecture::ResNet18, "d");
    assert_eq!(TrainConfig::read(&path).unwrap(), defaults);

    std::fs::write(
        &path,
        "architecture = \"resnet18\"\ndata = \"d\"\nepoch = 3",
    )
    .unwrap();
    let message = TrainConfig::read(&path).unwrap_err().to_string();
    assert!(
        message.contains("config.toml") && message.contains("unknown field `epoch`"),
        "{message}"
    );
}

#[test]
fn a_run_is_judged_by_the_chexpert_auc_as_far_as_it_predicts_it() {
    let judged = |targets: &[Observation]| {
        let labels = LabelProblem::paper().with_targets(targets).unwrap();
        let sound = TrainConfig::paper(Architecture::ResNet18, "d");
        TrainConfig { labels, ..sound }.judged()
    };
    use Observation::{Edema, Fracture, LungLesion};
    assert_eq!(judged(&Observation::ALL).len(), 6);
    assert_eq!(judged(&[Fracture, Edema]), [Edema]);
    assert_eq!(judged(&[Fracture, LungLesion]), [Fracture, LungLesion]);
}

#[test]
fn a_setting_is_replaced_by_name() {
    let config = TrainConfig::paper(Architecture::ResNet18, "d");
    let set = |setting: &str| config.with_setting(setting);
    assert_eq!(set("epochs=5").unwrap().epochs, 5);
    assert_eq!(set("freeze=blocks:2").unwrap().freeze, Freeze::Blocks(2));
    assert_eq!(set("clip_norm=1.0").unwrap().clip_norm, Some(1.0));
    let every = set("validate_every=512 steps").unwrap().validate_every;
    assert_eq!(every, Interval::Steps(512));
    let sgd = set("optimizer.kind=sgd").unwrap();
    let sgd = sgd.with_setting("optimizer.nesterov=true").unwrap();
    let expected = OptimizerConfig::Sgd {
        momentum: 0.9,
        nesterov: true,
        weight_decay: 0.0,
    };
    assert_eq!(sgd.optimizer, expected);
    let rates = set("learning_rates.head=0.01").unwrap().learning_rates;
    assert_eq!(rates["head"], 0.01);
    let stopping = set("early_stopping.patience=3").unwrap().early_stopping;
    assert_eq!(stopping.unwrap().patience, 3);
    for (setting, expected) in [
        ("epoch=5", "unknown field `epoch`"),
        ("epochs=many", "invalid type"),
        ("epochs.of=5", "`epochs` has no settings inside"),
        ("schedule.kind=sawtooth", "unknown variant `sawtooth`"),
        ("epochs", "expected NAME=VALUE"),
    ] {
        let message = set(setting).unwrap_err().to_string();
        assert!(
            message.contains(setting) && message.contains(expected),
            "{message}"
        );
        assert!(!message.contains('\n'), "{message}");
    }
}

#[test]
fn a_setting_out_of_range_is_named() {
    let sound = TrainConfig::paper(Architecture::ResNet18, "d");
    assert!(sound.check().is_ok());
    for (broken, expected) in [
        (
            TrainConfig {
                batch_size: 0,
                ..sound.clone()
            },
            "setting `batch_size`: found 0",
        ),
        (
            TrainConfig {
                learning_rate: f64::NAN,
                ..sound.clone()
            },
            "`learning_rate`: found NaN",
        ),
        (
            TrainConfig {
                max_unreadable: 1.5,
                ..sound.clone()
            },
            "found 1.5, expected a share",
        ),
        (
            TrainConfig {
                minus: 4,
                ..sound.clone()
            },
            "at most minus 3",
        ),
        (
            TrainConfig {
                image_size: 0,
                ..sound.clone()
            },
            "0",
        ),
        (
            TrainConfig {
                ema_decay: Some(1.0),
                ..sound.clone()
            },
            "setting `ema_decay`: found 1, expected from 0 to below 1",
        ),
        (
            TrainConfig {
                freeze: Freeze::Blocks(5),
                ..sound.clone()
            },
            "setting `freeze`: found blocks:5",
        ),
        (
            TrainConfig {
                schedule: Schedule::Cosine { floor: 2.0 },
                ..sound.clone()
            },
            "`schedule.floor`: found 2",
        ),
        (
            TrainConfig {
                optimizer: OptimizerConfig::Sgd {
                    momentum: 1.0,
                    nesterov: false,
                    weight_decay: 0.0,
                },
                ..sound.clone()
            },
            "`optimizer.momentum`: found 1",
        ),
        (
            TrainConfig {
                learning_rates: [("fc".to_owned(), 0.1)].into(),
                ..sound.clone()
            },
            "resnet18 has no part `fc`",
        ),
    ] {
        let message = broken.check().unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}
