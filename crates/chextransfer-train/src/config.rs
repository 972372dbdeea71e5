//! Every setting of a run, with the paper's protocol as default.

use std::path::{Path, PathBuf};

use chextransfer_data::{ImageRecipe, LabelProblem, LoaderConfig};
use chextransfer_models::weights::Checkpoint;
use chextransfer_models::{Architecture, NetworkSpec};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What is trained, on what, and how: the content of a run's `config.toml`.
///
/// Defaults are the protocol of Ke et al. 2021 as far as it is stated, and its authors' published
/// defaults elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// The network.
    pub architecture: Architecture,
    /// How many of its last blocks are dropped.
    #[serde(default)]
    pub minus: usize,
    /// A safetensors or PyTorch file with ImageNet weights under torchvision's or timm's names; random
    /// weights without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<PathBuf>,
    /// What is known of that file: a row of the manifest. Its names, its constants of batch
    /// normalisation and its statistics of images are then used, and the file must be the pinned
    /// one; without, images are normalised for ImageNet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
    /// The dataset's folder, with `train.csv`, `valid.csv` and perhaps `test.csv`.
    pub data: PathBuf,
    /// Side of the square that the network sees, in pixels; images are resized to it by their shorter side.
    #[serde(default = "defaults::image_size")]
    pub image_size: u32,
    /// What becomes of uncertain and blank labels.
    #[serde(default = "LabelProblem::paper")]
    pub labels: LabelProblem,
    /// Passes over the training split.
    #[serde(default = "defaults::epochs")]
    pub epochs: u64,
    /// Images in an optimiser step.
    #[serde(default = "defaults::batch_size")]
    pub batch_size: usize,
    /// Adam's learning rate.
    #[serde(default = "defaults::learning_rate")]
    pub learning_rate: f64,
    /// Weight of the loss of an auxiliary classifier, which a whole `inception_v3` has; 0 leaves the
    /// classifier away.
    #[serde(default = "defaults::auxiliary_loss_weight")]
    pub auxiliary_loss_weight: f64,
    /// Training examples between two validations; one more follows the last step. The paper's "8192
    /// gradient steps" are 8,192 examples in its authors' code.
    #[serde(default = "defaults::validate_every")]
    pub validate_every: u64,
    /// Training examples between two checkpoints to resume from; each validation makes one as well.
    #[serde(default = "defaults::checkpoint_every")]
    pub checkpoint_every: u64,
    /// How many checkpoints with the best mean validation AUROC are kept and averaged.
    #[serde(default = "defaults::keep_best")]
    pub keep_best: usize,
    /// The share of a split's images that may be unreadable before the run fails.
    #[serde(default = "defaults::max_unreadable")]
    pub max_unreadable: f64,
    /// Replicates of the bootstrap on the final evaluation.
    #[serde(default = "defaults::bootstrap_replicates")]
    pub bootstrap_replicates: usize,
    /// Seed of initial weights, order, crops, dropout and bootstrap.
    #[serde(default)]
    pub seed: u64,
    /// Threads that decode images; changes no result.
    #[serde(default = "defaults::loader_threads")]
    pub loader_threads: usize,
}

/// The protocol's numbers.
mod defaults {
    pub(super) fn image_size() -> u32 {
        320
    }
    pub(super) fn epochs() -> u64 {
        3
    }
    pub(super) fn batch_size() -> usize {
        16
    }
    pub(super) fn learning_rate() -> f64 {
        1e-4
    }
    pub(super) fn auxiliary_loss_weight() -> f64 {
        chextransfer_models::Network::AUXILIARY_LOSS_WEIGHT
    }
    pub(super) fn validate_every() -> u64 {
        8192
    }
    pub(super) fn checkpoint_every() -> u64 {
        2048
    }
    pub(super) fn keep_best() -> usize {
        10
    }
    pub(super) fn max_unreadable() -> f64 {
        0.01
    }
    pub(super) fn bootstrap_replicates() -> usize {
        1000
    }
    pub(super) fn loader_threads() -> usize {
        2
    }
}

impl TrainConfig {
    /// The paper's protocol for this network on this dataset.
    pub fn paper(architecture: Architecture, data: impl Into<PathBuf>) -> Self {
        Self {
            architecture,
            minus: 0,
            weights: None,
            checkpoint: None,
            data: data.into(),
            image_size: defaults::image_size(),
            labels: LabelProblem::paper(),
            epochs: defaults::epochs(),
            batch_size: defaults::batch_size(),
            learning_rate: defaults::learning_rate(),
            auxiliary_loss_weight: defaults::auxiliary_loss_weight(),
            validate_every: defaults::validate_every(),
            checkpoint_every: defaults::checkpoint_every(),
            keep_best: defaults::keep_best(),
            max_unreadable: defaults::max_unreadable(),
            bootstrap_replicates: defaults::bootstrap_replicates(),
            seed: 0,
            loader_threads: defaults::loader_threads(),
        }
    }

