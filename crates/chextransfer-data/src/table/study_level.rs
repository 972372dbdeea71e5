//! A table with a row a study: CheXpert's official test labels.

use std::collections::HashMap;
use std::path::Path;

use super::image_level::labels;
use super::{PATH, Rows, STUDY};
use crate::path::{Identity, below_root, check_inside, identify_folder};
use crate::record::{Sex, View};
use crate::{Error, Label, Observation, Record, Result};

/// File names that are images, by their ending.
const IMAGE_ENDINGS: [&str; 4] = ["jpg", "jpeg", "png", "dcm"];

/// The labels of whole studies, header `Study,<observations>`.
pub(crate) struct StudyLabels<'a> {
    file: &'a Path,
    rows: Vec<StudyRow>,
}

struct StudyRow {
    /// The `Study` cell without a slash at its end, such as `CheXpert-v1.0/test/patient64741/study1`.
    folder: String,
    identity: Identity,
    labels: [Label; Observation::COUNT],
    line: u64,
}

/// Whether a table has a row a study instead of a row an image.
pub(crate) fn is_by_study(rows: &Rows<'_>) -> Result<bool> {
    Ok(rows.optional_column(PATH)?.is_none() && rows.optional_column(STUDY)?.is_some())
}

/// Where the 14 observations stand.
pub(super) fn observations(rows: &Rows<'_>) -> Result<[usize; Observation::COUNT]> {
    let mut columns = [0; Observation::COUNT];
    for observation in Observation::ALL {
        let name = observation.name();
        let is_it = |column: &str| Observation::from_column(column) == Some(observation);
        columns[observation.index()] = rows
            .column_where(name, is_it)?
            .ok_or_else(|| rows.missing(name))?;
    }
    Ok(columns)
}

impl<'a> StudyLabels<'a> {
    /// Reads a table that has a `Study` column; a study may be there once.
    pub(crate) fn read(mut rows: Rows<'a>) -> Result<Self> {
        const EXPECTED: &str = "a relative path that ends in patientN/studyN";
        let study = rows.column(STUDY)?;
        let columns = observations(&rows)?;
        let mut read: Vec<StudyRow> = Vec::new();
        while let Some(row) = rows.next()? {
            let cell = row.cell(study);
            let folder = cell.strip_suffix('/').unwrap_or(cell);
            check_inside(folder).map_err(|expected| row.wrong(STUDY, cell, expected))?;
            let identity = identify_folder(folder)
                .filter(|identity| folder.ends_with(&identity.study))
                .ok_or_else(|| row.wrong(STUDY, cell, EXPECTED))?;
            read.push(StudyRow {
                folder: folder.to_owned(),
                identity,
                labels: labels(row, &columns)?,
                line: row.line,
            });
        }
        let mut lines = HashMap::new();
        for row in &read {
            if let Some(line) = lines.insert(&row.identity.study, row.line) {
                let problem = format!("study {} is on line {line} too", row.identity.study);
                return Err(rows.wrong(Some(row.line), problem));
            }
        }
        Ok(Self {
            file: rows.file(),
            rows: read,
        })
    }

    /// One record for each image file in the studies' folders below `root`, by name within a study.
    ///
    /// A study without a folder or without an image is an error.
    pub(crate) fn on_images(self, root: &Path) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        for row in self.rows {
            let folder = root.join(below_root(&row.folder));
            let names = image_names(&folder)?;
            if names.is_empty() {
                return Err(Error::Table {
                    file: self.file.to_path_buf(),
                    line: Some(row.line),
                    problem: format!(
                        "no image lies in {}; expected files that end in {}",
                        folder.display(),
                        IMAGE_ENDINGS.join(", ")
                    ),
                });
            }
            records.extend(names.into_iter().map(|name| Record {
                view: View::from_file_name(&name),
                path: format!("{}/{name}", row.folder),
                patient: row.identity.patient.clone(),
                study: row.identity.study.clone(),
                projection: None,
                sex: Sex::Unknown,
                age: None,
                labels: row.labels,
                line: row.line,
            }));
        }
        Ok(records)
    }

    /// Puts the studies' labels into `records`; either side without the other is an error.
    pub(crate) fn onto(self, mut records: Vec<Record>) -> Result<Vec<Record>> {
        let mut studies: HashMap<&str, (&StudyRow, bool)> = self
            .rows
            .iter()
            .map(|row| (row.identity.study.as_str(), (row, false)))
            .collect();
        for record in &mut records {
            let Some((row, used)) = studies.get_mut(record.study.as_str()) else {
                return Err(Error::Table {
                    file: self.file.to_path_buf(),
                    line: None,
                    problem: format!("it has no study {}, that of {}", record.study, record.path),
                });
            };
            record.labels = row.labels;
            *used = true;
        }
        let unused = self.rows.iter().find(|row| {
            studies
                .get(row.identity.study.as_str())
                .is_some_and(|(_, used)| !used)
        });
        match unused {
            None => Ok(records),
            Some(row) => Err(Error::Table {
                file: self.file.to_path_buf(),
                line: Some(row.line),
                problem: format!("no image is of study {}", row.identity.study),
            }),
        }
    }
}

fn image_names(folder: &Path) -> Result<Vec<String>> {
    let entries = folder.read_dir().map_err(Error::io("list", folder))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::io("list", folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_image(&name) && check_inside(&name).is_ok() {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Whether a file's name ends as an image's does; hidden files (`._view1_frontal.jpg` of macOS) are none.
pub(crate) fn is_image(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    !name.starts_with('.')
        && IMAGE_ENDINGS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(ending))
}
