//! The one error type of this crate.

use std::path::{Path, PathBuf};

/// What can go wrong between a table of predictions and its evaluation.
///
/// Every message is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("cannot {action} {}: {cause}", path.display())]
    Io {
        /// What was tried, such as `read`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        cause: std::io::Error,
    },

    /// A file that is no prediction table, as a whole or from some line on.
    #[error("{}{}: {problem}", file.display(), at_line(*line))]
    Csv {
        /// The CSV file.
        file: PathBuf,
        /// Line in the file, counted from 1, where the problem has one.
        line: Option<u64>,
        /// What was found and what was expected.
        problem: String,
    },

    /// A column that a prediction table must have and has not.
    #[error("{}, line 1: column {column:?} is missing; columns found: {found}", file.display())]
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
        expected: &'static str,
    },

    /// Names, rows and columns that do not make one table.
    #[error("predictions: {problem}")]
    Table {
        /// What was found and what was expected.
        problem: String,
    },

    /// An entry of an array that is not one of those allowed.
    #[error("{what} {row}: found {found}, expected {expected}")]
    Value {
        /// What the array holds, such as `score`.
        what: &'static str,
        /// Its place in the array, counted from 0.
        row: usize,
        /// The value.
        found: f64,
        /// The values allowed.
        expected: &'static str,
    },

    /// Two models that are to be compared in pairs have other rows, labels, weights or units.
    #[error(
        "the two models cannot be compared in pairs: their rows, labels, weights or units differ"
    )]
    NotPaired,

    /// Two tables that are to be joined do not hold the same rows.
    #[error(
        "{first} and {second} do not hold the same {what}; only in {first}: {only_first}; only in {second}: {only_second}"
    )]
    Unmatched {
        /// What is joined by, such as `studies`.
        what: &'static str,
        /// The first table's name.
        first: String,
        /// The second table's name.
        second: String,
        /// Rows of the first alone by name, the first ten of many, or `none`.
        only_first: String,
        /// Rows of the second alone, likewise.
        only_second: String,
    },

    /// Two models whose tables do not agree on a label.
    #[error("{path}, {observation:?}: label {} in {first} but {} in {second}; models are compared on the same labels",
        label_text(*first_label), label_text(*second_label))]
    Labels {
        /// The row.
        path: String,
        /// The observation.
        observation: String,
        /// The first model's name.
        first: String,
        /// Its label.
        first_label: Option<bool>,
        /// The second model's name.
        second: String,
        /// Its label.
        second_label: Option<bool>,
    },

    /// Something is wrong with one model's table.
    #[error("{model}: {cause}")]
    Model {
        /// The model's name.
        model: String,
        /// What is wrong.
        cause: Box<Error>,
    },

    /// A probability that is not a number from 0 to 1.
    #[error(
        "prediction of row {row} ({path}), column {column:?}: found {found}, expected a probability from 0 to 1"
    )]
    Probability {
        /// Row of the table, counted from 0.
        row: usize,
        /// The path of that row.
        path: String,
        /// The observation.
        column: String,
        /// The value.
        found: f64,
    },

    /// Views of one study that carry different labels.
    #[error("study {study}, {observation:?}: label {} in {first_path} but {} in {second_path}; views of a study share its labels",
        label_text(*first), label_text(*second))]
    StudyLabels {
        /// The study.
        study: String,
        /// The observation.
        observation: String,
        /// The study's first view.
        first_path: String,
        /// The first view's label.
        first: Option<bool>,
        /// The view that differs.
        second_path: String,
        /// That view's label.
        second: Option<bool>,
    },

    /// Tables to be averaged that are not about the same rows.
    #[error("predictions {table} cannot be averaged with predictions 0: {problem}")]
    Ensemble {
        /// The table, counted from 0.
        table: usize,
        /// The first difference.
        problem: String,
    },

    /// An observation that is no column of the table.
    #[error("unknown observation {found:?}; columns: {valid}")]
    UnknownObservation {
        /// The name as given.
        found: String,
        /// The table's observations, separated by commas.
        valid: String,
    },

    /// A setting outside its range.
    #[error("{setting} is {found}, expected {expected}")]
    Setting {
        /// The name of the setting.
        setting: &'static str,
        /// The value given.
        found: String,
        /// The values allowed.
        expected: &'static str,
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

    /// An [`Error::Model`] for use in `map_err`.
    pub(crate) fn in_model(model: &str) -> impl FnOnce(Self) -> Self {
        let model = model.to_owned();
        |cause| Self::Model {
            model,
            cause: Box::new(cause),
        }
    }

    /// Names what is in one of two joined tables alone, the first ten of many.
    pub(crate) fn unmatched(
        what: &'static str,
        [first, second]: [&str; 2],
        [only_first, only_second]: [&[String]; 2],
    ) -> Self {
        Self::Unmatched {
            what,
            first: first.to_owned(),
            second: second.to_owned(),
            only_first: first_ten(only_first),
            only_second: first_ten(only_second),
        }
    }

    pub(crate) fn table(problem: impl Into<String>) -> Self {
        Self::Table {
            problem: problem.into(),
        }
    }
}

fn first_ten(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        _ if names.is_empty() => "none".to_owned(),
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn at_line(line: Option<u64>) -> String {
    line.map(|line| format!(", line {line}"))
        .unwrap_or_default()
}

pub(crate) fn label_text(label: Option<bool>) -> &'static str {
    match label {
        Some(true) => "1",
        Some(false) => "0",
        None => "masked",
    }
}
