//! A dataset's folder and its splits.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::digest::sha256_hex;
use crate::path::below_root;
use crate::{Error, Record, Result, table};

/// A part of the dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Split {
    /// `train.csv`
    Train,
    /// `valid.csv`
    Valid,
    /// `test.csv`
    Test,
}

impl Split {
    /// All splits.
    pub const ALL: [Self; 3] = [Self::Train, Self::Valid, Self::Test];

    /// The name, which is also the stem of the CSV's file name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "valid",
            Self::Test => "test",
        }
    }

    fn file_name(self) -> String {
        format!("{}.csv", self.name())
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Split {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|split| split.name() == name)
            .ok_or_else(|| Error::unknown_name("split", name, Self::ALL.iter().map(|s| s.name())))
    }
}

/// A folder in CheXpert's layout: `train.csv`, `valid.csv` and perhaps `test.csv` beside the images.
#[derive(Clone, Debug)]
pub struct CheXpert {
    root: PathBuf,
    splits: Vec<Split>,
}

impl CheXpert {
    /// Opens the folder and looks which splits it has; reads none of them yet.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if there is no such folder, [`Error::Tree`] if it holds none of the three CSVs.
    pub fn open(root: impl AsRef<Path>) -> Result<Self> {
        let root = root.as_ref();
        let metadata = root.metadata().map_err(Error::io("open folder", root))?;
        let not_a_tree = |problem: String| Error::Tree {
            root: root.to_path_buf(),
            problem,
        };
        if !metadata.is_dir() {
            return Err(not_a_tree("it is a file".to_owned()));
        }
        let splits: Vec<Split> = Split::ALL
            .into_iter()
            .filter(|split| root.join(split.file_name()).is_file())
            .collect();
        if splits.is_empty() {
            return Err(not_a_tree(
                "it holds none of train.csv, valid.csv, test.csv".to_owned(),
            ));
        }
        Ok(Self {
            root: root.to_path_buf(),
            splits,
        })
    }

    /// The dataset's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The splits whose CSV was there when the folder was opened.
    pub fn splits(&self) -> &[Split] {
        &self.splits
    }

    /// Reads a split's CSV; opens no image.
    ///
    /// # Errors
    ///
    /// [`Error::Tree`] if the folder has no CSV of that split, otherwise what is wrong in the CSV, with its line.
    pub fn split(&self, split: Split) -> Result<Records> {
        if !self.splits.contains(&split) {
            let found: Vec<String> = self.splits.iter().map(|s| s.file_name()).collect();
            return Err(Error::Tree {
                root: self.root.clone(),
                problem: format!(
                    "{} is missing; found {}",
                    split.file_name(),
                    found.join(", ")
                ),
            });
        }
        Records::read(&self.root, &self.root.join(split.file_name()))
    }

    /// As [`CheXpert::split`], but a row that cannot be read is left out, and its error comes beside the others.
    pub(crate) fn split_leniently(&self, split: Split) -> Result<(Records, Vec<Error>)> {
        let file = self.root.join(split.file_name());
        let bytes = std::fs::read(&file).map_err(Error::io("read", &file))?;
        let (mut records, mut errors) = (Vec::new(), Vec::new());
        table::rows(&bytes, &file, |row| {
            match row {
                Ok(record) => records.push(record),
                Err(error) => errors.push(error),
            }
            Ok(())
        })?;
        let records = Records {
            root: self.root.clone(),
            file,
            digest: sha256_hex(&bytes),
            records,
        };
        Ok((records, errors))
    }
}

/// The rows of one CSV and the folder that their paths refer to.
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
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::Table`], [`Error::MissingColumn`] or [`Error::Cell`].
    pub fn read(root: &Path, file: &Path) -> Result<Self> {
        let bytes = std::fs::read(file).map_err(Error::io("read", file))?;
        Ok(Self {
            root: root.to_path_buf(),
            file: file.to_path_buf(),
            digest: sha256_hex(&bytes),
            records: table::read(&bytes, file)?,
        })
    }

    /// The dataset's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The CSV.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// SHA-256 of the CSV's bytes, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The rows in the CSV's order.
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
}
