//! `data phantom`: a made-up dataset.

use std::path::PathBuf;

use anyhow::Result;
use chextransfer_data::phantom::{self, Difficulty, PhantomConfig, SplitFractions};

use super::counter::Counter;
use super::result_line;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many patients; there are about 1.7 pictures a patient
    #[arg(long, default_value_t = PhantomConfig::default().patients)]
    patients: usize,
    /// The same seed makes the same pictures
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Shorter side of the pictures in pixels
    #[arg(long, default_value_t = PhantomConfig::default().side)]
    side: u32,
    /// easy, medium or hard: how well findings show; labels are the same
    #[arg(long, default_value_t = Difficulty::default())]
    difficulty: Difficulty,
    /// Shares of the patients in train, valid and test; a split of share 0 is left out
    #[arg(long, default_value = "0.7,0.1,0.2", value_name = "TRAIN,VALID,TEST")]
    splits: SplitFractions,
    /// The dataset's folder; it must not hold anything yet
    out: PathBuf,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let Arguments {
        patients,
        seed,
        side,
        difficulty,
        splits,
        out,
    } = arguments;
    let config = PhantomConfig {
        patients,
        seed,
        side,
        splits,
        difficulty,
    };
    let counter = Counter::new("patients");
    let summary = phantom::generate(&config, &out, |done, of| counter.set(done, of))?;
    counter.finish();
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
