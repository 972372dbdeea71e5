//! A dataset's folder and its splits.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::{Error, Records, Result};

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

    /// The name, which is also the stem of the CSV's usual file name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "valid",
            Self::Test => "test",
        }
    }

    /// The file names that a split's table may have: those of CheXpert v1.0, of the later image release, and of the
    /// official test labels, which are by study.
    const fn file_names(self) -> &'static [&'static str] {
        match self {
            Self::Train => &["train.csv"],
            Self::Valid => &["valid.csv", "val_labels.csv"],
            Self::Test => &["test.csv", "test_labels.csv", "groundtruth.csv"],
        }
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

/// A folder in CheXpert's layout: the splits' tables beside the images, or tables that lie elsewhere.
#[derive(Clone, Debug)]
pub struct CheXpert {
    tables: PathBuf,
    images: PathBuf,
    splits: Vec<Split>,
    /// The table of each split.
    files: Vec<PathBuf>,
}

impl CheXpert {
    /// Opens the folder and looks which splits it has; reads none of them yet.
    ///
    /// | split | its table |
    /// | --- | --- |
    /// | train | `train.csv` |
    /// | valid | `valid.csv`, or `val_labels.csv` as in the later image release |
    /// | test | `test.csv`, `test_labels.csv`, or the official `groundtruth.csv`, which is by study |
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if there is no such folder, [`Error::Tree`] if it holds none of these, or two of one split.
    pub fn open(root: impl AsRef<Path>) -> Result<Self> {
        Self::open_with_images(root.as_ref(), root.as_ref())
    }

    /// Opens a folder of tables whose paths refer to images below another folder.
    ///
    /// # Errors
    ///
    /// As [`CheXpert::open`], for either folder.
    pub fn open_with_images(tables: &Path, images: &Path) -> Result<Self> {
        let not_a_tree = |root: &Path, problem: String| Error::Tree {
            root: root.to_path_buf(),
            problem,
        };
        for folder in [tables, images] {
            let metadata = folder
                .metadata()
                .map_err(Error::io("open folder", folder))?;
            if !metadata.is_dir() {
                return Err(not_a_tree(folder, "it is a file".to_owned()));
            }
        }
        let (mut splits, mut files) = (Vec::new(), Vec::new());
        for split in Split::ALL {
            let found = split
                .file_names()
                .iter()
                .filter(|name| tables.join(name).is_file());
            match found.copied().collect::<Vec<_>>()[..] {
                [] => {}
                [name] => {
                    splits.push(split);
                    files.push(tables.join(name));
                }
                [first, second, ..] => {
                    let problem = format!(
                        "both {first} and {second} are tables of the {split} split; expected one of them"
                    );
                    return Err(not_a_tree(tables, problem));
                }
            }
        }
        if splits.is_empty() {
            let names: Vec<&str> = Split::ALL
                .iter()
                .flat_map(|s| s.file_names())
                .copied()
                .collect();
            let problem = format!("it holds none of {}", names.join(", "));
            return Err(not_a_tree(tables, problem));
        }
        Ok(Self {
            tables: tables.to_path_buf(),
            images: images.to_path_buf(),
            splits,
            files,
        })
    }

    /// The folder of the tables, which is that of the images too if the dataset was opened as one.
    pub fn root(&self) -> &Path {
        &self.tables
    }

    /// The folder below which the images lie.
    pub fn images(&self) -> &Path {
        &self.images
    }

    /// The splits whose table was there when the folder was opened, in the order of [`Split::ALL`].
    pub fn splits(&self) -> &[Split] {
        &self.splits
    }

    /// Reads a split's table; opens no image.
    ///
    /// # Errors
    ///
    /// [`Error::Tree`] if the folder has no table of that split, otherwise what is wrong in the table, with its line.
    pub fn split(&self, split: Split) -> Result<Records> {
        Records::read(&self.images, self.table(split)?)
    }

    /// As [`CheXpert::split`], but a row that cannot be read is left out, and its error comes beside the others.
    pub(crate) fn split_leniently(&self, split: Split) -> Result<(Records, Vec<Error>)> {
        Records::read_leniently(&self.images, self.table(split)?)
    }

    /// The file of a split's table.
    fn table(&self, split: Split) -> Result<&Path> {
        match self.splits.iter().position(|found| *found == split) {
            Some(place) => Ok(&self.files[place]),
            None => {
                let found = self.files.iter().filter_map(|file| file.file_name());
                let found: Vec<_> = found.map(|name| name.to_string_lossy()).collect();
                let problem = format!(
                    "{} is missing; found {}",
                    split.file_names().join(" or "),
                    found.join(", ")
                );
                Err(Error::Tree {
                    root: self.tables.clone(),
                    problem,
                })
            }
        }
    }
}
