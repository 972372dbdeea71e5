//! A run: fine-tuning with periodic validation, from the first step or from a checkpoint.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use chextransfer_data::split::check_disjoint;
use chextransfer_data::{CheXpert, Loader, Normalization, Split};
use chextransfer_metrics::Bootstrap;
use chextransfer_models::DeviceChoice;
use chextransfer_models::weights::{self, Head, Import, Preprocessing};

use crate::checkpoint::{Checkpoint, Progress, holds_training};
use crate::event::{Event, Observer};
use crate::feed::{Fed, Feed};
use crate::interval::Stretch;
use crate::predict::{named, predict};
use crate::provenance::{Program, Provenance};
use crate::run_directory::{RunDirectory, ValidationRecord};
use crate::schedule::Position;
use crate::step_log::StepLog;
use crate::trainer::{Trainer, training_device};
use crate::unreadable::Unreadable;
use crate::{Error, NonFinite, Result, TrainConfig, TrainingTime};

/// A fine-tuning run with its folder.
///
/// One run a process at a time: Burn's CPU backend has one generator of random numbers for all, so two
/// would change each other's dropout.
pub struct Run {
    directory: RunDirectory,
    trainer: Trainer,
    training: Loader,
    validation: Loader,
    progress: Progress,
    /// Examples and steps at the last checkpoint.
    saved_at: (u64, u64),
    steps: StepLog,
    unreadable: Unreadable,
    /// Whether batches are copied ahead: there is nothing to copy to the processor.
    ahead: bool,
    time: TrainingTime,
}

