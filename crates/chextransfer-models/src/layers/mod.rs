//! The vocabulary that all networks are built from, one layer a file.
//!
//! Every convolution, normalisation and activation of every network passes through
//! [`ConvNormAct`] or [`NormAct`], so their speed is worked on in one place.

mod auxiliary_head;
mod batch_norm;
mod classification_head;
mod conv_norm_act;
mod linear_initialization;
mod norm_act;
mod pooling;
mod squeeze_excite;
mod stochastic_depth;

pub use chextransfer_kernels::Activation;

pub use auxiliary_head::{AuxiliaryHead, AuxiliaryHeadSpec};
pub use batch_norm::{BatchNorm2d, BatchNormSpec};
pub use classification_head::{ClassificationHead, HeadSpec, HiddenSpec};
pub use conv_norm_act::{ConvInitialization, ConvNormAct, ConvSpec};
pub use linear_initialization::LinearInitialization;
pub use norm_act::{ChannelAffine, Norm, NormAct};
pub use pooling::{Pool, PoolKind, PoolSpec};
pub use squeeze_excite::{SqueezeExcite, SqueezeExciteSpec};
pub use stochastic_depth::StochasticDepth;
