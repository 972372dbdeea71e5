//! The labels of CheXpert's training set, counted.

use std::path::Path;
use std::time::{Duration, Instant};

use chextransfer_data::{
    BlankPolicy, COLUMNS, LabelCounts, LabelProblem, Observation, Records, UncertaintyPolicy,
};
use tempfile::TempDir;

const ROWS: usize = 223_414;

/// Positive, uncertain and negative cells of the public `train.csv` by observation; all others are blank.
#[rustfmt::skip]
const TRAIN: [(Observation, [usize; 3]); Observation::COUNT] = [
    (Observation::NoFinding,                 [ 22_381,      0,      0]),
    (Observation::EnlargedCardiomediastinum, [ 10_798, 12_403, 21_638]),
    (Observation::Cardiomegaly,              [ 27_000,  8_087, 11_116]),
    (Observation::LungOpacity,               [105_581,  5_598,  6_599]),
    (Observation::LungLesion,                [  9_186,  1_488,  1_270]),
    (Observation::Edema,                     [ 52_246, 12_984, 20_726]),
    (Observation::Consolidation,             [ 14_783, 27_742, 28_097]),
    (Observation::Pneumonia,                 [  6_039, 18_770,  2_799]),
    (Observation::Atelectasis,               [ 33_376, 33_739,  1_328]),
    (Observation::Pneumothorax,              [ 19_448,  3_145, 56_341]),
    (Observation::PleuralEffusion,           [ 86_187, 11_628, 35_396]),
    (Observation::PleuralOther,              [  3_523,  2_653,    316]),
    (Observation::Fracture,                  [  9_040,    642,  2_512]),
    (Observation::SupportDevices,            [116_001,  1_079,  6_137]),
];

/// A table of as many rows with those counts, each observation's cells scattered in its own way.
fn made_up() -> String {
    let mut text = COLUMNS.join(",");
    for row in 0..ROWS {
        let (patient, study) = (row / 4 + 1, row / 2 % 2 + 1);
        let view = ["view1_frontal", "view2_lateral"][row % 2];
        let person = ["Female,61,Frontal,AP", "Male,48,Lateral,"][row % 2];
        text += &format!(
            "\nCheXpert-v1.0-small/train/patient{patient:05}/study{study}/{view}.jpg,{person}"
        );
        for (column, (_, [positive, uncertain, negative])) in TRAIN.iter().enumerate() {
            // 7919 has no factor in common with the number of rows, so that each place comes once.
            let place = (row * 7919 + column * 10_007) % ROWS;
            text += if place < *positive {
                ",1.0"
            } else if place < positive + uncertain {
                ",-1.0"
            } else if place < positive + uncertain + negative {
                ",0.0"
            } else {
                ","
            };
        }
    }
    text
}

fn assert_counts(records: &Records) {
    assert_eq!(records.len(), ROWS);
    let counts = records.label_counts();
    for (observation, [positive, uncertain, negative]) in TRAIN {
        let blank = ROWS - positive - uncertain - negative;
        let expected = LabelCounts {
            positive,
            uncertain,
            negative,
            blank,
        };
        assert_eq!(counts[observation.index()], expected, "{observation}");
    }
    let problem = LabelProblem::new(UncertaintyPolicy::Ones, BlankPolicy::Ignore)
        .with_policy(Observation::Edema, UncertaintyPolicy::MultiClass)
        .unwrap();
    for problem in [LabelProblem::paper(), problem] {
        let counted = problem
            .encoder()
            .unwrap()
            .counts(records.records())
            .unwrap();
        for (count, (observation, [positive, uncertain, negative])) in counted.iter().zip(TRAIN) {
            let blank = ROWS - positive - uncertain - negative;
            let expected = if problem == LabelProblem::paper() {
                [positive, negative + blank, 0, uncertain]
            } else if observation == Observation::Edema {
                [positive, negative, uncertain, blank]
            } else {
                [positive + uncertain, negative, 0, blank]
            };
            let found = [
                count.positive,
                count.negative,
                count.uncertain,
                count.masked,
            ];
            assert_eq!((count.observation, found), (observation, expected));
            assert_eq!(count.soft, 0);
        }
    }
}

#[test]
fn a_table_as_long_as_the_training_set_is_read_in_under_a_second_and_its_counts_come_out() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("train.csv");
    std::fs::write(&file, made_up()).unwrap();
    let start = (Instant::now(), processor_time());
    let records = Records::read(folder.path(), &file).unwrap();
    let wall = start.0.elapsed();
    let busy = processor_time()
        .zip(start.1)
        .map_or(wall, |(end, start)| end - start);
    eprintln!("{ROWS} rows in {wall:.3?}, {busy:.3?} of them on the processor");
    // Other programs may want the processor too, so their time does not count.
    assert!(busy < Duration::from_secs(1), "{busy:?}");
    assert_counts(&records);
    assert_eq!(records.studies().len(), ROWS / 2);
    assert_eq!(records.patients().len(), ROWS.div_ceil(4));
}

/// What this thread has had of the processor so far, where the system says.
fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = text.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

#[test]
fn the_public_training_set_has_the_counts_of_the_table() {
    let Some(file) = std::env::var_os("CHEXTRANSFER_CHEXPERT_TRAIN_CSV") else {
        eprintln!("skipped: CHEXTRANSFER_CHEXPERT_TRAIN_CSV does not name CheXpert's train.csv");
        return;
    };
    let file = Path::new(&file);
    let records = Records::read(file.parent().unwrap(), file).unwrap();
    assert_counts(&records);
    assert_eq!(records.patients().len(), 64_540);
    assert_eq!(records.studies().len(), 187_641);
}
