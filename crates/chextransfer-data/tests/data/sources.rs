//! Other datasets' tables.

use std::path::Path;

use chextransfer_data::source::{Converted, LabelMap, Note, Source};
use chextransfer_data::split::write_tables;
use chextransfer_data::{CheXpert, Label, Observation, Record, Sex, Split, View};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::fixture::{LABELS, csv, row_path};

fn write(folder: &TempDir, name: &str, text: &str) {
    let file = folder.path().join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

fn split(converted: &Converted, split: Split) -> &[Record] {
    let found = converted.splits.iter().find(|(found, _)| *found == split);
    found.unwrap().1.records()
}

fn unmapped(label: &str, rows: usize) -> Note {
    Note::Unmapped {
        label: label.to_owned(),
        rows,
    }
}

fn unlabelled(observation: Observation) -> Note {
    Note::Unlabelled { observation }
}

/// As the release has it: a header with a comma inside square brackets and one at its end, ages with letters.
const NIH: &str = "\
Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],
00000001_000.png,Cardiomegaly,0,1,058Y,M,PA,2682,2749,0.143,0.143,
00000001_001.png,Cardiomegaly|Emphysema|Effusion,1,1,058Y,M,PA,2894,2729,0.143,0.143,
00000002_000.png,No Finding,0,2,018M,F,AP,2500,2048,0.168,0.168,
00000003_000.png,Hernia|Nodule,0,3,414,F,PA,2500,2048,0.168,0.168,
";

fn nih() -> TempDir {
    let folder = TempDir::new().unwrap();
    write(&folder, "Data_Entry_2017.csv", NIH);
    write(
        &folder,
        "train_val_list.txt",
        "00000001_000.png\n00000001_001.png\r\n00000003_000.png",
    );
    write(
        &folder,
        "test_list.txt",
        "00000002_000.png\n00000009_000.png\n",
    );
    for image in [
        "images_001/images/00000001_000.png",
        "images_001/images/00000001_001.png",
        "images_002/images/00000002_000.png",
    ] {
        write(&folder, image, "");
    }
    folder
}

#[test]
fn nih_tables_and_lists_become_records_and_notes() {
    let folder = nih();
    let converted = Source::Nih.read(folder.path(), folder.path()).unwrap();
    let train = split(&converted, Split::Train);
    assert_eq!(train.len(), 3);
    let second = &train[1];
    assert_eq!(
        second.path,
        "NIH-ChestX-ray14/images_001/images/00000001_001.png"
    );
    assert_eq!(
        (second.patient.as_str(), second.study.as_str()),
        ("1", "1/1")
    );
    assert_eq!(
        (second.view, second.sex, second.age),
        (Some(View::Frontal), Sex::Male, Some(58))
    );
    assert_eq!(second.projection.as_deref(), Some("PA"));
    for (observation, label) in [
        (Observation::Cardiomegaly, Label::Positive),
        (Observation::PleuralEffusion, Label::Positive),
        (Observation::NoFinding, Label::Negative),
        (Observation::LungLesion, Label::Negative),
        (Observation::Fracture, Label::Blank),
    ] {
        assert_eq!(second.label(observation), label, "{observation}");
    }
    assert_eq!(train[2].label(Observation::LungLesion), Label::Positive);
    assert_eq!(train[2].age, Some(414));
    let test = &split(&converted, Split::Test)[0];
    assert_eq!(
        (test.age, test.label(Observation::NoFinding)),
        (Some(1), Label::Positive)
    );
    let (_, records) = &converted.splits[1];
    assert!(records.image_path(test).is_file());

    for note in [
        unmapped("Emphysema", 1),
        unmapped("Hernia", 1),
        unmapped("Infiltration", 0),
        unlabelled(Observation::SupportDevices),
        Note::WithoutImage {
            rows: 1,
            first: "00000003_000.png".to_owned(),
        },
        Note::NotInTable {
            names: 1,
            first: "00000009_000.png".to_owned(),
        },
    ] {
        assert!(
            converted.notes.contains(&note),
            "{note:?} in {:?}",
            converted.notes
        );
    }
    assert_eq!(
        converted.notes.len(),
        5 + 6 + 2 - 1,
        "{:?}",
        converted.notes
    );
    assert_eq!(converted.labelled().len(), 9);
}

#[test]
fn other_datasets_train_through_the_same_door() {
    let folder = nih();
    let converted = Source::Nih.read(folder.path(), folder.path()).unwrap();
    let out = TempDir::new().unwrap();
    write_tables(&converted.splits, out.path()).unwrap();
    let dataset = CheXpert::open_with_images(out.path(), folder.path()).unwrap();
    for (name, records) in &converted.splits {
        let read = dataset.split(*name).unwrap();
        assert_eq!(read.digest(), records.digest());
        for (back, record) in read.records().iter().zip(records.records()) {
            assert_eq!(
                (&back.patient, &back.study, back.labels),
                (&record.patient, &record.study, record.labels)
            );
            assert_eq!(read.image_path(back), records.image_path(record));
        }
    }
}

#[test]
fn nih_tables_that_do_not_fit_are_errors_that_say_where() {
    for (name, from, to, expected) in [
        (
            "Data_Entry_2017.csv",
            "Hernia",
            "Hernai",
            "line 5, column \"Finding Labels\": found \"Hernai|Nodule\", expected names out of Atelectasis",
        ),
        (
            "Data_Entry_2017.csv",
            "058Y",
            "58.5",
            "line 2, column \"Patient Age\"",
        ),
        (
            "Data_Entry_2017.csv",
            ",AP,",
            ",LL,",
            "line 4, column \"View Position\"",
        ),
        (
            "Data_Entry_2017.csv",
            "00000002_000.png",
            "../../a.png",
            "line 4, column \"Image Index\"",
        ),
        (
            "Data_Entry_2017.csv",
            "00000001_001.png",
            "00000001_000.png",
            "line 3, column \"Image Index\"",
        ),
        (
            "Data_Entry_2017.csv",
            "Patient ID",
            "Patient",
            "column \"Patient ID\" is missing",
        ),
        (
            "test_list.txt",
            "00000002_000.png",
            "",
            "a name in train_val_list.txt or test_list.txt",
        ),
        (
            "test_list.txt",
            "00000009_000.png",
            "00000001_000.png",
            "test_list.txt, line 2: \"00000001_000.png\" is listed in the train split already",
        ),
    ] {
        let folder = nih();
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        write(&folder, name, &text.replacen(from, to, 1));
        let message = Source::Nih
            .read(folder.path(), folder.path())
            .unwrap_err()
            .to_string();
        assert!(message.contains(expected), "{message}");
    }
    let folder = nih();
    write(&folder, "images_002/images/00000001_000.png", "");
    let message = Source::Nih
        .read(folder.path(), folder.path())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("images_002/images/00000001_000.png")
            && message.contains("have the same file name"),
        "{message}"
    );
    let folder = nih();
    std::fs::remove_file(folder.path().join("test_list.txt")).unwrap();
    let message = Source::Nih
        .read(folder.path(), folder.path())
        .unwrap_err()
        .to_string();
    assert!(message.contains("test_list.txt"), "{message}");
    let empty = TempDir::new().unwrap();
    let message = Source::Nih
        .read(empty.path(), empty.path())
        .unwrap_err()
        .to_string();
    assert!(message.contains("Data_Entry_2017.csv"), "{message}");
}