/// How [`Run::train`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// Validation no longer improved, and the settings say that the run ends then.
    StoppedEarly,
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
        let dataset = config.dataset()?;
        let (training, validation) = loaders(&config, &dataset)?;
        let (name, ahead) = (device.to_string(), device != DeviceChoice::Cpu);
        let device = training_device(&config, device)?;
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
            labels: config.labels.clone(),
            normalization,
            data: Provenance::data_of(&dataset)?,
        })?;
        let mut run = Self {
            unreadable: Unreadable::open(&directory)?,
            steps: StepLog::open(&directory, 0)?,
            directory,
            trainer: Trainer::new(config, normalization, device, &network)?,
            training,
            validation,
            progress: Progress::default(),
            saved_at: (0, 0),
            ahead,
            time: TrainingTime::default(),
        };
        run.save()?;
        // Last, so that a run that was killed here can be begun anew.
        run.directory.write_config(run.trainer.config())?;
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
        let dataset = config.dataset()?;
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
        let ahead = device != DeviceChoice::Cpu;
        let device = training_device(&config, device)?;
        let Checkpoint {
            progress,
            state,
            path,
        } = Progress::newest(&directory, |checkpoint, reason| {
            let _ = observer(Event::Refused { checkpoint, reason });
        })?;
        let mut trainer = Trainer::restore(config, provenance.normalization, device, &state)
            .map_err(|reason| Error::Checkpoint { path, reason })?;
        if progress.loss_scale.is_some() {
            trainer.loss_scale = progress.loss_scale;
        }
        // Killed behind its last checkpoint, a run may not have.
        progress.clean(&directory)?;
        directory.write_validations(&progress.validations)?;
        Ok(Self {
            unreadable: Unreadable::open(&directory)?,
            steps: StepLog::open(&directory, progress.step)?,
            directory,
            trainer,
            training,
            validation,
            saved_at: (progress.examples, progress.step),
            progress,
            ahead,
            time: TrainingTime::default(),
        })
    }

    /// The run's folder.
    pub fn directory(&self) -> &RunDirectory {
        &self.directory
    }

    /// Shares every batch among devices, of which the first is the one that the run was begun or resumed
    /// on: cards of one machine by Burn's collectives, others by copies ([`DataParallel`](crate::DataParallel)).
    ///
    /// # Errors
    /// When one of them cannot be opened.
    pub fn spread_over(&mut self, devices: &[DeviceChoice]) -> Result<()> {
        self.trainer.spread_over(devices)
    }

    /// Training examples of the whole run.
    pub fn examples(&self) -> u64 {
        self.config().epochs * self.training.records().len() as u64
    }

    /// Steps that were left out so far, because their loss or gradients were no finite numbers.
    pub fn skipped_steps(&self) -> u64 {
        self.progress.skipped_steps
    }

    /// The time that steps took so far, in this process.
    pub fn time(&self) -> TrainingTime {
        self.time
    }

    fn config(&self) -> &TrainConfig {
        self.trainer.config()
    }

    /// Trains to the end of the last epoch, or until the observer breaks.
    ///
    /// # Errors
    /// [`Error::NotFinite`] when loss or gradients are no finite numbers, unless such steps are
    /// skipped, [`Error::Unreadable`] when too many images cannot be read, [`Error::Io`] when a file
    /// cannot be written; the newest checkpoint stays usable.
    pub fn train(&mut self, observer: &mut Observer) -> Result<Outcome> {
        while !self.is_finished() {
            let Progress { epoch, batch, .. } = self.progress;
            self.trainer.enter_epoch(epoch)?;
            let mut feed = self.feed(epoch, batch)?;
            while let Some(fed) = self.wait_for(&mut feed) {
                if self.validation_is_due() && self.validate(observer)?.is_break() {
                    return self.interrupted();
                }
                if self.has_stopped_early() {
                    break;
                }
                if self.step(fed?, observer)?.is_break() {
                    return self.interrupted();
                }
                let (examples, step) = self.saved_at;
                if self
                    .config()
                    .checkpoint_every
                    .times_in(self.since(examples, step))
                    > 0
                {
                    self.save()?;
                }
            }
            if !self.has_stopped_early() {
                self.progress.epoch += 1;
                self.progress.batch = 0;
            }
        }
        if self.validation_is_due() && self.validate(observer)?.is_break() {
            return self.interrupted();
        }
        Ok(match self.has_stopped_early() {
            true => Outcome::StoppedEarly,
            false => Outcome::Finished,
        })
    }

    /// The batches of an epoch from `start` on.
    fn feed(&self, epoch: u64, start: usize) -> Result<Feed> {
        let batches = self.training.shuffled(self.config().seed, epoch, start);
        let placement = self.trainer.placement();
        match self.ahead {
            true => Feed::ahead(batches, placement),
            false => Ok(Feed::here(batches, placement)),
        }
    }

    fn wait_for(&mut self, feed: &mut Feed) -> Option<Result<Fed>> {
        let begun = Instant::now();
        let fed = feed.next();
        self.time.waited += begun.elapsed();
        fed
    }

    fn is_finished(&self) -> bool {
        self.progress.epoch >= self.config().epochs || self.has_stopped_early()
    }

    fn has_stopped_early(&self) -> bool {
        let stopping = self.config().early_stopping;
        stopping.is_some_and(|stopping| stopping.is_due(&self.progress.validation_aucs))
    }

    fn validation_is_due(&self) -> bool {
        let Progress {
            validated_at,
            validated_step,
            ..
        } = self.progress;
        let since = self.since(validated_at, validated_step);
        let every = self.config().validate_every;
        every.times_in(since) > 0 || (self.is_finished() && since.examples > 0)
    }

    /// What was trained since a moment.
    fn since(&self, examples: u64, step: u64) -> Stretch {
        Stretch {
            examples: self.progress.examples - examples,
            steps: self.progress.step - step,
            epoch: self.training.records().len() as u64,
        }
    }

    fn interrupted(&mut self) -> Result<Outcome> {
        self.save()?;
        Ok(Outcome::Interrupted)
    }

    fn save(&mut self) -> Result<()> {
        self.steps.write()?;
        let path = self.directory.checkpoints();
        let state = self.trainer.state().map_err(Error::io("write", &path))?;
        self.progress.save(&state, &self.directory)?;
        self.saved_at = (self.progress.examples, self.progress.step);
        Ok(())
    }

    /// What the schedule makes of the learning rate now.
    fn rate_factor(&self) -> f64 {
        let config = self.config();
        let position = Position {
            done: self.since(0, 0),
            steps: config.epochs * self.training.batches_per_epoch() as u64,
            examples: self.examples(),
            validations: &self.progress.validation_aucs,
        };
        config.schedule.factor(config.warm_up, position)
    }

    /// One optimiser step.
    fn step(&mut self, fed: Fed, observer: &mut Observer) -> Result<ControlFlow<()>> {
        let begun = Instant::now();
        let records = self.training.records().clone();
        self.unreadable.note(
            (Split::Train, &records),
            &fed.batch.skipped,
            self.trainer.config().max_unreadable,
            observer,
        )?;
        let indices = fed.batch.indices.clone();
        let seen = (indices.len() + fed.batch.skipped.len()) as u64;
        let (mut loss, mut learning_rate) = (0.0, 0.0);
        if !indices.is_empty() {
            let number = self.progress.step + 1;
            let step = self.trainer.step(fed, number, self.rate_factor())?;
            self.progress.step = number;
            self.progress.loss_scale = self.trainer.loss_scale;
            if step.is_taken() {
                self.progress.losses.push(step.loss);
            } else if step.overflowed {
                self.progress.skipped_steps += 1;
                let factor = self.trainer.loss_scale.map_or(1.0, |scale| scale.factor());
                let _ = observer(Event::LossScaleHalved {
                    step: number,
                    factor,
                });
            } else {
                let images = named(&records, &indices);
                if self.config().non_finite == NonFinite::Stop {
                    return Err(step.not_finite(number, images));
                }
                self.progress.skipped_steps += 1;
                let _ = observer(Event::StepSkipped {
                    step: number,
                    images: &images,
                });
            }
            let Progress {
                epoch, examples, ..
            } = self.progress;
            self.steps.push(number, epoch, examples + seen, &step);
            (loss, learning_rate) = (step.loss, step.learning_rate);
        }
        self.progress.batch += 1;
        self.progress.examples += seen;
        self.time.images += indices.len() as u64;
        self.time.computed += begun.elapsed();
        Ok(observer(Event::Step {
            step: self.progress.step,
            examples: self.progress.examples,
            of: self.examples(),
            loss,
            learning_rate,
            time: self.time,
        }))
    }

    fn validate(&mut self, observer: &mut Observer) -> Result<ControlFlow<()>> {
        let network = self.trainer.inference();
        let predicted = predict(
            &network,
            &self.validation,
            self.trainer.normalization(),
            &self.trainer.inference_device(),
            observer,
        )?;
        let Some(prediction) = predicted else {
            return Ok(ControlFlow::Break(()));
        };
        let records = self.validation.records().clone();
        self.unreadable.note(
            (Split::Valid, &records),
            &prediction.skipped,
            self.trainer.config().max_unreadable,
            observer,
        )?;
        let judged = self.config().judged();
        let judged: Vec<_> = judged
            .iter()
            .map(|observation| observation.name())
            .collect();
        let evaluation = prediction
            .table
            .by_study()?
            .evaluate(&judged, &Bootstrap::NONE)?;
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
        self.progress.validated_step = self.progress.step;
        let auc = record.validation_auc.unwrap_or(f64::NAN);
        self.progress.validation_aucs.push(auc);
        let line =
            serde_json::to_string(&record).map_err(Error::io("describe", self.directory.root()))?;
        self.progress.validations.push(line);
        let keep = self.config().keep_best;
        self.progress
            .keep_if_good(&network, record.validation_auc, keep, &self.directory)?;
        self.save()?;
        self.directory
            .write_validations(&self.progress.validations)?;
        Ok(observer(Event::Validated(&record)))
    }
}

