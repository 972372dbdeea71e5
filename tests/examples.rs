//! The smaller examples, as a user runs them.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod common;

use common::{program, shared, succeed};

#[test]
fn truncate_lists_every_cut_and_trains_a_head_of_ones_own() {
    let printed = succeed(program("examples/truncate"));
    for expected in [
        "resnet18-minus3",
        "158414 parameters",
        "70.60 times smaller, map 80x80",
        "resnet18-minus1: logits [2, 14]",
        "gradient: true",
    ] {
        assert!(printed.contains(expected), "{printed}");
    }
}

#[test]
fn feature_extractor_prints_maps_by_name_and_similarities() {
    let printed = succeed(program("examples/feature_extractor"));
    for expected in [
        "layer1",
        "[2, 64, 56, 56]",
        "layer3",
        "[2, 256, 14, 14]",
        "cosine",
    ] {
        assert!(printed.contains(expected), "{printed}");
    }
    assert!(!printed.contains("layer4"), "{printed}");
}

#[test]
fn batch_size_measures_speed_and_memory_and_stops_at_the_limit() {
    let mut command = program("examples/batch_size");
    command.args([
        "resnet18",
        "--image",
        "32",
        "--batches",
        "1,2",
        "--steps",
        "1",
    ]);
    let printed = succeed(command);
    for expected in ["batch  images/s  peak memory", " MiB", "fastest: batch "] {
        assert!(printed.contains(expected), "{printed}");
    }
    if cfg!(target_os = "linux") {
        let mut command = program("examples/batch_size");
        command.args([
            "resnet18",
            "--image",
            "32",
            "--batches",
            "1,2",
            "--gigabytes",
            "0.01",
        ]);
        let printed = succeed(command);
        assert!(printed.contains("stopped: batch 1 needs"), "{printed}");
    }
}

#[test]
fn classify_imagenet_names_what_is_on_the_picture() {
    let (Some(weights), Some(pictures)) = (
        shared("weights/mobilenet_v2.imagenet.torchvision-keys.safetensors"),
        shared("data/imagenet-samples"),
    ) else {
        return;
    };
    let labels = std::fs::read_to_string(pictures.join("labels.csv")).unwrap();
    let classes: Vec<_> = chextransfer::models::weights::imagenet_classes().collect();
    let mut command = program("examples/classify_imagenet");
    command.args(["mobilenet_v2", "--weights"]).arg(weights);
    let rows = labels
        .lines()
        .skip(1)
        .take(10)
        .map(|row| row.split(',').collect());
    let rows: Vec<Vec<&str>> = rows.collect();
    command.args(rows.iter().map(|row| pictures.join(row[0])));
    let printed = succeed(command);
    let right = |(answer, row): &(&str, &Vec<&str>)| {
        answer.contains(classes[row[1].parse::<usize>().unwrap()])
    };
    // Five best of ten pictures; torchvision states 90.3 % for these weights.
    let answers: Vec<_> = printed
        .split(".JPEG\n")
        .flat_map(|part| part.split(".jpg\n"))
        .skip(1)
        .collect();
    assert_eq!(answers.len(), 10, "{printed}");
    let right = answers.into_iter().zip(&rows).filter(right).count();
    assert!(right >= 8, "{right} of 10: {printed}");
}

#[test]
fn classify_imagenet_without_a_file_says_where_it_looked() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program("examples/classify_imagenet");
    command.args(["densenet121", "picture.jpg"]);
    for variable in ["CHEXTRANSFER_WEIGHTS", "HF_HUB_CACHE", "TORCH_HOME"] {
        command.env(variable, folder.path());
    }
    let output = command.output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && message.contains("densenet121"),
        "{message}"
    );
}

#[test]
fn linear_probe_trains_and_judges_both_kinds() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program("examples/linear_probe");
    command
        .current_dir(folder.path())
        .args(["--image-size", "32"]);
    let printed = succeed(command);
    for expected in ["probe:", "gradual:", "Cardiomegaly"] {
        assert!(printed.contains(expected), "{printed}");
    }
}

#[test]
fn resume_shows_equal_digests() {
    let printed = succeed(program("examples/resume"));
    assert!(printed.contains("the same to the bit"), "{printed}");
}

#[test]
fn localization_trains_measures_and_says_how_it_fell() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = "--patients 40 --image-size 32 --deepest-cut 2 --epochs 1 --out here";
    let run = || {
        let mut command = program("examples/localization");
        command
            .args(arguments.split_whitespace())
            .current_dir(folder.path());
        succeed(command)
    };
    let printed = run();
    for expected in [
        "resnet18-minus2: CheXpert AUC on the test split",
        "hit rate",
        "Cardiomegaly (",
        "mean over observations",
        "minus the first",
        "1000 bootstrap replicates of the studies",
    ] {
        assert!(printed.contains(expected), "{printed}");
    }
    let verdicts = ["better than", "worse than", "not told apart from"];
    let lines = printed
        .lines()
        .filter(|line| verdicts.iter().any(|verdict| line.contains(verdict)));
    assert_eq!(lines.count(), 2 * 5, "{printed}");
    assert!(folder.path().join("here/localization.csv").exists());
    assert_eq!(run(), printed, "the same command again gives other numbers");
}

#[test]
fn recommend_trains_shows_mistakes_truncates_and_names_a_network() {
    let folder = tempfile::tempdir().unwrap();
    let run = || {
        let mut command = program("examples/recommend");
        let arguments = "--patients 40 --image-size 32 --epochs 1 --deepest-cut 2 --margin 0.3 \
            --mistakes 3 --out here";
        command
            .args(arguments.split_whitespace())
            .current_dir(folder.path());
        succeed(command)
    };
    let printed = run();
    for expected in [
        "resnet18: ",
        "frozen: nothing",
        "most confident mistakes",
        "resnet18-minus1: mean AUROC ",
        "recommended: resnet18",
        "confirm its AUROC on others",
    ] {
        assert!(printed.contains(expected), "{expected}: {printed}");
    }
    let sheets = std::fs::read_dir(folder.path().join("here/mistakes")).unwrap();
    assert!(sheets.count() >= 1, "{printed}");
    assert_eq!(run(), printed, "the same command again says something else");
}
