//! A run: fine-tuning with periodic validation, from the first step or from a checkpoint.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use chextransfer_data::{Batch, CheXpert, Loader, Normalization, Split};
use chextransfer_metrics::Bootstrap;
use chextransfer_models::weights::{self, Head, Import, Preprocessing};
use chextransfer_models::{DeviceChoice, Network};

use crate::checkpoint::{Progress, holds_training};
use crate::ensemble::chexpert_auc;
use crate::event::{Event, Observer};
use crate::input::Input;
use crate::loss::masked_binary_cross_entropy;
use crate::predict::{named, predict};
use crate::provenance::{Program, Provenance};
use crate::run_directory::{RunDirectory, ValidationRecord};
use crate::unreadable::Unreadable;
use crate::{Error, Result, TrainConfig};

/// A fine-tuning run with its folder.
///
/// One run a process at a time: Burn's CPU backend has one generator of random numbers for all, so two
/// would change each other's dropout.
pub struct Run {
    directory: RunDirectory,
    config: TrainConfig,
    normalization: Normalization,
    device: Device,
    network: Network,
    optimizer: ModuleOptimizer,
    training: Loader,
    validation: Loader,
    progress: Progress,
    saved_at: u64,
    unreadable: Unreadable,
}

/// How [`Run::train`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// The observer asked to stop; a checkpoint was written first.
    Interrupted,
}

impl Run {
    /// Begins a run in a new folder.
    ///
    /// Settings, data, device and weights are checked before the folder is made.
    ///
    /// # Errors
    /// Whatever is wrong with them; [`Error::RunExists`] when the folder holds a run.
    pub fn begin(
        config: TrainConfig,
        folder: &Path,
        device: DeviceChoice,
        observer: &mut Observer,
    ) -> Result<Self> {
        config.check()?;
        let spec = config.network()?;
        let dataset = CheXpert::open(&config.data)?;
        let (training, validation) = loaders(&config, &dataset)?;
        let name = device.to_string();
        let device = device.open()?.autodiff();
        let network = spec.init(config.seed, &device);
        let (network, report) = match &config.weights {
            Some(path) => {
                let import = match &config.checkpoint {
                    Some(row) => row.import(Head::LeaveOut),
                    None => Import::from(Head::LeaveOut),
                };
                let (network, report) = weights::load(network, path, import)?;
                if let Some(row) = &config.checkpoint {
                    row.check(&report)?;
                }
                (network, Some(report))
            }
            None => (network, None),
        };
        if RunDirectory::is_begun(folder) {
            return Err(Error::RunExists {
                path: folder.to_owned(),
            });
        }
        let normalization = match report {
            Some(_) => (config.checkpoint.as_ref()).map_or(Normalization::IMAGENET, |row| {
                let Preprocessing { mean, std, .. } = row.preprocessing;
                Normalization { mean, std }
            }),
            None => measure(&config, &training, observer)?,
        };
        let directory = RunDirectory::create(folder)?;
        if holds_training(&directory)? {
            return Err(Error::RunExists {
                path: folder.to_owned(),
            });
        }
        directory.write_provenance(&Provenance {
            program: Program::this(),
            network: spec.name(),
            parameters: spec.parameters(),
            device: name,
            seed: config.seed,
            weights: report.as_ref().map(Into::into),
            labels: config.labels,
            normalization,
            data: Provenance::data_of(&dataset)?,
        })?;
        let mut run = Self {
            unreadable: Unreadable::open(&directory)?,
            directory,
            normalization,
            device,
            network,
            optimizer: optimizer(),
            training,
            validation,
            progress: Progress::default(),
            saved_at: 0,
            config,
        };
        run.save()?;
        // Last, so that a run that was killed here can be begun anew.
        run.directory.write_config(&run.config)?;
        Ok(run)
    }

