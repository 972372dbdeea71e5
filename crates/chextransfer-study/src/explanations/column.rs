//! A run at a block: one column of a sheet.

use burn::tensor::Device;
use chextransfer_data::{Normalization, Observation};
use chextransfer_explain::{Error, Explainer, Method};
use chextransfer_models::{Network, NetworkSpec};
use chextransfer_train::{Ensemble, RunDirectory, TrainConfig};

use crate::{Error as CrateError, Result};

/// Where in a network a map is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Place {
    /// At the last block that the run's network has.
    #[default]
    Last,
    /// At the block of this name.
    Block(String),
    /// At the block that ends the architecture without its last blocks, in the run's own weights: what a truncated network
    /// would see.
    Cut(usize),
}

impl Place {
    /// An explainer of a network here.
    pub(crate) fn explainer(&self, network: &Network, method: Method) -> Result<Explainer> {
        let explainer = Explainer::new(network, method)?;
        Ok(match self {
            Self::Last => explainer,
            Self::Block(name) => explainer.at_block(name)?,
            Self::Cut(k) => explainer.at_cut(*k)?,
        })
    }

    /// As a column's heading.
    ///
    /// # Errors
    /// For a block that the network does not have.
    pub(crate) fn heading(&self, spec: &NetworkSpec) -> Result<String> {
        let blocks = spec.blocks();
        let index = match self {
            Self::Last => blocks.len() - 1,
            Self::Block(name) => spec.block_index(name)?,
            Self::Cut(k) => spec.architecture().minus(*k)?.blocks().len() - 1,
        };
        match (blocks.get(index), self) {
            (Some(block), _) => Ok(format!("{} at {}", spec.name(), block.name)),
            (None, Self::Cut(minus)) => Err(Error::AlreadyCut {
                network: spec.name(),
                minus: *minus,
            }
            .into()),
            (None, _) => Ok(spec.name()),
        }
    }
}

/// A run, opened.
#[derive(Debug)]
pub(crate) struct OpenRun {
    pub(crate) ensemble: Ensemble,
    pub(crate) config: TrainConfig,
    pub(crate) spec: NetworkSpec,
}

impl OpenRun {
    pub(crate) fn open(directory: &RunDirectory) -> Result<Self> {
        let config = directory.config()?;
        Ok(Self {
            ensemble: Ensemble::open(directory)?,
            spec: config.network()?,
            config,
        })
    }

    pub(crate) fn normalization(&self) -> &Normalization {
        self.ensemble.normalization()
    }

    /// A checkpoint's network, the best first.
    pub(crate) fn member(&self, member: usize, device: &Device) -> Result<Network> {
        let network = self.ensemble.network(member, device)?;
        network.ok_or_else(|| CrateError::Setting {
            setting: "explanation",
            problem: format!("{} has no checkpoint {member}", self.spec.name()),
        })
    }

    /// The outputs of the run's network that are these observations' logits.
    ///
    /// # Errors
    /// For an observation that the run does not predict, or predicts as one of three classes.
    pub(crate) fn classes(&self, observations: &[Observation]) -> Result<Vec<usize>> {
        let labels = &self.config.labels;
        let class = |observation: &Observation| {
            let wrong = |problem: &str| CrateError::Setting {
                setting: "observation",
                problem: format!("{}: {observation} {problem}", self.spec.name()),
            };
            let mut targets = labels.targets().iter();
            let target = targets.position(|target| target == observation);
            let columns = labels.columns(target.ok_or_else(|| wrong("is not predicted"))?);
            match columns.len() {
                1 => Ok(columns.start),
                _ => Err(wrong("has three classes, of which no map is made")),
            }
        };
        observations.iter().map(class).collect()
    }
}
