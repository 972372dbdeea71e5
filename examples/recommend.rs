//! Which network for my radiographs? The practitioner's path: begin with a network that is known to do well, look at its
//! errors, and then see how much of it can go.
//!
//! 1. Fine-tune `densenet121`, or another network by `--architecture`. Where weights are given and there are fewer training
//!    images than `--freeze-below`, its body is frozen and the classifier alone is trained.
//! 2. Draw its most confident mistakes on the test split as sheets of Grad-CAM maps: look at them before any number.
//! 3. Drop one block after the other, fine-tune each cut the same way, and recommend the smallest that is not inferior by
//!    `--margin` in mean AUROC, by the paired bootstrap on the test studies. The first cut that fails ends the search.
//!
//! ```text
//! cargo run --release --example recommend -- --data CheXpert-v1.0-small --weights densenet121.safetensors
//! cargo run --release --example recommend      # phantoms, a small network, minutes
//! ```
//!
//! The threshold of 1,000 images is a rule of thumb and not measured here: below some hundred images a classifier on
//! ImageNet's features is hard to beat, and seven million free weights learn single pictures by heart. Frozen random weights
//! are no features, so without `--weights` nothing is frozen. In doubt run both (`--freeze-below 0` trains everything).
#![allow(clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use chextransfer::data::Split;
use chextransfer::data::phantom::{self, PhantomConfig};
use chextransfer::metrics::{Bootstrap, Comparison, ComparisonConfig, Predictions};
use chextransfer::models::{Architecture, DeviceChoice};
use chextransfer::study::{ExplainConfig, RunExplainer};
use chextransfer::train::{
    Ensemble, Event, Freeze, Interval, Outcome, ProgressBar, Run, RunDirectory, TrainConfig,
};
use clap::Parser;

#[global_allocator]
static ALLOCATOR: chextransfer_kernels::KeepingAllocator =
    chextransfer_kernels::KeepingAllocator::new();

#[derive(Parser)]
struct Arguments {
    /// A folder in CheXpert's layout with train.csv, valid.csv and test.csv [default: phantoms]
    #[arg(long)]
    data: Option<PathBuf>,
    /// Network to begin with [default: densenet121, on phantoms resnet18]
    #[arg(long)]
    architecture: Option<Architecture>,
    /// Its ImageNet weights, which the cuts take as well [default: random weights]
    #[arg(long)]
    weights: Option<PathBuf>,
    /// Freeze the body of a network with given weights where there are fewer training images than this
    #[arg(long, default_value_t = 1000)]
    freeze_below: usize,
    /// Mean AUROC that a smaller network may lose
    #[arg(long, default_value_t = 0.01)]
    margin: f64,
    /// Stop at this cut at the latest [default: all blocks but the first]
    #[arg(long)]
    deepest_cut: Option<usize>,
    /// Most confident mistakes to draw of each observation
    #[arg(long, default_value_t = 8)]
    mistakes: usize,
    /// Side of the network's input in pixels [default: 320, on phantoms 64]
    #[arg(long)]
    image_size: Option<u32>,
    /// Passes over the training images [default: 3]
    #[arg(long)]
    epochs: Option<u64>,
    /// Phantom patients to make
    #[arg(long, default_value_t = 300)]
    patients: usize,
    /// Any other setting of the runs: --set learning_rate=0.0005
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// cpu, cuda[:N], rocm[:N], vulkan[:N], metal[:N] or wgpu[:N], each but the first with the cargo feature of its name
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Folder for runs and sheets; the same command goes on with what lies there
    #[arg(long, default_value = "runs/recommend")]
    out: PathBuf,
}

const GO_ON: &str = "interrupted; the same command goes on";

