//! Prediction tables as CSV files.
//!
//! Header `Path,Study,<observation>...,<observation> label...`: the probability columns carry exactly the observations'
//! names, so that CheXpert's own scorer reads the file. Label cells are `1`, `0`, or empty (masked).

use std::io::{BufWriter, Write};
use std::path::Path;

use csv::StringRecord;

use crate::csv_table::Table;
use crate::{Error, Predictions, Result};

impl Predictions {
    /// Reads a table that [`write_csv`](Self::write_csv) wrote. Columns are found by name; observations keep the order of
    /// their probability columns.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, lacks a column or has one that belongs to nothing, a row has too few or too many cells, or
    /// a cell is neither a probability nor a label: each names file, line, and column.
    pub fn read_csv(path: impl AsRef<Path>) -> Result<Self> {
        let table = Table::read(path.as_ref())?;
        let columns = Columns::find(&table)?;
        let (mut paths, mut studies) = (Vec::new(), Vec::new());
        let (mut probabilities, mut labels) = (Vec::new(), Vec::new());
        for cells in table.rows() {
            paths.push(cells.text(columns.path).to_owned());
            studies.push(cells.text(columns.study).to_owned());
            for of in &columns.observations {
                probabilities.push(cells.probability(of.probability, &of.name)?);
                labels.push(cells.label(of.label, &label_column(&of.name))?);
            }
        }
        let names = columns.observations.into_iter().map(|of| of.name);
        table.predictions(names.collect(), paths, studies, probabilities, labels)
    }

    /// Writes the table, whole or not at all. Probabilities are written with as many digits as bring back the same number.
    ///
    /// # Errors
    ///
    /// If the file cannot be written; then a file of this name is as it was before.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let write = || -> std::io::Result<()> {
            let mut file = temporary_file().tempfile_in(folder)?;
            let mut buffered = BufWriter::new(file.as_file_mut());
            self.write_rows(&mut buffered)?;
            buffered.flush()?;
            drop(buffered);
            file.as_file().sync_all()?;
            file.persist(path)?;
            Ok(())
        };
        write().map_err(Error::io("write", path))
    }

    /// The bytes that [`write_csv`](Self::write_csv) writes.
    ///
    /// # Errors
    ///
    /// Never of a table; an error tells of a defect.
    pub fn to_csv(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let written = self.write_rows(&mut bytes);
        written.map_err(|cause| Error::table(cause.to_string()))?;
        Ok(bytes)
    }

    fn write_rows(&self, file: impl Write) -> csv::Result<()> {
        let mut writer = csv::Writer::from_writer(file);
        let mut header = StringRecord::from(vec![Self::PATH_COLUMN, Self::STUDY_COLUMN]);
        header.extend(self.observations());
        header.extend(self.observations().iter().map(|name| label_column(name)));
        writer.write_record(&header)?;

        let mut record = StringRecord::new();
        for row in 0..self.rows() {
            record.clear();
            record.push_field(&self.paths()[row]);
            record.push_field(&self.studies()[row]);
            record.extend(self.probabilities().row(row).iter().map(f64::to_string));
            record.extend(self.labels().row(row).iter().map(|label| match label {
                Some(true) => "1",
                Some(false) => "0",
                None => "",
            }));
            writer.write_record(&record)?;
        }
        writer.flush()?;
        Ok(())
    }
}

/// A temporary file with the permissions of an ordinary one; left to itself, the crate makes files that only their owner
/// can read.
fn temporary_file() -> tempfile::Builder<'static, 'static> {
    #[allow(unused_mut)]
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

fn label_column(observation: &str) -> String {
    format!("{observation}{}", Predictions::LABEL_SUFFIX)
}

/// Where in a record the cells lie.
struct Columns {
    path: usize,
    study: usize,
    observations: Vec<ObservationColumns>,
}

struct ObservationColumns {
    name: String,
    probability: usize,
    label: usize,
}

impl Columns {
    fn find(table: &Table) -> Result<Self> {
        let mut observations = Vec::new();
        for name in table.header() {
            if name == Predictions::PATH_COLUMN || name == Predictions::STUDY_COLUMN {
                continue;
            }
            if let Some(observation) = name.strip_suffix(Predictions::LABEL_SUFFIX) {
                table.column(observation)?;
                continue;
            }
            observations.push(ObservationColumns {
                name: name.to_owned(),
                probability: table.column(name)?,
                label: table.column(&label_column(name))?,
            });
        }
        Ok(Self {
            path: table.column(Predictions::PATH_COLUMN)?,
            study: table.column(Predictions::STUDY_COLUMN)?,
            observations,
        })
    }
}
