//! Training on a graphics card beside PyTorch's: `run.sh` starts this program, which measures, starts PyTorch's side where
//! there is one, and writes the record of `docs/gpu.md`.
//!
//! Every measurement is a process of its own, of this program or of `pytorch.py`, that prints one line of JSON: a device
//! that runs out of memory ends a process, and peaks of memory are a process's.
#![allow(missing_docs, clippy::print_stdout)]

mod ours;
mod plan;
mod record;
mod side;

use anyhow::Result;
use chextransfer::models::{Architecture, DeviceChoice};
use chextransfer::train::Precision;
use clap::{Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

// The one of the binaries.
#[global_allocator]
static ALLOCATOR: chextransfer_kernels::KeepingAllocator =
    chextransfer_kernels::KeepingAllocator::new();

/// Observations to predict.
const CLASSES: usize = 14;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measure everything and write the record
    #[command(args_override_self = true)]
    Record(plan::Plan),
    /// Seconds of training steps
    Train(Step),
    /// Seconds of a product of square matrices
    Product(Product),
    /// A run from files, and how long the device waited for them
    Feed(Feed),
}

/// What both sides are asked to train.
#[derive(clap::Args, Clone)]
struct Step {
    #[arg(long)]
    network: Architecture,
    #[arg(long)]
    device: DeviceChoice,
    #[arg(long)]
    numbers: Numbers,
    #[arg(long)]
    batch: usize,
    #[arg(long)]
    side: usize,
    /// Steps that are not counted: compilation, the search for kernels, the first touch of memory.
    #[arg(long)]
    warm_up: usize,
    /// Steps of a round, with one wait for the device behind them.
    #[arg(long)]
    steps: usize,
    #[arg(long)]
    rounds: usize,
}

#[derive(clap::Args, Clone)]
struct Product {
    #[arg(long)]
    device: DeviceChoice,
    #[arg(long)]
    numbers: Numbers,
    /// Rows and columns of the matrices.
    #[arg(long)]
    size: usize,
    #[arg(long)]
    rounds: usize,
}

#[derive(clap::Args, Clone)]
struct Feed {
    #[arg(long)]
    network: Architecture,
    #[arg(long)]
    device: DeviceChoice,
    #[arg(long)]
    numbers: Numbers,
    #[arg(long)]
    batch: usize,
    #[arg(long)]
    side: usize,
    /// Threads that decode.
    #[arg(long)]
    threads: usize,
    /// Patients that are drawn first.
    #[arg(long)]
    patients: usize,
}

/// What matrix units compute in.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Numbers {
    Float32,
    /// Float32 with factors rounded to 11 bits: PyTorch's choice, and what Burn does on its own where a card has it.
    Tf32,
    Bfloat16,
    Float16,
}

impl Numbers {
    fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Tf32 => "tf32",
            Self::Bfloat16 => "bfloat16",
            Self::Float16 => "float16",
        }
    }

    fn precision(self) -> Precision {
        match self {
            Self::Float32 | Self::Tf32 => Precision::Float32,
            Self::Bfloat16 => Precision::Bfloat16,
            Self::Float16 => Precision::Float16,
        }
    }
}

/// What a measurement prints.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
struct Measured {
    /// Of every round.
    seconds: Vec<f64>,
    /// The most memory of the device that was reserved, or of the process where the device is the processor.
    peak_bytes: Option<u64>,
    /// The device as it calls itself, and the versions of what computed.
    made_on: String,
    /// Of a run from files.
    #[serde(default)]
    waiting: Option<f64>,
    #[serde(default)]
    images_per_second: Option<f64>,
    /// Of the loader alone, on as many threads.
    #[serde(default)]
    loaded_per_second: Option<f64>,
}

fn main() -> Result<()> {
    // Cargo's own argument asks for nothing.
    if std::env::args().nth(1).is_none_or(|word| word == "--bench") {
        return Ok(());
    }
    let measured = match Arguments::parse().task {
        Task::Record(plan) => return record::write(&plan),
        Task::Train(step) => ours::train(&step)?,
        Task::Product(product) => ours::product(&product)?,
        Task::Feed(feed) => ours::feed(&feed)?,
    };
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}