    /// Goes on with the run of this folder from its newest whole checkpoint, or begins it where none
    /// was begun: after a kill at whatever moment the same call is right.
    ///
    /// # Errors
    /// [`Error::ConfigDiffers`] and [`Error::DataChanged`] when it is not the same run any more,
    /// [`Error::NoCheckpoint`] when there is nothing to go on from.
    pub fn resume(
        config: TrainConfig,
        folder: &Path,
        device: DeviceChoice,
        observer: &mut Observer,
    ) -> Result<Self> {
        if !RunDirectory::is_begun(folder) {
            return Self::begin(config, folder, device, observer);
        }
        let directory = RunDirectory::open(folder)?;
        same_settings(&directory, &config)?;
        let dataset = CheXpert::open(&config.data)?;
        let provenance = directory.provenance()?;
        for (split, now) in Provenance::data_of(&dataset)? {
            let Some(begun) = provenance.data.get(&split) else {
                continue;
            };
            if begun.sha256 != now.sha256 {
                return Err(Error::DataChanged {
                    path: config.data.join(format!("{split}.csv")),
                    begun: begun.sha256.clone(),
                    now: now.sha256,
                });
            }
        }
        let (training, validation) = loaders(&config, &dataset)?;
        let device = device.open()?.autodiff();
        let checkpoint = Progress::newest(&directory, |checkpoint, reason| {
            let _ = observer(Event::Refused { checkpoint, reason });
        })?;
        let network = config.network()?.init(config.seed, &device);
        let (network, optimizer, progress) = checkpoint.restore(network, optimizer())?;
        directory.write_validations(&progress.validations)?;
        Ok(Self {
            unreadable: Unreadable::open(&directory)?,
            directory,
            normalization: provenance.normalization,
            device,
            network,
            optimizer,
            training,
            validation,
            saved_at: progress.examples,
            progress,
            config,
        })
    }

    /// The run's folder.
    pub fn directory(&self) -> &RunDirectory {
        &self.directory
    }

    /// Training examples of the whole run.
    pub fn examples(&self) -> u64 {
        self.config.epochs * self.training.records().len() as u64
    }

    /// Trains to the end of the last epoch, or until the observer breaks.
    ///
    /// # Errors
    /// [`Error::Loss`] when the loss is not finite, [`Error::Unreadable`] when too many images cannot
    /// be read, [`Error::Io`] when a file cannot be written; the newest checkpoint stays usable.
    pub fn train(&mut self, observer: &mut Observer) -> Result<Outcome> {
        while !self.finished() {
            let Progress { epoch, batch, .. } = self.progress;
            let batches = self.training.shuffled(self.config.seed, epoch, batch);
            for batch in batches {
                if self.validation_due() && self.validate(observer)?.is_break() {
                    return self.interrupted();
                }
                if self.step(&batch?, observer)?.is_break() {
                    return self.interrupted();
                }
                if self.progress.examples - self.saved_at >= self.config.checkpoint_every {
                    self.save()?;
                }
            }
            self.progress.epoch += 1;
            self.progress.batch = 0;
        }
        if self.validation_due() && self.validate(observer)?.is_break() {
            return self.interrupted();
        }
        Ok(Outcome::Finished)
    }

    fn finished(&self) -> bool {
        self.progress.epoch >= self.config.epochs
    }

    fn validation_due(&self) -> bool {
        let since = self.progress.examples - self.progress.validated_at;
        since >= self.config.validate_every || (self.finished() && since > 0)
    }

    fn interrupted(&mut self) -> Result<Outcome> {
        self.save()?;
        Ok(Outcome::Interrupted)
    }

    fn save(&mut self) -> Result<()> {
        self.progress
            .save(&self.network, &self.optimizer, &self.directory)?;
        self.saved_at = self.progress.examples;
        Ok(())
    }

    /// One optimiser step.
    fn step(&mut self, batch: &Batch, observer: &mut Observer) -> Result<ControlFlow<()>> {
        let records = self.training.records().clone();
        self.unreadable.note(
            (Split::Train, &records),
            &batch.skipped,
            self.config.max_unreadable,
            observer,
        )?;
        let mut mean = 0.0;
        if !batch.indices.is_empty() {
            let step = self.progress.step + 1;
            // Dropout draws from the device's generator, whose state cannot be stored: it starts
            // anew at each step, from a number that differs for every seed and step.
            self.device.seed(
                self.config
                    .seed
                    .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                    .wrapping_add(step),
            );
            let input = Input::new(batch, &self.normalization, &self.device);
            let (logits, auxiliary) = self.network.forward_with_auxiliary(input.images);
            let cross_entropy = |logits| {
                masked_binary_cross_entropy(logits, input.targets.clone(), input.mask.clone())
            };
            let mut loss = cross_entropy(logits);
            if let Some(logits) = auxiliary {
                loss = loss + cross_entropy(logits) * self.config.auxiliary_loss_weight;
            }
            mean = loss.clone().into_scalar::<f32>();
            if !mean.is_finite() {
                return Err(Error::Loss {
                    loss: mean,
                    step,
                    images: named(&records, &batch.indices),
                });
            }
            let gradients = GradientsParams::from_grads(loss.backward(), &self.network);
            self.network =
                self.optimizer
                    .step(self.config.learning_rate, self.network.clone(), gradients);
            self.progress.step = step;
            self.progress.losses.push(mean);
        }
        self.progress.batch += 1;
        self.progress.examples += (batch.indices.len() + batch.skipped.len()) as u64;
        Ok(observer(Event::Step {
            examples: self.progress.examples,
            of: self.examples(),
            loss: mean,
        }))
    }

