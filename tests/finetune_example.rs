//! The main job as a user does it: the example, on data that it makes itself, stopped and resumed.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chextransfer::data::phantom::{self, PhantomConfig};
use common::{program, succeed};

fn example(folder: &Path, arguments: &str) -> Command {
    let mut command = program("examples/finetune_chexpert");
    command
        .args(arguments.split_whitespace())
        .current_dir(folder);
    command
}

fn small_dataset(folder: &Path) {
    let config = PhantomConfig {
        patients: 40,
        side: 48,
        ..PhantomConfig::default()
    };
    phantom::generate(&config, &folder.join("data"), |_, _| ()).unwrap();
}

#[test]
fn the_example_ends_in_a_table_a_curve_overlays_and_metrics() {
    let folder = tempfile::tempdir().unwrap();
    small_dataset(folder.path());
    let run = "--data data --minus 2 --epochs 2 --image-size 32 --out runs/one --set seed=3";
    let printed = succeed(example(folder.path(), run));
    for expected in ["Pleural Effusion", "mean of", "runs/one"] {
        assert!(printed.contains(expected), "{printed}");
    }

    let out = folder.path().join("runs/one");
    let metrics = fs::read(out.join("metrics.json")).unwrap();
    let metrics: serde_json::Value = serde_json::from_slice(&metrics).unwrap();
    assert_eq!(metrics["architecture"], "resnet18");
    assert_eq!(metrics["minus"], 2);
    assert_eq!(metrics["pretrained"], false);
    assert_eq!(metrics["device"], "cpu");
    assert_eq!(metrics["seed"], 3);
    let test = &metrics["test"];
    let mean = test["mean_auc"].as_f64().unwrap();
    let interval = test["mean_auc_ci"].as_array().unwrap();
    assert!(interval[0].as_f64().unwrap() <= mean && mean <= interval[1].as_f64().unwrap());
    let observations = test["observations"].as_object().unwrap();
    assert_eq!(observations.len(), 14);
    for (name, result) in observations {
        let positives = result["positives"].as_u64().unwrap();
        let negatives = result["negatives"].as_u64().unwrap();
        let defined = positives > 0 && negatives > 0;
        assert_eq!(result["auc"].is_number(), defined, "{name}: {result}");
        assert!(
            result["ci"].is_array() == defined || result["ci"].is_null(),
            "{name}: {result}"
        );
    }

    assert!(
        fs::read_to_string(out.join("training_curve.svg"))
            .unwrap()
            .contains("</svg>")
    );
    let overlays = fs::read_dir(out.join("explanations")).unwrap().count();
    assert!(overlays >= 3, "{overlays} overlays");

    let again = example(folder.path(), run).output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    let message = String::from_utf8(again.stderr).unwrap();
    assert!(
        message.contains("runs/one already holds a run"),
        "{message}"
    );
}

/// A run that is killed at some moment and then resumed ends with the numbers of an undisturbed one.
#[test]
fn a_killed_example_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    small_dataset(folder.path());
    let run = "--data data --minus 2 --epochs 3 --image-size 32 --set validate_every=16";
    succeed(example(folder.path(), &format!("{run} --out whole")));

    let killed = format!("{run} --out killed");
    let mut child = example(folder.path(), &killed)
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let first_validation = folder.path().join("killed/metrics.jsonl");
    let begun = Instant::now();
    while !first_validation.exists() && begun.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let so_far = fs::read_to_string(&first_validation)
        .unwrap()
        .lines()
        .count();
    succeed(example(folder.path(), &format!("{killed} --resume")));

    let lines = fs::read_to_string(&first_validation).unwrap();
    assert!(
        so_far < lines.lines().count(),
        "the run was over before it could be killed"
    );
    for file in ["metrics.jsonl", "metrics.json", "predictions/test.csv"] {
        let read = |run: &str| fs::read(folder.path().join(run).join(file)).unwrap();
        assert!(read("whole") == read("killed"), "{file} differs");
    }
}
