//! The table of values that replace uncertain labels.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::digest::sha256_hex;
use crate::path::{below_root, check_inside};
use crate::table::{PATH, Rows};
use crate::{Error, Observation, Result};

/// Values between 0 and 1 by image and observation.
#[derive(Debug)]
pub(super) struct SoftLabels {
    file: PathBuf,
    digest: String,
    /// By the path below the dataset's folder, so that copies of the dataset under another name share a table.
    values: HashMap<String, [Option<f32>; Observation::COUNT]>,
}

impl SoftLabels {
    /// Reads `Path` and the columns of `observations`, which must be there; their cells may be empty.
    pub(super) fn read(file: &Path, observations: &[Observation]) -> Result<Self> {
        const EXPECTED: &str = "a number from 0 to 1 or an empty cell";
        let bytes = std::fs::read(file).map_err(Error::io("read", file))?;
        let mut rows = Rows::open(&bytes, file)?;
        let path_column = rows.column(PATH)?;
        let mut columns = Vec::with_capacity(observations.len());
        for &observation in observations {
            let name = observation.name();
            let is_it = |column: &str| Observation::from_column(column) == Some(observation);
            let column = rows.column_where(name, is_it)?;
            columns.push((observation, column.ok_or_else(|| rows.missing(name))?));
        }
        let mut values = HashMap::new();
        while let Some(row) = rows.next()? {
            let path = row.cell(path_column);
            check_inside(path).map_err(|expected| row.wrong(PATH, path, expected))?;
            let mut read = [None; Observation::COUNT];
            for &(observation, column) in &columns {
                let cell = row.cell(column);
                if cell.is_empty() {
                    continue;
                }
                let value = cell
                    .parse()
                    .ok()
                    .filter(|value| (0.0..=1.0).contains(value));
                read[observation.index()] =
                    Some(value.ok_or_else(|| row.wrong(observation.name(), cell, EXPECTED))?);
            }
            if values.insert(below_root(path).to_owned(), read).is_some() {
                return Err(row.wrong(PATH, path, "each image once"));
            }
        }
        Ok(Self {
            file: file.to_path_buf(),
            digest: sha256_hex(&bytes),
            values,
        })
    }

    pub(super) fn digest(&self) -> &str {
        &self.digest
    }

    /// The value of an image's observation; none is an error.
    pub(super) fn value(&self, path: &str, observation: Observation) -> Result<f32> {
        let row = self.values.get(below_root(path));
        row.and_then(|values| values[observation.index()])
            .ok_or_else(|| Error::NoTarget {
                file: self.file.clone(),
                path: path.to_owned(),
                observation,
            })
    }
}
