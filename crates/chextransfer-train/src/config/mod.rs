//! Every setting of a run, with the paper's protocol as default.

mod check;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::FloatDType;
use chextransfer_data::{
    Augmentation, CheXpert, ImageRecipe, LabelProblem, LoaderConfig, Observation,
};
use chextransfer_models::weights::Checkpoint;
use chextransfer_models::{Architecture, NetworkSpec};
use serde::{Deserialize, Serialize};

use crate::learning_rates::LearningRates;
use crate::outputs;
use crate::{EarlyStopping, Error, Freeze, Interval, Loss, OptimizerConfig, Result, Schedule};

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
    /// The folder that the paths in its tables refer to, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<PathBuf>,
    /// Side of the square that the network sees, in pixels; images are resized to it by their shorter side.
    #[serde(default = "defaults::image_size")]
    pub image_size: u32,
    /// Random changes of training images; none unless asked for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub augmentation: Augmentation,
    /// A folder where resized images are kept from epoch to epoch and from run to run; changes no result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<PathBuf>,
    /// What becomes of uncertain and blank labels.
    #[serde(default = "LabelProblem::paper")]
    pub labels: LabelProblem,
    /// What the loss of a positive is multiplied by, for each observation; 1 where it is not named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pos_weight: BTreeMap<Observation, f64>,
    /// How far targets are moved towards undecided: 0.1 makes 0.95 of a positive binary one.
    #[serde(default)]
    pub label_smoothing: f64,
    /// Passes over the training split.
    #[serde(default = "defaults::epochs")]
    pub epochs: u64,
    /// Images in an optimiser step.
    #[serde(default = "defaults::batch_size")]
    pub batch_size: usize,
    /// Images that are computed at a time, where a whole batch is too large for the memory; their
    /// gradients add up to the batch's, though batch normalisation sees the parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micro_batch_size: Option<usize>,
    /// How weights follow their gradients.
    #[serde(default)]
    pub optimizer: OptimizerConfig,
    /// Whether weight decay also shrinks biases and normalisations, as PyTorch's optimisers do.
    #[serde(default = "defaults::decay_all")]
    pub decay_all: bool,
    /// The learning rate, before schedule and decay by layer.
    #[serde(default = "defaults::learning_rate")]
    pub learning_rate: f64,
    /// The learning rate of parts of the network: `stem`, `blocks.0` and so on, `neck`, `auxiliary`,
    /// `head`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub learning_rates: BTreeMap<String, f64>,
    /// What each block's learning rate is multiplied by for every part between it and the head; 1 for
    /// the same rate everywhere.
    #[serde(default = "defaults::layer_decay")]
    pub layer_decay: f64,
    /// How the learning rate changes over the run.
    #[serde(default)]
    pub schedule: Schedule,
    /// How long the learning rate rises before the schedule begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<Interval>,
    /// What is not trained.
    #[serde(default)]
    pub freeze: Freeze,
    /// The norm that all gradients together are shortened to, where it is longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f64>,
    /// Decay of an exponential moving average of the weights, which is then what is validated and
    /// kept; for example 0.999.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ema_decay: Option<f64>,
    /// Probability of dropout before the classifier; the architecture's own without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropout: Option<f64>,
    /// Probability of leaving out the last residual branch, falling to 0 at the first; the
    /// architecture's own without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stochastic_depth: Option<f64>,
    /// Weight of the loss of an auxiliary classifier, which a whole `inception_v3` has; 0 leaves the
    /// classifier away.
    #[serde(default = "defaults::auxiliary_loss_weight")]
    pub auxiliary_loss_weight: f64,
    /// What becomes of a step whose loss or gradients are no finite numbers.
    #[serde(default)]
    pub non_finite: NonFinite,
    /// Computes elementwise activations again in the backward pass instead of keeping them: less
    /// memory, the same gradients. On the CPU our kernels do so in any case.
    #[serde(default)]
    pub gradient_checkpointing: bool,
    /// What convolutions compute in while training.
    #[serde(default)]
    pub precision: Precision,
    /// How often the run validates; it does so once more behind its last step. The paper's "8192
    /// gradient steps" are 8,192 examples in its authors' code.
    #[serde(default = "defaults::validate_every")]
    pub validate_every: Interval,
    /// Ends the run before its last epoch when validation no longer improves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStopping>,
    /// How often a checkpoint to resume from is made; each validation makes one as well.
    #[serde(default = "defaults::checkpoint_every")]
    pub checkpoint_every: Interval,
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