    /// Reads a `config.toml`.
    ///
    /// # Errors
    /// [`Error::Io`] with the file and what is wrong in it.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
        toml::from_str(&text).map_err(|error: toml::de::Error| {
            Error::io("read", path)(error.to_string().trim().replace('\n', " "))
        })
    }

    /// The settings as TOML.
    pub(crate) fn to_toml(&self) -> Result<String, String> {
        toml::to_string(self).map_err(|error| error.to_string())
    }

    /// The network that these settings describe.
    ///
    /// # Errors
    /// When more blocks are dropped than there are, or the images are too small for it.
    pub fn network(&self) -> Result<NetworkSpec> {
        let classes = chextransfer_data::Observation::COUNT;
        let mut spec = self.architecture.minus(self.minus)?.with_classes(classes)?;
        if let Some(checkpoint) = &self.checkpoint {
            spec = spec.with_batch_norm(checkpoint.spec()?.batch_norm());
        }
        if self.auxiliary_loss_weight == 0.0 {
            spec = spec.without_auxiliary();
        }
        spec.check_training_image([self.image_size as usize; 2])?;
        Ok(spec)
    }

    /// Checks every setting before any work starts.
    ///
    /// # Errors
    /// [`Error::Setting`] with the first one that is out of range.
    pub fn check(&self) -> Result<()> {
        let positive = "a number above 0";
        let checkpoint = self.checkpoint.as_ref();
        let of = checkpoint.map_or(self.architecture, |row| row.architecture);
        let checks = [
            (
                "checkpoint",
                of == self.architecture && (checkpoint.is_none() || self.weights.is_some()),
                checkpoint.map_or_else(String::new, |row| row.id.clone()),
                "a checkpoint of the architecture, and its file as weights",
            ),
            ("epochs", self.epochs > 0, self.epochs.to_string(), positive),
            (
                "batch_size",
                self.batch_size > 0,
                self.batch_size.to_string(),
                positive,
            ),
            (
                "learning_rate",
                self.learning_rate > 0.0 && self.learning_rate.is_finite(),
                self.learning_rate.to_string(),
                positive,
            ),
            (
                "auxiliary_loss_weight",
                self.auxiliary_loss_weight >= 0.0 && self.auxiliary_loss_weight.is_finite(),
                self.auxiliary_loss_weight.to_string(),
                "a number that is not negative",
            ),
            (
                "validate_every",
                self.validate_every > 0,
                self.validate_every.to_string(),
                positive,
            ),
            (
                "checkpoint_every",
                self.checkpoint_every > 0,
                self.checkpoint_every.to_string(),
                positive,
            ),
            (
                "keep_best",
                self.keep_best > 0,
                self.keep_best.to_string(),
                positive,
            ),
            (
                "max_unreadable",
                (0.0..=1.0).contains(&self.max_unreadable),
                self.max_unreadable.to_string(),
                "a share from 0 to 1",
            ),
            (
                "bootstrap_replicates",
                self.bootstrap_replicates > 0,
                self.bootstrap_replicates.to_string(),
                positive,
            ),
        ];
        for (setting, sound, found, expected) in checks {
            if !sound {
                return Err(Error::Setting {
                    setting,
                    found,
                    expected,
                });
            }
        }
        self.recipe().validate()?;
        self.network()?;
        Ok(())
    }

    /// How an image becomes the network's square: random crops in training, centred ones otherwise.
    pub fn recipe(&self) -> ImageRecipe {
        ImageRecipe {
            resize: self.image_size,
            crop: self.image_size,
            ..ImageRecipe::paper()
        }
    }

    pub(crate) fn loader(&self) -> LoaderConfig {
        LoaderConfig {
            batch_size: self.batch_size,
            threads: self.loader_threads,
            ..LoaderConfig::default()
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_toml_and_unknown_ones_are_refused() {
        let config = TrainConfig {
            minus: 2,
            weights: Some("weights.safetensors".into()),
            ..TrainConfig::paper(Architecture::DenseNet121, "data")
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, config.to_toml().unwrap()).unwrap();
        assert_eq!(TrainConfig::read(&path).unwrap(), config);

        std::fs::write(&path, "architecture = \"resnet18\"\ndata = \"d\"").unwrap();
        let defaults = TrainConfig::paper(Architecture::ResNet18, "d");
        assert_eq!(TrainConfig::read(&path).unwrap(), defaults);

        std::fs::write(
            &path,
            "architecture = \"resnet18\"\ndata = \"d\"\nepoch = 3",
        )
        .unwrap();
        let message = TrainConfig::read(&path).unwrap_err().to_string();
        assert!(
            message.contains("config.toml") && message.contains("unknown field `epoch`"),
            "{message}"
        );
    }

    #[test]
    fn a_setting_out_of_range_is_named() {
        let sound = TrainConfig::paper(Architecture::ResNet18, "d");
        assert!(sound.check().is_ok());
        for (broken, expected) in [
            (
                TrainConfig {
                    batch_size: 0,
                    ..sound.clone()
                },
                "setting `batch_size`: found 0",
            ),
            (
                TrainConfig {
                    learning_rate: f64::NAN,
                    ..sound.clone()
                },
                "`learning_rate`: found NaN",
            ),
            (
                TrainConfig {
                    max_unreadable: 1.5,
                    ..sound.clone()
                },
                "found 1.5, expected a share",
            ),
            (
                TrainConfig {
                    minus: 4,
                    ..sound.clone()
                },
                "at most minus 3",
            ),
            (
                TrainConfig {
                    image_size: 0,
                    ..sound.clone()
                },
                "0",
            ),
        ] {
            let message = broken.check().unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
