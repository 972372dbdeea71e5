//! The folder of a run: what it was asked, what it used, what came out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use chextransfer_data::{CheXpert, LabelProblem, Normalization, Split};
use chextransfer_metrics::{Evaluation, Predictions};
use chextransfer_models::weights::LoadReport;
use serde::{Deserialize, Serialize};

use crate::files::{create_folder, write_whole};
use crate::{Error, Result, TrainConfig};

/// A run's folder.
///
/// | file | content |
/// | --- | --- |
/// | `config.toml` | the settings ([`TrainConfig`]) |
/// | `provenance.json` | version, device, digests of weights and data, normalisation ([`Provenance`]) |
/// | `metrics.jsonl` | one line a validation ([`ValidationRecord`]) |
/// | `steps.csv` | one row an optimiser step: examples, learning rate, loss, norm of the gradients |
/// | `unreadable.csv` | images that were left out, and why; absent when there are none |
/// | `checkpoints/` | the newest two to resume from, the best for the ensemble |
/// | `predictions/` | probabilities and labels of each evaluated split, by image and by study |
/// | `metrics.json` | the final evaluations |
#[derive(Debug, Clone)]
pub struct RunDirectory {
    root: PathBuf,
}

/// What a run used, so that its numbers can be traced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of this crate.
    pub version: String,
    /// The network's name, for example `densenet121-minus1`.
    pub network: String,
    /// Its trainable parameters.
    pub parameters: usize,
    /// The device, as it was asked for.
    pub device: String,
    /// The weights that it started from; `None` for random ones.
    pub weights: Option<WeightsProvenance>,
    /// What became of uncertain and blank labels.
    pub labels: LabelProblem,
    /// The statistics by which images are normalised.
    pub normalization: Normalization,
    /// Rows and digest of each split's CSV.
    pub data: BTreeMap<String, SplitProvenance>,
}

/// A checkpoint that a run started from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightsProvenance {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub sha256: String,
    /// How many of its tensors the network took.
    pub applied: usize,
    /// Its tensors that were left out.
    pub left_out: Vec<String>,
    /// Its tensors that were converted to float32.
    pub converted: Vec<String>,
}

/// A split that a run used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitProvenance {
    /// Rows of the CSV.
    pub rows: usize,
    /// SHA-256 of the CSV.
    pub sha256: String,
}

/// One validation: a line of `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValidationRecord {
    /// Optimiser steps taken.
    pub step: u64,
    /// Epochs completed.
    pub epoch: u64,
    /// Training examples seen.
    pub examples: u64,
    /// Mean loss of the steps since the validation before.
    pub training_loss: f64,
    /// Mean loss over the validation images.
    pub validation_loss: f64,
    /// Mean AUROC over `averaged`, by study; `None` where no observation of the CheXpert AUC is defined.
    pub validation_auc: Option<f64>,
    /// The observations of the CheXpert AUC that are defined on this validation split.
    pub averaged: Vec<String>,
    /// AUROC of every observation, by study; `None` where undefined.
    pub observations: BTreeMap<String, Option<f64>>,
}

impl From<&LoadReport> for WeightsProvenance {
    fn from(report: &LoadReport) -> Self {
        let names = |list: &[(String, String)]| list.iter().map(|(name, _)| name.clone()).collect();
        Self {
            path: report.path.clone(),
            sha256: report.sha256.clone(),
            applied: report.applied.len(),
            left_out: report
                .left_out
                .iter()
                .map(|(name, _)| name.clone())
                .collect(),
            converted: names(&report.converted),
        }
    }
}

impl Provenance {
    /// The digests of the splits that a dataset has.
    pub(crate) fn data_of(dataset: &CheXpert) -> Result<BTreeMap<String, SplitProvenance>> {
        let splits = dataset.splits().iter().map(|split| {
            let records = dataset.split(*split)?;
            let sha256 = records.digest().to_owned();
            let rows = records.len();
            Ok((split.name().to_owned(), SplitProvenance { rows, sha256 }))
        });
        splits.collect()
    }
}

/// The settings; written last when a run begins, so that its presence says that the rest is there.
const CONFIG: &str = "config.toml";

impl RunDirectory {
    /// Makes the folder of a new run, which is one once [`RunDirectory::write_config`] was called.
    ///
    /// # Errors
    /// [`Error::RunExists`] when it holds a run, [`Error::Io`] when it cannot be made or written to.
    pub(crate) fn create(root: &Path) -> Result<Self> {
        let directory = Self {
            root: root.to_owned(),
        };
        if Self::is_begun(root) {
            return Err(Error::RunExists {
                path: root.to_owned(),
            });
        }
        create_folder(root)?;
        create_folder(&directory.checkpoints())?;
        Ok(directory)
    }

