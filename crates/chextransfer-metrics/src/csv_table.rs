//! CSV tables with a header, cell by cell, for messages that say where.

use std::fs::File;
use std::path::{Path, PathBuf};

use csv::{ErrorKind, Position, StringRecord};
use ndarray::Array2;

use crate::{Error, Predictions, Result};

/// A CSV file, read whole.
pub(crate) struct Table {
    path: PathBuf,
    header: StringRecord,
    records: Vec<StringRecord>,
}

impl Table {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io("read", path))?;
        let mut reader = csv::Reader::from_reader(file);
        let header = reader.headers().map_err(|cause| csv_error(path, cause))?;
        Ok(Self {
            path: path.to_path_buf(),
            header: header.clone(),
            records: reader
                .into_records()
                .collect::<Result<_, _>>()
                .map_err(|cause| csv_error(path, cause))?,
        })
    }

    pub(crate) fn header(&self) -> impl Iterator<Item = &str> {
        self.header.iter()
    }

    /// The place of a column that must be there once.
    pub(crate) fn column(&self, name: &str) -> Result<usize> {
        let mut places = (0..self.header.len()).filter(|&at| &self.header[at] == name);
        match (places.next(), places.next()) {
            (Some(place), None) => Ok(place),
            (Some(_), Some(_)) => Err(Error::Csv {
                file: self.path.clone(),
                line: Some(1),
                problem: format!("found two columns {name:?}, expected one"),
            }),
            (None, _) => Err(Error::MissingColumn {
                file: self.path.clone(),
                column: name.to_owned(),
                found: self.header().collect::<Vec<_>>().join(", "),
            }),
        }
    }

    pub(crate) fn rows(&self) -> impl ExactSizeIterator<Item = Cells<'_>> {
        let path = &self.path;
        self.records
            .iter()
            .map(move |record| Cells { path, record })
    }

    /// Makes the predictions that were read from this file.
    ///
    /// `probabilities` and `labels` are in row order, as many as rows times `observations`.
    pub(crate) fn predictions(
        &self,
        observations: Vec<String>,
        paths: Vec<String>,
        studies: Vec<String>,
        probabilities: Vec<f64>,
        labels: Vec<Option<bool>>,
    ) -> Result<Predictions> {
        let shape = (paths.len(), observations.len());
        let whole_file = |problem: String| Error::Csv {
            file: self.path.clone(),
            line: None,
            problem,
        };
        let probabilities = Array2::from_shape_vec(shape, probabilities);
        let labels = Array2::from_shape_vec(shape, labels);
        let (Ok(probabilities), Ok(labels)) = (probabilities, labels) else {
            return Err(whole_file(format!("no table of {shape:?} cells")));
        };
        let table = Predictions::new(observations, paths, studies, labels, probabilities);
        table.map_err(|error| match error {
            Error::Table { problem } => whole_file(problem),
            other => other,
        })
    }
}

/// One record and where it stands.
pub(crate) struct Cells<'a> {
    path: &'a Path,
    record: &'a StringRecord,
}

impl Cells<'_> {
    /// The text of a cell; the reader has made sure that every record is as long as the header.
    pub(crate) fn text(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or_default()
    }

    /// The probability in a column of this name.
    pub(crate) fn probability(&self, column: usize, name: &str) -> Result<f64> {
        let text = self.text(column);
        match text.trim().parse() {
            Ok(probability) if (0.0..=1.0).contains(&probability) => Ok(probability),
            _ => Err(self.bad_cell(name, text, "a probability from 0 to 1")),
        }
    }

    /// The label in a column of this name. Labels may be written `1.0`, as programs do whose missing values turn a column
    /// into floats.
    pub(crate) fn label(&self, column: usize, name: &str) -> Result<Option<bool>> {
        let text = self.text(column);
        match text.trim() {
            "1" | "1.0" => Ok(Some(true)),
            "0" | "0.0" => Ok(Some(false)),
            "" => Ok(None),
            _ => Err(self.bad_cell(name, text, "1, 0 or nothing (masked)")),
        }
    }

    fn bad_cell(&self, column: &str, found: &str, expected: &'static str) -> Error {
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
            column: column.to_owned(),
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
