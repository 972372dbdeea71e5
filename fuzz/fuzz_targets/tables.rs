//! Any bytes as a table, through every door: an error or records, never a panic. See `README.md` beside it.
#![no_main]

use std::sync::LazyLock;

use chextransfer_data::source::Source;
use chextransfer_data::split::{by_patient, fraction};
use chextransfer_data::{
    BlankPolicy, LabelProblem, Observation, Records, Split, UncertaintyPolicy,
};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

/// The tables that a folder of NIH ChestX-ray14 or MIMIC-CXR-JPG may hold; the input stands for one of them.
const NAMES: [&str; 4] = [
    "Data_Entry_2017.csv",
    "mimic-cxr-2.0.0-chexpert.csv",
    "mimic-cxr-2.0.0-split.csv",
    "mimic-cxr-2.0.0-metadata.csv",
];

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let tables = [
        "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position\n\
         00000001_000.png,Effusion|Mass,0,1,058Y,M,PA\n",
        "subject_id,study_id,Edema\n10000032,50414267,1.0\n",
        "dicom_id,study_id,subject_id,split\na,50414267,10000032,train\n",
        "dicom_id,subject_id,study_id,ViewPosition\na,10000032,50414267,PA\n",
    ];
    for (name, table) in NAMES.into_iter().zip(tables) {
        std::fs::write(folder.path().join(name), table).expect("it can be written");
    }
    folder
});

fuzz_target!(|bytes: &[u8]| {
    let root = FOLDER.path();
    for name in NAMES {
        let file = root.join(name);
        let intact = std::fs::read(&file).expect("it is there");
        std::fs::write(&file, bytes).expect("it can be written");
        let source = if name.starts_with("mimic") {
            Source::Mimic
        } else {
            Source::Nih
        };
        let _ = source.read(root, root);
        std::fs::write(&file, intact).expect("it can be written");
    }

    let file = root.join("table.csv");
    std::fs::write(&file, bytes).expect("it can be written");
    let _ = Source::Plain.read(&file, root);
    let problem = LabelProblem::new(UncertaintyPolicy::Table, BlankPolicy::Negative);
    let edema = problem.with_targets(&[Observation::Edema]);
    let _ = edema
        .expect("one target")
        .with_table(file.clone())
        .encoder();

    let Ok(records) = Records::read(root, &file) else {
        return;
    };
    // What has been read can be written, read again, split and encoded.
    let again = root.join("again.csv");
    records.write_csv(&again).expect("it can be written");
    let back = Records::read(root, &again).expect("what was written can be read");
    assert_eq!(back.len(), records.len());
    let _ = by_patient(&records, &[(Split::Train, 0.5), (Split::Valid, 0.5)], 0);
    fraction(&records, 0.5, 0).expect("at least one patient");
    let encoder = LabelProblem::paper().encoder().expect("no table is needed");
    encoder
        .counts(records.records())
        .expect("no table is needed");
});
