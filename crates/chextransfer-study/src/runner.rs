//! A study run to its end: each cell in a process of its own, so that one that runs out of memory fails alone.

mod children;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chextransfer_models::DeviceChoice;

use crate::cell_run::{Ending, Job};
use crate::dataset::{prepare_share, prepare_source};
use crate::grid::Cell;
use crate::ledger::{CellState, Record};
use crate::shard::Shard;
use crate::study::Study;
use crate::{Error, Result};
use children::Child;

/// How a study is run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The program that runs one cell when it is called with `study cell FOLDER ID`; itself, for the command line.
    pub program: PathBuf,
    /// The devices, given to the processes in turn.
    pub devices: Vec<DeviceChoice>,
    /// How many cells run at a time, each in its process.
    pub jobs: usize,
    /// Only cells whose name contains one of these; all where there are none.
    pub only: Vec<String>,
    /// The part of the study that is this process's.
    pub shard: Shard,
    /// Whether failed cells are tried again.
    pub retry_failed: bool,
}

/// What became of the cells that were asked for.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RunSummary {
    /// Cells that were asked for.
    pub asked: usize,
    /// Of these, done before.
    pub done_before: usize,
    /// Done now.
    pub done: usize,
    /// Failed now or before, each with its error.
    pub failed: Vec<(String, String)>,
    /// In work by other processes.
    pub busy: Vec<String>,
    /// Whether it was asked to stop.
    pub interrupted: bool,
}

/// What a study tells while it runs.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// Phantoms are being made.
    Making {
        /// Patients done.
        done: usize,
        /// Patients to make.
        of: usize,
    },
    /// A cell begins, or goes on.
    Started {
        /// Its name.
        id: &'a str,
        /// Its number among those that are to be run, counted from 1.
        number: usize,
        /// How many are to be run.
        of: usize,
    },
    /// A cell ended well.
    Finished {
        /// Its name.
        id: &'a str,
    },
    /// A cell failed.
    Failed {
        /// Its name.
        id: &'a str,
        /// Why.
        error: &'a str,
    },
    /// Another process works on a cell.
    Busy {
        /// Its name.
        id: &'a str,
    },
    /// A network's speed was measured.
    Measured {
        /// Its cell.
        id: &'a str,
        /// Images a second in inference.
        images_per_second: f64,
    },
}

/// Exit code of a process that was asked to stop: 128 and SIGINT, as shells have it.
pub const INTERRUPTED: u8 = 130;
/// Exit code of a process whose cell another one works on: `EX_TEMPFAIL` of BSD's sysexits.
pub const BUSY: u8 = 75;

