//! An inception or reduction module: branches side by side, joined along the channels.

use burn::module::Module;
use burn::tensor::Tensor;
use chextransfer_kernels::concatenate_channels;

use crate::geometry::{DoesNotFit, Trace};
use crate::initialization::Initialization;
use crate::layers::{ConvNormAct, ConvSpec, Pool, PoolSpec};
use crate::tensor_spec::TensorList;

/// Branches that all see the module's input: plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct InceptionSpec {
    /// The branches, in the order in which their channels are joined.
    pub branches: Vec<BranchSpec>,
}

/// Pooling, convolutions one after the other, then convolutions side by side; each may be missing:
/// plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct BranchSpec {
    /// Channels of the module's input.
    pub input: usize,
    /// The first layer.
    pub pool: Option<PoolSpec>,
    /// What follows it.
    pub convolutions: Vec<BranchConvSpec>,
    /// Convolutions that all see the last one's map and whose channels are joined.
    pub fork: Vec<BranchConvSpec>,
}

/// A convolution with the name that the reference gives it inside the module: plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct BranchConvSpec {
    /// The name.
    pub name: &'static str,
    /// The convolution.
    pub conv: ConvSpec,
}

impl BranchSpec {
    /// Channels of the branch's map.
    fn channels(&self) -> usize {
        if self.fork.is_empty() {
            self.convolutions
                .last()
                .map_or(self.input, |last| last.conv.output)
        } else {
            self.fork.iter().map(|last| last.conv.output).sum()
        }
    }

    /// Every convolution with its path in the branch.
    fn convolutions(&self) -> impl Iterator<Item = (String, &BranchConvSpec)> {
        let paths = |list: &'static str, convolutions| {
            let numbered = <[BranchConvSpec]>::iter(convolutions).enumerate();
            numbered.map(move |(index, conv)| (format!("{list}.{index}"), conv))
        };
        paths("convolutions", &self.convolutions).chain(paths("fork", &self.fork))
    }

    fn trace(&self, trace: &mut Trace) -> Result<(), DoesNotFit> {
        if let Some(pool) = &self.pool {
            trace.pool("inception pooling", pool)?;
        }
        for BranchConvSpec { name, conv } in &self.convolutions {
            trace.conv(name, conv)?;
        }
        trace.parallel(&self.fork, |trace, BranchConvSpec { name, conv }| {
            trace.conv(name, conv)
        })
    }
}

impl InceptionSpec {
    pub(crate) fn channels(&self) -> usize {
        self.branches.iter().map(BranchSpec::channels).sum()
    }

    pub(crate) fn tensors(&self, path: &str, into: &mut TensorList) {
        for (index, branch) in self.branches.iter().enumerate() {
            for (place, BranchConvSpec { conv, .. }) in branch.convolutions() {
                conv.tensors(&format!("{path}.branches.{index}.{place}"), into);
            }
        }
    }

    pub(crate) fn trace(&self, trace: &mut Trace) -> Result<(), DoesNotFit> {
        trace.parallel(&self.branches, |trace, branch| branch.trace(trace))
    }

    pub(crate) fn init(&self, initialization: &mut Initialization) -> Inception {
        let mut branch = |branch: &BranchSpec| {
            let mut convolutions = |list: &[BranchConvSpec]| {
                let list = list.iter();
                list.map(|spec| spec.conv.init(initialization)).collect()
            };
            Branch {
                pool: branch.pool.map(|pool| pool.init()),
                convolutions: convolutions(&branch.convolutions),
                fork: convolutions(&branch.fork),
            }
        };
        Inception {
            branches: self.branches.iter().map(&mut branch).collect(),
        }
    }
}

/// Branches on a device; described by [`InceptionSpec`].
#[derive(Module, Debug)]
pub struct Inception {
    branches: Vec<Branch>,
}

#[derive(Module, Debug)]
struct Branch {
    pool: Option<Pool>,
    convolutions: Vec<ConvNormAct>,
    fork: Vec<ConvNormAct>,
}

impl Inception {
    pub(crate) fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        let branches = self.branches.iter();
        let maps = branches.flat_map(|branch| branch.forward(map.clone()));
        concatenate_channels(maps.collect())
    }

    pub(crate) fn fold_batch_norm(self) -> Self {
        let fold = |convolutions: Vec<ConvNormAct>| {
            let convolutions = convolutions.into_iter();
            convolutions.map(ConvNormAct::fold_batch_norm).collect()
        };
        let branch = |branch: Branch| Branch {
            pool: branch.pool,
            convolutions: fold(branch.convolutions),
            fork: fold(branch.fork),
        };
        Self {
            branches: self.branches.into_iter().map(branch).collect(),
        }
    }
}

impl Branch {
    /// The maps to join: one, or as many as the fork has ends.
    fn forward(&self, map: Tensor<4>) -> Vec<Tensor<4>> {
        let map = match &self.pool {
            Some(pool) => pool.forward(map),
            None => map,
        };
        let map = (self.convolutions.iter()).fold(map, |map, conv| conv.forward(map));
        if self.fork.is_empty() {
            return vec![map];
        }
        let fork = self.fork.iter();
        fork.map(|conv| conv.forward(map.clone())).collect()
    }
}
