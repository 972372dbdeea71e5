//! `data`: datasets.

mod audit;
mod counter;
mod phantom;
mod split;
mod stats;

use anyhow::Result;

use super::result_line;
pub(crate) use counter::Counter;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Make a dataset of radiographs of chests that never were, in CheXpert's layout
    Phantom(phantom::Arguments),
    /// Look for what is wrong with a dataset: leaks, duplicates, broken files, contradictions, inverted images
    Audit(audit::Arguments),
    /// Count a split's rows, patients, studies, views and labels, and measure its mean and standard deviation
    Stats(stats::Arguments),
    /// Divide a dataset by patient, and write the tables in CheXpert's columns
    Split(split::Arguments),
}

pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Phantom(arguments) => phantom::run(arguments),
        Command::Audit(arguments) => audit::run(arguments),
        Command::Stats(arguments) => stats::run(arguments),
        Command::Split(arguments) => split::run(arguments),
    }
}
