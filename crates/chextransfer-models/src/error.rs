//! The one error type of this crate.

use std::path::PathBuf;

/// What can go wrong while a network is described, opened on a device or filled with weights.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name that is no architecture of this crate.
    #[error("unknown architecture `{name}`; known: {known}")]
    UnknownArchitecture {
        /// The name that was asked for.
        name: String,
        /// All names, separated by commas.
        known: String,
    },
    /// A truncation that would leave no block.
    #[error("{architecture} has {blocks} blocks, so minus {asked} leaves none; at most minus {} is possible", .blocks - 1)]
    TooManyBlocks {
        /// The architecture.
        architecture: String,
        /// Blocks before truncation.
        blocks: usize,
        /// How many were to be dropped.
        asked: usize,
    },
    /// A head without outputs.
    #[error("a head needs at least one class, found 0")]
    NoClasses,
    /// An image too small for the network's reductions.
    #[error(
        "{network} cannot take a {height}x{width} image: `{layer}` would see a {map_height}x{map_width} map; give at least {minimum}x{minimum}"
    )]
    InputTooSmall {
        /// The network's name.
        network: String,
        /// Image height in pixels.
        height: usize,
        /// Image width in pixels.
        width: usize,
        /// The first layer whose window does not fit.
        layer: String,
        /// Height of the map that reaches this layer.
        map_height: usize,
        /// Width of the map that reaches this layer.
        map_width: usize,
        /// Smallest square side that works.
        minimum: usize,
    },
    /// A device name that cannot be read.
    #[error("unknown device `{name}`; expected cpu, cuda, cuda:N or wgpu")]
    UnknownDevice {
        /// The name that was asked for.
        name: String,
    },
    /// A device whose backend was not compiled in.
    #[error(
        "device `{device}` needs the cargo feature `{feature}`, which this build lacks (it has: {has})"
    )]
    DeviceNotBuilt {
        /// The device that was asked for.
        device: String,
        /// The feature that would provide it.
        feature: &'static str,
        /// The device features of this build.
        has: String,
    },
    /// A device that this machine does not have.
    #[error("device `{device}` is not there: {found}")]
    DeviceNotFound {
        /// The device that was asked for.
        device: String,
        /// What was found in its place.
        found: String,
    },
    /// A weights file that cannot be opened or read.
    #[error("cannot read weights {}: {source}", .path.display())]
    WeightsUnreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file that is no intact safetensors container.
    #[error("{} is no intact safetensors file: {reason}", .path.display())]
    WeightsMalformed {
        /// The file.
        path: PathBuf,
        /// What the reader found.
        reason: String,
    },
    /// A weights file whose tensors are not the network's.
    #[error("{} does not fit {network}: {}", .path.display(), .mismatch)]
    WeightsMismatch {
        /// The file.
        path: PathBuf,
        /// The network's name.
        network: String,
        /// Every tensor that is missing, unexpected or misshapen.
        mismatch: Box<crate::weights::Mismatch>,
    },
    /// A manifest that cannot be used.
    #[error("weights manifest: {reason}")]
    Manifest {
        /// What is wrong, and in which row.
        reason: String,
    },
}

/// A result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