/// Loaders of training and validation images; no patient may be in two splits, the test split included.
fn loaders(config: &TrainConfig, dataset: &CheXpert) -> Result<(Loader, Loader)> {
    let records = |split: &Split| Ok((*split, Arc::new(dataset.split(*split)?)));
    let splits = dataset.splits().iter().map(records);
    let splits = splits.collect::<Result<Vec<_>>>()?;
    let all: Vec<_> = splits
        .iter()
        .map(|(split, records)| (*split, &**records))
        .collect();
    check_disjoint(&all)?;
    let loader = |wanted| -> Result<Loader> {
        let records = match splits.iter().find(|(split, _)| *split == wanted) {
            Some((_, records)) => records.clone(),
            // The error says which splits there are.
            None => Arc::new(dataset.split(wanted)?),
        };
        let (recipe, labels) = (config.recipe(), config.labels.clone());
        let loader = Loader::new(records, recipe, labels, config.loader())?;
        Ok(loader.with_augmentation(config.augmentation)?)
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
    let (recipe, loader) = (config.recipe(), config.loader());
    let progress = |done| {
        let _ = observer(Event::Measuring { done, of });
    };
    let measured = match &config.cache {
        Some(folder) => Normalization::measure_cached(records, recipe, loader, folder, progress)?,
        None => Normalization::measure(records, recipe, loader, progress)?,
    };
    Ok(measured.normalization)
}

/// A resumed run must be asked for what it was begun with; threads and cache alone change no result.
fn same_settings(directory: &RunDirectory, asked: &TrainConfig) -> Result<()> {
    let path = directory.config_path();
    let begun = TrainConfig {
        loader_threads: asked.loader_threads,
        cache: asked.cache.clone(),
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
