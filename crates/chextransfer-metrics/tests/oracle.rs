//! AUROC and average precision against scikit-learn's, on published predictions for 22,433 radiographs.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use chextransfer_metrics::{Bootstrap, Predictions};
use ndarray::Array2;

/// The folder of reference data, if this machine has one.
fn oracles() -> Option<PathBuf> {
    let shared = std::env::var_os("CHEXTRANSFER_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let folder = shared.join("oracles");
    folder.is_dir().then_some(folder)
}

/// `label_<name>` and `prob_<name>` columns behind an image and a patient.
fn published_predictions(path: &Path) -> Predictions {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().clone();
    let names: Vec<String> = header
        .iter()
        .filter_map(|column| column.strip_prefix("label_"))
        .map(str::to_owned)
        .collect();
    let position = |column: String| header.iter().position(|name| name == column).unwrap();
    let label_columns: Vec<_> = names
        .iter()
        .map(|name| position(format!("label_{name}")))
        .collect();
    let probability_columns: Vec<_> = names
        .iter()
        .map(|name| position(format!("prob_{name}")))
        .collect();

    let (mut paths, mut patients) = (Vec::new(), Vec::new());
    let (mut labels, mut probabilities) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.unwrap();
        paths.push(record[0].to_owned());
        patients.push(record[1].to_owned());
        labels.extend(
            label_columns
                .iter()
                .map(|&column| Some(&record[column] == "1")),
        );
        probabilities.extend(
            probability_columns
                .iter()
                .map(|&column| record[column].parse::<f64>().unwrap()),
        );
    }
    let shape = (paths.len(), names.len());
    Predictions::new(
        names,
        paths,
        patients,
        Array2::from_shape_vec(shape, labels).unwrap(),
        Array2::from_shape_vec(shape, probabilities).unwrap(),
    )
    .unwrap()
}

#[test]
fn every_auroc_and_average_precision_equals_scikit_learns_to_1e_12() {
    let Some(folder) = oracles() else {
        eprintln!("skipped: no folder of reference data; CHEXTRANSFER_SHARED names one");
        return;
    };
    let predictions = published_predictions(&folder.join("nih_chexnet_predictions.csv"));
    let bootstrap = Bootstrap {
        replicates: 20,
        ..Bootstrap::default()
    };
    let evaluation = predictions.evaluate(&[], &bootstrap).unwrap();

    let mut expected = csv::Reader::from_path(folder.join("nih_chexnet_expected.csv")).unwrap();
    let header = expected.headers().unwrap().clone();
    let position = |column| header.iter().position(|name| name == column).unwrap();
    let (name, positives) = (position("label"), position("positives"));
    let (auroc, precision) = (
        position("auroc_sklearn"),
        position("average_precision_sklearn"),
    );
    let mut compared = 0;
    for (record, found) in expected.records().zip(&evaluation.observations) {
        let record = record.unwrap();
        assert_eq!(&record[name], found.name);
        assert_eq!(record[positives].parse::<usize>().unwrap(), found.positives);
        let reference: f64 = record[auroc].parse().unwrap();
        let auc = found.auc.unwrap();
        assert!(
            (auc - reference).abs() <= 1e-12,
            "{}: {auc} {reference}",
            found.name
        );
        let reference: f64 = record[precision].parse().unwrap();
        let difference = found.average_precision.unwrap() - reference;
        assert!(difference.abs() <= 1e-12, "{}: {difference:e}", found.name);
        let [low, high] = found.ci.unwrap();
        assert!(
            low < auc && auc < high,
            "{}: {auc} [{low}, {high}]",
            found.name
        );
        compared += 1;
    }
    assert_eq!(compared, 14);
    assert_eq!(evaluation.rows, 22_433);
}
