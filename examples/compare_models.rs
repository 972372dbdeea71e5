//! Compares two models on the same studies: which ranks better, by how much, and could it be chance?
//!
//! ```text
//! cargo run --release --example compare_models
//! cargo run --release --example compare_models -- folder
//! ```
//!
//! It makes both prediction files itself, in the folder given or in one that goes away again.
#![allow(clippy::print_stdout)]

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::{env, fs};

use anyhow::Result;
use chextransfer::metrics::{Comparison, ComparisonConfig, Predictions};

fn main() -> Result<()> {
    let temporary = tempfile::tempdir()?;
    let folder = env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| temporary.path().to_owned());
    fs::create_dir_all(&folder)?;
    let [whole, truncated] = ["densenet121.csv", "densenet121-minus1.csv"];
    fs::write(folder.join(whole), made_up_predictions(whole, 0.60))?;
    fs::write(folder.join(truncated), made_up_predictions(truncated, 0.59))?;

    // From here on as with the files of `chextransfer evaluate`, which have a row for each image.
    let first = Predictions::read_csv(folder.join(whole))?.by_study()?;
    let second = Predictions::read_csv(folder.join(truncated))?.by_study()?;
    let config = ComparisonConfig {
        margin: Some(0.05), // worse by less than this would do
        ..ComparisonConfig::default()
    };
    let comparison = Comparison::of(&[(whole, &first), (truncated, &second)], &config)?;
    println!("{comparison}");

    // The numbers behind the table, for a program to decide by.
    let mean = &comparison.against_first[0].mean;
    if mean.non_inferiority.is_some_and(|test| test.holds) {
        println!("{truncated} can stand in for {whole}");
    }
    Ok(())
}

/// 500 studies with two images each, as a CSV table: path and study, probabilities, and the labels that they are judged by.
/// Nobody has a fracture, as in CheXpert's validation set.
fn made_up_predictions(model: &str, skill: f64) -> String {
    let mut csv = "Path,Study,Atelectasis,Edema,Fracture,".to_owned();
    csv += "Atelectasis label,Edema label,Fracture label\n";
    for image in 0..1000 {
        let study = image / 2;
        let labels =
            [30, 20, 0].map(|percent| 100.0 * noise((study, percent)) < f64::from(percent));
        let probabilities = [0, 1, 2].map(|observation| {
            // Half of what models see wrongly they see wrongly together.
            let wrong = noise((image, observation, "")) + noise((image, observation, model));
            (wrong + skill * f64::from(u8::from(labels[observation]))) / (2.0 + skill)
        });
        let labels = labels.map(u8::from);
        csv += &format!(
            "image{image},study{study},{},{},{}",
            probabilities[0], probabilities[1], probabilities[2]
        );
        csv += &format!(",{},{},{}\n", labels[0], labels[1], labels[2]);
    }
    csv
}

/// A number from 0 to 1 that looks random and is always the same.
fn noise(of: impl Hash) -> f64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish() as f64 / u64::MAX as f64
}