    fn validate(&mut self, observer: &mut Observer) -> Result<ControlFlow<()>> {
        // `valid` brings running statistics up to date and shares none with the training network.
        let network = self.network.valid();
        let device = self.device.clone().inner();
        let predicted = predict(
            &network,
            &self.validation,
            &self.normalization,
            &device,
            observer,
        )?;
        let Some(prediction) = predicted else {
            return Ok(ControlFlow::Break(()));
        };
        let records = self.validation.records().clone();
        self.unreadable.note(
            (Split::Valid, &records),
            &prediction.skipped,
            self.config.max_unreadable,
            observer,
        )?;
        let evaluation = prediction
            .table
            .by_study()?
            .evaluate(&chexpert_auc(), &Bootstrap::NONE)?;
        let losses = std::mem::take(&mut self.progress.losses);
        let record = ValidationRecord {
            step: self.progress.step,
            epoch: self.progress.epoch,
            examples: self.progress.examples,
            training_loss: losses.iter().copied().map(f64::from).sum::<f64>()
                / losses.len().max(1) as f64,
            validation_loss: prediction.loss,
            validation_auc: evaluation.mean_auc,
            averaged: evaluation.averaged,
            observations: evaluation
                .observations
                .into_iter()
                .map(|one| (one.name, one.auc))
                .collect(),
        };
        self.progress.validated_at = self.progress.examples;
        let line =
            serde_json::to_string(&record).map_err(Error::io("describe", self.directory.root()))?;
        self.progress.validations.push(line);
        let keep = self.config.keep_best;
        self.progress
            .keep_if_good(&network, record.validation_auc, keep, &self.directory)?;
        self.save()?;
        self.directory
            .write_validations(&self.progress.validations)?;
        Ok(observer(Event::Validated(&record)))
    }
}

/// Adam as PyTorch has it; Burn's own default epsilon is 1e-5.
fn optimizer() -> ModuleOptimizer {
    AdamConfig::new()
        .with_beta_1(0.9)
        .with_beta_2(0.999)
        .with_epsilon(1e-8)
        .init()
}

fn loaders(config: &TrainConfig, dataset: &CheXpert) -> Result<(Loader, Loader)> {
    let loader = |split| -> Result<Loader> {
        let records = Arc::new(dataset.split(split)?);
        Ok(Loader::new(
            records,
            config.recipe(),
            config.labels,
            config.loader(),
        )?)
    };
    Ok((loader(Split::Train)?, loader(Split::Valid)?))
}

fn measure(
    config: &TrainConfig,
    training: &Loader,
    observer: &mut Observer,
) -> Result<Normalization> {
    let records = training.records();
    let of = records.len();
    let measured = Normalization::measure(records, config.recipe(), config.loader(), |done| {
        let _ = observer(Event::Measuring { done, of });
    })?;
    Ok(measured.normalization)
}

/// A resumed run must be asked for what it was begun with; threads alone change no result.
fn same_settings(directory: &RunDirectory, asked: &TrainConfig) -> Result<()> {
    let path = directory.config_path();
    let begun = TrainConfig {
        loader_threads: asked.loader_threads,
        ..directory.config()?
    };
    let table = |config: &TrainConfig| {
        toml::Table::try_from(config).map_err(Error::io("compare with", &path))
    };
    let (begun, asked) = (table(&begun)?, table(asked)?);
    let settings = begun.keys().chain(asked.keys());
    for setting in settings {
        let text = |table: &toml::Table| {
            table
                .get(setting)
                .map_or("nothing".to_owned(), ToString::to_string)
        };
        if begun.get(setting) != asked.get(setting) {
            return Err(Error::ConfigDiffers {
                path,
                setting: setting.clone(),
                begun: text(&begun),
                asked: text(&asked),
            });
        }
    }
    Ok(())
}
