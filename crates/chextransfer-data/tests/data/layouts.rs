//! CheXpert's releases, as they lie on disk.

use std::path::Path;

use chextransfer_data::{COLUMNS, CheXpert, Error, Label, Observation, Records, Sex, Split, View};
use tempfile::TempDir;

use crate::fixture::{LABELS, csv, row_path};

fn touch(root: &Path, path: &str) {
    let file = root.join(path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, b"").unwrap();
}

/// Header and rows of a table with the 14 labels behind `first`, in another order than CheXpert's and with another name.
fn labels_behind(first: &str, rows: &[&str]) -> String {
    let mut names: Vec<&str> = Observation::ALL.map(Observation::name).to_vec();
    names[3] = "Airspace Opacity";
    names.swap(3, 4);
    let mut text = format!("{first},{}", names.join(","));
    for row in rows {
        // Lung Lesion is negative, Lung Opacity positive.
        text += &format!("\n{row},0,0,1,0,1,0,0,0,0,0,0,0,0,1");
    }
    text
}

#[test]
fn the_later_image_release_is_opened_by_its_own_file_names_and_columns() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    let path = "val/patient64541/study1/view1_frontal.jpg";
    std::fs::write(root.join("val_labels.csv"), labels_behind("Path", &[path])).unwrap();
    let lateral = "test/patient64741/study1/view2_lateral.jpg";
    std::fs::write(
        root.join("test_labels.csv"),
        labels_behind("Path", &[lateral]),
    )
    .unwrap();
    let dataset = CheXpert::open(root).unwrap();
    assert_eq!(dataset.splits(), [Split::Valid, Split::Test]);
    let valid = dataset.split(Split::Valid).unwrap();
    let record = &valid.records()[0];
    assert_eq!(
        (record.view, record.sex, record.age),
        (Some(View::Frontal), Sex::Unknown, None)
    );
    assert_eq!(record.projection, None);
    assert_eq!(record.label(Observation::LungOpacity), Label::Positive);
    assert_eq!(record.label(Observation::LungLesion), Label::Negative);
    assert_eq!(valid.image_path(record), root.join(path));
    let test = dataset.split(Split::Test).unwrap();
    assert_eq!(test.records()[0].view, Some(View::Lateral));
}

#[test]
fn the_official_test_labels_are_joined_with_the_images_below_the_folder() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    for image in [
        "test/patient64741/study1/view2_lateral.jpg",
        "test/patient64741/study1/view1_frontal.jpg",
        "test/patient64741/study1/._view1_frontal.jpg",
        "test/patient64741/study1/notes.txt",
        "test/patient64742/study1/view1_frontal.png",
    ] {
        touch(root, image);
    }
    // A trailing slash and a missing last line end.
    let rows = [
        "CheXpert-v1.0/test/patient64742/study1/",
        "CheXpert-v1.0/test/patient64741/study1",
    ];
    std::fs::write(root.join("groundtruth.csv"), labels_behind("Study", &rows)).unwrap();
    let test = CheXpert::open(root).unwrap().split(Split::Test).unwrap();
    let read: Vec<_> = test
        .records()
        .iter()
        .map(|record| {
            (
                record.path.as_str(),
                record.study.as_str(),
                record.view,
                record.line,
            )
        })
        .collect();
    let frontal = Some(View::Frontal);
    assert_eq!(
        read,
        [
            (
                "CheXpert-v1.0/test/patient64742/study1/view1_frontal.png",
                "patient64742/study1",
                frontal,
                2
            ),
            (
                "CheXpert-v1.0/test/patient64741/study1/view1_frontal.jpg",
                "patient64741/study1",
                frontal,
                3
            ),
            (
                "CheXpert-v1.0/test/patient64741/study1/view2_lateral.jpg",
                "patient64741/study1",
                Some(View::Lateral),
                3
            ),
        ]
    );
    assert!(
        test.records()
            .iter()
            .all(|record| test.image_path(record).is_file())
    );
    assert_eq!(test.studies().len(), 2);

    std::fs::remove_file(root.join("test/patient64742/study1/view1_frontal.png")).unwrap();
    let message = CheXpert::open(root)
        .unwrap()
        .split(Split::Test)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("groundtruth.csv, line 2: no image lies in"),
        "{message}"
    );
}

