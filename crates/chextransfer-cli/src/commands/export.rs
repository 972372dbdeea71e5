//! `export`: a run's best network as a checkpoint for Python.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use chextransfer_models::DeviceChoice;
use chextransfer_models::weights::{self, Dialect};
use chextransfer_train::{Ensemble, RunDirectory};

use super::result_line;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The run's folder; its checkpoint with the best validation AUROC is written
    run: PathBuf,
    /// Whose names the tensors get: torchvision or timm
    #[arg(long, default_value_t = Dialect::Torchvision)]
    dialect: Dialect,
    /// The safetensors file to write
    #[arg(long)]
    out: PathBuf,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let directory = RunDirectory::open(arguments.run)?;
    let provenance = serde_json::to_string(&directory.provenance()?)?;
    let network = Ensemble::open(&directory)?.best_network(&DeviceChoice::Cpu.open()?)?;
    let metadata = BTreeMap::from([("provenance".to_owned(), provenance)]);
    weights::export(&network, arguments.dialect, &arguments.out, metadata)?;
    result_line!(
        "{}: {} tensors of {} under the names of {}",
        arguments.out.display(),
        network.spec().tensors().len(),
        network.spec().name(),
        arguments.dialect
    );
    Ok(())
}
