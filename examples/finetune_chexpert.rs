//! Fine-tunes a network on CheXpert-style chest X-rays, evaluates it and shows where it looks.
//!
//! Without `--data` it makes a phantom dataset first, so nothing has to be downloaded. Ctrl-C stops
//! after a checkpoint; the same command with `--resume` goes on from there.
#![allow(clippy::print_stdout)]

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use chextransfer::data::Split;
use chextransfer::data::phantom::{self, PhantomConfig};
use chextransfer::models::{Architecture, DeviceChoice};
use chextransfer::study::{explain_run, run_curve};
use chextransfer::train::{Ensemble, Event, Interval, Outcome, ProgressBar, Run, TrainConfig};
use clap::Parser;

#[global_allocator]
static ALLOCATOR: chextransfer_kernels::KeepingAllocator =
    chextransfer_kernels::KeepingAllocator::new();

const GO_ON: &str = "interrupted; the same command with --resume goes on";

#[derive(Parser)]
struct Arguments {
    /// Dataset folder with train.csv, valid.csv and test.csv [default: a phantom dataset, made once]
    #[arg(long)]
    data: Option<PathBuf>,
    /// Network, for example densenet121, resnet18, mobilenet_v2
    #[arg(long, default_value = "resnet18")]
    architecture: Architecture,
    /// Drop this many of its last blocks [default: 0, or 1 on the phantom dataset]
    #[arg(long)]
    minus: Option<usize>,
    /// ImageNet weights: a safetensors or PyTorch file [default: random weights]
    #[arg(long)]
    weights: Option<PathBuf>,
    /// Passes over the training images [default: 3, or 5 on the phantom dataset]
    #[arg(long)]
    epochs: Option<u64>,
    /// Side of the network's input in pixels [default: 320, or 64 on the phantom dataset]
    #[arg(long)]
    image_size: Option<u32>,
    /// Any other setting of `TrainConfig`: --set batch_size=8 --set schedule.kind=cosine
    #[arg(long)]
    set: Vec<String>,
    /// cpu, cuda[:N], rocm[:N], vulkan[:N], metal[:N] or wgpu[:N], each but the first with the cargo feature of its name
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
    /// Folder for all results
    #[arg(long, default_value = "runs/finetune_chexpert")]
    out: PathBuf,
    /// Go on with the run in --out, or begin it
    #[arg(long)]
    resume: bool,
}

fn main() -> std::process::ExitCode {
    let done = run(Arguments::parse());
    if let Err(error) = &done {
        eprintln!("error: {error:#}");
    }
    u8::from(done.is_err()).into()
}

fn run(given: Arguments) -> Result<()> {
    let (out, device) = (&given.out, given.device);
    let mut config = TrainConfig::paper(given.architecture, given.data.unwrap_or_default());
    if config.data.as_os_str().is_empty() {
        config.data = phantom_dataset(out.with_file_name("phantom-dataset"))?;
        (config.minus, config.image_size) = (1, 64);
        (config.epochs, config.learning_rate) = (5, 5e-4);
    }
    config.validate_every = Interval::Epochs(1);
    config.minus = given.minus.unwrap_or(config.minus);
    config.weights = given.weights;
    config.image_size = given.image_size.unwrap_or(config.image_size);
    config.epochs = given.epochs.unwrap_or(config.epochs);
    for setting in &given.set {
        config = config.with_setting(setting)?;
    }

    let mut progress = ProgressBar::until_interrupt()?;
    let mut observer = |event: Event| progress.show(event);

    let begin = if given.resume {
        Run::resume
    } else {
        Run::begin
    };
    let mut run = begin(config, out, device, &mut observer)
        .context("--resume goes on with a run, another --out begins a new one")?;
    let outcome = run.train(&mut observer)?;
    ensure!(outcome != Outcome::Interrupted, GO_ON);
    let evaluation = Ensemble::open(run.directory())?
        .evaluate(Split::Test, device, &mut observer)?
        .context(GO_ON)?;
    progress.finish();

    run_curve(run.directory())?;
    let pictures = explain_run(run.directory(), Split::Test, &device.open()?)?;
    print!("{evaluation}");
    println!(
        "\n{} overlays and all results: {}",
        pictures.len(),
        out.display()
    );
    Ok(())
}

/// Makes the phantom dataset where it is not there yet.
fn phantom_dataset(folder: PathBuf) -> Result<PathBuf> {
    if !folder.exists() {
        eprintln!("making a phantom dataset in {}", folder.display());
        let mut phantoms = PhantomConfig::default();
        (phantoms.patients, phantoms.side) = (900, 96);
        phantom::generate(&phantoms, &folder, |_, _| ())?;
    }
    Ok(folder)
}
