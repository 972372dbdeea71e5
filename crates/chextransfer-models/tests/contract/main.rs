//! What every architecture promises, at every cut: one named trial each, on the CPU with small images.
//!
//! `cargo test --test contract densenet121` runs those of one architecture.
#![allow(clippy::unwrap_used)]

mod auxiliary;
mod conversions;
mod cut;
mod freezing;
mod gradients;
mod maps;
mod randomness;
mod subject;
mod tensors;
mod variants;

use std::process::ExitCode;

use chextransfer_models::Architecture;
use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    libtest_mimic::run(&Arguments::from_args(), trials()).exit_code()
}

fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for architecture in Architecture::ALL {
        for k in 0..architecture.spec().blocks().len() {
            let name = architecture.minus(k).unwrap().name();
            trials.push(trial("contract", &name, move || {
                cut::contract(architecture, k)
            }));
        }
        let name = architecture.name();
        trials.push(trial("freezing", name, move || {
            freezing::freezing(architecture)
        }));
        trials.push(trial("randomness", name, move || {
            randomness::is_for_training_alone(architecture);
        }));
        trials.push(trial("variants", name, move || variants::of(architecture)));
    }
    trials.push(trial(
        "auxiliary",
        "inception_v3",
        auxiliary::of_inception_v3,
    ));
    trials
}

/// A trial that fails when it panics.
fn trial(suite: &str, network: &str, run: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(format!("{suite}::{network}"), move || {
        run();
        Ok(())
    })
}