fn mimic() -> TempDir {
    let folder = TempDir::new().unwrap();
    let header = "subject_id,study_id,Atelectasis,Cardiomegaly,Consolidation,Edema,Enlarged Cardiomediastinum,Fracture,Lung Lesion,Airspace Opacity,No Finding,Pleural Effusion,Pleural Other,Pneumonia,Pneumothorax,Support Devices\n";
    write(
        &folder,
        "mimic-cxr-2.0.0-chexpert.csv",
        &format!(
            "{header}10000032,50414267,,1.0,,-1.0,,,,1.0,,,,,0.0,\n10000764,57375967,,,1.0,,,,,,,,,,,\n"
        ),
    );
    write(
        &folder,
        "mimic-cxr-2.0.0-negbio.csv",
        &format!(
            "{header}10000032,50414267,,,,,,,,,1.0,,,,,\n10000764,57375967,,,,,,,,,1.0,,,,,\n"
        ),
    );
    write(
        &folder,
        "mimic-cxr-2.0.0-split.csv",
        "dicom_id,study_id,subject_id,split\n02aa-3,50414267,10000032,train\n174c-9,50414267,10000032,train\n096a-5,57375967,10000764,validate\nb79e-1,58888888,10000999,test\n",
    );
    write(
        &folder,
        "mimic-cxr-2.0.0-metadata.csv",
        "dicom_id,subject_id,study_id,PerformedProcedureStepDescription,ViewPosition,Rows\n02aa-3,10000032,50414267,\"CHEST (PA, LAT)\",PA,3056\n174c-9,10000032,50414267,CHEST,LATERAL,3056\n096a-5,10000764,57375967,CHEST,,3056\nb79e-1,10000999,58888888,CHEST,AP,3056\n",
    );
    folder
}

