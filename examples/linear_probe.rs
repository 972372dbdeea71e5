//! A linear probe, and then the last block thawed: two cheap kinds of fine-tuning, side by side.
//!
//! `cargo run --release --example linear_probe`, or with `-- --data FOLDER --weights FILE` on radiographs of
//! one's own with ImageNet weights, where a probe is worth most.
#![allow(clippy::print_stdout)]

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chextransfer::data::{Split, phantom};
use chextransfer::models::{Architecture, DeviceChoice};
use chextransfer::train::{
    Ensemble, Event, Freeze, Interval, ProgressBar, Run, Schedule, TrainConfig,
};
use clap::Parser;

#[derive(Parser)]
struct Arguments {
    /// Dataset folder with train.csv, valid.csv and test.csv [default: a small phantom dataset]
    #[arg(long)]
    data: Option<PathBuf>,
    /// ImageNet weights of a ResNet-18 without its last block [default: random weights]
    #[arg(long)]
    weights: Option<PathBuf>,
    #[arg(long, default_value_t = 64)]
    image_size: u32,
    #[arg(long, default_value_t = 2)]
    epochs: u64,
    /// Folder for the runs
    #[arg(long, default_value = "runs/linear_probe")]
    out: PathBuf,
}

fn main() -> Result<()> {
    let given = Arguments::parse();
    let data = match given.data {
        Some(data) => data,
        None => small_phantom_dataset(&given.out.with_file_name("small-phantom-dataset"))?,
    };
    let mut progress = ProgressBar::until_interrupt()?;
    let mut observer = |event: Event| progress.show(event);
    for (name, freeze, learning_rate) in [
        // Nothing but the classifier learns, so it may learn fast.
        ("probe", Freeze::Body, 1e-2),
        // Every epoch one block more learns, slower the farther it is from the classifier.
        ("gradual", Freeze::Gradual(1), 1e-3),
    ] {
        let config = TrainConfig {
            minus: 1,
            weights: given.weights.clone(),
            image_size: given.image_size,
            epochs: given.epochs,
            freeze,
            learning_rate,
            layer_decay: 0.5,
            schedule: Schedule::Cosine { floor: 0.0 },
            warm_up: Some(Interval::Steps(10)),
            validate_every: Interval::Epochs(1),
            ..TrainConfig::paper(Architecture::ResNet18, &data)
        };
        let mut run = Run::begin(
            config,
            &given.out.join(name),
            DeviceChoice::Cpu,
            &mut observer,
        )?;
        run.train(&mut observer)?;
        let evaluation = Ensemble::open(run.directory())?
            .evaluate(Split::Test, DeviceChoice::Cpu, &mut observer)?
            .context("interrupted")?;
        println!("{name}:\n{evaluation}");
    }
    Ok(())
}

fn small_phantom_dataset(folder: &Path) -> Result<PathBuf> {
    if !folder.exists() {
        let mut config = phantom::PhantomConfig::default();
        (config.patients, config.side) = (60, 64);
        phantom::generate(&config, folder, |_, _| ())?;
    }
    Ok(folder.to_owned())
}
