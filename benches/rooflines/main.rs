//! How close the operations of a network of each family come to what the machine can do, as a table for `docs/rooflines.md`.
//!
//! `cargo bench --workspace --bench rooflines -- table [NETWORK ...]`
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

#[allow(dead_code, reason = "operations make their own noise")]
#[path = "../common/mod.rs"]
mod common;
mod machine;
mod operation;

use chextransfer_models::Architecture;
use common::{BATCH, CLASSES, SIDE};
use machine::Machine;
use operation::{Operation, operations};

/// Operations of a network that are listed.
const LISTED: usize = 5;

/// A network of each family.
const NETWORKS: [Architecture; 6] = [
    Architecture::DenseNet121,
    Architecture::ResNet50,
    Architecture::InceptionV3,
    Architecture::MnasNet1_0,
    Architecture::EfficientNetB0,
    Architecture::MobileNetV2,
];

fn main() {
    // Anything else, such as cargo's own arguments, asks for nothing.
    let words = std::env::args().skip_while(|word| word != "table").skip(1);
    let asked: Vec<Architecture> = (words.filter(|word| !word.starts_with("--")))
        .map(|word| word.parse().unwrap())
        .collect();
    if !std::env::args().any(|word| word == "table") {
        return;
    }
    let networks = if asked.is_empty() {
        &NETWORKS[..]
    } else {
        &asked
    };
    let threads = std::thread::available_parallelism().unwrap().get();
    let machine = Machine::measure(threads);
    println!(
        "{threads} threads, batch {BATCH} at {SIDE}x{SIDE}: at best {:.0} GMAC/s and {:.1} GB/s read and written.",
        machine.macs / 1e9,
        machine.bytes / 1e9
    );
    for training in [false, true] {
        println!(
            "\n### {}\n",
            if training { "Training" } else { "Inference" }
        );
        println!(
            "| network | operation | layers | share of all operations | bound by | of the roofline |"
        );
        println!("| --- | --- | --- | --- | --- | --- |");
        for architecture in networks {
            let spec = architecture.spec().with_classes(CLASSES).unwrap();
            print(architecture.name(), &operations(&spec, training, &machine));
        }
    }
}

fn print(network: &str, operations: &[Operation]) {
    let sum = |part: fn(&Operation) -> f64| operations.iter().map(part).sum::<f64>();
    let seconds = sum(|operation| operation.seconds);
    let row = |name: &str, layers: usize, time: f64, bound: &str, least: f64| {
        let share = 100.0 * time / seconds;
        let close = 100.0 * least / time;
        println!("| {network} | {name} | {layers} | {share:.0} % | {bound} | {close:.0} % |");
    };
    for operation in operations.iter().take(LISTED) {
        let bound = if operation.is_bound_by_memory {
            "memory"
        } else {
            "arithmetic"
        };
        row(
            &operation.name,
            operation.layers,
            operation.seconds,
            bound,
            operation.least,
        );
    }
    let layers = operations.iter().map(|operation| operation.layers).sum();
    row("all", layers, seconds, "", sum(|operation| operation.least));
}
