//! The vocabulary that all networks are built from, one layer a file.
//!
//! Every convolution, normalisation and activation of every network passes through
//! [`ConvNormAct`] or [`NormAct`], so their speed is worked on in one place.

mod activation;
mod batch_norm;
mod classification_head;
mod conv_norm_act;
mod norm_act;

pub use activation::Activation;
pub use batch_norm::BatchNorm2d;
pub use classification_head::{ClassificationHead, HeadSpec, LinearInitialization};
pub use conv_norm_act::{ConvInitialization, ConvNormAct, ConvSpec};
pub use norm_act::NormAct;
