//! `data`: datasets.

use std::path::PathBuf;

use anyhow::Result;
use chextransfer_data::phantom::{self, PhantomConfig};

use super::result_line;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Make a dataset of radiographs of chests that never were, in CheXpert's layout
    Phantom(Phantom),
}

#[derive(clap::Args)]
pub(crate) struct Phantom {
    /// How many patients; there are about 1.7 pictures a patient
    #[arg(long, default_value_t = PhantomConfig::default().patients)]
    patients: usize,
    /// The same seed makes the same pictures
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Shorter side of the pictures in pixels
    #[arg(long, default_value_t = PhantomConfig::default().side)]
    side: u32,
    /// The dataset's folder; it must not hold anything yet
    out: PathBuf,
}

pub(crate) fn run(Command::Phantom(arguments): Command) -> Result<()> {
    let Phantom {
        patients,
        seed,
        side,
        out,
    } = arguments;
    let config = PhantomConfig {
        patients,
        seed,
        side,
        ..PhantomConfig::default()
    };
    let bar = indicatif::ProgressBar::new(patients as u64);
    let summary = phantom::generate(&config, &out, |done, _| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    result_line!(
        "{} patients, {} studies, {} images and {} masks in {}",
        summary.patients,
        summary.studies,
        summary.images,
        summary.masks,
        out.display()
    );
    Ok(())
}
