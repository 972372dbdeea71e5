//! The binary, from the outside.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

fn chextransfer(folder: &Path, arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chextransfer"))
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap()
}

fn succeeds(folder: &Path, arguments: &str) -> String {
    let output = chextransfer(folder, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The exit code and what stood on standard error.
fn fails(folder: &Path, arguments: &str) -> (i32, String) {
    let output = chextransfer(folder, arguments);
    let message = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), message)
}

#[test]
fn a_dataset_a_run_its_evaluation_and_its_explanation() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let made = succeeds(
        folder,
        "data phantom --patients 30 --seed 1 --side 48 phantom",
    );
    assert!(made.starts_with("30 patients"), "{made}");

    let train = "train --architecture resnet18 --minus 3 --data phantom --image-size 32 --epochs 1 --out run";
    let table = succeeds(folder, train);
    assert!(
        table.contains("Pleural Effusion") && table.contains("run folder: run"),
        "{table}"
    );
    let (code, message) = fails(folder, train);
    assert_eq!(
        (code, message.contains("run already holds a run")),
        (1, true),
        "{message}"
    );
    let resumed = succeeds(folder, &format!("{train} --resume"));
    assert_eq!(resumed, table, "a finished run was changed by resuming it");
    assert!(
        std::fs::read_to_string(folder.join("run/training_curve.svg"))
            .unwrap()
            .contains("<svg")
    );

    let json = succeeds(folder, "evaluate run --split test --json");
    let evaluation: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(evaluation["observations"]["Edema"].is_object(), "{json}");

    let (code, message) = fails(folder, "evaluate run --split test --device cuda:97");
    let told = [
        "cargo feature `cuda`",
        "`cuda:97` is not there; found: cpu (",
    ];
    assert!(
        code == 1 && told.iter().any(|told| message.contains(told)),
        "{message}"
    );

    // A run against its own table, of which there is one by study and one by image.
    let compare = "compare run run/predictions/test.csv --replicates 50 --margin 0.01";
    let table = succeeds(folder, compare);
    assert!(
        table.starts_with("A run, B run/predictions/test.csv"),
        "{table}"
    );
    let comparison = succeeds(folder, &format!("{compare} --json"));
    let comparison: serde_json::Value = serde_json::from_str(&comparison).unwrap();
    let mean = &comparison["against_first"][0]["mean"];
    assert_eq!(
        (&mean["difference"], &mean["bootstrap_p"]),
        (&0.0.into(), &1.0.into()),
        "{mean}"
    );
    let (code, message) = fails(folder, "compare run run/predictions/test.csv --split train");
    assert_eq!(
        (code, message.contains("evaluate --split train")),
        (1, true),
        "{message}"
    );

    let pictures = succeeds(folder, "explain run --observation Edema");
    assert_eq!(pictures.trim(), "run/explanations/edema.png");
    assert!(folder.join("run/explanations/edema.png").exists());
}

#[test]
fn devices_are_listed_and_other_names_are_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let listed = succeeds(folder.path(), "devices");
    assert!(listed.starts_with("cpu        the processor, "), "{listed}");
    let json = succeeds(folder.path(), "devices --json");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["devices"][0]["device"], "cpu", "{json}");
    let (code, message) = fails(folder.path(), "evaluate run --device gpu");
    assert_eq!(code, 2);
    assert!(message.contains("expected cpu, cuda[:N]"), "{message}");
}

fn written(printed: &str) -> Vec<&str> {
    printed.lines().collect()
}

