//! How fast a network trains on this machine's CPU, and how much memory it needs, for growing batches.
//!
//! ```text
//! cargo run --release --example batch_size
//! cargo run --release --example batch_size -- densenet121 --image 224 --batches 4,8,16 --gigabytes 8
//! ```
//!
//! `--gradient-checkpointing` computes cheap activations again instead of keeping them.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use anyhow::Result;
use chextransfer::models::{Architecture, DeviceChoice};
use chextransfer::train::{BatchSizeSearch, find_batch_size};
use clap::Parser;

// Large blocks are kept between steps instead of being returned to the system each time.
#[global_allocator]
static ALLOCATOR: chextransfer_kernels::KeepingAllocator =
    chextransfer_kernels::KeepingAllocator::new();

#[derive(Parser)]
struct Arguments {
    #[arg(default_value = "mobilenet_v2")]
    architecture: Architecture,
    /// Height and width of an image.
    #[arg(long, default_value_t = 64)]
    image: usize,
    /// Batch sizes, growing.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 4, 8])]
    batches: Vec<usize>,
    /// Steps that are timed for each.
    #[arg(long, default_value_t = 2)]
    steps: usize,
    /// Resident memory that no batch may need.
    #[arg(long, default_value_t = 4.0)]
    gigabytes: f64,
    #[arg(long)]
    gradient_checkpointing: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let spec = arguments.architecture.spec().with_classes(14)?;
    let search = BatchSizeSearch {
        image: [arguments.image; 2],
        batches: arguments.batches,
        steps: arguments.steps,
        memory_limit: (arguments.gigabytes * 1e9) as u64,
        gradient_checkpointing: arguments.gradient_checkpointing,
    };
    let report = find_batch_size(&spec, &search, DeviceChoice::Cpu, |trial| {
        eprintln!("batch {} done", trial.batch);
    })?;
    print!("{report}");
    if let Some(fastest) = report.fastest() {
        println!("fastest: batch {}", fastest.batch);
    }
    Ok(())
}
