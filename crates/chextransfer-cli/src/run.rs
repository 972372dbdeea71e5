//! What long commands share: runs as one ensemble, and what an interrupt leaves.

use std::path::PathBuf;

use anyhow::{Result, anyhow};
use chextransfer_train::{Ensemble, RunDirectory};

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