/// What convolutions compute in while training. Weights, normalisation, the classifier, the loss, the
/// optimiser and all inference are float32 in any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 24 bits of precision.
    #[default]
    Float32,
    /// 8 bits of precision and float32's range, so that no gradient needs to be scaled: for devices whose
    /// matrix units are faster with it.
    Bfloat16,
    /// 11 bits of precision, and no number above 65,504 or below 6e-8, so that the loss is scaled, by a factor that
    /// follows the gradients as in PyTorch's `GradScaler`; a step whose gradients overflow is left out. For devices
    /// without bfloat16.
    Float16,
}

impl Precision {
    /// The type that images and the weights of convolutions are cast to, where it is not their own.
    pub fn cast(self) -> Option<FloatDType> {
        match self {
            Self::Float32 => None,
            Self::Bfloat16 => Some(FloatDType::BF16),
            Self::Float16 => Some(FloatDType::F16),
        }
    }

    /// Its name in `config.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Bfloat16 => "bfloat16",
            Self::Float16 => "float16",
        }
    }
}

/// What becomes of a step whose loss or gradients are no finite numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NonFinite {
    /// The run ends with an error that names the step and its images.
    #[default]
    Stop,
    /// The step is left out, reported and counted; the network stays as it was before.
    Skip,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The protocol's numbers.
