//! Evaluating, predicting, verifying and comparing, from the outside.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn chextransfer(folder: &Path, arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chextransfer"))
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap()
}

/// The exit code, standard output and standard error.
fn run(folder: &Path, arguments: &str) -> (i32, String, String) {
    let output = chextransfer(folder, arguments);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn succeeds(folder: &Path, arguments: &str) -> (String, String) {
    let (code, out, errors) = run(folder, arguments);
    assert_eq!(code, 0, "{arguments}: {errors}");
    (out, errors)
}

#[test]
fn runs_are_evaluated_predicted_with_verified_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    succeeds(
        folder,
        "data phantom --patients 30 --seed 1 --side 48 phantom",
    );
    let train = "train --architecture resnet18 --minus 3 --data phantom --image-size 32 --epochs 1";
    succeeds(folder, &format!("{train} --out one"));
    succeeds(
        folder,
        &format!("{train} --seed 1 --uncertain ones --out two"),
    );

    let choices =
        "--calibrate observation --operating-point youden --operating-point sensitivity=0.9";
    let (table, _) = succeeds(
        folder,
        &format!("evaluate one {choices} --aggregation mean"),
    );
    for part in [
        "Brier before",
        "threshold by youden",
        "threshold by sensitivity=0.9",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
    let (json, _) = succeeds(folder, &format!("evaluate one {choices} --json"));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["observations"]["Edema"].is_object() && json["calibration"].is_object());
    let (code, _, errors) = run(folder, "evaluate one --checkpoints 99");
    assert!(
        code == 1 && errors.contains("best checkpoints, found 99"),
        "{errors}"
    );

    let (_, warning) = succeeds(folder, "evaluate two");
    assert!(!warning.contains("warning"), "{warning}");
    let (_, warning) = succeeds(folder, "compare one two --replicates 20");
    let expected = "warning: one and two were trained on different label problems";
    assert!(
        warning.contains(expected) && warning.contains("ones"),
        "{warning}"
    );
    let (_, warning) = succeeds(
        folder,
        "compare one one/predictions/test.csv --replicates 20",
    );
    assert!(!warning.contains("warning"), "{warning}");

    let (made, _) = succeeds(folder, "predict one two phantom/valid --out predicted.csv");
    assert!(
        made.contains("images in predicted.csv")
            && made.contains("studies in predicted-by-study.csv"),
        "{made}"
    );
    let header = fs::read_to_string(folder.join("predicted.csv")).unwrap();
    assert!(header.starts_with("Path,Study,No Finding,"), "{header}");
    fs::write(folder.join("broken.png"), "no picture").unwrap();
    let image = "phantom/valid.csv broken.png";
    let predict = format!("predict one {image} --out more.csv --json");
    let (code, json, errors) = run(folder, &predict);
    assert!(
        code == 1 && errors.contains("left out broken.png"),
        "{errors}"
    );
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["unreadable"][0]["path"], "broken.png");
    succeeds(folder, &format!("{predict} --skip-unreadable"));
    for (arguments, part) in [
        ("predict phantom one --out p.csv", "phantom holds no run"),
        ("predict one two --out p.csv", "no images were named"),
        ("predict one absent.jpg --out p.csv", "absent.jpg"),
    ] {
        let (code, _, errors) = run(folder, arguments);
        assert!(code == 1 && errors.contains(part), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
    let (code, _, errors) = run(folder, "evaluate one --operating-point ppv=0.5");
    assert!(
        code == 2 && errors.contains("youden, sensitivity=0.9"),
        "{errors}"
    );

    succeeds(folder, "explain one --observation Edema");
    let (fine, _) = succeeds(folder, "verify one");
    assert!(
        fine.contains("fine      training_curve.svg") && fine.ends_with("0 differences\n"),
        "{fine}"
    );
    assert!(!fine.contains("unlisted"), "{fine}");
    let file = folder.join("one/predictions/test.csv");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen('1', "0", 1)).unwrap();
    let (code, found, errors) = run(folder, "verify one");
    assert!(
        code == 1 && found.contains("changed   predictions/test.csv"),
        "{found}"
    );
    assert_eq!(
        errors,
        "error: one differs from what was noted in 1 files\n"
    );
    let (code, json, _) = run(folder, "verify one --json");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (code, &json["predictions/test.csv"]["state"]),
        (1, &"changed".into())
    );
}
