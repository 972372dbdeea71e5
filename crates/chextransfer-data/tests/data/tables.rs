//! CSVs as they come, and as they should not.

use chextransfer_data::{
    COLUMNS, CheXpert, Error, Label, Observation, Record, Records, Sex, Split, View,
};
use tempfile::TempDir;

use crate::fixture::{LABELS, csv, row_path};

fn read(bytes: impl AsRef<[u8]>) -> Result<Vec<Record>, Error> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("train.csv");
    std::fs::write(&file, bytes).unwrap();
    Records::read(folder.path(), &file).map(|records| records.records().to_vec())
}

fn message(bytes: impl AsRef<[u8]>) -> String {
    let message = read(bytes).unwrap_err().to_string();
    assert!(message.contains("train.csv"), "no file in: {message}");
    assert_eq!(message.lines().count(), 1, "more than one line: {message}");
    message
}

fn plain() -> String {
    csv(&[row_path(1), row_path(2)], LABELS)
}

#[test]
fn a_row_is_read_into_its_fields() {
    let records = read(
        plain()
            + "CheXpert-v1.0/train/patient00007/study12/view2_lateral.jpg,Unknown,0,Lateral,,1,0,-1,,,,,,,,,,,\n"
            + "valid/patient64541/study1/view1_frontal.jpg,Male,90,Frontal,LL,,,,,,,,,,,,,,1.0\n",
    )
    .unwrap();
    assert_eq!(records.len(), 4);
    let first = &records[0];
    assert_eq!(first.path, row_path(1));
    assert_eq!(first.patient, "patient00001");
    assert_eq!(first.study, "patient00001/study1");
    assert_eq!(
        (first.view, first.sex, first.age),
        (Some(View::Frontal), Sex::Female, Some(61))
    );
    assert_eq!(first.projection.as_deref(), Some("PA"));
    assert_eq!(first.label(Observation::NoFinding), Label::Negative);
    assert_eq!(
        first.label(Observation::EnlargedCardiomediastinum),
        Label::Blank
    );
    assert_eq!(first.label(Observation::Cardiomegaly), Label::Positive);
    assert_eq!(first.label(Observation::LungOpacity), Label::Uncertain);
    assert_eq!(first.line, 2);
    let lateral = &records[2];
    assert_eq!(
        (lateral.view, lateral.sex, lateral.age),
        (Some(View::Lateral), Sex::Unknown, Some(0))
    );
    assert_eq!(lateral.projection, None);
    assert_eq!(lateral.study, "patient00007/study12");
    assert_eq!(
        lateral.labels[..4],
        [
            Label::Positive,
            Label::Negative,
            Label::Uncertain,
            Label::Blank
        ]
    );
    assert_eq!(records[3].projection.as_deref(), Some("LL"));
    assert_eq!(
        records[3].label(Observation::SupportDevices),
        Label::Positive
    );
}

#[test]
fn the_order_of_the_columns_is_no_matter() {
    let expected = read(plain()).unwrap();
    for shift in 1..COLUMNS.len() {
        let permuted: Vec<String> = plain()
            .lines()
            .map(|line| {
                let mut cells: Vec<&str> = line.split(',').collect();
                cells.rotate_left(shift);
                cells.swap(0, shift / 2);
                cells.insert(
                    shift,
                    if line.starts_with("Path") {
                        "Remarks"
                    } else {
                        "\"a, b\""
                    },
                );
                cells.join(",")
            })
            .collect();
        assert_eq!(
            read(permuted.join("\n")).unwrap(),
            expected,
            "shifted by {shift}"
        );
    }
}

