//! Checkpoint to network.
//!
//! A checkpoint either fills every tensor that it is asked to fill, or loading is an error that
//! names each tensor that is missing, unexpected or misshapen. Nothing is left at random in silence.

mod digest;
mod import;
mod manifest;
mod mismatch;
mod torchvision;

pub use digest::sha256_hex;
pub use import::{Head, LeftOut, LoadReport, load};
pub use manifest::{Checkpoint, Interpolation, Manifest, Pin, Preprocessing};
pub use mismatch::{Mismatch, Misshapen};
pub use torchvision::torchvision_key;