#[test]
fn explain_draws_images_splits_and_mistakes_and_measures_against_masks() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    succeeds(
        folder,
        "data phantom --patients 30 --seed 1 --side 64 phantom",
    );
    for minus in [2, 3] {
        let train = "train --architecture resnet18 --data phantom --image-size 32 --epochs 1";
        succeeds(
            folder,
            &format!("{train} --minus {minus} --out minus{minus}"),
        );
    }
    let image = std::fs::read_dir(folder.join("phantom/test"))
        .unwrap()
        .next()
        .unwrap();
    let patient = image.unwrap().file_name().into_string().unwrap();
    let image = format!("phantom/test/{patient}/study1/view1_frontal.jpg");

    // Two runs and two cuts of the first one's weights, side by side; a cut that the second does not have is an error.
    let explain = "explain minus2 --observation Edema --observation Cardiomegaly --out sheets";
    let sheet = succeeds(
        folder,
        &format!("{explain} {image} --beside minus3 --method hires-cam --format svg"),
    );
    assert_eq!(
        written(&sheet),
        [format!("sheets/{patient}-study1-view1_frontal.svg")]
    );
    let svg = std::fs::read_to_string(folder.join(sheet.trim())).unwrap();
    for expected in [
        "resnet18-minus2 at layer2",
        "resnet18-minus3 at layer1",
        "HiResCAM",
        "label: ",
        "Cardiomegaly: 0.",
    ] {
        assert!(text_of(&svg).contains(expected), "{expected}");
    }
    let sheet = succeeds(
        folder,
        &format!("{explain} {image} --minus 2 --minus 3 --scale probability"),
    );
    assert!(folder.join(sheet.trim()).exists());
    let (code, message) = fails(
        folder,
        &format!("{explain} {image} --beside minus3 --minus 2"),
    );
    assert_eq!(
        (code, message.contains("resnet18-minus3 ends before")),
        (1, true),
        "{message}"
    );
    let (code, message) = fails(folder, &format!("{explain} {image} --block layer9"));
    assert_eq!((code, message.contains("layer9")), (1, true), "{message}");
    let (code, message) = fails(folder, &format!("{explain} {image} --method gradcam"));
    assert_eq!(
        (code, message.contains("grad-cam++")),
        (2, true),
        "{message}"
    );
    let (code, message) = fails(folder, &format!("{explain} absent.jpg"));
    assert_eq!(
        (code, message.contains("absent.jpg")),
        (1, true),
        "{message}"
    );

    let rows = std::fs::read_to_string(folder.join("phantom/test.csv"))
        .unwrap()
        .lines()
        .count()
        - 1;
    let all = succeeds(folder, "explain minus3 --all --observation Edema --out all");
    assert_eq!(written(&all).len(), rows);
    assert!(written(&all).iter().all(|path| folder.join(path).exists()));

    let (code, message) = fails(folder, "explain minus3 --split test --worst 3");
    assert_eq!(
        (code, message.contains("evaluate minus3 --split test")),
        (1, true),
        "{message}"
    );
    succeeds(folder, "evaluate minus3 --split test");
    let worst = succeeds(folder, "explain minus3 --worst 3 --out worst");
    assert!(
        worst.contains("worst/worst_no_finding.png") && worst.contains("worst/worst.csv"),
        "{worst}"
    );
    let table = std::fs::read_to_string(folder.join("worst/worst.csv")).unwrap();
    assert!(
        table.starts_with("Observation,Rank,Path,Study,Label,Probability,Error\n"),
        "{table}"
    );
    for row in table.lines().skip(1) {
        let cells: Vec<_> = row.split(',').collect();
        let (label, probability): (f64, f64) =
            (cells[4].parse().unwrap(), cells[5].parse().unwrap());
        assert!((label - probability).abs() >= 0.5, "{row}");
        assert!(cells[1].parse::<usize>().unwrap() <= 3, "{row}");
    }

    let measured = succeeds(
        folder,
        "explain minus2 --beside minus3 --masks beside --out masks",
    );
    for expected in [
        "hit rate",
        "resnet18-minus3 at layer1",
        "minus the first",
        "masks/localization.csv",
    ] {
        assert!(measured.contains(expected), "{measured}");
    }
}

/// The letters of a picture, line by line as they are broken.
fn text_of(svg: &str) -> String {
    let lines = svg.split("<text").skip(1).filter_map(|rest| {
        let (_, rest) = rest.split_once('>')?;
        Some(rest.split_once('<')?.0)
    });
    lines.collect::<Vec<_>>().join(" ")
}

/// A row of one's own for the file of this digest.
fn manifest(sha256: &str) -> String {
    format!(
        r#"
[[checkpoint]]
id = "resnet18.chest"
architecture = "resnet18"
dialect = "torchvision"
source = "a test"
url = "https://example.org/mine.safetensors"
file = "mine.safetensors"
pin.sha256 = "{sha256}"
classes = 1000
parameters = 11689512
batch-norm-epsilon = 0.002
top1 = 0.0
licence = "none"
preprocessing = {{ resize = 32, crop = 32, interpolation = "bilinear", mean = [0.5, 0.5, 0.5], std = [0.25, 0.25, 0.25] }}
"#
    )
}

