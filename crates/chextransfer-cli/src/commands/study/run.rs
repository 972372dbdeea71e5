//! `study run`: everything that is not done yet.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use chextransfer_models::DeviceChoice;
use chextransfer_study::{Notice, RunOptions, Shard, Study};
use chextransfer_train::ProgressBar;

use super::result_line;
use crate::commands::data::Counter;
use crate::run::interrupted;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The study's folder
    study: PathBuf,
    /// Cells that run at a time, each in a process of its own [default: one a device]
    #[arg(long)]
    jobs: Option<usize>,
    /// Only cells with this in their name, for example resnet18 or .random.; may be repeated
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// One of COUNT parts of the study, counted from 0, for machines that share the study's folder
    #[arg(long, value_name = "INDEX/COUNT", default_value_t = Shard::WHOLE)]
    shard: Shard,
    /// Try failed cells again
    #[arg(long)]
    retry_failed: bool,
    /// cpu, cuda, cuda:N, rocm, vulkan, metal or wgpu, as `chextransfer devices` lists them; several, such as cuda:0,cuda:1, are given to the cells in turn
    #[arg(long, default_value = "cpu", value_delimiter = ',')]
    device: Vec<DeviceChoice>,
}

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let study = Study::open(&arguments.study)?;
    let jobs = arguments.jobs.unwrap_or(arguments.device.len());
    if jobs == 0 {
        bail!("--jobs: found 0, expected at least 1");
    }
    let options = RunOptions {
        program: std::env::current_exe().context("cannot find this program")?,
        devices: arguments.device,
        jobs,
        only: arguments.only,
        shard: arguments.shard,
        retry_failed: arguments.retry_failed,
    };
    // For its handler of signals alone: the cells' processes show their own progress.
    let stop = ProgressBar::until_interrupt()?.stop();
    let counter = Counter::new("phantom patients");
    let tell = |notice: Notice| match notice {
        Notice::Making { done, of } => {
            counter.set(done, of);
            if done == of {
                counter.finish();
            }
        }
        Notice::Started { id, number, of } => eprintln!("{number} of {of}: {id}"),
        Notice::Finished { id } => eprintln!("{id}: done"),
        Notice::Failed { id, error } => eprintln!("{id}: failed: {error}"),
        Notice::Busy { id } => eprintln!("{id}: another process works on it"),
        Notice::Measured {
            id,
            images_per_second,
        } => eprintln!("{id}: {images_per_second:.1} images a second in inference"),
        _ => {}
    };
    let summary = study.run(&options, &stop, &tell)?;
    if summary.interrupted {
        return Err(interrupted("the same command goes on"));
    }
    result_line!(
        "{} of {} cells done, {} of them now; {} failed, {} in work elsewhere",
        summary.done_before + summary.done,
        summary.asked,
        summary.done,
        summary.failed.len(),
        summary.busy.len()
    );
    for (id, error) in &summary.failed {
        result_line!("{id} failed: {error}");
    }
    if summary.failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("--retry-failed tries failed cells again");
    Ok(ExitCode::FAILURE)
}