#[test]
fn the_official_test_labels_are_joined_with_an_image_level_table() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    let images = [
        "test/patient2/study1/b.jpg",
        "test/patient1/study1/a.jpg",
        "test/patient2/study1/a.jpg",
    ];
    let file = root.join("test.csv");
    std::fs::write(&file, csv(&images.map(str::to_owned), &",".repeat(13))).unwrap();
    let labels = root.join("labels.csv");
    std::fs::write(
        &labels,
        labels_behind(
            "Study",
            &["x/test/patient1/study1", "x/test/patient2/study1"],
        ),
    )
    .unwrap();
    let joined = Records::read(root, &file)
        .unwrap()
        .with_study_labels(&labels)
        .unwrap();
    assert_eq!(joined.records()[2].path, images[2]);
    assert_eq!(joined.records()[2].age, Some(61));
    for record in joined.records() {
        assert_eq!(record.label(Observation::Cardiomegaly), Label::Positive);
    }
    assert_ne!(
        joined.digest(),
        Records::read(root, &file).unwrap().digest()
    );

    for (rows, expected) in [
        (
            &["x/test/patient2/study1"][..],
            "labels.csv: it has no study patient1/study1",
        ),
        (
            &[
                "x/test/patient1/study1",
                "x/test/patient2/study1",
                "x/test/patient3/study1",
            ],
            "labels.csv, line 4: no image is of study patient3/study1",
        ),
    ] {
        std::fs::write(&labels, labels_behind("Study", rows)).unwrap();
        let records = Records::read(root, &file).unwrap();
        let message = records.with_study_labels(&labels).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn two_tables_of_one_split_are_an_error_that_names_both() {
    let folder = TempDir::new().unwrap();
    for name in ["valid.csv", "val_labels.csv"] {
        std::fs::write(folder.path().join(name), csv(&[row_path(1)], LABELS)).unwrap();
    }
    let error = CheXpert::open(folder.path()).unwrap_err();
    assert!(matches!(error, Error::Tree { .. }));
    let message = error.to_string();
    assert!(
        message.contains("both valid.csv and val_labels.csv"),
        "{message}"
    );
}

#[test]
fn tables_may_lie_elsewhere_than_the_images() {
    let (tables, images) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    std::fs::write(tables.path().join("train.csv"), csv(&[row_path(1)], LABELS)).unwrap();
    let dataset = CheXpert::open_with_images(tables.path(), images.path()).unwrap();
    let train = dataset.split(Split::Train).unwrap();
    let below = "train/patient00001/study1/view1_frontal.jpg";
    assert_eq!(
        train.image_path(&train.records()[0]),
        images.path().join(below)
    );
    assert_eq!(
        (dataset.root(), dataset.images()),
        (tables.path(), images.path())
    );
    let missing = images.path().join("nowhere");
    assert!(CheXpert::open_with_images(tables.path(), &missing).is_err());
}

#[test]
fn views_of_a_study_are_grouped_although_the_rows_are_not_sorted() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("train.csv");
    let paths = [
        "train/patient2/study2/view1_frontal.jpg",
        "train/patient2/study1/view1_frontal.jpg",
        "train/patient1/study1/view1_frontal.jpg",
        "train/patient2/study2/view2_lateral.jpg",
    ];
    std::fs::write(&file, csv(&paths.map(str::to_owned), LABELS)).unwrap();
    let records = Records::read(folder.path(), &file).unwrap();
    let studies: Vec<_> = records
        .studies()
        .into_iter()
        .map(|s| (s.name, s.rows))
        .collect();
    assert_eq!(
        studies,
        [
            ("patient2/study2", vec![0, 3]),
            ("patient2/study1", vec![1]),
            ("patient1/study1", vec![2]),
        ]
    );
    let patients: Vec<_> = records
        .patients()
        .into_iter()
        .map(|p| (p.name, p.rows))
        .collect();
    assert_eq!(
        patients,
        [("patient2", vec![0, 1, 3]), ("patient1", vec![2])]
    );
}

#[test]
fn patient_and_study_columns_name_what_a_path_does_not() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("train.csv");
    let text = format!(
        "Study,{},Patient\n s-1 ,data/images/00001.png,Male,9,Frontal,PA{},p 1\n",
        COLUMNS.join(","),
        ",".repeat(14)
    );
    std::fs::write(&file, text).unwrap();
    let records = Records::read(folder.path(), &file).unwrap();
    let record = &records.records()[0];
    assert_eq!(
        (record.patient.as_str(), record.study.as_str()),
        ("p 1", "s-1")
    );
    assert_eq!(
        records.image_path(record),
        folder.path().join("images/00001.png")
    );
}
