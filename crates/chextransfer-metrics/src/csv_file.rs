//! Prediction tables as CSV files.
//!
//! Header `Path,Study,<observation>...,<observation> label...`: the probability columns carry exactly the observations'
//! names, so that CheXpert's own scorer reads the file. Label cells are `1`, `0`, or empty (masked).

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use csv::{ErrorKind, Position, StringRecord};
use ndarray::Array2;

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
        let path = path.as_ref();
        let file = File::open(path).map_err(Error::io("read", path))?;
        let mut reader = csv::Reader::from_reader(file);
        let header = reader.headers().map_err(|cause| csv_error(path, cause))?;
        let columns = Columns::find(path, header)?;

        let (mut paths, mut studies) = (Vec::new(), Vec::new());
        let (mut probabilities, mut labels) = (Vec::new(), Vec::new());
        for record in reader.into_records() {
            let record = record.map_err(|cause| csv_error(path, cause))?;
            let cells = Cells {
                path,
                record: &record,
            };
            paths.push(cells.text(columns.path).to_owned());
            studies.push(cells.text(columns.study).to_owned());
            for observation in &columns.observations {
                probabilities.push(cells.probability(observation)?);
                labels.push(cells.label(observation)?);
            }
        }
        let shape = (paths.len(), columns.observations.len());
        let whole_file = |problem: String| Error::Csv {
            file: path.to_path_buf(),
            line: None,
            problem,
        };
        let probabilities = Array2::from_shape_vec(shape, probabilities);
        let labels = Array2::from_shape_vec(shape, labels);
        let (Ok(probabilities), Ok(labels)) = (probabilities, labels) else {
            return Err(whole_file(format!("no table of {shape:?} cells")));
        };
        let names = columns.observations.into_iter().map(|column| column.name);
        Self::new(names.collect(), paths, studies, labels, probabilities).map_err(|error| {
            match error {
                Error::Table { problem } => whole_file(problem),
                other => other,
            }
        })
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
    fn find(file: &Path, header: &StringRecord) -> Result<Self> {
        let missing = |column: &str| Error::MissingColumn {
            file: file.to_path_buf(),
            column: column.to_owned(),
            found: header.iter().collect::<Vec<_>>().join(", "),
        };
        let position = |column: &str| {
            let mut positions = (0..header.len()).filter(|&at| &header[at] == column);
            match (positions.next(), positions.next()) {
                (None, _) => Err(missing(column)),
                (Some(at), None) => Ok(at),
                (Some(_), Some(_)) => Err(Error::Csv {
                    file: file.to_path_buf(),
                    line: Some(1),
                    problem: format!("found two columns {column:?}, expected one"),
                }),
            }
        };

        let mut observations = Vec::new();
        for name in header {
            if name == Predictions::PATH_COLUMN || name == Predictions::STUDY_COLUMN {
                continue;
            }
            if let Some(observation) = name.strip_suffix(Predictions::LABEL_SUFFIX) {
                position(observation)?;
                continue;
            }
            observations.push(ObservationColumns {
                name: name.to_owned(),
                probability: position(name)?,
                label: position(&label_column(name))?,
            });
        }
        Ok(Self {
            path: position(Predictions::PATH_COLUMN)?,
            study: position(Predictions::STUDY_COLUMN)?,
            observations,
        })
    }
}

/// One record and where it stands, for messages.
struct Cells<'a> {
    path: &'a Path,
    record: &'a StringRecord,
}

impl Cells<'_> {
    /// The text of a cell; the reader has made sure that every record is as long as the header.
    fn text(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or_default()
    }

    fn probability(&self, of: &ObservationColumns) -> Result<f64> {
        let text = self.text(of.probability);
        match text.trim().parse() {
            Ok(probability) if (0.0..=1.0).contains(&probability) => Ok(probability),
            _ => Err(self.bad_cell(of.name.clone(), text, "a probability from 0 to 1")),
        }
    }

    /// Labels may be written `1.0`, as programs do whose missing values turn a column into floats.
    fn label(&self, of: &ObservationColumns) -> Result<Option<bool>> {
        let text = self.text(of.label);
        match text.trim() {
            "1" | "1.0" => Ok(Some(true)),
            "0" | "0.0" => Ok(Some(false)),
            "" => Ok(None),
            _ => Err(self.bad_cell(label_column(&of.name), text, "1, 0 or nothing (masked)")),
        }
    }

    fn bad_cell(&self, column: String, found: &str, expected: &'static str) -> Error {
        const LONGEST: usize = 40;
        let found = match found.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}...", &found[..end]),
            None => found.to_owned(),
        };
        Error::Cell {
            file: self.path.to_path_buf(),
            line: self
                .record
                .position()
                .map_or(0, |start| line_of(self.path, start)),
            column,
            found,
            expected,
        }
    }
}

/// Line, counted from 1, of the record that the reader says to start at `start`.
///
/// The reader's own count is that of the place where the record before ended, which is a line or more too early after
/// `\r\n` and after empty lines. So the lines are counted again; this happens for messages only.
fn line_of(path: &Path, start: &Position) -> u64 {
    let Ok(bytes) = std::fs::read(path) else {
        return start.line();
    };
    let end_before = usize::try_from(start.byte()).map_or(bytes.len(), |at| at.min(bytes.len()));
    let (before, from) = bytes.split_at(end_before);
    let ends = from.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    let line_feeds = before
        .iter()
        .chain(ends)
        .filter(|&&byte| byte == b'\n')
        .count();
    line_feeds as u64 + 1
}

fn csv_error(path: &Path, cause: csv::Error) -> Error {
    let line = cause.position().map(|start| line_of(path, start));
    let problem = match cause.into_kind() {
        ErrorKind::Io(cause) => return Error::io("read", path)(cause),
        ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!("found {len} cells, expected {expected_len} as in the header")
        }
        ErrorKind::Utf8 { err, .. } => format!("found a cell that is not UTF-8: {err}"),
        other => format!("not a CSV table: {other:?}"),
    };
    Error::Csv {
        file: path.to_path_buf(),
        line,
        problem,
    }
}
