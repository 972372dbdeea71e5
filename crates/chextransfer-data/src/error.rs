//! The one error type of this crate.

use std::path::{Path, PathBuf};

use crate::{Observation, Split};

/// What can go wrong between a folder of radiographs and a batch.
///
/// Every message is one line and names the file, and where there is one the line and the column.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name that is not one of a fixed list.
    #[error("unknown {what} {found:?}; valid names: {valid}")]
    UnknownName {
        /// What kind of name was looked up, such as `observation`.
        what: &'static str,
        /// The name as given.
        found: String,
        /// The names that exist, separated by commas.
        valid: String,
    },

    /// A file or a folder could not be read or written.
    #[error("cannot {action} {}: {cause}", path.display())]
    Io {
        /// What was tried, such as `read`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's answer.
        cause: std::io::Error,
    },

    /// A folder is no CheXpert tree, or lacks the CSV of a split.
    #[error("{} is not a CheXpert-style folder: {problem}", root.display())]
    Tree {
        /// The folder.
        root: PathBuf,
        /// What is missing and what was found.
        problem: String,
    },

    /// A folder that lacks a table of another dataset.
    #[error("{}: {problem}", root.display())]
    Source {
        /// The folder.
        root: PathBuf,
        /// What is missing and what was found.
        problem: String,
    },

    /// A table that is no readable CSV, as a whole or from some line on.
    #[error("{}{}: {problem}", file.display(), at_line(*line))]
    Table {
        /// The CSV file.
        file: PathBuf,
        /// Line in the file, counted from 1, where the problem has one.
        line: Option<u64>,
        /// What was found and what was expected.
        problem: String,
    },

    /// A column that the table must have and has not.
    #[error("{}: column {column:?} is missing; columns found: {found}", file.display())]
    MissingColumn {
        /// The CSV file.
        file: PathBuf,
        /// The column looked for.
        column: String,
        /// The columns of the file, separated by commas.
        found: String,
    },

    /// A cell whose value is not one of those allowed.
    #[error("{}, line {line}, column {column:?}: found {found:?}, expected {expected}", file.display())]
    Cell {
        /// The CSV file.
        file: PathBuf,
        /// Line in the file, counted from 1.
        line: u64,
        /// The name of the column.
        column: String,
        /// The cell's text, shortened if long.
        found: String,
        /// The values allowed.
        expected: String,
    },

    /// An uncertain label whose table of values has none for it.
    #[error("{}: no value for {observation} of {path}, whose label is uncertain", file.display())]
    NoTarget {
        /// The table of values.
        file: PathBuf,
        /// The image, as in the split's table.
        path: String,
        /// The observation.
        observation: Observation,
    },

    /// A patient in two splits: what is learnt from the one would be tested on the other.
    #[error(
        "patient {patient:?} is in the {} split (line {}) and in the {} split (line {})",
        splits.0, numbers(&lines.0), splits.1, numbers(&lines.1)
    )]
    Leak {
        /// The patient.
        patient: String,
        /// The two splits.
        splits: (Split, Split),
        /// The lines of the patient's rows in either split's table.
        lines: (Vec<u64>, Vec<u64>),
    },

    /// An image that cannot be used.
    #[error("image {}: {problem}", path.display())]
    Image {
        /// The image file.
        path: PathBuf,
        /// Why it cannot be used.
        problem: String,
    },

    /// An image that could not be resized.
    #[error("cannot resize {}x{} pixels to {}x{}: {problem}", from.0, from.1, to.0, to.1)]
    Resize {
        /// Width and height before.
        from: (u32, u32),
        /// Width and height asked for.
        to: (u32, u32),
        /// Why not.
        problem: String,
    },

    /// A setting outside its range.
    #[error("{setting} is {found}, expected {expected}")]
    Setting {
        /// The name of the setting.
        setting: &'static str,
        /// The value given.
        found: String,
        /// The values allowed.
        expected: String,
    },

    /// Statistics that cannot be formed.
    #[error("cannot measure the normalisation of {}: {problem}", file.display())]
    Normalization {
        /// The split's CSV file.
        file: PathBuf,
        /// Why not.
        problem: String,
    },

    /// A loader thread failed in a way that is a defect of this program, not of the data.
    #[error("loader failed on batch {batch}: {problem}")]
    Worker {
        /// Number of the batch in its epoch, counted from 0.
        batch: usize,
        /// The panic's message.
        problem: String,
    },
}

/// This crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An [`Error::Io`] for use in `map_err`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |cause| Self::Io {
            action,
            path,
            cause,
        }
    }

    /// An [`Error::UnknownName`] that lists `valid`.
    pub(crate) fn unknown_name<'a>(
        what: &'static str,
        found: &str,
        valid: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self::UnknownName {
            what,
            found: shortened(found),
            valid: valid.into_iter().collect::<Vec<_>>().join(", "),
        }
    }
}

fn at_line(line: Option<u64>) -> String {
    line.map(|line| format!(", line {line}"))
        .unwrap_or_default()
}

/// A list of lines for a message.
fn numbers(lines: &[u64]) -> String {
    const MOST: usize = 8;
    let mut list: Vec<String> = lines.iter().take(MOST).map(u64::to_string).collect();
    if lines.len() > MOST {
        list.push(format!("and {} more", lines.len() - MOST));
    }
    list.join(", ")
}

/// A foreign text cut to what fits into a message.
pub(crate) fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(LONGEST).collect();
    short.push('…');
    short
}
