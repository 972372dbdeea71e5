//! `study cell`: one cell in this process.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use chextransfer_models::DeviceChoice;
use chextransfer_study::{BUSY, Ending, INTERRUPTED, Shard, Study};
use chextransfer_train::{Event, ProgressBar};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The study's folder
    study: PathBuf,
    /// The cell's name
    cell: String,
    /// The part of the study that it is run for
    #[arg(long, default_value_t = Shard::WHOLE)]
    shard: Shard,
    /// cpu, cuda, cuda:N, rocm, vulkan, metal or wgpu, as `chextransfer devices` lists them
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let study = Study::open(&arguments.study)?;
    let mut progress = ProgressBar::until_interrupt()?;
    stop_with_standard_input(progress.stop());
    let mut observer = |event: Event| progress.show(event);
    let (shard, device) = (arguments.shard, arguments.device);
    let ending = study.run_one(&arguments.cell, shard, device, &mut observer)?;
    progress.finish();
    Ok(match ending {
        Ending::Done => ExitCode::SUCCESS,
        Ending::Interrupted => INTERRUPTED.into(),
        Ending::Busy => BUSY.into(),
    })
}

/// Stops behind a checkpoint when standard input ends, as it does when the process that started this one has ended.
fn stop_with_standard_input(stop: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        let mut byte = [0];
        while std::io::stdin().read(&mut byte).is_ok_and(|read| read > 0) {}
        stop.store(true, Ordering::Relaxed);
    });
}
