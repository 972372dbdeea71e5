//! The one error type of this crate.

use std::path::PathBuf;

/// What can go wrong between images and the pictures that explain a prediction.
///
/// Every message is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The network cannot take these images.
    #[error(transparent)]
    Network(#[from] chextransfer_models::Error),

    /// A name that is not one of those allowed.
    #[error("unknown {what} `{name}`; expected one of: {known}")]
    UnknownName {
        /// What is named, such as `method`.
        what: &'static str,
        /// The name as given.
        name: String,
        /// The names that there are, separated by commas.
        known: String,
    },

    /// Images of another number of channels than the network takes.
    #[error("images are {found:?}, expected [batch, {expected}, height, width]")]
    Channels {
        /// The shape of the images.
        found: [usize; 4],
        /// The network's channels.
        expected: usize,
    },

    /// CAM of a network whose head is more than one linear layer.
    #[error(
        "{network} has no CAM: a hidden layer lies between its pooled map and its classes; use grad-cam"
    )]
    NoLinearHead {
        /// The network's name.
        network: String,
    },

    /// CAM at a block that the head does not pool.
    #[error("{network} has no CAM at {block}: it exists only at the last block; use grad-cam")]
    CamInside {
        /// The network's name.
        network: String,
        /// The block.
        block: String,
    },

    /// A map at a block that the network does not have any more.
    #[error("{network} ends before the last block of its minus{minus}")]
    AlreadyCut {
        /// The network's name.
        network: String,
        /// How many blocks the cut would drop.
        minus: usize,
    },

    /// Maps that cannot be averaged.
    #[error("{0}")]
    Unequal(String),

    /// Another number of classes than of images.
    #[error("{classes} classes for {images} images, expected one class an image")]
    Targets {
        /// How many classes were given.
        classes: usize,
        /// How many images were given.
        images: usize,
    },

    /// A class that the network does not predict.
    #[error("class {class} is no output of {network}, which has {classes} (0 to {})", .classes - 1)]
    UnknownClass {
        /// The class as given.
        class: usize,
        /// The network's name.
        network: String,
        /// How many classes the network predicts.
        classes: usize,
    },

    /// A network whose numbers are not finite, so that there is nothing to explain.
    #[error("the {what} of image {image} for class {class} is not finite: {found}")]
    NotFinite {
        /// `logit` or `map`.
        what: &'static str,
        /// The image's place in the batch.
        image: usize,
        /// The class.
        class: usize,
        /// The value.
        found: f32,
    },

    /// A map or picture without pixels.
    #[error("the {what} is {height}x{width}, expected at least 1x1")]
    Empty {
        /// What is empty.
        what: &'static str,
        /// Its height in pixels.
        height: usize,
        /// Its width in pixels.
        width: usize,
    },

    /// A pixel that is no brightness or intensity.
    #[error("the {what} holds {found} in row {row}, column {column}, expected 0 to 1")]
    OutOfRange {
        /// What holds it.
        what: &'static str,
        /// The value.
        found: f32,
        /// Its row, counted from 0.
        row: usize,
        /// Its column, counted from 0.
        column: usize,
    },

    /// A picture or a mask that cannot be read or written.
    #[error("cannot {action} {}: {cause}", .path.display())]
    File {
        /// What was tried, such as `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason.
        cause: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A picture that cannot be drawn.
    #[error("cannot draw the picture: {problem}")]
    Picture {
        /// What was found and what was expected.
        problem: String,
    },

    /// A mask that is no mask, or not one of this picture.
    #[error("mask: {problem}")]
    Mask {
        /// What was found and what was expected.
        problem: String,
    },

    /// A share that is not in 0 to 1.
    #[error("{what} is {found}, expected 0 to 1")]
    Share {
        /// What it is, such as `threshold`.
        what: &'static str,
        /// The value.
        found: f32,
    },

    /// The numbers of a localisation table could not be resampled.
    #[error(transparent)]
    Metrics(#[from] chextransfer_metrics::Error),
}

/// This crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An [`Error::File`] for use in `map_err`.
    pub(crate) fn file<C: Into<Box<dyn std::error::Error + Send + Sync>>>(
        action: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(C) -> Self {
        let path = path.to_owned();
        move |cause| Self::File {
            action,
            path,
            cause: cause.into(),
        }
    }

    /// An [`Error::Picture`] for use in `map_err`.
    pub(crate) fn picture(problem: impl ToString) -> Self {
        Self::Picture {
            problem: problem.to_string(),
        }
    }

    /// An [`Error::Mask`].
    pub(crate) fn mask(problem: impl ToString) -> Self {
        Self::Mask {
            problem: problem.to_string(),
        }
    }
}
