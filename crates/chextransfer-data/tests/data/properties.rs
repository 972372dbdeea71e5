//! What holds for any table.

use std::path::Path;

use chextransfer_data::source::Source;
use chextransfer_data::{COLUMNS, Label, Record, Records, Sex, View};
use proptest::prelude::*;
use tempfile::TempDir;

/// Cells that CSV must quote, and some that it need not.
const NAME: &str = "[a-zA-Z0-9 ,\"'äß_.-]{0,12}[a-z0-9]";

fn any_label() -> impl Strategy<Value = Label> {
    prop::sample::select(
        &[
            Label::Positive,
            Label::Negative,
            Label::Uncertain,
            Label::Blank,
        ][..],
    )
}

/// Path, patient, study and view: as CheXpert has them, or named in columns of their own.
fn any_identity(named: bool) -> BoxedStrategy<(String, String, String, Option<View>)> {
    if named {
        // The number of the patient is in the study, so that no two patients share one.
        let view = prop::option::of(prop::sample::select(&View::ALL[..]));
        (0..9_u32, NAME, NAME, NAME, view)
            .prop_map(|(number, folder, file, study, view)| {
                let path = format!("x/{}/z{}.png", folder.replace('.', "_"), file);
                let path = path.replace(['"', '\\', ':'], "'").replace("/ ", "/_");
                (
                    path,
                    format!("p {number}"),
                    format!("{number}, {}", study.trim()),
                    view,
                )
            })
            .boxed()
    } else {
        (
            1..99_u32,
            1..9_u32,
            1..4_u32,
            prop::sample::select(&View::ALL[..]),
        )
            .prop_map(|(patient, study, number, view)| {
                let name = view.name().to_lowercase();
                let (patient, study) = (format!("patient{patient:05}"), format!("study{study}"));
                let path = format!("CheXpert-v1.0/train/{patient}/{study}/view{number}_{name}.jpg");
                (
                    path,
                    patient.clone(),
                    format!("{patient}/{study}"),
                    Some(view),
                )
            })
            .boxed()
    }
}

fn any_record(named: bool) -> impl Strategy<Value = Record> {
    (
        any_identity(named),
        prop::option::of(NAME.prop_map(|name| name.trim().to_owned())),
        prop::sample::select(&Sex::ALL[..]),
        prop::option::of(any::<u16>()),
        prop::array::uniform14(any_label()),
    )
        .prop_map(
            |((path, patient, study, view), projection, sex, age, labels)| Record {
                path,
                patient,
                study,
                view,
                projection,
                sex,
                age,
                labels,
                line: 0,
            },
        )
}

fn any_records() -> impl Strategy<Value = Vec<Record>> {
    any::<bool>().prop_flat_map(|named| prop::collection::vec(any_record(named), 1..20))
}

/// Without the lines, which are the file's.
fn content(records: &[Record]) -> Vec<Record> {
    let without_line = |record: &Record| Record {
        line: 0,
        ..record.clone()
    };
    records.iter().map(without_line).collect()
}

fn read(folder: &TempDir, bytes: &[u8]) -> chextransfer_data::Result<Records> {
    let file = folder.path().join("train.csv");
    std::fs::write(&file, bytes).unwrap();
    Records::read(folder.path(), &file)
}

fn written(records: &[Record]) -> (TempDir, Vec<u8>) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("train.csv");
    let records = Records::new(folder.path(), Path::new("made up"), records.to_vec()).unwrap();
    records.write_csv(&file).unwrap();
    let bytes = std::fs::read(file).unwrap();
    (folder, bytes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(records in any_records()) {
        let (folder, bytes) = written(&records);
        let back = read(&folder, &bytes).unwrap();
        prop_assert_eq!(content(back.records()), content(&records));
        let digest = Records::new(folder.path(), Path::new("x"), records).unwrap();
        prop_assert_eq!(back.digest(), digest.digest());
    }

    #[test]
    fn any_order_of_the_columns_gives_the_same_records(
        records in any_records(),
        order in Just((0..COLUMNS.len() + 3).collect::<Vec<usize>>()).prop_shuffle(),
        crlf in any::<bool>(),
    ) {
        let (folder, bytes) = written(&records);
        let mut reader = csv_lines(&bytes);
        // A further column, to be ignored, wherever there is room for it.
        for (line, cells) in reader.iter_mut().enumerate() {
            cells.push(if line == 0 { "Remarks".to_owned() } else { "\"a, b\"".to_owned() });
        }
        let order: Vec<usize> = order.into_iter().filter(|&place| place < reader[0].len()).collect();
        let end = if crlf { "\r\n" } else { "\n" };
        let text: Vec<String> = reader
            .iter()
            .map(|cells| order.iter().map(|&place| cells[place].clone()).collect::<Vec<_>>().join(","))
            .collect();
        let permuted = read(&folder, text.join(end).as_bytes()).unwrap();
        prop_assert_eq!(content(permuted.records()), content(&records));
    }

    #[test]
    fn random_bytes_are_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let folder = TempDir::new().unwrap();
        prop_assert!(read(&folder, &bytes).is_err());
        prop_assert!(Source::Plain.read(&folder.path().join("train.csv"), folder.path()).is_err());
    }

    #[test]
    fn a_table_with_a_few_bytes_changed_is_read_or_refused(
        records in any_records(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let (folder, mut bytes) = written(&records);
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Err(error) = read(&folder, &bytes) {
            let message = error.to_string();
            prop_assert!(message.contains("train.csv"), "{}", message);
            prop_assert_eq!(message.lines().count(), 1, "{}", message);
        }
    }
}

/// The cells of a written table with their quotes; no cell of these records holds a line end.
fn csv_lines(bytes: &[u8]) -> Vec<Vec<String>> {
    let text = std::str::from_utf8(bytes).unwrap();
    text.lines()
        .map(|line| {
            let mut cells = vec![String::new()];
            let mut quoted = false;
            for character in line.chars() {
                quoted ^= character == '"';
                if character == ',' && !quoted {
                    cells.push(String::new());
                } else if let Some(cell) = cells.last_mut() {
                    cell.push(character);
                }
            }
            cells
        })
        .collect()
}
