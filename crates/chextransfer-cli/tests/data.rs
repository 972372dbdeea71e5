//! `data`, from the outside.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
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

/// The exit code, standard output and standard error.
fn fails(folder: &Path, arguments: &str) -> (i32, String, String) {
    let output = chextransfer(folder, arguments);
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

/// The patients of a table.
fn patients(table: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(table).unwrap();
    text.lines()
        .skip(1)
        .map(|row| row.split('/').nth(2).unwrap().to_owned())
        .collect()
}

#[test]
fn an_audit_prints_its_findings_and_fails_as_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let made = succeeds(
        folder,
        "data phantom --patients 12 --side 64 --splits 0.5,0,0.5 --difficulty hard phantom",
    );
    assert!(made.starts_with("12 patients"), "{made}");
    assert!(!folder.join("phantom/valid.csv").exists());
    // So small a set lacks observations, which is a warning.
    let report = succeeds(folder, "data audit phantom");
    assert!(
        report.contains("warning: observations without a positive label in a split: "),
        "{report}"
    );
    let (code, _, message) = fails(folder, "data audit phantom --deny warnings");
    assert_eq!(
        (code, message.contains("of weight warning or more")),
        (1, true),
        "{message}"
    );

    std::fs::remove_file(folder.join("phantom/train/patient00001/study1/view1_frontal.jpg"))
        .unwrap();
    let (code, report, message) = fails(folder, "data audit phantom --json");
    assert_eq!(
        (code, message.contains("1 findings")),
        (1, true),
        "{message}"
    );
    let audit = json(&report);
    assert_eq!(
        (&audit["errors"], &audit["counts"]["missing_file"]),
        (&1.into(), &1.into())
    );
    let finding = &audit["findings"][0];
    assert_eq!(
        (&finding["kind"], &finding["severity"]),
        (&"missing_file".into(), &"error".into())
    );
    assert_eq!(
        (&finding["rows"][0]["split"], &finding["rows"][0]["line"]),
        (&"train".into(), &2.into())
    );
    succeeds(folder, "data audit phantom --no-images");
}

#[test]
fn stats_count_a_split_and_measure_its_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    succeeds(folder, "data phantom --patients 12 --side 48 phantom");
    let table = succeeds(folder, "data stats phantom --split test --image-size 32");
    assert!(
        table.contains("\nSupport Devices ") && table.contains("images at 32x32"),
        "{table}"
    );
    let stats = json(&succeeds(
        folder,
        "data stats phantom --split test --image-size 32 --json",
    ));
    let rows = patients(&folder.join("phantom/test.csv"));
    assert_eq!(stats["statistics"]["patients"], rows.len());
    let mean = stats["pixels"]["mean"].as_f64().unwrap();
    assert!((0.2..0.8).contains(&mean), "{mean}");
    let edema = &stats["statistics"]["labels"]["Edema"];
    let all: u64 = ["positive", "negative", "uncertain", "blank"]
        .map(|l| edema[l].as_u64().unwrap())
        .iter()
        .sum();
    assert_eq!(stats["statistics"]["rows"], all);
    let counted = json(&succeeds(folder, "data stats phantom --no-images --json"));
    assert!(counted["pixels"].is_null(), "{counted}");
}

#[test]
fn split_divides_by_patient_the_same_way_for_a_seed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    succeeds(folder, "data phantom --patients 30 --side 32 phantom");
    let all: BTreeSet<String> = ["train", "valid", "test"]
        .iter()
        .flat_map(|split| patients(&folder.join(format!("phantom/{split}.csv"))))
        .collect();
    let parts = |out: &str, splits: &[&str]| -> Vec<BTreeSet<String>> {
        let table = |split: &&str| patients(&folder.join(out).join(format!("{split}.csv")));
        splits.iter().map(table).collect()
    };
    let shares = "data split phantom --shares 0.5,0.2,0.3";
    let lines = succeeds(folder, &format!("{shares} --out a"));
    assert_eq!(lines.lines().count(), 3, "{lines}");
    succeeds(folder, &format!("{shares} --out b"));
    succeeds(folder, &format!("{shares} --seed 1 --out c"));
    let names = ["train", "valid", "test"];
    let one = parts("a", &names);
    assert_eq!(one, parts("b", &names));
    assert_ne!(one, parts("c", &names));
    for (part, expected) in one.iter().zip([15, 6, 9]) {
        assert!(part.len().abs_diff(expected) <= 2, "{}", part.len());
    }
    assert_eq!(one.iter().flatten().cloned().collect::<BTreeSet<_>>(), all);

    succeeds(
        folder,
        "data split phantom --folds 3 --keep-test --out folds",
    );
    let mut validated = BTreeSet::new();
    for fold in ["folds/fold0", "folds/fold1", "folds/fold2"] {
        let [train, valid, test] = parts(fold, &names).try_into().unwrap();
        assert!(train.is_disjoint(&valid));
        assert_eq!(test, patients(&folder.join("phantom/test.csv")));
        validated.extend(valid);
    }
    assert_eq!(validated.len(), 24);

    succeeds(folder, "data split phantom --fraction 0.5 --out half");
    let [half, valid, _] = parts("half", &names).try_into().unwrap();
    let [train, whole, _] = parts("phantom", &names).try_into().unwrap();
    assert!(half.is_subset(&train) && half.len() < train.len());
    assert_eq!(valid, whole);

    for (arguments, code, expected) in [
        (
            "data split phantom --shares 0.5,0.2,0.3 --out a",
            1,
            "holds 3 entries",
        ),
        (
            "data split phantom --shares 0.5,0.2 --out d",
            2,
            "train,valid,test",
        ),
        ("data split phantom --out d", 2, "--shares"),
        (
            "data split phantom --as-is --source nhi --out d",
            2,
            "chexpert, nih, mimic",
        ),
        (
            "data split phantom --keep-test --shares 0.5,0.2,0.3 --out d",
            1,
            "its share must be 0",
        ),
    ] {
        let (found, _, message) = fails(folder, arguments);
        assert_eq!(
            (found, message.contains(expected)),
            (code, true),
            "{message}"
        );
    }
}