#[test]
fn line_ends_byte_order_mark_blanks_and_blank_lines_are_no_matter() {
    let expected = read(plain()).unwrap();
    let text = plain();
    for variant in [
        text.replace('\n', "\r\n"),
        text.trim_end().to_owned(),
        text.replace('\n', "\r\n").trim_end().to_owned(),
        format!("\u{feff}{text}"),
        format!("\u{feff}{}", text.replace('\n', "\r\n")),
        text.replace(',', " , "),
        text.replace(",Female,", ",\"Female\","),
        format!("{text}\n\n"),
    ] {
        assert_eq!(read(&variant).unwrap(), expected, "{variant:?}");
    }
}

#[test]
fn a_missing_column_is_named_beside_those_found() {
    for column in COLUMNS {
        let text = plain().replacen(column, "Something Else", 1);
        if column == "Pleural Effusion" {
            let message = message(&text);
            assert!(
                message.contains("\"Pleural Effusion\" is missing"),
                "{message}"
            );
            assert!(
                message.contains("Pneumothorax, Something Else, Pleural Other"),
                "{message}"
            );
        }
        assert!(
            matches!(read(&text), Err(Error::MissingColumn { column: missing, .. }) if missing == column),
            "{column}"
        );
    }
}

#[test]
fn a_column_that_occurs_twice_is_an_error() {
    let message = message(plain().replacen("Path,", "Age,Path,", 1));
    assert!(
        message.contains("\"Age\" occurs more than once"),
        "{message}"
    );
}

#[test]
fn a_bad_cell_names_file_line_column_value_and_what_is_allowed() {
    for (good, bad, column, expected) in [
        (
            "1.0",
            "maybe",
            "Cardiomegaly",
            "1.0, 0.0, -1.0 or an empty cell",
        ),
        (
            "1.0",
            "2.0",
            "Cardiomegaly",
            "1.0, 0.0, -1.0 or an empty cell",
        ),
        (
            "1.0",
            "nan",
            "Cardiomegaly",
            "1.0, 0.0, -1.0 or an empty cell",
        ),
        (
            "Female",
            "female",
            "Sex",
            "Male, Female, Unknown or an empty cell",
        ),
        (
            "61",
            "61.5",
            "Age",
            "a whole number of years or an empty cell",
        ),
        (
            "61",
            "-1",
            "Age",
            "a whole number of years or an empty cell",
        ),
        (
            "Frontal",
            "Oblique",
            "Frontal/Lateral",
            "Frontal, Lateral or an empty cell",
        ),
    ] {
        let text = plain();
        let (head, row) = text.trim_end().rsplit_once('\n').unwrap();
        let broken = row.replacen(&format!(",{good},"), &format!(",{bad},"), 1);
        let message = message(format!("{head}\n{broken}"));
        assert!(message.contains("line 3"), "{message}");
        assert!(message.contains(&format!("column {column:?}")), "{message}");
        assert!(
            message.contains(&format!("found {bad:?}, expected {expected}")),
            "{message}"
        );
    }
}

#[test]
fn the_line_of_a_bad_cell_counts_blank_lines_and_crlf() {
    let text = plain();
    let (head, row) = text.trim_end().rsplit_once('\n').unwrap();
    let broken = row.replace("Female", "F");
    for (text, line) in [
        (format!("{head}\n\n\n{broken}\n"), 5),
        (format!("{head}\n{broken}\n").replace('\n', "\r\n"), 3),
        (format!("{head}\n\n{broken}\n").replace('\n', "\r\n"), 4),
    ] {
        let message = message(&text);
        assert!(
            message.contains(&format!("line {line},")),
            "{message} for {text:?}"
        );
    }
}

#[test]
fn a_bad_path_is_an_error_and_never_leaves_the_folder() {
    for path in [
        "",
        "CheXpert-v1.0/train/view1_frontal.jpg",
        "/CheXpert-v1.0/train/patient00001/study1/view1_frontal.jpg",
        "CheXpert-v1.0/../../patient00001/study1/view1_frontal.jpg",
        "CheXpert-v1.0\\train\\patient00001\\study1\\view1_frontal.jpg",
    ] {
        let message = message(csv(&[row_path(1), path.to_owned()], LABELS));
        assert!(message.contains("line 3, column \"Path\""), "{message}");
    }
}

