//! Fine-tunes a network on CheXpert-style chest X-rays, evaluates it and shows where it looks.
//!
//! Without arguments it makes a phantom dataset first, so nothing has to be downloaded:
//!
//! ```text
//! cargo run --release --example finetune_chexpert
//! cargo run --release --example finetune_chexpert -- --data CheXpert-v1.0-small \
//!     --architecture densenet121 --minus 1 --weights densenet121.safetensors --out runs/chexpert
//! ```
//!
//! Ctrl-C stops after a checkpoint; the same command with `--resume` goes on from there.
#![allow(clippy::print_stdout)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use chextransfer::data::phantom::{self, PhantomConfig};
use chextransfer::data::{CheXpert, Observation, Split};
use chextransfer::models::{Architecture, DeviceChoice};
use chextransfer::study::{CurvePoint, ExplainConfig, RunExplainer, training_curve};
use chextransfer::train::{Ensemble, Event, Interval, Outcome, ProgressBar, Run, TrainConfig};
use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    /// ImageNet weights: a safetensors file under torchvision's names [default: random weights]
    #[arg(long)]
    weights: Option<PathBuf>,
    /// Passes over the training images [default: 3, or 5 on the phantom dataset]
    #[arg(long)]
    epochs: Option<u64>,
    /// Side of the network's input in pixels [default: 320, or 64 on the phantom dataset]
    #[arg(long)]
    image_size: Option<u32>,
    #[arg(long, default_value_t = 16)]
    batch_size: usize,
    /// Adam's learning rate [default: 0.0001, or 0.0005 on the phantom dataset]
    #[arg(long)]
    learning_rate: Option<f64>,
    /// Training images between validations, at most an epoch
    #[arg(long, default_value_t = 8192)]
    validate_every: u64,
    /// cpu, cuda, cuda:N or wgpu (the last two with the cargo feature of that name)
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Folder for all results
    #[arg(long, default_value = "runs/finetune_chexpert")]
    out: PathBuf,
    /// Go on with the run in --out, or begin it
    #[arg(long)]
    resume: bool,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    let out = &arguments.out;
    let defaults = match arguments.data {
        Some(folder) => TrainConfig::paper(arguments.architecture, folder),
        None => TrainConfig {
            minus: 1,
            image_size: 64,
            epochs: 5,
            learning_rate: 5e-4,
            ..TrainConfig::paper(
                arguments.architecture,
                phantom_dataset(out.with_file_name("phantom-dataset"))?,
            )
        },
    };
    let rows = CheXpert::open(&defaults.data)?.split(Split::Train)?.len() as u64;
    let config = TrainConfig {
        minus: arguments.minus.unwrap_or(defaults.minus),
        weights: arguments.weights,
        image_size: arguments.image_size.unwrap_or(defaults.image_size),
        epochs: arguments.epochs.unwrap_or(defaults.epochs),
        batch_size: arguments.batch_size,
        learning_rate: arguments.learning_rate.unwrap_or(defaults.learning_rate),
        validate_every: Interval::Examples(arguments.validate_every.min(rows)),
        seed: arguments.seed,
        ..defaults
    };

    let stop = Arc::new(AtomicBool::new(false));
    let handler = stop.clone();
    ctrlc::set_handler(move || {
        // The second Ctrl-C does not wait for the current step.
        if handler.swap(true, Ordering::Relaxed) {
            std::process::exit(1);
        }
    })?;
    let mut progress = ProgressBar::new(stop);
    let mut observer = |event: Event| progress.show(event);

    let mut run = if arguments.resume {
        Run::resume(config, out, arguments.device, &mut observer)?
    } else {
        Run::begin(config, out, arguments.device, &mut observer)
            .context("add --resume to go on with a run, or choose another --out")?
    };
    if run.train(&mut observer)? == Outcome::Interrupted {
        bail!("interrupted; the same command with --resume goes on");
    }
    let ensemble = Ensemble::open(run.directory())?;
    let Some(evaluation) = ensemble.evaluate(Split::Test, arguments.device, &mut observer)? else {
        bail!("interrupted; the same command with --resume goes on");
    };

    let points: Vec<_> = run
        .directory()
        .validations()?
        .iter()
        .map(CurvePoint::from)
        .collect();
    training_curve(&points, &out.join("training_curve.svg"))?;
    let findings = &Observation::CHEXPERT_AUC;
    let explainer = RunExplainer::open(&[run.directory().clone()], ExplainConfig::default())?;
    let device = arguments.device.open()?;
    let folder = out.join("explanations");
    let Some(pictures) = explainer.surest(
        run.directory(),
        Split::Test,
        findings,
        &folder,
        &device,
        &mut observer,
    )?
    else {
        bail!(
            "interrupted; `chextransfer explain {}` goes on",
            out.display()
        );
    };
    progress.finish();

    print!("{evaluation}");
    println!(
        "\nmetrics.json, training_curve.svg, predictions and {} sheets of Grad-CAM maps lie in {}",
        pictures.len(),
        out.display()
    );
    Ok(())
}

/// Makes the phantom dataset where it is not there yet.
fn phantom_dataset(folder: PathBuf) -> Result<PathBuf> {
    if !folder.exists() {
        eprintln!("making a phantom dataset in {}", folder.display());
        let config = PhantomConfig {
            patients: 900,
            side: 96,
            ..PhantomConfig::default()
        };
        phantom::generate(&config, &folder, |_, _| ())?;
    }
    Ok(folder)
}