#[test]
fn mimic_tables_are_joined_by_study_and_image() {
    let folder = mimic();
    let converted = Source::Mimic.read(folder.path(), folder.path()).unwrap();
    let train = split(&converted, Split::Train);
    let first = &train[0];
    assert_eq!(
        first.path,
        "MIMIC-CXR-JPG/files/p10/p10000032/s50414267/02aa-3.jpg"
    );
    assert_eq!(
        (first.patient.as_str(), first.study.as_str()),
        ("10000032", "50414267")
    );
    assert_eq!(
        (first.view, first.projection.as_deref()),
        (Some(View::Frontal), Some("PA"))
    );
    assert_eq!((first.sex, first.age), (Sex::Unknown, None));
    assert_eq!(first.label(Observation::LungOpacity), Label::Positive);
    assert_eq!(first.label(Observation::Edema), Label::Uncertain);
    assert_eq!(first.label(Observation::Pneumothorax), Label::Negative);
    assert_eq!(
        (train[1].view, train[1].labels),
        (Some(View::Lateral), first.labels)
    );
    let valid = &split(&converted, Split::Valid)[0];
    assert_eq!((valid.view, valid.projection.as_deref()), (None, None));
    let root = converted.splits[0].1.image_path(first);
    assert!(root.ends_with("files/p10/p10000032/s50414267/02aa-3.jpg"));
    assert!(!root.to_string_lossy().contains("MIMIC-CXR-JPG"));
    assert_eq!(
        converted.notes,
        [Note::WithoutLabels {
            rows: 1,
            first: "MIMIC-CXR-JPG/files/p10/p10000999/s58888888/b79e-1.jpg".to_owned(),
        }]
    );

    let negbio = Source::MimicNegbio
        .read(folder.path(), folder.path())
        .unwrap();
    assert_eq!(
        split(&negbio, Split::Train)[0].label(Observation::NoFinding),
        Label::Positive
    );
}

#[test]
fn mimic_tables_that_do_not_fit_are_errors_that_say_where() {
    for (kind, from, to, expected) in [
        (
            "split",
            "validate",
            "valid",
            "split.csv, line 4, column \"split\": found \"valid\", expected train, validate or test",
        ),
        (
            "split",
            "096a-5",
            "096a-6",
            "metadata.csv, line 4, column \"dicom_id\"",
        ),
        (
            "metadata",
            "02aa-3",
            "../02aa-3",
            "metadata.csv, line 2, column \"dicom_id\"",
        ),
        (
            "metadata",
            "10000032",
            "1/0",
            "metadata.csv, line 2, column \"subject_id\"",
        ),
        (
            "chexpert",
            "57375967",
            "50414267",
            "chexpert.csv, line 3, column \"study_id\"",
        ),
        (
            "chexpert",
            "-1.0",
            "0.5",
            "chexpert.csv, line 2, column \"Edema\"",
        ),
        (
            "chexpert",
            "Fracture",
            "Fractures",
            "unknown label column \"Fractures\"; valid names: Airspace Opacity",
        ),
    ] {
        let folder = mimic();
        let name = format!("mimic-cxr-2.0.0-{kind}.csv");
        let text = std::fs::read_to_string(folder.path().join(&name)).unwrap();
        write(&folder, &name, &text.replacen(from, to, 1));
        let message = Source::Mimic
            .read(folder.path(), folder.path())
            .unwrap_err()
            .to_string();
        assert!(message.contains(expected), "{message}");
    }
    let folder = mimic();
    let split = folder.path().join("mimic-cxr-2.0.0-split.csv");
    std::fs::rename(&split, split.with_extension("csv.gz")).unwrap();
    let message = Source::Mimic
        .read(folder.path(), folder.path())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("mimic-cxr-*-split.csv is packed"),
        "{message}"
    );
}

fn plain(text: &str) -> chextransfer_data::Result<Converted> {
    plain_with(text, &Source::Plain.label_map())
}

fn plain_with(text: &str, map: &LabelMap) -> chextransfer_data::Result<Converted> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("labels.csv");
    std::fs::write(&file, text).unwrap();
    Source::Plain.read_with(&file, Path::new("images"), map)
}

#[test]
fn a_plain_table_needs_a_path_and_a_label() {
    let converted = plain("path,Edema\npatient1/study2/a.jpg,1\npatient2/study1/a.jpg,\n").unwrap();
    let rows = split(&converted, Split::Train);
    assert_eq!(rows[0].study, "patient1/study2");
    assert_eq!(rows[0].label(Observation::Edema), Label::Positive);
    assert_eq!(converted.labelled(), [Observation::Edema]);
    let (_, records) = &converted.splits[0];
    assert_eq!(
        records.image_path(&rows[0]),
        Path::new("images/patient1/study2/a.jpg")
    );
}

