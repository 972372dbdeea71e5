//! What long commands share: a progress bar, Ctrl-C as the wish to stop, and runs as one ensemble.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, anyhow};
use chextransfer_train::{Ensemble, ProgressBar, RunDirectory};

/// A progress bar that ends the work when the user interrupts.
pub(crate) fn progress() -> Result<ProgressBar> {
    let stop = Arc::new(AtomicBool::new(false));
    let handler = stop.clone();
    ctrlc::set_handler(move || {
        // A second interrupt does not wait for the current step.
        if handler.swap(true, Ordering::Relaxed) {
            std::process::exit(1);
        }
    })?;
    Ok(ProgressBar::new(stop))
}

/// The error of a command that was interrupted.
pub(crate) fn interrupted(how_to_go_on: &str) -> anyhow::Error {
    anyhow!("interrupted; {how_to_go_on}")
}

/// Runs as one ensemble, of all that they kept or of the best checkpoints of each.
pub(crate) fn ensemble(runs: &[PathBuf], checkpoints: Option<usize>) -> Result<Ensemble> {
    let directories = runs.iter().map(RunDirectory::open);
    let ensemble = Ensemble::of_runs(&directories.collect::<Result<Vec<_>, _>>()?)?;
    Ok(match checkpoints {
        Some(count) => ensemble.best(count)?,
        None => ensemble,
    })
}