#[test]
fn a_run_is_exported_and_another_starts_from_it_under_a_manifest_of_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    succeeds(
        folder,
        "data phantom --patients 30 --seed 1 --side 48 phantom",
    );
    let train = "train --architecture resnet18 --minus 3 --data phantom --image-size 32 --epochs 1";
    succeeds(folder, &format!("{train} --out first"));
    let exported = succeeds(folder, "export first --out mine.safetensors");
    assert!(
        exported.contains("27 tensors of resnet18-minus3"),
        "{exported}"
    );

    let image = "phantom/train/patient00001/study1/view1_frontal.jpg";
    let extract =
        format!("extract --architecture resnet18 --minus 3 --input {image} --image-size 32");
    let shapes = succeeds(
        folder,
        &format!("{extract} --weights mine.safetensors --output maps.safetensors"),
    );
    assert!(
        shapes.contains("block_0    [1, 64, 8, 8]") && shapes.contains("logits     [1, 14]"),
        "{shapes}"
    );

    let digest = chextransfer_models::weights::sha256_hex(
        &std::fs::read(folder.join("mine.safetensors")).unwrap(),
    );
    std::fs::write(folder.join("mine.toml"), manifest(&digest)).unwrap();
    let named =
        format!("{train} --weights resnet18.chest --manifest mine.toml --weights-dir . --offline");
    succeeds(folder, &format!("{named} --out second"));
    let provenance = std::fs::read_to_string(folder.join("second/provenance.json")).unwrap();
    let provenance: serde_json::Value = serde_json::from_str(&provenance).unwrap();
    assert_eq!(provenance["weights"]["sha256"], digest);
    assert_eq!(provenance["normalization"]["std"][0], 0.25);
    let config = std::fs::read_to_string(folder.join("second/config.toml")).unwrap();
    assert!(config.contains("batch-norm-epsilon = 0.002"), "{config}");
    succeeds(folder, "evaluate second");

    std::fs::write(folder.join("mine.toml"), manifest(&"0".repeat(64))).unwrap();
    for (weights, expected) in [
        ("resnet18.chest", "resnet18.chest is not on this machine"),
        ("resnet18.cheest", "unknown checkpoint `resnet18.cheest`"),
    ] {
        let arguments = named.replace("resnet18.chest", weights);
        let (code, message) = fails(folder, &format!("{arguments} --out third"));
        assert_eq!((code, message.contains(expected)), (1, true), "{message}");
    }
}

#[test]
fn models_lists_the_counts_of_the_design() {
    let folder = tempfile::tempdir().unwrap();
    let json = succeeds(folder.path(), "models --architecture densenet121 --json");
    let cuts: serde_json::Value = serde_json::from_str(&json).unwrap();
    let column = |key: &str| -> Vec<u64> {
        cuts.as_array()
            .unwrap()
            .iter()
            .map(|cut| cut[key].as_u64().unwrap())
            .collect()
    };
    assert_eq!(column("minus"), [0, 1, 2, 3]);
    assert_eq!(
        column("parameters"),
        [6_968_206, 4_281_742, 1_304_718, 348_174]
    );
    assert_eq!(cuts[1]["blocks"][2]["side"], serde_json::json!([20, 20]));
    let table = succeeds(folder.path(), "models");
    assert!(
        table.contains("mobilenet_v2") && table.contains("2241806"),
        "{table}"
    );
    assert!(succeeds(folder.path(), "weights").contains("resnet18.torchvision_v1"));
}

#[test]
fn wrong_usage_is_two_and_failure_is_one_each_with_one_line_that_names_the_thing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (arguments, expected) in [
        (
            "train --architecture resnet19 --data d --out o",
            "unknown architecture `resnet19`",
        ),
        (
            "train --architecture resnet18 --data d --out o --device gpu",
            "unknown device `gpu`",
        ),
        ("train --data d --out o", "--architecture"),
        ("evaluate run --split tests", "tests"),
        ("compare alone.csv", "2 values required"),
        ("compare a.csv b.csv --unit view", "image, study or patient"),
    ] {
        let (code, message) = fails(folder, arguments);
        assert_eq!((code, message.contains(expected)), (2, true), "{message}");
    }
    std::fs::write(folder.join("file"), "").unwrap();
    for (arguments, expected) in [
        (
            "train --architecture resnet18 --data absent --out o",
            "absent",
        ),
        (
            "train --architecture resnet18 --minus 4 --data absent --out o",
            "at most minus 3",
        ),
        ("evaluate absent", "absent/config.toml"),
        ("compare absent.csv other.csv", "cannot read absent.csv"),
        (
            "models --image-size 8 --architecture densenet121",
            "give at least",
        ),
        ("data phantom --patients 9 --side 32 file", "file"),
    ] {
        let (code, message) = fails(folder, arguments);
        assert_eq!(
            (code, message.contains(expected)),
            (1, true),
            "{arguments}: {message}"
        );
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_device_that_was_not_built_in_is_an_error_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    succeeds(folder, "data phantom --patients 5 --side 32 phantom");
    let train = "train --architecture resnet18 --minus 3 --data phantom --image-size 32 --out run --device cuda";
    let (code, message) = fails(folder, train);
    assert_eq!(
        (code, message.contains("needs the cargo feature `cuda`")),
        (1, true),
        "{message}"
    );
    assert!(!folder.join("run").exists());
}
