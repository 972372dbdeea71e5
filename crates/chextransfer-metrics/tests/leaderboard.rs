//! Predictions and labels in two files, joined by study.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;

use chextransfer_metrics::Predictions;
use ndarray::array;

const PROBABILITIES: &str = "Study,Edema,Atelectasis\n\
    CheXpert-v1.0/test/patient2/study1/,0.25,0.5\n\
    CheXpert-v1.0/test/patient1/study1,0.75,1\n";
const LABELS: &str = "Study,No Finding,Atelectasis,Edema\n\
    CheXpert-v1.0/test/patient1/study1,0,1,0\n\
    CheXpert-v1.0/test/patient2/study1,0,,1.0\n";

struct Files {
    _folder: tempfile::TempDir,
    paths: [PathBuf; 2],
}

fn files(probabilities: &str, labels: &str) -> Files {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["model.csv", "truth.csv"].map(|name| folder.path().join(name));
    fs::write(&paths[0], probabilities).unwrap();
    fs::write(&paths[1], labels).unwrap();
    Files {
        _folder: folder,
        paths,
    }
}

#[test]
fn rows_are_joined_by_study_and_columns_by_name() {
    let files = files(PROBABILITIES, LABELS);
    let table = Predictions::read_leaderboard(&files.paths[0], &files.paths[1]).unwrap();
    assert_eq!(table.observations(), ["Edema", "Atelectasis"]);
    assert_eq!(table.studies(), ["patient2/study1", "patient1/study1"]);
    assert_eq!(table.paths(), table.studies());
    assert_eq!(table.probabilities(), array![[0.25, 0.5], [0.75, 1.0]]);
    assert_eq!(
        table.labels(),
        array![[Some(true), None], [Some(false), Some(true)]]
    );
}

#[test]
fn what_does_not_match_is_named() {
    let many: String = (0..30)
        .map(|study| format!("patient{study}/study1,0.5\n"))
        .collect();
    let many = format!("Study,Edema\n{many}");
    let cases = [
        (
            many.as_str(),
            LABELS,
            vec![
                "only in",
                "patient0/study1, patient3/study1",
                "and 18 more",
                "model.csv",
                "truth.csv",
                "the same studies",
            ],
        ),
        (
            PROBABILITIES,
            "Study,Edema\npatient1/study1,1\npatient2/study1,0\n",
            vec!["truth.csv", "\"Atelectasis\" is missing"],
        ),
        (
            "Path,Edema\na,0.5\n",
            LABELS,
            vec!["model.csv", "\"Study\" is missing"],
        ),
        (
            "Study,Edema\npatient1/study1,nan\npatient2/study1,0\n",
            LABELS,
            vec!["model.csv", "line 2", "\"nan\""],
        ),
        (
            PROBABILITIES,
            "Study,Edema,Atelectasis\npatient1/study1,1,0\npatient2/study1,-1,0\n",
            vec!["truth.csv", "line 3", "\"-1\""],
        ),
        (
            "Study,Edema\n",
            "Study,Edema\n",
            vec!["model.csv", "no rows"],
        ),
        (
            "Study,Edema\npatient1/study1,0.1\npatient1/study1/,0.2\n",
            LABELS,
            vec!["model.csv", "patient1/study1 twice"],
        ),
    ];
    for (probabilities, labels, parts) in cases {
        let files = files(probabilities, labels);
        let read = Predictions::read_leaderboard(&files.paths[0], &files.paths[1]);
        let message = read.unwrap_err().to_string();
        for part in parts {
            assert!(message.contains(part), "{part:?}: {message}");
        }
        assert!(!message.contains('\n'), "{message}");
    }
    let none = Predictions::read_leaderboard("none.csv", "none either.csv")
        .unwrap_err()
        .to_string();
    assert!(none.starts_with("cannot read none.csv"), "{none}");
}