fn main() -> ExitCode {
    match recommend(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn recommend(arguments: &Arguments) -> Result<()> {
    let config = settings(arguments)?;
    let mut progress = ProgressBar::until_interrupt()?;

    let (whole, reference) = fine_tuned(&config, 0, arguments, &mut progress)?;
    let sheets = mistakes(&whole, arguments, &mut progress)?;
    println!("{sheets}");

    let blocks = config.architecture.spec().blocks().len();
    let deepest = arguments.deepest_cut.unwrap_or(blocks).min(blocks - 1);
    let comparison = ComparisonConfig {
        observations: config.judged().iter().map(ToString::to_string).collect(),
        bootstrap: Bootstrap {
            seed: arguments.seed,
            ..Bootstrap::default()
        },
        margin: Some(arguments.margin),
        ..ComparisonConfig::default()
    };
    let mut best = (whole, 0);
    for minus in 1..=deepest {
        let (run, table) = fine_tuned(&config, minus, arguments, &mut progress)?;
        let models = [("whole", &reference), ("cut", &table)];
        let compared = Comparison::of(&models, &comparison)?;
        let mean = &compared.against_first[0].mean;
        let network = run.provenance()?.network;
        let (Some(difference), Some([low, high])) = (mean.difference, mean.difference_ci) else {
            println!("{network}: the mean AUROC is not defined on this test split");
            break;
        };
        println!(
            "{network}: mean AUROC {difference:+.4} ({low:+.4} to {high:+.4}), {}",
            size(&config, minus)?
        );
        if !mean.non_inferiority.is_some_and(|result| result.holds) {
            println!("  not shown to be within {}", arguments.margin);
            break;
        }
        best = (run, minus);
    }
    progress.finish();
    let (run, minus) = best;
    println!(
        "\nrecommended: {}, {}: {}",
        run.provenance()?.network,
        size(&config, minus)?,
        run.root().display()
    );
    println!(
        "It was chosen on {} test studies: confirm its AUROC on others.",
        reference.rows()
    );
    Ok(())
}

/// The settings of all runs, and what is frozen.
fn settings(arguments: &Arguments) -> Result<TrainConfig> {
    let (data, architecture, side) = match &arguments.data {
        Some(data) => (data.clone(), Architecture::DenseNet121, 320),
        None => (phantoms(arguments)?, Architecture::ResNet18, 64),
    };
    let mut config = TrainConfig {
        image_size: arguments.image_size.unwrap_or(side),
        weights: arguments.weights.clone(),
        validate_every: Interval::Epochs(1),
        seed: arguments.seed,
        ..TrainConfig::paper(arguments.architecture.unwrap_or(architecture), data)
    };
    config.epochs = arguments.epochs.unwrap_or(config.epochs);
    let images = config.dataset()?.split(Split::Train)?.len();
    let is_small = images < arguments.freeze_below;
    if is_small && config.weights.is_some() {
        config.freeze = Freeze::Body;
    }
    for setting in &arguments.set {
        config = config.with_setting(setting)?;
    }
    println!(
        "{}: {images} training images, frozen: {}\n",
        config.architecture, config.freeze
    );
    Ok(config)
}

fn phantoms(arguments: &Arguments) -> Result<PathBuf> {
    let folder = arguments.out.join("phantoms");
    if !folder.exists() {
        std::fs::create_dir_all(&arguments.out)?;
        let config = PhantomConfig {
            patients: arguments.patients,
            side: 64,
            seed: arguments.seed,
            ..PhantomConfig::default()
        };
        phantom::generate(&config, &folder, |_, _| ())?;
    }
    Ok(folder)
}

/// The run of a cut, and its predictions of the test studies.
fn fine_tuned(
    config: &TrainConfig,
    minus: usize,
    arguments: &Arguments,
    progress: &mut ProgressBar,
) -> Result<(RunDirectory, Predictions)> {
    let config = TrainConfig {
        minus,
        ..config.clone()
    };
    let folder = arguments.out.join(format!("minus{minus}"));
    let mut observer = |event: Event| progress.show(event);
    let mut run = Run::resume(config, &folder, arguments.device, &mut observer)?;
    let outcome = run.train(&mut observer)?;
    ensure!(outcome != Outcome::Interrupted, GO_ON);
    let ensemble = Ensemble::open(run.directory())?;
    let evaluation = ensemble.evaluate(Split::Test, arguments.device, &mut observer)?;
    let evaluation = evaluation.context(GO_ON)?;
    progress.finish();
    if minus == 0 {
        println!("{evaluation}\n");
    }
    let directory = run.directory().clone();
    let table = Predictions::read_csv(directory.predictions_path(Split::Test))?;
    Ok((directory, table.by_study()?))
}

/// Draws the most confident mistakes, and says where.
fn mistakes(
    run: &RunDirectory,
    arguments: &Arguments,
    progress: &mut ProgressBar,
) -> Result<String> {
    let explainer = RunExplainer::open(std::slice::from_ref(run), ExplainConfig::default())?;
    let folder: &Path = &arguments.out.join("mistakes");
    let mut observer = |event: Event| progress.show(event);
    let drawn = explainer.worst(
        run,
        Split::Test,
        arguments.mistakes,
        &run.config()?.judged(),
        folder,
        &arguments.device.open()?,
        &mut observer,
    )?;
    let (mistakes, sheets) = drawn.context(GO_ON)?;
    progress.finish();
    let mut text = format!(
        "the most confident mistakes, {} on {} sheets in {}",
        mistakes.len(),
        sheets.len(),
        folder.display()
    );
    for mistake in mistakes.iter().filter(|mistake| mistake.rank == 1) {
        text += &format!(
            "\n  {}: {:.0} % for {}, labelled {}",
            mistake.observation,
            mistake.probability * 100.0,
            mistake.path,
            if mistake.label {
                "positive"
            } else {
                "negative"
            }
        );
    }
    Ok(text + "\n")
}

/// Parameters and multiply-accumulates of a cut, and how many times fewer than the whole network's.
fn size(config: &TrainConfig, minus: usize) -> Result<String> {
    let side = [config.image_size as usize; 2];
    let of = |minus| -> Result<(usize, u64)> {
        let config = TrainConfig {
            minus,
            ..config.clone()
        };
        let network = config.network()?;
        Ok((network.parameters(), network.macs(side)?))
    };
    let ((parameters, macs), (all, most)) = (of(minus)?, of(0)?);
    Ok(format!(
        "{parameters} parameters ({:.1} times fewer), {} MMACs ({:.1} times fewer)",
        all as f64 / parameters as f64,
        macs / 1_000_000,
        most as f64 / macs as f64
    ))
}
