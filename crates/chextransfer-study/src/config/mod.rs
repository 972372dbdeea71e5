//! What is compared: the content of a `study.toml`.

mod check;
mod data_source;
mod network_name;
mod ready_made;
mod starting_weights;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chextransfer_data::LabelProblem;
use chextransfer_metrics::Bootstrap;
use chextransfer_models::Architecture;
use chextransfer_train::TrainConfig;
use serde::{Deserialize, Serialize};

pub use data_source::{DataSource, PhantomSettings};
pub use network_name::NetworkName;
pub use ready_made::ReadyMade;
pub use starting_weights::{SourceTask, StartingWeights};

use crate::grid::{Cell, cells};
use crate::{Error, Result};

/// A comparison: which networks, from which start, on what data, and how they are trained and judged.
///
/// Paths that are not absolute are relative to the study's folder. What is left out is the paper's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyConfig {
    /// What it is called.
    pub title: String,
    /// What a reader of its results must know.
    #[serde(default)]
    pub note: String,
    /// The networks, such as `densenet121`, or cut `densenet121-minus1`.
    pub networks: Vec<NetworkName>,
    /// Of which architectures the last blocks are dropped, and how many: `resnet18 = [1, 2, 3]`.
    #[serde(default)]
    pub truncations: BTreeMap<Architecture, Vec<usize>>,
    /// Where the networks start.
    #[serde(default = "defaults::initializations")]
    pub initializations: Vec<Initialization>,
    /// Where the truncations start, if they do not start where the networks do.
    #[serde(default = "defaults::truncated_initializations")]
    pub truncated_initializations: Vec<Initialization>,
    /// Shares of the training patients, above 0 to 1; the truncations train on the largest.
    #[serde(default = "defaults::fractions")]
    pub fractions: Vec<f64>,
    /// Seeds of everything that is drawn.
    #[serde(default = "defaults::seeds")]
    pub seeds: Vec<u64>,
    /// Side of the square that the networks see, in pixels.
    #[serde(default = "defaults::image_size")]
    pub image_size: u32,
    /// A network worse by less than this mean AUROC is not inferior.
    #[serde(default = "defaults::margin")]
    pub margin: f64,
    /// The dataset.
    pub data: DataSource,
    /// What a pretrained network starts from; by default the known ImageNet checkpoints.
    #[serde(default)]
    pub weights: StartingWeights,
    /// What is predicted, and what becomes of uncertain and blank labels.
    #[serde(default = "LabelProblem::paper")]
    pub labels: LabelProblem,
    /// How intervals are drawn.
    #[serde(default)]
    pub bootstrap: Bootstrap,
    /// Settings of every run by the names that they have in its `config.toml` ([`TrainConfig`]), such as `epochs = 3`.
    #[serde(default)]
    pub protocol: toml::Table,
}

/// Where a network starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initialization {
    /// From the study's weights; the head is drawn.
    Pretrained,
    /// From drawn weights.
    Random,
}

mod defaults {
    use super::Initialization::{self, Pretrained, Random};

    pub(super) fn initializations() -> Vec<Initialization> {
        vec![Pretrained, Random]
    }
    pub(super) fn truncated_initializations() -> Vec<Initialization> {
        vec![Pretrained]
    }
    pub(super) fn fractions() -> Vec<f64> {
        vec![1.0]
    }
    pub(super) fn seeds() -> Vec<u64> {
        vec![0]
    }
    pub(super) fn image_size() -> u32 {
        320
    }
    pub(super) fn margin() -> f64 {
        0.01
    }
}

impl StudyConfig {
    /// Reads and checks a `study.toml`.
    ///
    /// # Errors
    /// [`Error::Study`] with the file, the line or the setting, what was found and what was expected.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
        Self::parse(&text).map_err(Error::in_study(path))
    }

    /// Reads and checks the content of a `study.toml`; the error is what is wrong in it.
    pub(crate) fn parse(text: &str) -> std::result::Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .map(|span| text[..span.start].lines().count().max(1));
            let line = line.map_or_else(String::new, |line| format!("line {line}: "));
            line + &error.message().trim().replace('\n', " ")
        })?;
        config.check()?;
        Ok(config)
    }

    /// Every run of the study, in the order in which its results are told.
    pub fn cells(&self) -> Vec<Cell> {
        cells(self)
    }

    /// The settings of a run on a dataset; the weights that it starts from are not among them.
    ///
    /// # Errors
    /// What is wrong in `protocol`.
    pub(crate) fn train_config(
        &self,
        cell: &Cell,
        data: PathBuf,
    ) -> std::result::Result<TrainConfig, String> {
        let config = TrainConfig {
            minus: cell.minus,
            image_size: self.image_size,
            labels: self.labels.clone(),
            seed: cell.seed,
            bootstrap_replicates: self.bootstrap.replicates.max(1),
            ..TrainConfig::paper(cell.architecture, data)
        };
        with_settings(&config, &self.protocol)
    }
}

/// The settings with some replaced by name.
pub(crate) fn with_settings(
    config: &TrainConfig,
    replaced: &toml::Table,
) -> std::result::Result<TrainConfig, String> {
    let mut settings = toml::Table::try_from(config).map_err(|error| error.to_string())?;
    for (name, value) in replaced {
        if let Some(instead) = check::set_elsewhere(name) {
            return Err(format!("protocol.{name}: {instead}"));
        }
        settings.insert(name.clone(), value.clone());
    }
    settings
        .try_into()
        .map_err(|error: toml::de::Error| format!("protocol: {}", error.message().trim()))
}
