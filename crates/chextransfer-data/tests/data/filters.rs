//! Rows chosen by view, projection, sex and age.

use chextransfer_data::{COLUMNS, Filter, Records, Sex, View};
use tempfile::TempDir;

fn records() -> Records {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("train.csv");
    let mut text = COLUMNS.join(",");
    for (number, person) in [
        "Female,61,Frontal,AP",
        "Female,30,Lateral,",
        "Male,61,Frontal,PA",
        "Unknown,,Frontal,LL",
        ",17,Frontal,AP",
        "Female,90,Frontal,AP",
    ]
    .iter()
    .enumerate()
    {
        text += &format!(
            "\ntrain/patient{number}/study1/a.jpg,{person}{}",
            ",".repeat(14)
        );
    }
    std::fs::write(&file, text).unwrap();
    Records::read(folder.path(), &file).unwrap()
}

fn patients(records: &Records) -> Vec<&str> {
    records
        .records()
        .iter()
        .map(|record| record.patient.trim_start_matches("patient"))
        .collect()
}

#[test]
fn each_condition_says_how_many_rows_it_kept_of_how_many() {
    let records = records();
    let filtered = Filter::new()
        .view(View::Frontal)
        .projections(["AP", "PA"])
        .sex(Sex::Female)
        .ages(18..=61)
        .apply(&records)
        .unwrap();
    assert_eq!(patients(&filtered.records), ["0"]);
    let lines: Vec<String> = filtered.steps.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "view Frontal: kept 5 of 6 rows",
            "projection AP or PA: kept 4 of 5 rows",
            "sex Female: kept 2 of 4 rows (1 do not say)",
            "age 18 to 61: kept 1 of 2 rows",
        ]
    );
}

#[test]
fn rows_that_do_not_state_an_age_or_a_projection_are_counted_and_left_out() {
    let records = records();
    let ages = Filter::new().ages(0..=120).apply(&records).unwrap();
    assert_eq!((ages.steps[0].kept, ages.steps[0].unstated), (5, 1));
    let projections = Filter::new().projections(["AP"]).apply(&records).unwrap();
    assert_eq!(patients(&projections.records), ["0", "4", "5"]);
    assert_eq!(projections.steps[0].unstated, 1);
    let unknown = Filter::new().sex(Sex::Unknown).apply(&records).unwrap();
    assert_eq!(patients(&unknown.records), ["3", "4"]);
}

#[test]
fn no_condition_keeps_all_rows_and_none_left_is_an_error() {
    let records = records();
    let all = Filter::new().apply(&records).unwrap();
    assert_eq!(all.records.records(), records.records());
    assert!(all.steps.is_empty());
    let message = Filter::new()
        .ages(100..=120)
        .apply(&records)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("train.csv: no row is left of it"),
        "{message}"
    );
}

#[test]
fn chosen_rows_have_a_digest_of_their_own() {
    let records = records();
    let frontal = |records: &Records| {
        Filter::new()
            .view(View::Frontal)
            .apply(records)
            .unwrap()
            .records
    };
    let (first, second) = (frontal(&records), frontal(&records));
    assert_eq!(first.digest(), second.digest());
    assert_ne!(first.digest(), records.digest());
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("train.csv");
    first.write_csv(&file).unwrap();
    assert_eq!(
        Records::read(folder.path(), &file).unwrap().digest(),
        first.digest()
    );
}
