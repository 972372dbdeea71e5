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
    /// A name that is no block of the network.
    #[error("{network} has no block `{name}`; it has {known}")]
    UnknownBlock {
        /// The name that was asked for.
        name: String,
        /// The network's name.
        network: String,
        /// All names, separated by commas.
        known: String,
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
    #[error(
        "unknown device `{name}`; expected cpu, cuda[:N], rocm[:N], vulkan[:N], metal[:N] or wgpu[:N]"
    )]
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
    #[error("device `{device}` is not there; found: {found}")]
    DeviceNotFound {
        /// The device that was asked for.
        device: String,
        /// Every device that is there.
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
    /// A tensor that a file does not have, or not as floating-point numbers.
    #[error("{} has no floating-point tensor `{name}`; it has {found}", .path.display())]
    NoSuchTensor {
        /// The file.
        path: PathBuf,
        /// The name that was asked for.
        name: String,
        /// Every tensor of the file with type and shape.
        found: String,
    },
    /// A name that is no dialect.
    #[error("unknown dialect `{name}`; known: torchvision, timm")]
    UnknownDialect {
        /// The name that was asked for.
        name: String,
    },
    /// A tensor that another library has no name for.
    #[error("{dialect} has no name for `{tensor}` of {network}")]
    NoName {
        /// The network's name.
        network: String,
        /// The other library.
        dialect: crate::weights::Dialect,
        /// The tensor's path.
        tensor: String,
    },
    /// A file that could not be written; whatever was there before is still there.
    #[error("cannot write {}: {reason}", .path.display())]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
    /// A tensor that is no batch of images for the network.
    #[error("{network} takes images [batch, {channels}, height, width], found a tensor {found:?}")]
    NotImages {
        /// The network's name.
        network: String,
        /// Channels of the images that it takes.
        channels: usize,
        /// The shape that was found.
        found: Vec<usize>,
    },
    /// Weights for a network whose batch normalisation is folded.
    #[error("{network} has its batch normalisation folded; load weights before folding")]
    FoldedNetwork {
        /// The network's name.
        network: String,
    },
    /// A name that is no checkpoint of the manifest.
    #[error("unknown checkpoint `{name}`; known: {known}")]
    UnknownCheckpoint {
        /// The name that was asked for.
        name: String,
        /// All ids, separated by commas.
        known: String,
    },
    /// A file that is not the checkpoint that it was said to be.
    #[error("{} is not checkpoint `{id}`: its SHA-256 is {found}", .path.display())]
    WrongCheckpoint {
        /// The file.
        path: PathBuf,
        /// The checkpoint.
        id: String,
        /// The digest of the file.
        found: String,
    },
    /// A manifest that cannot be used.
    #[error("weights manifest: {reason}")]
    Manifest {
        /// What is wrong, and in which row.
        reason: String,
    },
    /// A checkpoint that is nowhere on this machine, and that may not be fetched.
    #[error("{id} is not on this machine, and {why}; looked for {looked}")]
    WeightsAbsent {
        /// The checkpoint's id.
        id: String,
        /// Why nothing was fetched.
        why: &'static str,
        /// Every path that was tried, and why files that were there are not the checkpoint.
        looked: String,
    },
    /// A file of our own cache whose content is no longer what its path promises.
    #[error("{} is damaged: SHA-256 {found}, expected {expected}; delete it and fetch it again", .path.display())]
    WeightsDamaged {
        /// The file.
        path: PathBuf,
        /// Its digest.
        found: String,
        /// The digest in its path.
        expected: String,
    },
    /// A download that is not what was recorded when the checkpoint was first used.
    #[error(
        "{url} has changed since {id} was first used: SHA-256 {found}, recorded {recorded}; nothing was kept; to accept the change, delete {}",
        .record.display()
    )]
    WeightsChanged {
        /// The checkpoint's id.
        id: String,
        /// Where it was fetched.
        url: String,
        /// The digest of what came.
        found: String,
        /// The digest of the first use.
        recorded: String,
        /// The file with the record.
        record: PathBuf,
    },
    /// A record of a checkpoint's first use that cannot be used.
    #[error("{}: {reason}; to begin anew with the next file, delete it", .path.display())]
    FirstUseRecord {
        /// The file with the record.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A folder or file of our own cache that cannot be read or written.
    #[error("weights cache: {}: {reason}", .path.display())]
    WeightsCache {
        /// The file or folder.
        path: PathBuf,
        /// The cause, and what helps.
        reason: String,
    },
    /// A download that is not the pinned file.
    #[error(
        "{url} is not the pinned file: SHA-256 {found} ({bytes} bytes), expected {expected}; nothing was kept"
    )]
    DownloadWrong {
        /// Where it was fetched.
        url: String,
        /// The digest of what came.
        found: String,
        /// The length of what came.
        bytes: u64,
        /// What the manifest says.
        expected: String,
    },
    /// A download that did not come to its end.
    #[error("cannot fetch {url}: {reason}")]
    DownloadFailed {
        /// Where it was to be fetched.
        url: String,
        /// The cause, and what helps.
        reason: String,
    },
    /// A download that its caller stopped.
    #[error("stopped fetching {url} after {received} bytes; the same call goes on from there")]
    DownloadStopped {
        /// Where it is fetched.
        url: String,
        /// Bytes that have arrived.
        received: u64,
    },
}

/// A result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
