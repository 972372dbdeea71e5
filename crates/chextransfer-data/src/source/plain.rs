//! A CSV with a path and labels in each row.

use std::collections::HashMap;
use std::path::Path;

use super::{Converted, LabelMap};
use crate::path::{Identity, check_inside, identify};
use crate::record::{Sex, View};
use crate::table::{Row, Rows};
use crate::{Error, Record, Records, Result, Split};

/// First component of the `Path` cells, in CheXpert's manner.
const PREFIX: &str = "plain";
const PATH: &str = "path";
const PATIENT: &str = "patient";
const STUDY: &str = "study";
const SEX: &str = "sex";
const AGE: &str = "age";
const VIEW: &str = "view";
const PROJECTION: &str = "projection";
const SPLIT: &str = "split";

/// Every other column is a label. Without `patient` the paths must have `patientN/studyN` folders, since splits keep
/// patients apart; without `study` each image is a study of its own.
pub(super) fn read(file: &Path, images: &Path, map: &LabelMap) -> Result<Converted> {
    let bytes = std::fs::read(file).map_err(Error::io("read", file))?;
    let mut rows = Rows::open(&bytes, file)?;
    let columns = Columns::find(&rows)?;
    let label_columns = map.columns(&rows, &columns.places())?;
    let mut unmapped = Vec::new();
    let mut by_split: Vec<(Split, Vec<Record>)> =
        Split::ALL.map(|split| (split, Vec::new())).into();
    let mut patient_of: HashMap<String, String> = HashMap::new();
    while let Some(row) = rows.next()? {
        let labels = label_columns.labels(row, &mut unmapped)?;
        let (split, record) = columns.record(row, labels)?;
        let patient = patient_of
            .entry(record.study.clone())
            .or_insert_with(|| record.patient.clone());
        if *patient != record.patient {
            return Err(row.wrong(STUDY, &record.study, "a name that no two patients share"));
        }
        if let Some((_, records)) = by_split.iter_mut().find(|(s, _)| *s == split) {
            records.push(record);
        }
    }
    by_split.retain(|(_, records)| !records.is_empty());
    let splits = by_split
        .into_iter()
        .map(|(split, records)| Ok((split, Records::new(images, file, records)?)))
        .collect::<Result<_>>()?;
    Ok(Converted {
        splits,
        notes: label_columns.notes(&unmapped),
    })
}

struct Columns {
    path: usize,
    patient: Option<usize>,
    study: Option<usize>,
    sex: Option<usize>,
    age: Option<usize>,
    view: Option<usize>,
    projection: Option<usize>,
    split: Option<usize>,
}

impl Columns {
    fn find(rows: &Rows<'_>) -> Result<Self> {
        let find = |name: &str| rows.column_where(name, |column| column.eq_ignore_ascii_case(name));
        Ok(Self {
            path: find(PATH)?.ok_or_else(|| rows.missing(PATH))?,
            patient: find(PATIENT)?,
            study: find(STUDY)?,
            sex: find(SEX)?,
            age: find(AGE)?,
            view: find(VIEW)?,
            projection: find(PROJECTION)?,
            split: find(SPLIT)?,
        })
    }

    /// All columns that are no labels.
    fn places(&self) -> Vec<usize> {
        let optional = [
            self.patient,
            self.study,
            self.sex,
            self.age,
            self.view,
            self.projection,
            self.split,
        ];
        optional.into_iter().flatten().chain([self.path]).collect()
    }

    fn record(
        &self,
        row: Row<'_>,
        labels: [crate::Label; crate::Observation::COUNT],
    ) -> Result<(Split, Record)> {
        const NO_PATIENT: &str =
            "a path with patientN/studyN folders, or a column patient beside it";
        // An empty cell is as a missing column.
        let stated =
            |column: Option<usize>| column.map(|c| row.cell(c)).filter(|cell| !cell.is_empty());
        let path = row.cell(self.path);
        check_inside(path).map_err(|expected| row.wrong(PATH, path, expected))?;
        let identity = match self.patient {
            None => identify(path).map_err(|_| row.wrong(PATH, path, NO_PATIENT))?,
            Some(patient) => Identity {
                patient: row.name(PATIENT, patient)?.to_owned(),
                study: match self.study {
                    Some(study) => row.name(STUDY, study)?.to_owned(),
                    None => path.to_owned(),
                },
            },
        };
        let sex = match stated(self.sex) {
            None => Sex::Unknown,
            Some("M" | "Male") => Sex::Male,
            Some("F" | "Female") => Sex::Female,
            Some("Unknown") => Sex::Unknown,
            Some(cell) => {
                return Err(row.wrong(SEX, cell, "M, Male, F, Female, Unknown or an empty cell"));
            }
        };
        let age = stated(self.age).map(|cell| {
            let wrong = |_| row.wrong(AGE, cell, "a whole number of years or an empty cell");
            cell.parse().map_err(wrong)
        });
        let view = stated(self.view).map(|cell| {
            let wrong = || row.wrong(VIEW, cell, "Frontal, Lateral or an empty cell");
            View::from_csv(cell).ok_or_else(wrong)
        });
        let split = stated(self.split).map(|cell| {
            let names = "train, valid, test or an empty cell";
            cell.parse().map_err(|_| row.wrong(SPLIT, cell, names))
        });
        let record = Record {
            path: format!("{PREFIX}/{path}"),
            patient: identity.patient,
            study: identity.study,
            view: view.transpose()?.or_else(|| View::from_file_name(path)),
            projection: stated(self.projection).map(str::to_owned),
            sex,
            age: age.transpose()?,
            labels,
            line: row.line,
        };
        Ok((split.transpose()?.unwrap_or(Split::Train), record))
    }
}
