//! The one error type of this crate.

use std::path::{Path, PathBuf};

/// What can go wrong between the records of a run and its figures.
///
/// Every message is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A run's records could not be read.
    #[error(transparent)]
    Train(#[from] chextransfer_train::Error),

    /// A dataset could not be read.
    #[error(transparent)]
    Data(#[from] chextransfer_data::Error),

    /// Predictions could not be read.
    #[error(transparent)]
    Metrics(#[from] chextransfer_metrics::Error),

    /// A map or its picture could not be made.
    #[error(transparent)]
    Explain(#[from] chextransfer_explain::Error),

    /// A network has not what was asked of it.
    #[error(transparent)]
    Models(#[from] chextransfer_models::Error),

    /// A study's file that says something wrong.
    #[error("{}: {problem}", path.display())]
    Study {
        /// The file.
        path: PathBuf,
        /// What was found and what was expected.
        problem: String,
    },

    /// A cell that a study has not.
    #[error("{} has no cell `{name}`; `study plan` lists them", study.display())]
    UnknownCell {
        /// Its name.
        name: String,
        /// The study's folder.
        study: PathBuf,
    },

    /// Settings that make no explanation or no study.
    #[error("{setting}: {problem}")]
    Setting {
        /// What is set.
        setting: &'static str,
        /// What was found and what was expected.
        problem: String,
    },

    /// A kind of picture that cannot be written.
    #[error("unknown kind of picture `{name}`; expected png or svg")]
    UnknownFormat {
        /// The name as given.
        name: String,
    },

    /// Two images whose sheets would have the same name.
    #[error(
        "the sheets of {first} and of {second} would both be named {file}; explain them one after the other"
    )]
    SameName {
        /// The first image.
        first: String,
        /// The second image.
        second: String,
        /// The name without extension.
        file: String,
    },

    /// A split without predictions.
    #[error("{} is missing; run `evaluate {} --split {split}` first", path.display(), run.display())]
    NotEvaluated {
        /// The table that should be there.
        path: PathBuf,
        /// The run.
        run: PathBuf,
        /// The split.
        split: &'static str,
    },

    /// A prediction of an image that the dataset does not have.
    #[error("{}: {path} is not in the dataset's table", predictions.display())]
    NotInTable {
        /// The image's path.
        path: String,
        /// The predictions.
        predictions: PathBuf,
    },

    /// Images without masks.
    #[error("none of the {images} images of {split} has a mask for these observations")]
    NoMasks {
        /// The split.
        split: &'static str,
        /// Its images.
        images: usize,
    },

    /// A file could not be written.
    #[error("cannot {action} {}: {cause}", path.display())]
    Io {
        /// What was tried, such as `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        cause: std::io::Error,
    },

    /// Numbers that make no figure.
    #[error("cannot draw {}: {problem}", path.display())]
    Figure {
        /// The figure's file, which was not written.
        path: PathBuf,
        /// What was found and what was expected.
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

    /// An [`Error::Study`] for use in `map_err`.
    pub(crate) fn in_study<P: ToString>(path: &Path) -> impl FnOnce(P) -> Self + use<P> {
        let path = path.to_path_buf();
        move |problem| Self::Study {
            path,
            problem: problem.to_string(),
        }
    }

    /// An [`Error::Figure`] for use in `map_err`.
    pub(crate) fn figure<P: ToString>(path: &Path) -> impl FnOnce(P) -> Self {
        let path = path.to_path_buf();
        move |problem| Self::Figure {
            path,
            problem: problem.to_string(),
        }
    }
}
