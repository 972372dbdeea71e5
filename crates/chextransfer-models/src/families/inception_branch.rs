//! The vocabulary of the inception papers' figures: branches, spelled out layer by layer.

use crate::block::{BlockLayout, BranchConvSpec, BranchSpec, InceptionSpec};
use crate::layers::{Activation, ConvInitialization, ConvSpec, PoolSpec};

/// Where a module's branches start: the channels that reach them and how their convolutions start.
#[derive(Clone, Copy)]
pub(super) struct Input {
    pub(super) channels: usize,
    pub(super) initialization: ConvInitialization,
}

/// One layer of a branch, with the reference's name.
pub(super) enum Layer {
    /// Pooling, the first layer of its branch.
    Pool(PoolSpec),
    /// Outputs and kernel; padded to keep the map's size.
    Same(&'static str, usize, [usize; 2]),
    /// Outputs; 3x3 without padding.
    Valid(&'static str, usize),
    /// Outputs; 3x3 without padding, stride 2.
    Reduce(&'static str, usize),
    /// Convolutions side by side, the last layer of their branch.
    Fork([(&'static str, usize, [usize; 2]); 2]),
}

impl Input {
    /// A module of branches, each a list of layers.
    pub(super) fn module(self, branches: impl IntoIterator<Item = Vec<Layer>>) -> InceptionSpec {
        InceptionSpec {
            branches: branches.into_iter().map(|list| self.branch(list)).collect(),
        }
    }

    /// The same as a block.
    pub(super) fn block(self, branches: impl IntoIterator<Item = Vec<Layer>>) -> BlockLayout {
        BlockLayout::Inception(self.module(branches))
    }

    fn branch(self, layers: Vec<Layer>) -> BranchSpec {
        let mut branch = BranchSpec {
            input: self.channels,
            pool: None,
            convolutions: Vec::new(),
            fork: Vec::new(),
        };
        let mut channels = self.channels;
        let conv = |channels, output, kernel| {
            ConvSpec::new(channels, output, 1, Activation::Relu)
                .kernel(kernel)
                .initialization(self.initialization)
        };
        for layer in layers {
            let (name, conv) = match layer {
                Layer::Pool(pool) => {
                    branch.pool = Some(pool);
                    continue;
                }
                Layer::Fork(ends) => {
                    let ends = ends.into_iter();
                    branch.fork = ends
                        .map(|(name, output, kernel)| BranchConvSpec {
                            name,
                            conv: conv(channels, output, kernel),
                        })
                        .collect();
                    continue;
                }
                Layer::Same(name, output, kernel) => (name, conv(channels, output, kernel)),
                Layer::Valid(name, output) => (name, conv(channels, output, [3, 3]).unpadded()),
                Layer::Reduce(name, output) => {
                    (name, conv(channels, output, [3, 3]).unpadded().stride(2))
                }
            };
            channels = conv.output;
            branch.convolutions.push(BranchConvSpec { name, conv });
        }
        branch
    }
}
