//! Every optimiser step as a row of `steps.csv`.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;

use crate::files::write_whole;
use crate::run_directory::RunDirectory;
use crate::trainer::Step;
use crate::{Error, Result};

const HEADER: &str = "step,epoch,examples,learning_rate,loss,gradient_norm\n";

/// The log: rows are added with each checkpoint, so that a resumed run, which begins at one, neither
/// lacks a step nor has one twice.
#[derive(Debug)]
pub(crate) struct StepLog {
    directory: RunDirectory,
    waiting: String,
}

impl StepLog {
    /// Opens a run's log, and drops the rows of steps behind `step`.
    pub(crate) fn open(directory: &RunDirectory, step: u64) -> Result<Self> {
        let path = directory.steps_path();
        let before = match path.exists() {
            true => fs::read_to_string(&path).map_err(Error::io("read", &path))?,
            false => String::new(),
        };
        // A kill may have cut the last row; the line end comes last.
        let rows = before.split_inclusive('\n').skip(1);
        let kept = rows.filter(|row| {
            let number = row
                .split(',')
                .next()
                .and_then(|number| number.parse::<u64>().ok());
            row.ends_with('\n') && number.is_some_and(|number| number <= step)
        });
        let text: String = [HEADER].into_iter().chain(kept).collect();
        if text != before {
            write_whole(&path, text.as_bytes())?;
        }
        Ok(Self {
            directory: directory.clone(),
            waiting: String::new(),
        })
    }

    /// Remembers a step.
    pub(crate) fn push(&mut self, number: u64, epoch: u64, examples: u64, step: &Step) {
        let Step {
            loss,
            gradient_norm,
            learning_rate,
        } = step;
        // Writing to a string cannot fail.
        let _ = writeln!(
            self.waiting,
            "{number},{epoch},{examples},{learning_rate:e},{loss},{gradient_norm}"
        );
    }

    /// Adds the remembered steps to the file.
    pub(crate) fn flush(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let path = self.directory.steps_path();
        OpenOptions::new()
            .append(true)
            .open(&path)
            .and_then(|mut file| {
                file.write_all(self.waiting.as_bytes())?;
                file.sync_all()
            })
            .map_err(Error::io("write", &path))?;
        self.waiting.clear();
        Ok(())
    }
}
