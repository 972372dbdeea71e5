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

    /// Images that are not RGB.
    #[error("images are {found:?}, expected [batch, 3, height, width]")]
    Channels {
        /// The shape of the images.
        found: [usize; 4],
    },

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

    /// A picture that cannot be written.
    #[error("cannot write {}: {cause}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The reason.
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// This crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;
