//! Every optimiser step as a row of `steps.csv`.

use std::fmt::Write as _;
use std::fs;

use crate::run_directory::RunDirectory;
use crate::trainer::Step;
use crate::{Error, Result};

const HEADER: &str = "step,epoch,examples,learning_rate,loss,gradient_norm\n";

/// The log: written with each checkpoint, so that a resumed run, which begins at one, neither lacks a
/// step nor has one twice.
#[derive(Debug)]
pub(crate) struct StepLog {
    directory: RunDirectory,
    table: String,
}

impl StepLog {
    /// Opens a run's log, and drops the rows of steps behind `step`.
    pub(crate) fn open(directory: &RunDirectory, step: u64) -> Result<Self> {
        let path = directory.steps_path();
        let before = match path.exists() {
            true => fs::read_to_string(&path).map_err(Error::io("read", &path))?,
            false => String::new(),
        };
        let kept = before.lines().skip(1).filter(|row| {
            let number = row
                .split(',')
                .next()
                .and_then(|number| number.parse::<u64>().ok());
            number.is_some_and(|number| number <= step)
        });
        let kept = kept.map(|row| row.to_owned() + "\n");
        let log = Self {
            directory: directory.clone(),
            table: [HEADER.to_owned()].into_iter().chain(kept).collect(),
        };
        if log.table != before {
            log.write()?;
        }
        Ok(log)
    }

    /// Remembers a step.
    pub(crate) fn push(&mut self, number: u64, epoch: u64, examples: u64, step: &Step) {
        let Step {
            loss,
            gradient_norm,
            learning_rate,
            ..
        } = step;
        // Writing to a string cannot fail.
        let _ = writeln!(
            self.table,
            "{number},{epoch},{examples},{learning_rate:e},{loss},{gradient_norm}"
        );
    }

    /// Stores the table.
    pub(crate) fn write(&self) -> Result<()> {
        self.directory.write_steps(&self.table)
    }
}
