//! The one error type of this crate.

use std::path::{Path, PathBuf};

/// What can go wrong in a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data could not be read.
    #[error(transparent)]
    Data(#[from] chextransfer_data::Error),
    /// The network could not be made or filled.
    #[error(transparent)]
    Models(#[from] chextransfer_models::Error),
    /// The predictions could not be judged or stored.
    #[error(transparent)]
    Metrics(#[from] chextransfer_metrics::Error),
    /// A setting out of range.
    #[error("setting `{setting}`: found {found}, expected {expected}")]
    Setting {
        /// Its name in `config.toml`.
        setting: &'static str,
        /// What it was.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
    /// A setting given as text that is none, or whose value is not one of its own.
    #[error("setting `{name}` = {value}: {reason}")]
    BadSetting {
        /// The setting.
        name: String,
        /// What it was to be.
        value: String,
        /// Why that cannot be.
        reason: String,
    },
    /// A file or folder that could not be used.
    #[error("cannot {action} {}: {cause}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        cause: String,
    },
    /// A folder that holds a run already.
    #[error("{} already holds a run; resume it, or choose another folder", .path.display())]
    RunExists {
        /// The folder.
        path: PathBuf,
    },
    /// A resumed run whose settings are not those that it began with.
    #[error("{} was begun with {setting} = {begun}, now {asked}; a run keeps its settings", .path.display())]
    ConfigDiffers {
        /// The run's configuration file.
        path: PathBuf,
        /// The setting.
        setting: String,
        /// Its value when the run began.
        begun: String,
        /// Its value now.
        asked: String,
    },
    /// A resumed run whose data is not the one that it began with.
    #[error("{} has changed since the run began: its SHA-256 was {begun}, now {now}", .path.display())]
    DataChanged {
        /// The changed file.
        path: PathBuf,
        /// The digest when the run began.
        begun: String,
        /// The digest now.
        now: String,
    },
    /// A run folder without a usable checkpoint.
    #[error("{} has no whole checkpoint to go on from{}", .path.display(), .refused)]
    NoCheckpoint {
        /// The run folder.
        path: PathBuf,
        /// What was refused and why, or nothing.
        refused: String,
    },
    /// A checkpoint that cannot be used.
    #[error("checkpoint {}: {reason}", .path.display())]
    Checkpoint {
        /// The checkpoint.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A loss or gradient that is not a finite number.
    #[error(
        "{what} is {found} at step {step}, on {images}; nothing was updated and the last checkpoint is kept"
    )]
    NotFinite {
        /// The loss, or the norm of the gradients.
        what: &'static str,
        /// What it is.
        found: f32,
        /// The optimiser step, counted from 1.
        step: u64,
        /// The batch's images, the first few by name.
        images: String,
    },
    /// A part of the network that it does not have.
    #[error("{network} has no part `{part}` to set a learning rate for; it has {parts}")]
    UnknownPart {
        /// What was named.
        part: String,
        /// The network.
        network: String,
        /// What could have been named.
        parts: String,
    },
    /// A failure that is a defect of this program, not of its input.
    #[error("defect in training: {reason}")]
    Internal {
        /// What failed.
        reason: String,
    },
    /// A loss that is not a finite number, of a network that is not being trained.
    #[error("loss is {loss} on {images} of {}; the network predicts no finite numbers", .table.display())]
    PredictionLoss {
        /// The loss.
        loss: f32,
        /// The batch's images, the first few by name.
        images: String,
        /// The CSV file of the split.
        table: PathBuf,
    },
    /// More unreadable images than the settings allow.
    #[error(
        "{found} of {rows} images of {split} are unreadable, more than max_unreadable = {allowed}; the first: {first}"
    )]
    Unreadable {
        /// How many were found so far.
        found: usize,
        /// Rows of the split.
        rows: usize,
        /// The split.
        split: String,
        /// The allowed share.
        allowed: f64,
        /// Why the first could not be read.
        first: String,
    },
    /// A split of which no image could be read.
    #[error("no image of {split} could be read")]
    NothingReadable {
        /// The split.
        split: String,
    },
}

impl Error {
    /// For `map_err`: what was tried on which path.
    pub(crate) fn io<C: std::fmt::Display>(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(C) -> Self {
        let path = path.to_owned();
        move |cause| Self::Io {
            action,
            path,
            cause: cause.to_string(),
        }
    }
}

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
