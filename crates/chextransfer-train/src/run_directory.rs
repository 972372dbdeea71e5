//! The folder of a run: what it was asked, what it used, what came out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use chextransfer_data::Split;
use serde::{Deserialize, Serialize};

use crate::checkpoint;
use crate::digest_list::DigestList;
use crate::files::create_folder;
use crate::provenance::Provenance;
use crate::results::{self, METRICS, Results};
use crate::{Error, Result, TrainConfig};

/// A run's folder.
///
/// | file | content |
/// | --- | --- |
/// | `config.toml` | the settings ([`TrainConfig`]) |
/// | `provenance.json` | version, commit, device, seed, digests of weights and data, normalisation ([`Provenance`]) |
/// | `metrics.jsonl` | one line a validation ([`ValidationRecord`]) |
/// | `steps.csv` | one row an optimiser step: examples, learning rate, loss, norm of the gradients |
/// | `unreadable.csv` | images that were left out, and why; absent when there are none |
/// | `checkpoints/` | the newest two to resume from, the best for the ensemble |
/// | `predictions/` | probabilities and labels of each evaluated split, by image and by study, each with a JSON file that says of what |
/// | `metrics.json` | the final evaluations, with calibration and operating points |
/// | `evaluations/` | predictions and evaluations on other datasets, a folder each; absent when there are none |
/// | `SHA256SUMS` | the digests of all these, but for `checkpoints/`, which have their own ([`verify`](crate::verify)) |
#[derive(Debug, Clone)]
pub struct RunDirectory {
    root: PathBuf,
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

/// The settings; written last when a run begins, so that its presence says that the rest is there.
const CONFIG: &str = "config.toml";
const PROVENANCE: &str = "provenance.json";
const VALIDATIONS: &str = "metrics.jsonl";
const STEPS: &str = "steps.csv";

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
        self.results().read_json(PROVENANCE)
    }

    /// All validations so far, the oldest first.
    ///
    /// # Errors
    /// [`Error::Io`] with the line that cannot be read.
    pub fn validations(&self) -> Result<Vec<ValidationRecord>> {
        let path = self.root.join(VALIDATIONS);
        let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        let lines = text.lines().enumerate().map(|(index, line)| {
            serde_json::from_str(line)
                .map_err(|cause| Error::io("read", &path)(format!("line {}: {cause}", index + 1)))
        });
        lines.collect()
    }

    /// Where the predictions of a split lie, by image.
    pub fn predictions_path(&self, split: Split) -> PathBuf {
        self.root.join(results::by_image(split))
    }

    /// The table of final evaluations.
    pub fn metrics_path(&self) -> PathBuf {
        self.root.join(METRICS)
    }

    /// Lists files of the run's folder that others wrote there, such as figures, in its `SHA256SUMS`.
    ///
    /// # Errors
    /// [`Error::Io`] for a file that is not in the folder, or cannot be read.
    pub fn note_files<P: AsRef<Path>>(&self, files: &[P]) -> Result<()> {
        let names = files.iter().map(|file| {
            let file = file.as_ref();
            let inside = file.strip_prefix(&self.root);
            let inside = inside.map_err(Error::io("list", file))?;
            let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
            Ok(parts.join("/"))
        });
        let names = names.collect::<Result<Vec<_>>>()?;
        DigestList::of(&self.root).note(&names)
    }

    /// The folder of the newest checkpoint to resume from: weights, optimiser, progress, and their
    /// digests in `SHA256SUMS`.
    ///
    /// # Errors
    /// [`Error::NoCheckpoint`].
    pub fn newest_checkpoint(&self) -> Result<PathBuf> {
        let newest = checkpoint::all(self)?.into_iter().next();
        newest.ok_or_else(|| Error::NoCheckpoint {
            path: self.root.clone(),
            refused: String::new(),
        })
    }

    /// The table of all optimiser steps.
    pub fn steps_path(&self) -> PathBuf {
        self.root.join(STEPS)
    }

    pub(crate) fn write_steps(&self, table: &str) -> Result<()> {
        self.results().write(STEPS, table.as_bytes())
    }

    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.root.join("checkpoints")
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.root.join(CONFIG)
    }

    /// Where its evaluations on its own dataset lie.
    pub(crate) fn results(&self) -> Results {
        Results::of(&self.root)
    }

    pub(crate) fn write_config(&self, config: &TrainConfig) -> Result<()> {
        self.results().write(CONFIG, config.to_toml()?.as_bytes())
    }

    pub(crate) fn write_provenance(&self, provenance: &Provenance) -> Result<()> {
        self.results().write_json(PROVENANCE, provenance)
    }

    pub(crate) fn write_validations(&self, lines: &[String]) -> Result<()> {
        let text: String = lines.iter().map(|line| line.clone() + "\n").collect();
        self.results().write(VALIDATIONS, text.as_bytes())
    }
}
