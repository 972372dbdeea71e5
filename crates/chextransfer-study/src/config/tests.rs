#![allow(clippy::unwrap_used)]

use super::*;

const SOUND: &str = r#"
title = "Two networks"
networks = ["resnet18", "densenet121-minus1"]
fractions = [0.1, 1.0]
seeds = [0, 1]
image_size = 64
[truncations]
resnet18 = [2]
[data]
folder = "here"
[protocol]
epochs = 2
schedule = { kind = "cosine" }
"#;

#[test]
fn ready_made_studies_are_sound_and_as_large_as_they_say() {
    let cells = |study: ReadyMade| StudyConfig::parse(study.text()).unwrap().cells();
    let paper = cells(ReadyMade::Paper);
    assert_eq!(paper.len(), 16 * 2 + 12);
    let whole = |cell: &&Cell| cell.minus == 0;
    assert_eq!(paper.iter().filter(whole).count(), 32);
    assert!(paper.iter().all(|cell| cell.minus == 0 || cell.pretrained));
    assert_eq!(cells(ReadyMade::Sample).len(), 4);
    assert!(cells(ReadyMade::Toy).len() >= 8);
    let config = StudyConfig::parse(ReadyMade::Paper.text()).unwrap();
    let cell = &paper[0];
    let asked = config.train_config(cell, "d".into()).unwrap();
    let protocol = TrainConfig::paper(cell.architecture, "d");
    assert_eq!(
        asked, protocol,
        "the paper's study is the protocol's default"
    );
}

#[test]
fn the_grid_is_networks_by_start_share_and_seed_and_truncations_on_the_largest_share() {
    let config = StudyConfig::parse(SOUND).unwrap();
    let ids: Vec<_> = config.cells().iter().map(Cell::id).collect();
    assert_eq!(ids.len(), 2 * 2 * 2 * 2 + 2);
    assert_eq!(ids[0], "resnet18.pretrained.f10.s0");
    assert_eq!(ids[1], "resnet18.pretrained.f10.s1");
    assert_eq!(ids[8], "densenet121-minus1.pretrained.f10.s0");
    assert_eq!(
        ids[16..],
        [
            "resnet18-minus2.pretrained.f100.s0",
            "resnet18-minus2.pretrained.f100.s1"
        ]
    );
    let run = config.train_config(&config.cells()[1], "d".into()).unwrap();
    assert_eq!((run.epochs, run.seed, run.image_size), (2, 1, 64));
    assert!(matches!(
        run.schedule,
        chextransfer_train::Schedule::Cosine { .. }
    ));
}

#[test]
fn a_wrong_study_is_refused_with_the_setting_and_what_is_expected() {
    for (from, to, expected) in [
        (
            "\"resnet18\",",
            "\"resnet19\",",
            "line 3: unknown architecture `resnet19`",
        ),
        ("minus1\"", "minus9\"", "line 3"),
        ("seeds = [0, 1]", "seed = [0]", "unknown field `seed`"),
        ("seeds = [0, 1]", "seeds = [1, 1]", "seeds: found 1 twice"),
        (
            "seeds = [0, 1]",
            "seeds = []",
            "seeds: found none, expected at least one",
        ),
        (
            "[0.1, 1.0]",
            "[0.0]",
            "fractions: found 0, expected shares above 0 to 1",
        ),
        ("image_size = 64", "image_size = 4", "give at least 13x13"),
        (
            "image_size = 64",
            "margin = 1.5",
            "margin: found 1.5, expected a difference",
        ),
        (
            "= [2]",
            "= [4]",
            "truncations.resnet18: found 4, expected 1 to 3 blocks",
        ),
        ("epochs = 2", "epoch = 2", "protocol: unknown field `epoch`"),
        ("epochs = 2", "epochs = 0", "setting `epochs`: found 0"),
        (
            "epochs = 2",
            "seed = 2",
            "protocol.seed: found in protocol, expected in seeds",
        ),
        (
            "epochs = 2",
            "weights = \"w\"",
            "expected in [weights] and initializations",
        ),
        (
            "folder",
            "folders",
            "unknown variant `folders`, expected `folder` or `phantom`",
        ),
        (
            "folder = \"here\"",
            "phantom = { side = 8, splits = [1.0, 0.0, 0.0] }",
            "splits",
        ),
        (
            "[protocol]",
            "[bootstrap]\nconfidence = 2.0\n[protocol]",
            "bootstrap: ",
        ),
        (
            "[protocol]",
            "[weights]\ncheckpoints = { resnet18 = \"densenet121\" }\n[protocol]",
            "weights.checkpoints.resnet18: found densenet121 of densenet121",
        ),
        ("[data]", "[data", "line 9"),
    ] {
        assert!(SOUND.contains(from), "{from}");
        let message = StudyConfig::parse(&SOUND.replace(from, to)).unwrap_err();
        assert!(message.contains(expected), "{to}: {message}");
        assert!(!message.contains('\n'), "{message}");
    }
}

#[test]
fn a_ready_made_study_takes_other_data_and_weights() {
    let weights: BTreeMap<NetworkName, PathBuf> =
        [("resnet34".parse().unwrap(), PathBuf::from("a \"b\".pth"))].into();
    let text = ReadyMade::Sample
        .with(Some(Path::new("/data/x")), &weights)
        .unwrap();
    let config = StudyConfig::parse(&text).unwrap();
    assert_eq!(config.data, DataSource::Folder("/data/x".into()));
    assert_eq!(config.networks, [*weights.keys().next().unwrap()]);
    assert_eq!(config.weights.files, weights);
    assert_eq!(config.cells().len(), 2);
    assert!(text.contains("[protocol]\nepochs = 5"), "{text}");

    let message = ReadyMade::Toy.with(Some(Path::new("x")), &BTreeMap::new());
    let message = message.unwrap_err().to_string();
    assert!(
        message.contains("the study `toy` makes its own"),
        "{message}"
    );
    let message = "papers".parse::<ReadyMade>().unwrap_err().to_string();
    assert!(
        message.contains("expected paper, toy or sample"),
        "{message}"
    );
}
