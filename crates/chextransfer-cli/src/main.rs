//! `chextransfer`: arguments in, results out. Every command is a thin call into a crate; results go to standard output,
//! progress to standard error. Exit code 0 done, 1 failed, 2 wrong usage.

mod commands;
mod run;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: chextransfer_kernels::KeepingAllocator =
    chextransfer_kernels::KeepingAllocator::new();

/// Fine-tune, truncate, evaluate and explain ImageNet networks on chest X-rays.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the networks, or one network's blocks and cuts
    Models(commands::models::Arguments),
    /// List the known ImageNet checkpoints
    Weights(commands::weights::Arguments),
    /// List what this program can compute on
    Devices(commands::devices::Arguments),
    /// Make or look at datasets
    #[command(subcommand)]
    Data(commands::data::Command),
    /// Fine-tune a network into a run folder
    // In a box, since it has many more options than the others.
    Train(Box<commands::train::Arguments>),
    /// Judge one or more runs on a split
    Evaluate(commands::evaluate::Arguments),
    /// Write the probabilities of images, folders or lists of images
    Predict(commands::predict::Arguments),
    /// Hold models against the first, paired by study
    Compare(commands::compare::Arguments),
    /// Write feature maps and logits of a tensor or a picture into a file
    Extract(commands::extract::Arguments),
    /// Write a run's best network as a checkpoint that torchvision or timm loads
    Export(commands::export::Arguments),
    /// Draw Grad-CAM overlays of a run's most confident findings
    Explain(commands::explain::Arguments),
    /// Compare networks as the paper does: many runs from one file, and what came of them
    #[command(subcommand)]
    Study(commands::study::Command),
    /// Recompute every digest of a run and name what changed
    Verify(commands::verify::Arguments),
}

fn main() -> ExitCode {
    use_no_device_unasked();
    let done = match Cli::parse().command {
        Command::Models(arguments) => commands::models::run(arguments),
        Command::Weights(arguments) => commands::weights::run(arguments),
        Command::Devices(arguments) => commands::devices::run(arguments),
        Command::Data(command) => commands::data::run(command),
        Command::Train(arguments) => commands::train::run(*arguments),
        Command::Evaluate(arguments) => commands::evaluate::run(arguments),
        Command::Predict(arguments) => commands::predict::run(arguments),
        Command::Compare(arguments) => commands::compare::run(arguments),
        Command::Extract(arguments) => commands::extract::run(arguments),
        Command::Export(arguments) => commands::export::run(arguments),
        Command::Explain(arguments) => commands::explain::run(arguments),
        Command::Study(command) => return finish(commands::study::run(command)),
        Command::Verify(arguments) => commands::verify::run(arguments),
    };
    finish(done.map(|()| ExitCode::SUCCESS))
}

/// Burn loads the state of an optimiser on its default device before it goes to the run's own: the processor, instead of a
/// card that nobody asked for, or that is not there.
fn use_no_device_unasked() {
    const DEFAULT_DEVICE: &str = "BURN_DEVICE";
    if cfg!(feature = "flex") && std::env::var_os(DEFAULT_DEVICE).is_none() {
        // SAFETY: no other thread has been started yet.
        unsafe { std::env::set_var(DEFAULT_DEVICE, "flex") };
    }
}

fn finish(done: anyhow::Result<ExitCode>) -> ExitCode {
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
