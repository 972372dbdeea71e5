//! Plans, and studies that are refused.

use crate::common::{TINY, fail, study, succeed, write};

#[test]
fn ready_made_studies_are_planned_without_their_data() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let printed = succeed(study(folder, "init paper --out paper"));
    assert!(printed.contains("44 runs"), "{printed}");
    let plan = succeed(study(folder, "plan paper"));
    for expected in [
        "CheXpert-v1.0-small is not there, so costs are relative",
        "densenet121-minus3.pretrained.f100.s0",
        "6968206",
        "44 cells: 44 pending",
    ] {
        assert!(plan.contains(expected), "{expected}: {plan}");
    }
    let message = fail(study(folder, "init paper --out paper"));
    assert!(
        message.contains("paper/study.toml: it is there already"),
        "{message}"
    );

    succeed(study(folder, "init toy --out toy"));
    let json = succeed(study(folder, "plan toy --json"));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let cells = json["cells"].as_array().unwrap();
    let shares: f64 = cells
        .iter()
        .map(|cell| cell["share"].as_f64().unwrap())
        .sum();
    assert!((shares - 1.0).abs() < 1e-9, "{shares}");
    assert!(
        cells
            .iter()
            .all(|cell| cell["state"] == "pending" && cell["hours"].is_null())
    );
    assert!(!json["sources"].as_array().unwrap().is_empty());
}

#[test]
fn a_wrong_study_or_option_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(
        &folder.join("study"),
        &TINY.replace("epochs = 3", "epoch = 3"),
    );
    let message = fail(study(folder, "plan study"));
    assert!(
        message.contains("study.toml: protocol: unknown field `epoch`"),
        "{message}"
    );
    write(
        &folder.join("study"),
        &TINY.replace("resnet18-minus3", "resnet19"),
    );
    let message = fail(study(folder, "run study"));
    assert!(
        message.contains("study.toml: line 3: unknown architecture `resnet19`"),
        "{message}"
    );
    write(&folder.join("study"), TINY);
    let message = fail(study(folder, "run study --only vgg16"));
    assert!(
        message.contains("no cell with `vgg16`") && message.contains("resnet18-minus3.random"),
        "{message}"
    );
    let message = fail(study(folder, "plan nowhere"));
    assert!(message.contains("nowhere"), "{message}");
    let data = TINY.replace(
        "[data.phantom]\npatients = 24\nside = 32\nsplits = [0.5, 0.2, 0.3]",
        "[data]\nfolder = \"gone\"",
    );
    write(&folder.join("study"), &data);
    let message = fail(study(folder, "run study --only random"));
    assert!(message.contains("gone"), "{message}");
    for usage in [
        "run study --shard 2/2",
        "init vgg --out x",
        "run study --jobs many",
    ] {
        let output = study(folder, usage).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{usage}");
    }
}

#[test]
fn a_plan_tells_what_is_done_and_how_long_the_rest_takes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(&folder.join("study"), TINY);
    succeed(study(
        folder,
        "run study --only resnet18-minus3.random.f100",
    ));
    let json = succeed(study(folder, "plan study --json"));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    for cell in json["cells"].as_array().unwrap() {
        let done = cell["id"] == "resnet18-minus3.random.f100.s0";
        assert_eq!(cell["state"] == "done", done, "{cell}");
        assert!(cell["hours"].as_f64().unwrap() > 0.0, "{cell}");
    }
    let plan = succeed(study(folder, "plan study"));
    assert!(
        plan.contains("5 cells: 1 done, 4 pending; ") && plan.contains("hours left"),
        "{plan}"
    );
}
