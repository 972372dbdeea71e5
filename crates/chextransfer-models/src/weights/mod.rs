//! Checkpoint to network, and back.
//!
//! A checkpoint either fills every tensor that it is asked to fill, or loading is an error that
//! names each tensor that is missing, unexpected or misshapen. Nothing is left at random in silence.

mod container;
mod dialect;
mod digest;
#[cfg(feature = "download")]
mod download;
mod export;
mod imagenet;
mod import;
mod input_transform;
mod manifest;
mod manifest_file;
mod mismatch;
mod store;
mod tensor_file;
mod whole_file;

pub use dialect::Dialect;
pub use digest::sha256_hex;
#[cfg(feature = "download")]
pub use download::{HubToken, Transfer};
pub use export::export;
pub use imagenet::imagenet_classes;
pub use import::{Head, Import, LeftOut, LoadReport, head_classes, load};
pub use manifest::{Checkpoint, Interpolation, Manifest, Pin, Preprocessing};
pub use mismatch::{Mismatch, Misshapen};
pub use store::{CacheEntry, Located, Origin, Rejected, WeightStore};
pub use tensor_file::{read_tensor, write_tensors};
pub use whole_file::write_whole;
