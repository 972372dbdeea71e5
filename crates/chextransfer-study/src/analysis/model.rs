//! One network of a study, with and without pretraining.

use chextransfer_models::{Architecture, Family};
use serde::Serialize;

use super::measure::{Change, Estimate};

/// A network, and how it does from either start.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Model {
    /// Its name, such as `densenet121-minus1`.
    pub name: String,
    /// Its architecture.
    pub architecture: Architecture,
    /// How many of its last blocks are dropped.
    pub minus: usize,
    /// What it costs.
    pub cost: Cost,
    /// ImageNet top-1 accuracy in percent of its weights.
    pub imagenet_top1: Option<f64>,
    /// From random weights.
    pub without: Option<Measured>,
    /// From ImageNet's.
    pub with: Option<Measured>,
    /// With minus without, over the seeds of both.
    pub boost: Option<Change>,
}

impl Model {
    /// One of the two starts.
    pub fn start(&self, pretrained: bool) -> Option<&Measured> {
        match pretrained {
            true => self.with.as_ref(),
            false => self.without.as_ref(),
        }
    }

    /// AUC from one of the two starts, where it is defined.
    pub fn auc(&self, pretrained: bool) -> Option<f64> {
        Some(self.start(pretrained)?.auc?.value)
    }

    /// Whether it is whole.
    pub fn is_whole(&self) -> bool {
        self.minus == 0
    }
}

/// What a network costs at the study's image size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cost {
    /// Trainable parameters.
    pub parameters: u64,
    /// Multiply-accumulates of an image.
    pub macs: u64,
    /// Side of the last block's feature map.
    pub map_side: usize,
}

/// The runs of one network from one start on one share of the training patients.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// Mean AUC of the runs; `None` where no judged observation has both classes.
    pub auc: Option<Estimate>,
    /// One a seed, in the grid's order; the paper's rows have none.
    pub runs: Vec<SeedRun>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeedRun {
    /// The cell's identity, such as `densenet121-minus1.pretrained.f100.s0`.
    pub id: String,
    /// Whether it started from ImageNet's weights, or whatever the study starts from.
    pub pretrained: bool,
    /// The seed.
    pub seed: u64,
    /// Its own AUC.
    pub auc: Option<f64>,
}

impl SeedRun {
    /// Its start and seed, for where the network is known: `with s0`.
    pub(crate) fn short(&self) -> String {
        let start = if self.pretrained { "with" } else { "without" };
        format!("{start} s{}", self.seed)
    }
}

/// The name of a family in a text.
pub fn family_name(family: Family) -> &'static str {
    match family {
        Family::DenseNet => "DenseNet",
        Family::ResNet => "ResNet",
        // The paper counts both as one family.
        Family::InceptionV3 | Family::InceptionV4 => "Inception",
        Family::MnasNet => "MNASNet",
        Family::EfficientNet => "EfficientNet",
        Family::MobileNetV2 | Family::MobileNetV3 => "MobileNet",
    }
}
