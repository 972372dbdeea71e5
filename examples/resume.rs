//! Stops a run in the middle, goes on with it, and shows that nothing tells it from an undisturbed one.
//!
//! `cargo run --release --example resume`
#![allow(clippy::print_stdout)]

use std::ops::ControlFlow;
use std::path::Path;

use anyhow::Result;
use chextransfer::data::phantom;
use chextransfer::models::{Architecture, DeviceChoice};
use chextransfer::train::{Event, Interval, Outcome, Run, RunDirectory, TrainConfig};

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("phantom");
    let mut phantoms = phantom::PhantomConfig::default();
    (phantoms.patients, phantoms.side) = (30, 48);
    phantom::generate(&phantoms, &data, |_, _| ())?;
    let config = TrainConfig {
        minus: 2,
        image_size: 32,
        batch_size: 4,
        epochs: 3,
        validate_every: Interval::Epochs(1),
        ..TrainConfig::paper(Architecture::ResNet18, data)
    };
    let cpu = DeviceChoice::Cpu;

    let undisturbed = folder.path().join("undisturbed");
    let mut go_on = |_: Event| ControlFlow::Continue(());
    Run::begin(config.clone(), &undisturbed, cpu, &mut go_on)?.train(&mut go_on)?;

    // `Run::resume` begins a run where there is none and goes on with one where there is, so one call is
    // right after any stop, a kill or a power cut included.
    let stopped = folder.path().join("stopped");
    let mut parts = 0;
    loop {
        parts += 1;
        let mut steps = 0;
        let mut seven_steps = |event: Event| {
            steps += u32::from(matches!(event, Event::Step { .. }));
            match steps {
                7 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        };
        let mut run = Run::resume(config.clone(), &stopped, cpu, &mut seven_steps)?;
        if run.train(&mut seven_steps)? != Outcome::Interrupted {
            break;
        }
    }

    let last = last_digests(&undisturbed)?;
    println!("undisturbed:\n{last}");
    println!("in {parts} parts:\n{}", last_digests(&stopped)?);
    anyhow::ensure!(last == last_digests(&stopped)?, "the two runs differ");
    println!("weights, optimiser and progress are the same to the bit");
    Ok(())
}

/// The SHA-256 of all that the newest checkpoint holds.
fn last_digests(folder: &Path) -> Result<String> {
    let newest = RunDirectory::open(folder)?.newest_checkpoint()?;
    Ok(std::fs::read_to_string(newest.join("SHA256SUMS"))?)
}
