//! `evaluate`: a run on a split.

use std::path::PathBuf;

use anyhow::Result;
use chextransfer_data::Split;
use chextransfer_models::DeviceChoice;
use chextransfer_train::{Ensemble, Event, ProgressBar, RunDirectory};

use super::result_line;
use crate::run::interrupted;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The run's folder
    run: PathBuf,
    /// train, valid or test
    #[arg(long, default_value = "test")]
    split: Split,
    /// cpu, cuda, cuda:N or wgpu
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
    /// Print the evaluation as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let ensemble = Ensemble::open(&RunDirectory::open(arguments.run)?)?;
    let mut progress = ProgressBar::until_interrupt()?;
    let mut observer = |event: Event| progress.show(event);
    let evaluation = ensemble.evaluate(arguments.split, arguments.device, &mut observer)?;
    progress.finish();
    match evaluation {
        None => Err(interrupted("nothing was written")),
        Some(evaluation) if arguments.json => {
            result_line!("{}", serde_json::to_string_pretty(&evaluation)?);
            Ok(())
        }
        Some(evaluation) => {
            result_line!("{evaluation}");
            Ok(())
        }
    }
}
