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

    /// An [`Error::Figure`] for use in `map_err`.
    pub(crate) fn figure<P: ToString>(path: &Path) -> impl FnOnce(P) -> Self {
        let path = path.to_path_buf();
        move |problem| Self::Figure {
            path,
            problem: problem.to_string(),
        }
    }
}
