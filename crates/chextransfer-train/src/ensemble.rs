//! Checkpoints as one predictor: the mean of their probabilities.

use std::sync::Arc;

use burn::tensor::Device;
use chextransfer_data::{Loader, Normalization, Records, Split};
use chextransfer_metrics::{Evaluation, Predictions};
use chextransfer_models::{DeviceChoice, Network, NetworkSpec};

use crate::checkpoint::{Best, Progress};
use crate::evaluate::EvaluateConfig;
use crate::event::{Event, Observer};
use crate::outputs::target_names;
use crate::predict::predict;
use crate::provenance::Provenance;
use crate::run_directory::RunDirectory;
use crate::sidecar::RunOrigin;
use crate::unreadable::Unreadable;
use crate::{Error, Result, TrainConfig};

/// The best checkpoints of a run, or of several. Weights are loaded one network at a time.
///
/// The probability is the mean over the runs, each with the same weight, of the mean over the run's checkpoints. Images
/// are prepared for each run as it was trained.
#[derive(Debug)]
pub struct Ensemble {
    runs: Vec<Member>,
}

/// A run and its checkpoints.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) directory: RunDirectory,
    pub(crate) config: TrainConfig,
    pub(crate) provenance: Provenance,
    spec: NetworkSpec,
    pub(crate) checkpoints: Vec<Best>,
}

impl Ensemble {
    /// Opens the best checkpoints of a run, as its newest checkpoint ranks them.
    ///
    /// # Errors
    /// [`Error::NoCheckpoint`] before the first validation.
    pub fn open(directory: &RunDirectory) -> Result<Self> {
        Self::of_runs(std::slice::from_ref(directory))
    }

    /// Opens the best checkpoints of several runs.
    ///
    /// # Errors
    /// [`Error::NoCheckpoint`] for a run that was never validated, [`Error::Targets`] when they do not predict the same
    /// observations, [`Error::Setting`] when there is no run.
    pub fn of_runs(directories: &[RunDirectory]) -> Result<Self> {
        let runs = directories.iter().map(Member::open);
        let runs = runs.collect::<Result<Vec<_>>>()?;
        let Some((first, others)) = runs.split_first() else {
            return Err(Error::Setting {
                setting: "runs",
                found: "none".to_owned(),
                expected: "at least one",
            });
        };
        let expected = first.targets();
        for other in others {
            let found = other.targets();
            if found != expected {
                return Err(Error::Targets {
                    first: first.directory.root().to_owned(),
                    second: other.directory.root().to_owned(),
                    expected: expected.join(", "),
                    found: found.join(", "),
                });
            }
        }
        Ok(Self { runs })
    }

    /// The same with no more than the `count` best checkpoints of each run.
    ///
    /// # Errors
    /// [`Error::TooFewCheckpoints`] when a run has not as many, [`Error::Setting`] for 0.
    pub fn best(mut self, count: usize) -> Result<Self> {
        if count == 0 {
            return Err(Error::Setting {
                setting: "checkpoints",
                found: "0".to_owned(),
                expected: "a number above 0",
            });
        }
        for run in &mut self.runs {
            let kept = run.checkpoints.len();
            if count > kept {
                return Err(Error::TooFewCheckpoints {
                    path: run.directory.root().to_owned(),
                    kept,
                    asked: count,
                });
            }
            run.checkpoints.truncate(count);
        }
        Ok(self)
    }

    /// The checkpoints, run by run, best first.
    pub fn members(&self) -> Vec<&Best> {
        let runs = self.runs.iter();
        runs.flat_map(|run| &run.checkpoints).collect()
    }

    /// The statistics by which images are normalised for the first run.
    pub fn normalization(&self) -> &Normalization {
        &self.first().provenance.normalization
    }

    /// The network of the first run with the best validation AUROC, for inference.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] when its file was changed.
    pub fn best_network(&self, device: &Device) -> Result<Network> {
        let run = self.first();
        run.network(&run.checkpoints[0], device)
    }

    /// The network of one of the [`members`](Self::members), by its place among them, for inference; `None` behind the last.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] when its file was changed.
    pub fn network(&self, member: usize, device: &Device) -> Result<Option<Network>> {
        let all =
            (self.runs.iter()).flat_map(|run| run.checkpoints.iter().map(move |best| (run, best)));
        let found = { all }.nth(member);
        found
            .map(|(run, best)| run.network(best, device))
            .transpose()
    }

