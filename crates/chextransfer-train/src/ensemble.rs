//! The best checkpoints of a run as one predictor: the mean of their probabilities.

use std::sync::Arc;

use burn::tensor::Device;
use chextransfer_data::{CheXpert, Loader, Normalization, Observation, Split};
use chextransfer_metrics::{Bootstrap, Evaluation, Predictions};
use chextransfer_models::{DeviceChoice, Network, NetworkSpec};

use crate::checkpoint::{Best, Progress};
use crate::event::{Event, Observer};
use crate::predict::predict;
use crate::run_directory::RunDirectory;
use crate::unreadable::Unreadable;
use crate::{Error, Result, TrainConfig};

/// The best checkpoints of a run. Weights are loaded one network at a time.
#[derive(Debug)]
pub struct Ensemble {
    directory: RunDirectory,
    config: TrainConfig,
    spec: NetworkSpec,
    normalization: Normalization,
    members: Vec<Best>,
}

impl Ensemble {
    /// Opens the best checkpoints of a run, as its newest checkpoint ranks them.
    ///
    /// # Errors
    /// [`Error::NoCheckpoint`] before the first validation.
    pub fn open(directory: &RunDirectory) -> Result<Self> {
        let config = directory.config()?;
        let members = Progress::newest(directory, |_, _| {})?.progress.best;
        if members.is_empty() {
            return Err(Error::NoCheckpoint {
                path: directory.root().to_owned(),
                refused: "; it was never validated".to_owned(),
            });
        }
        Ok(Self {
            directory: directory.clone(),
            spec: config.network()?,
            normalization: directory.provenance()?.normalization,
            config,
            members,
        })
    }

    /// The checkpoints, best first.
    pub fn members(&self) -> &[Best] {
        &self.members
    }

    /// The statistics by which images are normalised.
    pub fn normalization(&self) -> &Normalization {
        &self.normalization
    }

    /// The network with the best validation AUROC, for inference.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] when its file was changed.
    pub fn best_network(&self, device: &Device) -> Result<Network> {
        self.network(&self.members[0], device)
    }

    /// The network of one of the [`members`](Self::members), for inference.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] when its file was changed.
    pub fn network(&self, member: &Best, device: &Device) -> Result<Network> {
        let network = self.spec.init(self.config.seed, device);
        member.load(network, &self.directory)
    }

    /// Predicts a split with every member and averages the probabilities; `None` when the observer
    /// asked to stop.
    ///
    /// # Errors
    /// [`Error::Unreadable`] when too many images cannot be read, and those of files.
    pub fn predict(
        &self,
        split: Split,
        device: &Device,
        observer: &mut Observer,
    ) -> Result<Option<Predictions>> {
        let records = Arc::new(CheXpert::open(&self.config.data)?.split(split)?);
        let loader = Loader::new(
            records.clone(),
            self.config.recipe(),
            self.config.labels,
            self.config.loader(),
        )?;
        let mut unreadable = Unreadable::open(&self.directory)?;
        let mut tables = Vec::new();
        for (index, member) in self.members.iter().enumerate() {
            let network = self.network(member, device)?;
            let mut all = |event: Event| match event {
                Event::Predicting { done, of } => observer(Event::Predicting {
                    done: index * of + done,
                    of: self.members.len() * of,
                }),
                other => observer(other),
            };
            let Some(prediction) =
                predict(&network, &loader, &self.normalization, device, &mut all)?
            else {
                return Ok(None);
            };
            let limit = self.config.max_unreadable;
            unreadable.note(
                (split, &records),
                &prediction.skipped,
                limit,
                &self.directory,
                observer,
            )?;
            tables.push(prediction.table);
        }
        Ok(Some(Predictions::mean(&tables)?))
    }

    /// Predicts a split, judges it by study, and writes predictions and `metrics.json` into the run's
    /// folder; `None` when the observer asked to stop.
    ///
    /// # Errors
    /// As [`Ensemble::predict`].
    pub fn evaluate(
        &self,
        split: Split,
        device: DeviceChoice,
        observer: &mut Observer,
    ) -> Result<Option<Evaluation>> {
        let Some(by_image) = self.predict(split, &device.open()?, observer)? else {
            return Ok(None);
        };
        let by_study = by_image.by_study()?;
        let bootstrap = Bootstrap {
            replicates: self.config.bootstrap_replicates,
            seed: self.config.seed,
            ..Bootstrap::default()
        };
        let evaluation = by_study.evaluate(&chexpert_auc(), &bootstrap)?;
        self.directory
            .write_predictions(split, &by_image, &by_study)?;
        self.directory.write_evaluation(
            split,
            &device.to_string(),
            self.members.len(),
            &evaluation,
        )?;
        Ok(Some(evaluation))
    }
}

/// The observations whose mean AUROC is the CheXpert AUC.
pub(crate) fn chexpert_auc() -> [&'static str; 6] {
    Observation::CHEXPERT_AUC.map(Observation::name)
}
