//! The tables in `tests/bad_tables`, whose file names say which error they are.
//!
//! A name is the error's variant, then the line and the column where it has them, then a remark, with `--` between:
//! `cell--line-3--Sex--lower-case.csv`.

use std::path::Path;

use chextransfer_data::{Error, Records};

#[test]
fn every_bad_table_is_the_error_that_its_name_says() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bad_tables"));
    let mut files: Vec<_> = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 25, "{} files", files.len());
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut parts = name.split("--").peekable();
        let variant = parts.next().unwrap();
        let line = parts
            .next_if(|part| part.starts_with("line-"))
            .map(|part| part["line-".len()..].parse::<u64>().unwrap());
        let error = Records::read(folder, &file).unwrap_err();
        let message = error.to_string();
        let (found, found_line, column) = match &error {
            Error::Table { line, .. } => ("table", *line, None),
            Error::MissingColumn { column, .. } => ("missing-column", None, Some(column)),
            Error::Cell { line, column, .. } => ("cell", Some(*line), Some(column)),
            Error::Io { .. } => ("io", None, None),
            _ => ("another", None, None),
        };
        assert_eq!((found, found_line), (variant, line), "{name}: {message}");
        if let Some(column) = column {
            let expected = parts.next().unwrap().replace('-', " ");
            assert_eq!(column.replace('/', " "), expected, "{name}: {message}");
        }
        assert_eq!(message.lines().count(), 1, "{name}: {message}");
        if found != "io" {
            assert!(message.contains(&name), "{name}: {message}");
        }
    }
}
