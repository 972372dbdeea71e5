//! The rows of one table.

use std::path::{Path, PathBuf};

use crate::digest::sha256_hex;
use crate::path::below_root;
use crate::study::{Group, group};
use crate::table::{self, Rows, StudyLabels};
use crate::{Error, LabelCounts, Record, Result};

/// The rows of a table, at least one, and the folder that their paths refer to.
#[derive(Clone, Debug)]
pub struct Records {
    root: PathBuf,
    file: PathBuf,
    digest: String,
    records: Vec<Record>,
}

impl Records {
    /// Reads any CSV with CheXpert's columns whose images lie under `root`.
    ///
    /// Columns are found by name; `Sex`, `Age`, `Frontal/Lateral` and `AP/PA` may be missing together, as in the later image
    /// release. Columns `Patient` and `Study`, both or none, name what the paths do not. A table with `Study` but without
    /// `Path`, as CheXpert's official test labels, has a row for every image in its studies' folders below `root`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::Table`], [`Error::MissingColumn`] or [`Error::Cell`].
    pub fn read(root: &Path, file: &Path) -> Result<Self> {
        let bytes = std::fs::read(file).map_err(Error::io("read", file))?;
        let rows = Rows::open(&bytes, file)?;
        if table::is_by_study(&rows)? {
            return Self::new(root, file, StudyLabels::read(rows)?.on_images(root)?);
        }
        Ok(Self {
            root: root.to_path_buf(),
            file: file.to_path_buf(),
            digest: sha256_hex(&bytes),
            records: table::read(rows)?,
        })
    }

    /// As [`Records::read`], but a row that cannot be read is left out, and its error comes beside the others; a table
    /// by study is read as a whole.
    pub(crate) fn read_leniently(root: &Path, file: &Path) -> Result<(Self, Vec<Error>)> {
        let bytes = std::fs::read(file).map_err(Error::io("read", file))?;
        let rows = Rows::open(&bytes, file)?;
        if table::is_by_study(&rows)? {
            let records = StudyLabels::read(rows)?.on_images(root)?;
            return Ok((Self::new(root, file, records)?, Vec::new()));
        }
        let (records, errors) = table::read_leniently(rows)?;
        let records = Self {
            root: root.to_path_buf(),
            file: file.to_path_buf(),
            digest: sha256_hex(&bytes),
            records,
        };
        Ok((records, errors))
    }

    /// Records from anywhere; `file` is the table that messages name.
    ///
    /// # Errors
    ///
    /// [`Error::Table`] if there are none.
    pub fn new(root: &Path, file: &Path, records: Vec<Record>) -> Result<Self> {
        if records.is_empty() {
            return Err(Error::Table {
                file: file.to_path_buf(),
                line: None,
                problem: "no row is left of it".to_owned(),
            });
        }
        Ok(Self {
            root: root.to_path_buf(),
            file: file.to_path_buf(),
            digest: table::digest(&records, file)?,
            records,
        })
    }

    /// The same images with the labels of a table by study, such as CheXpert's official test labels.
    ///
    /// # Errors
    ///
    /// What is wrong in the table; [`Error::Table`] if a study is in one of the two only.
    pub fn with_study_labels(self, labels: &Path) -> Result<Self> {
        let bytes = std::fs::read(labels).map_err(Error::io("read", labels))?;
        let by_study = StudyLabels::read(Rows::open(&bytes, labels)?)?;
        Self::new(&self.root, &self.file, by_study.onto(self.records)?)
    }

    /// The rows at these places, in this order.
    ///
    /// # Errors
    ///
    /// [`Error::Table`] if there are none, [`Error::Setting`] if a place is not below [`len`](Self::len).
    pub fn select(&self, places: &[usize]) -> Result<Self> {
        let record = |&place: &usize| {
            self.records
                .get(place)
                .cloned()
                .ok_or_else(|| Error::Setting {
                    setting: "place of a row",
                    found: place.to_string(),
                    expected: format!("less than {}", self.len()),
                })
        };
        let records = places.iter().map(record).collect::<Result<Vec<_>>>()?;
        Self::new(&self.root, &self.file, records)
    }

    /// All rows of several tables, the first's first; the tables must share the folder of their images.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if they do not, or if there is no table.
    pub fn concat<'a>(tables: impl IntoIterator<Item = &'a Self>) -> Result<Self> {
        let mut tables = tables.into_iter();
        let wrong = |found: String| Error::Setting {
            setting: "tables to put together",
            found,
            expected: "tables whose images lie below one folder".to_owned(),
        };
        let first = tables.next().ok_or_else(|| wrong("none".to_owned()))?;
        let mut records = first.records.clone();
        for table in tables {
            if table.root != first.root {
                let roots = [&first.root, &table.root].map(|root| root.display().to_string());
                return Err(wrong(roots.join(" and ")));
            }
            records.extend_from_slice(&table.records);
        }
        Self::new(&first.root, &first.file, records)
    }

    /// The folder below which the images lie.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The table; of selected or joined rows the one they came from.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// SHA-256 in hexadecimal of the table's bytes; of selected or joined rows that of what
    /// [`write_csv`](Self::write_csv) writes.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The rows in the table's order.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The number of rows, at least 1.
    #[allow(clippy::len_without_is_empty)] // a table without rows is an error when it is read
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// The file of a row's radiograph.
    pub fn image_path(&self, record: &Record) -> PathBuf {
        self.root.join(below_root(&record.path))
    }

    /// The rows by study, in the order of each study's first row. A study's rows need not stand together.
    pub fn studies(&self) -> Vec<Group<'_>> {
        group(&self.records, |record| &record.study)
    }

    /// The rows by patient, in the order of each patient's first row.
    pub fn patients(&self) -> Vec<Group<'_>> {
        group(&self.records, |record| &record.patient)
    }

    /// How often each observation is positive, uncertain, negative and blank, in the order of [`crate::Observation::ALL`].
    pub fn label_counts(&self) -> [LabelCounts; crate::Observation::COUNT] {
        LabelCounts::of(&self.records)
    }

    /// Writes a CSV in CheXpert's columns, whole or not at all; [`Records::read`] gives the same records back.
    ///
    /// `Patient` and `Study` are added where the paths do not say them.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn write_csv(&self, file: &Path) -> Result<()> {
        table::write(&self.records, file)
    }
}
