//! `explain`: where a run looks.

use std::path::PathBuf;

use anyhow::Result;
use chextransfer_data::{Observation, Split};
use chextransfer_models::DeviceChoice;
use chextransfer_study::explain_run;
use chextransfer_train::RunDirectory;

use super::result_line;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The run's folder; the split must have been evaluated
    run: PathBuf,
    /// train, valid or test
    #[arg(long, default_value = "test")]
    split: Split,
    /// Observations, by CheXpert's names [default: those of the CheXpert AUC]
    #[arg(long)]
    observation: Vec<Observation>,
    /// cpu, cuda, cuda:N or wgpu
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let observations = match &arguments.observation[..] {
        [] => &Observation::CHEXPERT_AUC[..],
        chosen => chosen,
    };
    let directory = RunDirectory::open(arguments.run)?;
    let device = arguments.device.open()?;
    for picture in explain_run(&directory, arguments.split, observations, &device)? {
        result_line!("{}", picture.display());
    }
    Ok(())
}