#[test]
fn files_that_are_no_such_table_are_errors_that_say_so() {
    let text = plain();
    let ragged = format!("{}\n", text.trim_end().trim_end_matches(",,"));
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin1: Vec<u8> = text
        .replace(",PA,", ",P\u{e9},")
        .chars()
        .map(|c| c as u8)
        .collect();
    let nul = text.replace("Female", "Fem\0ale");
    let quote = text.replacen(",Female", ",\"Female", 2);
    for (bytes, expected) in [
        (Vec::new(), "it is empty"),
        (b"\n\n".to_vec(), "it is empty"),
        (b"\xef\xbb\xbf".to_vec(), "it is empty"),
        ((COLUMNS.join(",") + "\n").into_bytes(), "no rows"),
        (ragged.into_bytes(), "line 3: found 17 cells, expected 19"),
        (
            (text.clone() + "a,b\n").into_bytes(),
            "line 4: found 2 cells, expected 19",
        ),
        (utf16, "is missing"),
        (latin1, "line 2: the text is not UTF-8"),
        (nul.into_bytes(), "found \"Fem\\0ale\""),
        (quote.into_bytes(), "line 2"),
        (
            text.replace(',', ";").into_bytes(),
            "is missing; columns found: Path;Sex;Age",
        ),
        (
            b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\n\n".to_vec(),
            "not UTF-8",
        ),
    ] {
        let message = message(&bytes);
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
}

#[test]
fn a_huge_cell_is_shortened_in_the_message() {
    let message = message(plain().replace("Female", &"x".repeat(1_000_000)));
    assert!(message.len() < 1_000, "{} bytes", message.len());
}

#[test]
fn the_digest_is_that_of_the_csv_and_changes_with_it() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("train.csv");
    std::fs::write(&file, plain()).unwrap();
    let digest = |_: ()| {
        Records::read(folder.path(), &file)
            .unwrap()
            .digest()
            .to_owned()
    };
    let before = digest(());
    assert_eq!(before.len(), 64);
    std::fs::write(&file, plain().replace("61", "62")).unwrap();
    assert_ne!(digest(()), before);
}

#[test]
fn a_folder_without_csvs_and_a_missing_split_are_errors_that_say_what_is_there() {
    let folder = TempDir::new().unwrap();
    let message = CheXpert::open(folder.path()).unwrap_err().to_string();
    assert!(
        message.contains("none of train.csv, valid.csv, val_labels.csv, test.csv"),
        "{message}"
    );

    std::fs::write(folder.path().join("train.csv"), plain()).unwrap();
    std::fs::write(folder.path().join("valid.csv"), plain()).unwrap();
    let dataset = CheXpert::open(folder.path()).unwrap();
    assert_eq!(dataset.splits(), [Split::Train, Split::Valid]);
    let message = dataset.split(Split::Test).unwrap_err().to_string();
    assert!(
        message.contains(
            "test.csv or test_labels.csv or groundtruth.csv is missing; found train.csv, valid.csv"
        ),
        "{message}"
    );

    let missing = folder.path().join("nowhere");
    let message = CheXpert::open(&missing).unwrap_err().to_string();
    assert!(message.contains("nowhere"), "{message}");
    assert!(CheXpert::open(folder.path().join("train.csv")).is_err());
}

#[test]
fn images_are_looked_for_below_the_root_whatever_the_folder_is_called() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("valid.csv");
    let tail = "valid/patient00001/study1/view1_frontal.jpg";
    let paths =
        ["CheXpert-v1.0/", "CheXpert-v1.0-small/", ""].map(|prefix| format!("{prefix}{tail}"));
    std::fs::write(&file, csv(&paths, LABELS)).unwrap();
    let records = Records::read(folder.path(), &file).unwrap();
    for record in records.records() {
        assert_eq!(records.image_path(record), folder.path().join(tail));
    }
}
