//! A table written in CheXpert's columns.

use std::io::Write;
use std::path::Path;

use super::{COLUMNS, PATIENT, STUDY};
use crate::digest::sha256_hex;
use crate::path::identify;
use crate::{Error, Label, Record, Result};

/// Writes the file whole or not at all.
pub(crate) fn write(records: &[Record], file: &Path) -> Result<()> {
    let bytes = bytes(records, file)?;
    let folder = file.parent().filter(|folder| *folder != Path::new(""));
    let whole = || -> std::io::Result<()> {
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut unfinished = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
        unfinished.write_all(&bytes)?;
        unfinished.as_file().sync_all()?;
        unfinished.persist(file)?;
        Ok(())
    };
    whole().map_err(Error::io("write", file))
}

/// SHA-256 of the file that [`write`] would write; `file` is for messages only.
pub(crate) fn digest(records: &[Record], file: &Path) -> Result<String> {
    Ok(sha256_hex(&bytes(records, file)?))
}

/// CheXpert's columns; `Patient` and `Study` are added where a path does not say them.
fn bytes(records: &[Record], file: &Path) -> Result<Vec<u8>> {
    let says_all = |record: &Record| {
        identify(&record.path).is_ok_and(|identity| {
            identity.patient == record.patient && identity.study == record.study
        })
    };
    let named = !records.iter().all(says_all);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let identity = if named { &[PATIENT, STUDY][..] } else { &[] };
    let unwritable = |cause: csv::Error| Error::Table {
        file: file.to_path_buf(),
        line: None,
        problem: format!("cannot be written: {cause}"),
    };
    writer
        .write_record(COLUMNS[..1].iter().chain(identity).chain(&COLUMNS[1..]))
        .map_err(unwritable)?;
    for record in records {
        let age = record.age.map(|age| age.to_string()).unwrap_or_default();
        let identity = if named {
            &[record.patient.as_str(), &record.study][..]
        } else {
            &[]
        };
        let person = [
            record.sex.name(),
            &age,
            record.view.map_or("", |view| view.name()),
            record.projection.as_deref().unwrap_or_default(),
        ];
        let labels = record.labels.map(Label::as_csv);
        let cells = [record.path.as_str()];
        let cells = cells.iter().chain(identity).chain(&person).chain(&labels);
        writer.write_record(cells).map_err(unwritable)?;
    }
    writer
        .into_inner()
        .map_err(|failed| Error::io("write", file)(failed.into_error()))
}
