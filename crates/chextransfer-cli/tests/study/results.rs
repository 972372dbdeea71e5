//! What is read of a finished study, and what is refused.

use std::fs;
use std::path::Path;

use chextransfer_study::StudyResults;

use crate::common::{TINY, study, succeed, write};

#[test]
fn results_are_read_and_what_does_not_fit_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(&folder.join("study"), TINY);
    let read = || StudyResults::read(&folder.join("study")).map_err(|error| error.to_string());
    assert_eq!(read().unwrap().pending.len(), 5, "nothing is run yet");
    succeed(study(folder, "run study --only resnet18"));

    let results = read().unwrap();
    assert_eq!(
        (
            results.cells.len(),
            results.pending.len(),
            results.failed.len()
        ),
        (4, 1, 0)
    );
    assert_eq!(
        results.pending[0].id(),
        "mnasnet1_0-minus4.pretrained.f100.s0"
    );
    assert_eq!(
        (
            results.image_size,
            results.epochs,
            results.bootstrap.replicates
        ),
        (32, 3, 20)
    );
    assert_eq!(results.judged.len(), 6);
    let first = &results.cells[0];
    assert_eq!(
        first.run,
        Path::new("runs/resnet18-minus3.pretrained.f100.s0")
    );
    assert_eq!((first.parameters, first.map_side), (158_414, 8));
    assert_eq!(first.imagenet_top1, Some(69.758));
    assert!(first.images_per_second.is_some_and(|speed| speed > 0.0));
    assert!(first.weights_digest.is_some() && results.cells[2].weights_digest.is_none());
    assert_eq!(first.predictions.observations().len(), 14);

    let refused = |expected: &[&str]| {
        let message = read().unwrap_err();
        for part in expected {
            assert!(message.contains(part), "{part}: {message}");
        }
    };
    let table = folder.join("study/runs/resnet18-minus3.random.f50.s0/predictions/test.csv");
    let whole = fs::read(&table).unwrap();
    fs::write(&table, [&whole[..], b"\n"].concat()).unwrap();
    refused(&[
        "random.f50.s0/predictions/test.csv",
        "its SHA-256 was",
        "must be evaluated again",
    ]);
    fs::write(&table, &whole).unwrap();

    let sidecar = table.with_extension("json");
    let text = fs::read_to_string(&sidecar).unwrap();
    let of: serde_json::Value = serde_json::from_str(&text).unwrap();
    let digest = of["data"]["sha256"].as_str().unwrap();
    fs::write(&sidecar, text.replace(digest, &"0".repeat(64))).unwrap();
    refused(&[
        "random.f50.s0",
        "test split's table",
        "pretrained.f100.s0",
        "cannot be compared",
    ]);
    fs::write(&sidecar, text).unwrap();

    write(&folder.join("study"), &TINY.replace("1e-3", "1e-2"));
    refused(&["learning_rate = 0.001", "study.toml has 0.01"]);
    write(&folder.join("study"), TINY);
    read().unwrap();
}
