//! One cell's run in this process, from wherever it stopped to its record.

use std::path::Path;
use std::time::Duration;

use chextransfer_data::Split;
use chextransfer_models::DeviceChoice;
use chextransfer_train::{Ensemble, Event, Observer, Outcome, Run, TrainConfig};

use crate::grid::Cell;
use crate::ledger::Record;
use crate::shard::Shard;
use crate::speed::TrainingSpeed;
use crate::starting::Source;
use crate::study::Study;
use crate::{Error, Result, run_curve};

/// What a process of a study does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Job {
    Source(Source),
    Cell(Cell),
}

/// How a job ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All is done and recorded.
    Done,
    /// It was asked to stop, and goes on from a checkpoint.
    Interrupted,
    /// Another process works on it.
    Busy,
}

/// How long a process that was told to stop may need for its last step and checkpoint.
const PATIENCE: Duration = Duration::from_secs(60);

impl Job {
    pub(crate) fn id(&self) -> String {
        match self {
            Self::Source(source) => source.id(),
            Self::Cell(cell) => cell.id(),
        }
    }
}

impl Study {
    /// Runs the cell, or the network of the source task, that has this name, in this process. An error is recorded as well.
    ///
    /// # Errors
    /// Whatever made it fail; [`Error::UnknownCell`].
    pub fn run_one(
        &self,
        id: &str,
        shard: Shard,
        device: DeviceChoice,
        observer: &mut Observer,
    ) -> Result<Ending> {
        let job = self.job(id)?;
        let ledger = self.ledger();
        let own = match &job {
            // Shards do not share its run.
            Job::Source(_) if !shard.is_whole() => format!("{id}.{shard}").replace('/', "of"),
            Job::Source(_) | Job::Cell(_) => id.to_owned(),
        };
        let Some(_claim) = ledger.claim(&own, PATIENCE)? else {
            return Ok(Ending::Busy);
        };
        let ended = match &job {
            Job::Source(source) => self.train_source(source, shard, device, observer),
            Job::Cell(cell) => self.train_cell(cell, device, observer),
        };
        match &ended {
            Ok(Ending::Done) => ledger.write(id, &Record::Done)?,
            Ok(Ending::Interrupted | Ending::Busy) => {}
            Err(error) => ledger.fail(id, error.to_string())?,
        }
        ended
    }

    fn job(&self, id: &str) -> Result<Job> {
        let cells = self.cells();
        if let Some(cell) = cells.iter().find(|cell| cell.id() == id) {
            return Ok(Job::Cell(cell.clone()));
        }
        let sources = cells.iter().map(|cell| Source {
            architecture: cell.architecture,
        });
        let source = sources.into_iter().find(|source| source.id() == id);
        source.map(Job::Source).ok_or_else(|| Error::UnknownCell {
            name: id.to_owned(),
            study: self.folder().to_owned(),
        })
    }

    fn train_cell(
        &self,
        cell: &Cell,
        device: DeviceChoice,
        observer: &mut Observer,
    ) -> Result<Ending> {
        let mut config = self.settings(cell)?;
        if let Some((file, checkpoint)) = self.start_of(cell)? {
            config.weights = Some(file);
            config.checkpoint = checkpoint;
        }
        let mut speed = TrainingSpeed::default();
        let mut both = |event: Event| {
            speed.see(&event);
            observer(event)
        };
        let Some(ensemble) = train(config, &self.run_folder(cell), device, &mut both)? else {
            return Ok(Ending::Interrupted);
        };
        if ensemble.evaluate(Split::Test, device, observer)?.is_none() {
            return Ok(Ending::Interrupted);
        }
        speed.keep(self, &cell.id(), device)?;
        Ok(Ending::Done)
    }

    fn train_source(
        &self,
        source: &Source,
        shard: Shard,
        device: DeviceChoice,
        observer: &mut Observer,
    ) -> Result<Ending> {
        let config = self.source_settings(source)?;
        let folder = self.source_folder(source, shard);
        match train(config, &folder, device, observer)? {
            None => Ok(Ending::Interrupted),
            Some(ensemble) => {
                self.keep_source(source, &ensemble)?;
                Ok(Ending::Done)
            }
        }
    }
}

/// Trains to the end, and draws the curve; `None` when it was asked to stop.
fn train(
    config: TrainConfig,
    folder: &Path,
    device: DeviceChoice,
    observer: &mut Observer,
) -> Result<Option<Ensemble>> {
    let mut run = Run::resume(config, folder, device, observer)?;
    if run.train(observer)? == Outcome::Interrupted {
        return Ok(None);
    }
    run_curve(run.directory())?;
    Ok(Some(Ensemble::open(run.directory())?))
}