    /// Predicts a split of the first run's dataset and averages the probabilities; `None` when the observer asked to
    /// stop.
    ///
    /// # Errors
    /// [`Error::Unreadable`] when too many images cannot be read, and those of files.
    pub fn predict(
        &self,
        split: Split,
        device: &Device,
        observer: &mut Observer,
    ) -> Result<Option<Predictions>> {
        let run = self.first();
        let records = Arc::new(run.config.dataset()?.split(split)?);
        let mut unreadable = Unreadable::open(&run.directory)?;
        self.predict_records((split, &records), &mut unreadable, device, observer)
    }

    /// Predicts a split, judges it by study, and writes predictions and `metrics.json` into the run's folder; `None` when
    /// the observer asked to stop. [`Ensemble::judge`] has choices.
    ///
    /// # Errors
    /// As [`Ensemble::judge`].
    pub fn evaluate(
        &self,
        split: Split,
        device: DeviceChoice,
        observer: &mut Observer,
    ) -> Result<Option<Evaluation>> {
        let judgement = self.judge(&EvaluateConfig::of(split), device, observer)?;
        Ok(judgement.map(|judgement| judgement.evaluation))
    }

    pub(crate) fn first(&self) -> &Member {
        &self.runs[0]
    }

    pub(crate) fn runs(&self) -> &[Member] {
        &self.runs
    }

    pub(crate) fn predict_records(
        &self,
        (split, records): (Split, &Arc<Records>),
        unreadable: &mut Unreadable,
        device: &Device,
        observer: &mut Observer,
    ) -> Result<Option<Predictions>> {
        let limit = self.first().config.max_unreadable;
        self.mean(device, observer, |run, network, observer| {
            let loader = Loader::new(
                records.clone(),
                run.config.recipe(),
                run.config.labels.clone(),
                run.config.loader(),
            )?;
            let normalization = &run.provenance.normalization;
            let predicted = predict(network, &loader, normalization, device, observer)?;
            let Some(prediction) = predicted else {
                return Ok(None);
            };
            let skipped = &prediction.skipped;
            unreadable.note((split, records), skipped, limit, observer)?;
            Ok(Some(prediction.table))
        })
    }

    /// The mean of what `predict` says with each network, of which one at a time is loaded; `None` when it once says so.
    pub(crate) fn mean(
        &self,
        device: &Device,
        observer: &mut Observer,
        mut predict: impl FnMut(&Member, &Network, &mut Observer) -> Result<Option<Predictions>>,
    ) -> Result<Option<Predictions>> {
        let networks = self.members().len();
        let (mut of_runs, mut index) = (Vec::new(), 0);
        for run in &self.runs {
            let mut of_run = Vec::new();
            for checkpoint in &run.checkpoints {
                let network = run.network(checkpoint, device)?;
                let mut all = |event: Event| match event {
                    Event::Predicting { done, of } => observer(Event::Predicting {
                        done: index * of + done,
                        of: networks * of,
                    }),
                    other => observer(other),
                };
                let Some(table) = predict(run, &network, &mut all)? else {
                    return Ok(None);
                };
                of_run.push(table);
                index += 1;
            }
            of_runs.push(Predictions::mean(&of_run)?);
        }
        Ok(Some(Predictions::mean(&of_runs)?))
    }
}

impl Member {
    fn open(directory: &RunDirectory) -> Result<Self> {
        let config = directory.config()?;
        let checkpoints = Progress::newest(directory, |_, _| {})?.progress.best;
        if checkpoints.is_empty() {
            return Err(Error::NoCheckpoint {
                path: directory.root().to_owned(),
                refused: "; it was never validated".to_owned(),
            });
        }
        Ok(Self {
            directory: directory.clone(),
            spec: config.network()?,
            provenance: directory.provenance()?,
            config,
            checkpoints,
        })
    }

    pub(crate) fn targets(&self) -> Vec<String> {
        target_names(&self.config.labels)
    }

    pub(crate) fn origin(&self) -> RunOrigin {
        let weights = self.provenance.weights.as_ref();
        RunOrigin {
            path: Some(self.directory.root().to_owned()),
            network: self.provenance.network.clone(),
            weights_sha256: weights.map(|weights| weights.sha256.clone()),
            labels: self.config.labels.clone(),
            normalization: self.provenance.normalization,
            recipe: self.config.recipe().centered(),
            checkpoints: self.checkpoints.clone(),
        }
    }

    fn network(&self, checkpoint: &Best, device: &Device) -> Result<Network> {
        let network = self.spec.init(self.config.seed, device);
        checkpoint.load(network, &self.directory)
    }
}
