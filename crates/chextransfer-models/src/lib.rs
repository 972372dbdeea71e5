//! ImageNet CNNs as truncatable block graphs.
//!
//! In goes the name of an architecture, how many of its last blocks to drop and how many classes to
//! predict; out comes a [`Network`] on any Burn device, filled with random weights from a seed or
//! with every tensor of a checkpoint.
//!
//! ```
//! use chextransfer_models::{Architecture, DeviceChoice};
//! use burn::tensor::Tensor;
//!
//! let spec = Architecture::DenseNet121.minus(2)?.with_classes(14)?;
//! assert_eq!(spec.parameters(), 1_304_718);
//!
//! let device = DeviceChoice::Cpu.open()?;
//! let network = spec.init(0, &device);
//! let logits = network.forward(Tensor::zeros([1, 3, 64, 64], &device)); // [batch, classes]
//! assert_eq!(logits.dims(), [1, 14]);
//! # Ok::<(), chextransfer_models::Error>(())
//! ```
//!
//! Shapes are written shape first: images `[batch, 3, height, width]`, feature maps
//! `[batch, channels, height, width]`, logits `[batch, classes]`. Images are RGB and normalised by
//! the statistics that belong to the weights; a grey radiograph is replicated to three channels.

mod architecture;
mod backend;
pub mod block;
mod device;
mod error;
mod extract;
mod families;
mod geometry;
mod initialization;
pub mod layers;
mod neck;
mod network;
mod spec;
mod stem;
mod tensor_spec;
pub mod weights;

pub use architecture::{Architecture, Family};
pub use block::{Block, BlockLayout};
pub use device::{DeviceChoice, FoundDevice};
pub use error::{Error, Result};
pub use extract::Extraction;
pub use geometry::{BlockSummary, ConvSummary};
pub use neck::{Neck, NeckSpec};
pub use network::Network;
pub use spec::{BlockSpec, Channels, NetworkSpec};
pub use stem::{Stem, StemLayer, StemLayerSpec, StemSpec};
pub use tensor_spec::{TensorKind, TensorSpec};
