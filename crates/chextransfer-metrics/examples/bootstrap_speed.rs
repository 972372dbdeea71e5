//! Times the bootstrap of a prediction table, for `tests/reference/bootstrap_speed.py` to hold against scikit-learn.
//!
//! ```text
//! cargo run --release -p chextransfer-metrics --example bootstrap_speed -- predictions.csv 1000
//! ```
//!
//! Prints the seconds that the evaluation took and then each observation's AUROC.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use chextransfer_metrics::{Bootstrap, Predictions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "expected a prediction table and a number of replicates";
    let table = Predictions::read_csv(arguments.next().ok_or(usage)?)?;
    let bootstrap = Bootstrap {
        replicates: arguments.next().ok_or(usage)?.parse()?,
        ..Bootstrap::default()
    };
    let start = Instant::now();
    let evaluation = table.evaluate(&[], &bootstrap)?;
    println!("{}", start.elapsed().as_secs_f64());
    for result in &evaluation.observations {
        println!("{} {}", result.name, result.auc.unwrap_or(f64::NAN));
    }
    Ok(())
}
