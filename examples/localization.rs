//! Do maps of truncated networks find findings better? Measured on phantom radiographs, whose findings have masks.
//!
//! Without runs it makes a phantom dataset, and fine-tunes ResNet-18 whole and without its last one to three blocks, from
//! random weights, in some minutes:
//!
//! ```text
//! cargo run --release --example localization
//! cargo run --release --example localization -- runs/whole runs/minus1
//! ```
//!
//! Finished runs must be of one dataset of `chextransfer data phantom`. The threshold of IoU is chosen for each observation
//! and network on the validation split, and everything is measured on the test split: hit rate, IoU and energy with
//! intervals over studies, each network minus the first on the same replicates. What comes out is printed, whichever way
//! it falls.
#![allow(clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use chextransfer::data::phantom::{self, PhantomConfig};
use chextransfer::data::{Observation, Split};
use chextransfer::explain::{
    IouThresholds, LocalizationMetric, LocalizationTable, LocalizedFinding, Method,
};
use chextransfer::metrics::Bootstrap;
use chextransfer::models::{Architecture, DeviceChoice};
use chextransfer::study::{ExplainConfig, MaskSource, RunExplainer, Subject};
use chextransfer::train::{Ensemble, Event, Outcome, ProgressBar, Run, RunDirectory, TrainConfig};
use clap::Parser;

#[global_allocator]
static ALLOCATOR: chextransfer_kernels::KeepingAllocator =
    chextransfer_kernels::KeepingAllocator::new();

#[derive(Parser)]
struct Arguments {
    /// Finished runs on one phantom dataset, the one to compare with first [default: trained now]
    runs: Vec<PathBuf>,
    /// Network to train
    #[arg(long, default_value = "resnet18")]
    architecture: Architecture,
    /// Train it whole and without one to this many of its last blocks
    #[arg(long, default_value_t = 3)]
    deepest_cut: usize,
    /// Phantom patients to make
    #[arg(long, default_value_t = 900)]
    patients: usize,
    /// Side of the network's input in pixels
    #[arg(long, default_value_t = 96)]
    image_size: u32,
    /// Passes over the training images
    #[arg(long, default_value_t = 6)]
    epochs: u64,
    /// Adam's learning rate
    #[arg(long, default_value_t = 5e-4)]
    learning_rate: f64,
    /// grad-cam, grad-cam++, hires-cam, layer-cam, eigen-cam or cam
    #[arg(long, default_value = "grad-cam")]
    method: Method,
    /// cpu, cuda[:N], rocm[:N], vulkan[:N], metal[:N] or wgpu[:N], each but the first with the cargo feature of its name
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Folder for dataset, runs and localization.csv
    #[arg(long, default_value = "runs/localization")]
    out: PathBuf,
}

/// Those of the CheXpert AUC that are somewhere in the picture.
const OBSERVATIONS: [Observation; 5] = [
    Observation::Atelectasis,
    Observation::Cardiomegaly,
    Observation::Consolidation,
    Observation::Edema,
    Observation::PleuralEffusion,
];

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let mut progress = ProgressBar::until_interrupt()?;
    let runs = match &arguments.runs[..] {
        [] => trained(arguments, &mut progress)?,
        finished => finished
            .iter()
            .map(RunDirectory::open)
            .collect::<Result<_, _>>()?,
    };
    let config = ExplainConfig {
        method: arguments.method,
        ..ExplainConfig::default()
    };
    let explainer = RunExplainer::open(&runs, config)?;
    let data = runs[0].config()?.dataset()?;
    let device = arguments.device.open()?;
    let mut findings = |split| -> Result<Vec<LocalizedFinding>> {
        let subjects = Subject::of_records(&data.split(split)?);
        let mut observer = |event: Event| progress.show(event);
        explainer
            .localize(
                &subjects,
                split,
                &OBSERVATIONS,
                &MaskSource::Beside,
                &device,
                &mut observer,
            )?
            .context("interrupted")
    };
    let thresholds = IouThresholds::best(&findings(Split::Valid)?);
    let tested = findings(Split::Test)?;
    progress.finish();
    let bootstrap = Bootstrap {
        seed: arguments.seed,
        ..Bootstrap::default()
    };
    let table = LocalizationTable::new(
        explainer.columns().to_vec(),
        &tested,
        &thresholds,
        &bootstrap,
    )?;
    println!("{table}\n");
    for metric in LocalizationMetric::ALL {
        verdict(&table, metric);
    }
    println!(
        "\nin {}",
        explainer
            .write_localization(&table, &arguments.out)?
            .display()
    );
    Ok(())
}

/// Whether a truncated network's mean over observations is told apart from the first network's.
fn verdict(table: &LocalizationTable, metric: LocalizationMetric) {
    let Some((_, cells)) = table.metric(metric).last() else {
        return;
    };
    for (network, cell) in table.networks.iter().zip(cells) {
        let Some(difference) = &cell.difference else {
            continue;
        };
        let finding = match difference.interval {
            Some([low, _]) if low > 0.0 => "better than",
            Some([_, high]) if high < 0.0 => "worse than",
            _ => "not told apart from",
        };
        println!(
            "{}: {network} is {finding} {} by {difference}",
            metric.name(),
            table.networks[0]
        );
    }
}

/// A run for each cut, with its AUROC on the test split: a map of a network that knows nothing is worth nothing.
fn trained(arguments: &Arguments, progress: &mut ProgressBar) -> Result<Vec<RunDirectory>> {
    let data = arguments.out.join("phantom");
    if !data.exists() {
        eprintln!("making a phantom dataset in {}", data.display());
        let config = PhantomConfig {
            patients: arguments.patients,
            side: 2 * arguments.image_size,
            seed: arguments.seed,
            ..PhantomConfig::default()
        };
        phantom::generate(&config, &data, |_, _| ())?;
    }
    let mut runs = Vec::new();
    for minus in 0..=arguments.deepest_cut {
        let config = TrainConfig {
            minus,
            image_size: arguments.image_size,
            epochs: arguments.epochs,
            learning_rate: arguments.learning_rate,
            seed: arguments.seed,
            keep_best: 1,
            ..TrainConfig::paper(arguments.architecture, &data)
        };
        let out = arguments.out.join(config.network()?.name());
        runs.push(one_run(config, &out, arguments.device, progress)?);
    }
    Ok(runs)
}

/// Begins the run, or goes on with it.
fn one_run(
    config: TrainConfig,
    out: &Path,
    device: DeviceChoice,
    progress: &mut ProgressBar,
) -> Result<RunDirectory> {
    let name = config.network()?.name();
    let mut observer = |event: Event| progress.show(event);
    let mut run = match RunDirectory::is_begun(out) {
        true => Run::resume(config, out, device, &mut observer)?,
        false => Run::begin(config, out, device, &mut observer)?,
    };
    let done = run.train(&mut observer)? != Outcome::Interrupted;
    let evaluation = match done {
        true => Ensemble::open(run.directory())?.evaluate(Split::Test, device, &mut observer)?,
        false => None,
    };
    let Some(evaluation) = evaluation else {
        bail!("interrupted; the same command goes on")
    };
    progress.finish();
    let auc = evaluation
        .mean_auc
        .map_or("undefined".to_owned(), |auc| format!("{auc:.3}"));
    println!("{name}: CheXpert AUC on the test split {auc}");
    Ok(run.directory().clone())
}