/// Time between two looks at the processes.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Study {
    /// Runs what is asked for and not done yet: makes the data, trains the networks of a source task, trains and evaluates
    /// the cells, and measures the speed of those that are done.
    ///
    /// Stopped or killed at any moment, the same call goes on. Once `stop` is set, processes end behind a checkpoint.
    ///
    /// # Errors
    /// [`Error::Setting`] when `only` finds nothing; what is wrong with the data; a process that cannot be started. What
    /// fails in a cell is recorded, told and no error of this call.
    pub fn run(
        &self,
        options: &RunOptions,
        stop: &AtomicBool,
        tell: &(dyn Fn(Notice) + Sync),
    ) -> Result<RunSummary> {
        let mut summary = RunSummary::default();
        let cells = self.asked(options)?;
        summary.asked = cells.len();
        let mut open = Vec::new();
        for cell in &cells {
            match self.state(cell)? {
                CellState::Done => summary.done_before += 1,
                CellState::Failed { error, .. } if !options.retry_failed => {
                    summary.failed.push((cell.id(), error));
                }
                _ => open.push(cell.clone()),
            }
        }
        if !open.is_empty() {
            let progress = |done, of| tell(Notice::Making { done, of });
            prepare_source(&self.config().data, self, &progress)?;
            for cell in &open {
                prepare_share(self, cell)?;
            }
            self.run_open(open, options, stop, tell, &mut summary)?;
        }
        if !stop.load(Ordering::Relaxed) {
            self.measure(&cells, options, stop, tell)?;
        }
        summary.interrupted = stop.load(Ordering::Relaxed);
        Ok(summary)
    }

    /// The cells that the options name, in the grid's order.
    fn asked(&self, options: &RunOptions) -> Result<Vec<Cell>> {
        let cells = self.cells();
        let costs = self.relative_costs(&cells)?;
        let own = options.shard.of_costs(&costs);
        let wanted = |cell: &Cell| {
            let id = cell.id();
            options.only.is_empty() || options.only.iter().any(|part| id.contains(part))
        };
        if !cells.iter().any(wanted) {
            let ids: Vec<_> = cells.iter().map(Cell::id).collect();
            return Err(Error::Setting {
                setting: "only",
                problem: format!(
                    "found no cell with `{}` in its name; the cells are {}",
                    options.only.join("` or `"),
                    ids.join(", ")
                ),
            });
        }
        let own = own.into_iter().map(|place| &cells[place]);
        Ok(own.filter(|cell| wanted(cell)).cloned().collect())
    }

    fn run_open(
        &self,
        open: Vec<Cell>,
        options: &RunOptions,
        stop: &AtomicBool,
        tell: &(dyn Fn(Notice) + Sync),
        summary: &mut RunSummary,
    ) -> Result<()> {
        let sources = self.missing_sources(open.iter());
        if !sources.is_empty() {
            let progress = |done, of| tell(Notice::Making { done, of });
            prepare_source(&self.source_task()?.data, self, &progress)?;
            let jobs = sources.iter().cloned().map(Job::Source).collect();
            self.run_jobs(jobs, options, stop, tell, &mut RunSummary::default())?;
        }
        let mut ready = Vec::new();
        for cell in open {
            let missing = self.missing_sources(std::iter::once(&cell)).pop();
            if missing.is_some() && stop.load(Ordering::Relaxed) {
                continue;
            }
            let Some(source) = missing else {
                ready.push(Job::Cell(cell));
                continue;
            };
            // Left open by another process that trains the source, or by a stop.
            let Some(Record::Failed { error, .. }) = self.ledger().read(&source.id())? else {
                tell(Notice::Busy { id: &cell.id() });
                summary.busy.push(cell.id());
                continue;
            };
            let error = format!("{}, which it starts from, failed: {error}", source.id());
            self.ledger().fail(&cell.id(), error.clone())?;
            let id = &cell.id();
            tell(Notice::Failed { id, error: &error });
            summary.failed.push((cell.id(), error));
        }
        self.run_jobs(ready, options, stop, tell, summary)
    }

    /// Runs jobs, so many at a time, until all have ended or it is to stop.
    fn run_jobs(
        &self,
        jobs: Vec<Job>,
        options: &RunOptions,
        stop: &AtomicBool,
        tell: &(dyn Fn(Notice) + Sync),
        summary: &mut RunSummary,
    ) -> Result<()> {
        let of = jobs.len();
        let mut waiting = jobs.into_iter().zip(1..);
        let slots = options.jobs.max(1);
        let mut running: Vec<(usize, Child)> = Vec::new();
        loop {
            let stopping = stop.load(Ordering::Relaxed);
            while !stopping && running.len() < slots {
                let Some((job, number)) = waiting.next() else {
                    break;
                };
                let id = job.id();
                tell(Notice::Started {
                    id: &id,
                    number,
                    of,
                });
                let taken = |slot: &usize| running.iter().any(|(other, _)| other == slot);
                let slot = (0..slots).find(|slot| !taken(slot)).unwrap_or_default();
                running.push((slot, Child::start(self, &id, options, slot)?));
            }
            if running.is_empty() {
                return Ok(());
            }
            if stopping {
                for (_, child) in &mut running {
                    child.ask_to_stop();
                }
            }
            let mut still = Vec::with_capacity(running.len());
            for (slot, mut child) in running {
                match child.ended()? {
                    None => still.push((slot, child)),
                    Some(ending) => self.note(&child, ending, tell, summary)?,
                }
            }
            running = still;
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Tells and counts how a process ended, and records what it could not record itself.
    fn note(
        &self,
        child: &Child,
        ending: Option<Ending>,
        tell: &(dyn Fn(Notice) + Sync),
        summary: &mut RunSummary,
    ) -> Result<()> {
        let id = child.id();
        match ending {
            Some(Ending::Interrupted) => {}
            Some(Ending::Busy) => {
                tell(Notice::Busy { id });
                summary.busy.push(id.to_owned());
            }
            Some(Ending::Done) => {
                tell(Notice::Finished { id });
                summary.done += 1;
            }
            None => {
                let recorded = match self.ledger().read(id)? {
                    Some(Record::Failed { error, attempts }) if attempts > child.attempts() => {
                        Some(error)
                    }
                    _ => None,
                };
                let error = match recorded {
                    Some(error) => error,
                    None => {
                        let error = child.end_in_words();
                        self.ledger().fail(id, error.clone())?;
                        error
                    }
                };
                tell(Notice::Failed { id, error: &error });
                summary.failed.push((id.to_owned(), error));
            }
        }
        Ok(())
    }

    /// Measures the inference of cells that are done, one after the other and with nothing beside.
    fn measure(
        &self,
        cells: &[Cell],
        options: &RunOptions,
        stop: &AtomicBool,
        tell: &(dyn Fn(Notice) + Sync),
    ) -> Result<()> {
        let device = options.devices.first().copied();
        for cell in cells {
            let done = self.state(cell)? == CellState::Done;
            if stop.load(Ordering::Relaxed) || !done {
                continue;
            }
            if self.speed(cell, crate::speed::Phase::Inference)?.is_none() {
                let device = device.unwrap_or(DeviceChoice::Cpu);
                let images_per_second = self.measure_inference(cell, device)?;
                let id = &cell.id();
                tell(Notice::Measured {
                    id,
                    images_per_second,
                });
            }
        }
        Ok(())
    }
}
