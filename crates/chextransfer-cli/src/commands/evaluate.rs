//! `evaluate`: runs on a split.

use std::path::PathBuf;

use anyhow::Result;
use chextransfer_data::Split;
use chextransfer_metrics::{Aggregation, OperatingRule, TemperatureScope};
use chextransfer_models::DeviceChoice;
use chextransfer_train::{EvaluateConfig, Event, ProgressBar};

use super::result_line;
use crate::run::{ensemble, interrupted};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// One or more run folders; the probabilities of several are averaged
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// train, valid or test
    #[arg(long, default_value = "test")]
    split: Split,
    /// Another dataset than the run's own
    #[arg(long)]
    data: Option<PathBuf>,
    /// No more than this many of each run's best checkpoints [default: all that it kept]
    #[arg(long, value_name = "N")]
    checkpoints: Option<usize>,
    /// From the views of a study to the study: max or mean
    #[arg(long, default_value = "max")]
    aggregation: Aggregation,
    /// Calibrate by temperature scaling, fitted on the validation split: one temperature for all, or one for each
    /// observation [all, observation]
    #[arg(long, value_name = "SCOPE")]
    calibrate: Option<TemperatureScope>,
    /// Choose thresholds on the validation split: youden, sensitivity=0.9, specificity=0.9 or threshold=0.5; may be
    /// given more than once
    #[arg(long, value_name = "RULE")]
    operating_point: Vec<OperatingRule>,
    /// Where the results are written, which several runs need [default: the run's folder]
    #[arg(long)]
    out: Option<PathBuf>,
    /// cpu, cuda, cuda:N, rocm, vulkan, metal or wgpu, as `chextransfer devices` lists them
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
    /// Print the evaluation as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let ensemble = ensemble(&arguments.runs, arguments.checkpoints)?;
    let config = EvaluateConfig {
        split: arguments.split,
        data: arguments.data,
        aggregation: arguments.aggregation,
        calibration: arguments.calibrate,
        operating_points: arguments.operating_point,
        out: arguments.out,
    };
    let mut progress = ProgressBar::until_interrupt()?;
    let mut observer = |event: Event| progress.show(event);
    let judgement = ensemble.judge(&config, arguments.device, &mut observer)?;
    progress.finish();
    let judgement = judgement.ok_or_else(|| interrupted("nothing was written"))?;
    match arguments.json {
        true => result_line!("{}", serde_json::to_string_pretty(&judgement)?),
        false => result_line!("{judgement}"),
    }
    Ok(())
}