    /// Opens the folder of a run that was begun before.
    ///
    /// # Errors
    /// [`Error::Io`] when it holds none.
    pub fn open(root: impl AsRef<Path>) -> Result<Self> {
        let directory = Self {
            root: root.as_ref().to_owned(),
        };
        directory.config()?;
        Ok(directory)
    }

    /// Whether this folder holds a run.
    pub fn is_begun(root: &Path) -> bool {
        root.join(CONFIG).exists()
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The settings that the run began with.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn config(&self) -> Result<TrainConfig> {
        TrainConfig::read(&self.config_path())
    }

    /// What the run used.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn provenance(&self) -> Result<Provenance> {
        self.read_json("provenance.json")
    }

    /// All validations so far, the oldest first.
    ///
    /// # Errors
    /// [`Error::Io`] with the line that cannot be read.
    pub fn validations(&self) -> Result<Vec<ValidationRecord>> {
        let path = self.root.join("metrics.jsonl");
        let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        let lines = text.lines().enumerate().map(|(index, line)| {
            serde_json::from_str(line)
                .map_err(|cause| Error::io("read", &path)(format!("line {}: {cause}", index + 1)))
        });
        lines.collect()
    }

    /// Where the predictions of a split lie, by image.
    pub fn predictions_path(&self, split: Split) -> PathBuf {
        self.root.join(format!("predictions/{}.csv", split.name()))
    }

    /// The table of final evaluations.
    pub fn metrics_path(&self) -> PathBuf {
        self.root.join("metrics.json")
    }

    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.root.join("checkpoints")
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.root.join(CONFIG)
    }

    pub(crate) fn write_config(&self, config: &TrainConfig) -> Result<()> {
        let path = self.config_path();
        write_whole(&path, config.to_toml()?.as_bytes())
    }

    pub(crate) fn write_provenance(&self, provenance: &Provenance) -> Result<()> {
        self.write_json(&self.root.join("provenance.json"), provenance)
    }

    pub(crate) fn write_validations(&self, lines: &[String]) -> Result<()> {
        let text: String = lines.iter().map(|line| line.clone() + "\n").collect();
        write_whole(&self.root.join("metrics.jsonl"), text.as_bytes())
    }

    /// The table of all optimiser steps.
    pub fn steps_path(&self) -> PathBuf {
        self.root.join("steps.csv")
    }

    pub(crate) fn unreadable_path(&self) -> PathBuf {
        self.root.join("unreadable.csv")
    }

    /// Stores predictions by image and by study.
    pub(crate) fn write_predictions(
        &self,
        split: Split,
        by_image: &Predictions,
        by_study: &Predictions,
    ) -> Result<()> {
        create_folder(&self.root.join("predictions"))?;
        by_image.write_csv(self.predictions_path(split))?;
        let by_study_path = format!("predictions/{}-by-study.csv", split.name());
        by_study.write_csv(self.root.join(by_study_path))?;
        Ok(())
    }

    /// Adds an evaluation to `metrics.json`, under the split's name.
    pub(crate) fn write_evaluation(
        &self,
        split: Split,
        device: &str,
        members: usize,
        evaluation: &Evaluation,
    ) -> Result<()> {
        let (config, provenance) = (self.config()?, self.provenance()?);
        let path = self.metrics_path();
        let mut content = if path.exists() {
            self.read_json::<serde_json::Map<String, serde_json::Value>>("metrics.json")?
        } else {
            serde_json::Map::new()
        };
        let evaluation = serde_json::to_value(evaluation).map_err(Error::io("write", &path))?;
        for (key, value) in [
            ("architecture", config.architecture.name().into()),
            ("minus", config.minus.into()),
            ("parameters", provenance.parameters.into()),
            ("pretrained", provenance.weights.is_some().into()),
            (
                "weights_sha256",
                provenance.weights.map(|weights| weights.sha256).into(),
            ),
            (
                "data_sha256",
                provenance
                    .data
                    .get(split.name())
                    .map(|data| data.sha256.clone())
                    .into(),
            ),
            ("device", device.into()),
            ("seed", config.seed.into()),
            ("version", provenance.version.into()),
            ("ensemble", members.into()),
            (split.name(), evaluation),
        ] {
            content.insert(key.to_owned(), value);
        }
        self.write_json(&path, &content)
    }

    fn read_json<T: for<'a> Deserialize<'a>>(&self, name: &str) -> Result<T> {
        let path = self.root.join(name);
        let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
        serde_json::from_slice(&bytes).map_err(Error::io("read", &path))
    }

    fn write_json(&self, path: &Path, value: &impl Serialize) -> Result<()> {
        let mut bytes = serde_json::to_vec_pretty(value).map_err(Error::io("write", path))?;
        bytes.push(b'\n');
        write_whole(path, &bytes)
    }
}