mod defaults {
    use crate::Interval;

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
    pub(super) fn decay_all() -> bool {
        true
    }
    pub(super) fn layer_decay() -> f64 {
        1.0
    }
    pub(super) fn validate_every() -> Interval {
        Interval::Examples(8192)
    }
    pub(super) fn checkpoint_every() -> Interval {
        Interval::Examples(2048)
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
            images: None,
            image_size: defaults::image_size(),
            augmentation: Augmentation::default(),
            cache: None,
            labels: LabelProblem::paper(),
            pos_weight: BTreeMap::new(),
            label_smoothing: 0.0,
            epochs: defaults::epochs(),
            batch_size: defaults::batch_size(),
            micro_batch_size: None,
            optimizer: OptimizerConfig::default(),
            decay_all: defaults::decay_all(),
            learning_rate: defaults::learning_rate(),
            learning_rates: BTreeMap::new(),
            layer_decay: defaults::layer_decay(),
            schedule: Schedule::Constant,
            warm_up: None,
            freeze: Freeze::Nothing,
            clip_norm: None,
            ema_decay: None,
            dropout: None,
            stochastic_depth: None,
            auxiliary_loss_weight: defaults::auxiliary_loss_weight(),
            non_finite: NonFinite::Stop,
            gradient_checkpointing: false,
            precision: Precision::Float32,
            validate_every: defaults::validate_every(),
            early_stopping: None,
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

    /// The same settings with one of them replaced, given as `NAME=VALUE`: the name as in
    /// `config.toml`, with a dot before what is inside a table (`clip_norm=1.0`,
    /// `schedule.floor=0.1`), the value TOML's, where the quotes around a text may be left out. A
    /// `kind` begins its table anew.
    ///
    /// # Errors
    /// [`Error::BadSetting`] when there is no such setting or the value is not one of its own.
    pub fn with_setting(&self, setting: &str) -> Result<Self> {
        let wrong = |reason: String| Error::BadSetting {
            setting: setting.to_owned(),
            reason: reason.trim().replace('\n', " "),
        };
        let Some((name, value)) = setting.split_once('=') else {
            return Err(wrong("expected NAME=VALUE".to_owned()));
        };
        let (name, value) = (name.trim(), value.trim());
        let parsed = toml::from_str::<toml::Table>(&format!("value = {value}"));
        let parsed = parsed.ok().and_then(|mut table| table.remove("value"));
        let parsed = parsed.unwrap_or_else(|| value.into());
        let mut settings = toml::Table::try_from(self).map_err(|error| wrong(error.to_string()))?;
        let mut table = &mut settings;
        let (path, last) = name.rsplit_once('.').unwrap_or(("", name));
        for step in path.split('.').filter(|step| !step.is_empty()) {
            let inner = table
                .entry(step)
                .or_insert_with(|| toml::Table::new().into());
            table = match inner {
                toml::Value::Table(inner) => inner,
                _ => return Err(wrong(format!("`{step}` has no settings inside"))),
            };
        }
        if last == "kind" {
            table.clear();
        }
        table.insert(last.to_owned(), parsed);
        settings
            .try_into()
            .map_err(|error: toml::de::Error| wrong(error.message().to_owned()))
    }

    /// The settings as the content of a `config.toml`.
    ///
    /// # Errors
    /// [`Error::Internal`] where TOML has no form for them.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| Error::Internal {
            reason: error.to_string(),
        })
    }

    /// The tables and images of these settings.
    ///
    /// # Errors
    /// When there is no dataset.
    pub fn dataset(&self) -> Result<CheXpert> {
        let images = self.images.as_ref().unwrap_or(&self.data);
        Ok(CheXpert::open_with_images(&self.data, images)?)
    }

    /// The network that these settings describe.
    ///
    /// # Errors
    /// When more blocks are dropped than there are, or the images are too small for it.
    pub fn network(&self) -> Result<NetworkSpec> {
        let spec = self.architecture.minus(self.minus)?;
        let mut spec = spec.with_classes(self.labels.outputs())?;
        if let Some(checkpoint) = &self.checkpoint {
            spec = spec.with_batch_norm(checkpoint.spec()?.batch_norm());
        }
        if self.auxiliary_loss_weight == 0.0 {
            spec = spec.without_auxiliary();
        }
        if let Some(probability) = self.dropout {
            spec = spec.with_dropout(probability);
        }
        if let Some(probability) = self.stochastic_depth {
            spec = spec.with_stochastic_depth(probability);
        }
        spec.check_training_image([self.image_size as usize; 2])?;
        Ok(spec)
    }

    /// The observations whose mean AUROC the run is judged by: those of the CheXpert AUC among its
    /// targets, or all its targets where it has none of them.
    pub fn judged(&self) -> Vec<Observation> {
        let targets = self.labels.targets();
        let is_target = |observation: &Observation| targets.contains(observation);
        let judged: Vec<_> = (Observation::CHEXPERT_AUC.into_iter())
            .filter(is_target)
            .collect();
        match judged[..] {
            [] => targets.to_vec(),
            _ => judged,
        }
    }

    /// What is minimised.
    ///
    /// # Errors
    /// [`Error::Setting`] for a weight of what is no target, or that is out of range.
    pub fn loss(&self) -> Result<Loss> {
        let targets = self.labels.targets();
        if let Some((observation, weight)) =
            (self.pos_weight.iter()).find(|(observation, _)| !targets.contains(observation))
        {
            return Err(Error::Setting {
                setting: "pos_weight",
                found: format!("{observation} = {weight}"),
                expected: "an observation that is a target",
            });
        }
        let weights = targets
            .iter()
            .map(|target| self.pos_weight.get(target).copied());
        outputs::loss(&self.labels)?
            .with_pos_weight(weights.map(|weight| weight.unwrap_or(1.0)).collect())?
            .with_label_smoothing(self.label_smoothing)
    }

    /// The learning rate of every part of a network.
    pub(crate) fn learning_rates(&self, spec: &NetworkSpec) -> Result<LearningRates> {
        LearningRates::new(
            spec,
            self.learning_rate,
            self.layer_decay,
            &self.learning_rates,
        )
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
            cache: self.cache.clone(),
            ..LoaderConfig::default()
        }
    }
}