#[test]
fn a_plain_table_may_say_more() {
    let map = LabelMap::chexpert()
        .with("Effusion", Some(Observation::PleuralEffusion))
        .with("Scoliosis", None);
    let text = "Effusion,Scoliosis,Path,Patient,Study,Sex,Age,View,Projection,Split\n\
                1,1,a/b.png,p1,s1,F,44,Lateral,,test\n-1,,c.png,p2,s2,,,,AP,\n";
    let converted = plain_with(text, &map).unwrap();
    let test = &split(&converted, Split::Test)[0];
    assert_eq!((test.patient.as_str(), test.study.as_str()), ("p1", "s1"));
    assert_eq!(
        (test.view, test.sex, test.age),
        (Some(View::Lateral), Sex::Female, Some(44))
    );
    assert_eq!(test.label(Observation::PleuralEffusion), Label::Positive);
    let train = &split(&converted, Split::Train)[0];
    assert_eq!(
        (train.view, train.sex, train.age),
        (None, Sex::Unknown, None)
    );
    assert_eq!(train.projection.as_deref(), Some("AP"));
    assert_eq!(train.label(Observation::PleuralEffusion), Label::Uncertain);
    assert!(converted.notes.contains(&unmapped("Scoliosis", 1)));
    assert_eq!(converted.notes.len(), 1 + 13);
}

#[test]
fn plain_tables_that_do_not_fit_are_errors_that_say_where() {
    for (text, expected) in [
        ("file,Edema\na,1\n", "column \"path\" is missing"),
        (
            "path,patient\na.png,p\n",
            "it has no label column; valid names:",
        ),
        (
            "path,patient,Odema\na.png,p,1\n",
            "unknown label column \"Odema\"",
        ),
        (
            "path,patient,Lung Opacity,Airspace Opacity\na.png,p,1,1\n",
            "columns \"Lung Opacity\" and \"Airspace Opacity\" both stand for Lung Opacity",
        ),
        (
            "path,Edema\na.png,1\n",
            "line 2, column \"path\": found \"a.png\", expected a path with patientN/studyN folders, or a column patient",
        ),
        (
            "path,patient,Edema\n../a.png,p,1\n",
            "line 2, column \"path\"",
        ),
        (
            "path,patient,Edema\na.png,,1\n",
            "line 2, column \"patient\"",
        ),
        (
            "path,patient,Edema\na.png,p,0.5\n",
            "line 2, column \"Edema\": found \"0.5\"",
        ),
        (
            "path,patient,Edema,split\na.png,p,1,dev\n",
            "line 2, column \"split\": found \"dev\"",
        ),
        (
            "path,patient,study,Edema\na.png,p,s,1\nb.png,q,s,1\n",
            "line 3, column \"study\"",
        ),
        (
            "path,patient,Edema,age\na.png,p,1,old\n",
            "line 2, column \"age\"",
        ),
    ] {
        let message = plain(text).unwrap_err().to_string();
        assert!(
            message.contains("labels.csv") && message.contains(expected),
            "{message}"
        );
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}

#[test]
fn chexpert_itself_is_a_source_and_all_its_rows_can_be_split_anew() {
    let folder = TempDir::new().unwrap();
    write(
        &folder,
        "train.csv",
        &csv(&[row_path(1), row_path(2)], LABELS),
    );
    write(&folder, "valid.csv", &csv(&[row_path(3)], LABELS));
    let converted = Source::CheXpert.read(folder.path(), folder.path()).unwrap();
    assert_eq!(converted.all().unwrap().len(), 3);
    assert!(converted.notes.contains(&unlabelled(Observation::Fracture)));
    let message = "chexpart".parse::<Source>().unwrap_err().to_string();
    assert!(
        message.contains("chexpert, nih, mimic, mimic-negbio, plain"),
        "{message}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn other_datasets_tables_with_a_few_bytes_changed_are_read_or_refused(
        table in prop::sample::select(&["chexpert", "split", "metadata", "nih", "list"][..]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let (folder, source, name) = match table {
            "nih" => (nih(), Source::Nih, "Data_Entry_2017.csv".to_owned()),
            "list" => (nih(), Source::Nih, "test_list.txt".to_owned()),
            kind => (mimic(), Source::Mimic, format!("mimic-cxr-2.0.0-{kind}.csv")),
        };
        let file = folder.path().join(&name);
        let mut bytes = std::fs::read(&file).unwrap();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        std::fs::write(&file, bytes).unwrap();
        if let Err(error) = source.read(folder.path(), folder.path()) {
            let message = error.to_string();
            prop_assert_eq!(message.lines().count(), 1, "{}", message);
        }
    }
}
