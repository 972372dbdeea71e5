//! MIMIC-CXR-JPG.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::{Converted, LabelMap, Note};
use crate::path::check_inside;
use crate::record::{Sex, View};
use crate::table::{Row, Rows};
use crate::{Error, Label, Observation, Record, Records, Result, Split};

/// First component of the `Path` cells, in CheXpert's manner.
const PREFIX: &str = "MIMIC-CXR-JPG";
const SUBJECT: &str = "subject_id";
const STUDY: &str = "study_id";
const IMAGE: &str = "dicom_id";
const SPLIT: &str = "split";
const POSITION: &str = "ViewPosition";

type Labels = [Label; Observation::COUNT];

/// One row an image of the metadata, with the labels of its study and its split. The tables have neither sex nor age.
pub(super) fn read(
    tables: &Path,
    images: &Path,
    labeller: &str,
    map: &LabelMap,
) -> Result<Converted> {
    let label_file = table_in(tables, labeller)?;
    let (labels, mut notes) = labels(&label_file, map)?;
    let split_file = table_in(tables, "split")?;
    let splits = splits(&split_file)?;
    let file = table_in(tables, "metadata")?;
    let bytes = std::fs::read(&file).map_err(Error::io("read", &file))?;

    let mut rows = Rows::open(&bytes, &file)?;
    let (image, subject, study) = (
        rows.column(IMAGE)?,
        rows.column(SUBJECT)?,
        rows.column(STUDY)?,
    );
    let position = rows.column(POSITION)?;
    let mut by_split: Vec<(Split, Vec<Record>)> =
        Split::ALL.map(|split| (split, Vec::new())).into();
    let mut unlabelled = Vec::new();
    while let Some(row) = rows.next()? {
        let (image, subject, study) = (
            file_name(row, IMAGE, image)?,
            number(row, SUBJECT, subject)?,
            number(row, STUDY, study)?,
        );
        let path = format!(
            "{PREFIX}/files/p{}/p{subject}/s{study}/{image}.jpg",
            subject.get(..2).unwrap_or(subject)
        );
        let Some(labels) = labels.get(study) else {
            unlabelled.push(path);
            continue;
        };
        let split = *splits
            .get(image)
            .ok_or_else(|| row.wrong(IMAGE, image, "an image of the split table"))?;
        let position = row.cell(position);
        let record = Record {
            path,
            patient: subject.to_owned(),
            study: study.to_owned(),
            view: view(position),
            projection: (!position.is_empty()).then(|| position.to_owned()),
            sex: Sex::Unknown,
            age: None,
            labels: *labels,
            line: row.line,
        };
        if let Some((_, records)) = by_split.iter_mut().find(|(s, _)| *s == split) {
            records.push(record);
        }
    }
    if let Some(first) = unlabelled.first().cloned() {
        notes.push(Note::WithoutLabels {
            rows: unlabelled.len(),
            first,
        });
    }
    by_split.retain(|(_, records)| !records.is_empty());
    if by_split.is_empty() {
        return Err(rows.wrong(
            None,
            format!("none of its studies is in {}", label_file.display()),
        ));
    }
    let splits = by_split
        .into_iter()
        .map(|(split, records)| Ok((split, Records::new(images, &file, records)?)))
        .collect::<Result<_>>()?;
    Ok(Converted { splits, notes })
}

/// The one file `mimic-cxr-<version>-<kind>.csv` of a folder.
fn table_in(folder: &Path, kind: &str) -> Result<PathBuf> {
    let wrong = |problem: String| Error::Source {
        root: folder.to_path_buf(),
        problem,
    };
    let ending = format!("-{kind}.csv");
    let mut found = Vec::new();
    let mut packed = false;
    for entry in folder.read_dir().map_err(Error::io("list", folder))? {
        let entry = entry.map_err(Error::io("list", folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("mimic-cxr-") {
            packed |= name.ends_with(&format!("{ending}.gz"));
            if name.ends_with(&ending) {
                found.push(name);
            }
        }
    }
    found.sort_unstable();
    match &found[..] {
        [name] => Ok(folder.join(name)),
        [] if packed => Err(wrong(format!(
            "mimic-cxr-*{ending} is packed; unpack it with gunzip"
        ))),
        [] => Err(wrong(format!("it holds no mimic-cxr-*{ending}"))),
        several => Err(wrong(format!(
            "it holds {}; expected one of them",
            several.join(", ")
        ))),
    }
}

/// The labels of each study.
fn labels(file: &Path, map: &LabelMap) -> Result<(HashMap<String, Labels>, Vec<Note>)> {
    let bytes = std::fs::read(file).map_err(Error::io("read", file))?;
    let mut rows = Rows::open(&bytes, file)?;
    let (subject, study) = (rows.column(SUBJECT)?, rows.column(STUDY)?);
    let columns = map.columns(&rows, &[subject, study])?;
    let mut read = HashMap::new();
    let mut unmapped = Vec::new();
    while let Some(row) = rows.next()? {
        let study = number(row, STUDY, study)?;
        let labels = columns.labels(row, &mut unmapped)?;
        if read.insert(study.to_owned(), labels).is_some() {
            return Err(row.wrong(STUDY, study, "each study once"));
        }
    }
    Ok((read, columns.notes(&unmapped)))
}

/// The split of each image.
fn splits(file: &Path) -> Result<HashMap<String, Split>> {
    let bytes = std::fs::read(file).map_err(Error::io("read", file))?;
    let mut rows = Rows::open(&bytes, file)?;
    let (image, split) = (rows.column(IMAGE)?, rows.column(SPLIT)?);
    let mut read = HashMap::new();
    while let Some(row) = rows.next()? {
        let name = file_name(row, IMAGE, image)?;
        let split = match row.cell(split) {
            "train" => Split::Train,
            "validate" => Split::Valid,
            "test" => Split::Test,
            found => return Err(row.wrong(SPLIT, found, "train, validate or test")),
        };
        if read.insert(name.to_owned(), split).is_some() {
            return Err(row.wrong(IMAGE, name, "each image once"));
        }
    }
    Ok(read)
}

/// `ViewPosition` as DICOM has it; oblique and unstated positions are neither view.
fn view(position: &str) -> Option<View> {
    match position.split(' ').next() {
        Some("AP" | "PA") => Some(View::Frontal),
        Some("LATERAL" | "LL" | "RL" | "XTABLE") => Some(View::Lateral),
        _ => None,
    }
}

fn number<'a>(row: Row<'a>, name: &str, column: usize) -> Result<&'a str> {
    let cell = row.cell(column);
    if cell.is_empty() || !cell.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(row.wrong(name, cell, "a number"));
    }
    Ok(cell)
}

fn file_name<'a>(row: Row<'a>, name: &str, column: usize) -> Result<&'a str> {
    let cell = row.cell(column);
    if cell.contains('/') || check_inside(cell).is_err() {
        return Err(row.wrong(name, cell, "a file name without its ending"));
    }
    Ok(cell)
}
