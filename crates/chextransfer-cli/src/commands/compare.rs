//! `compare`: models on the same studies, each against the first.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chextransfer_data::{Observation, Split};
use chextransfer_metrics::{
    Adjustment, Bootstrap, Comparison, ComparisonConfig, IntervalMethod, Metric, Predictions, Unit,
};
use chextransfer_train::RunDirectory;
use serde_json::{Value, json};

use super::result_line;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Two or more run folders or prediction tables (CSV); each is held against the first
    #[arg(required = true, num_args = 2..)]
    models: Vec<PathBuf>,
    /// Of run folders, the split to compare on, which must have been evaluated: train, valid or test
    #[arg(long, default_value = "test")]
    split: Split,
    /// The models' tables have no labels, as CheXpert's leaderboard takes them; this CSV has, by study
    #[arg(long, value_name = "CSV")]
    ground_truth: Option<PathBuf>,
    /// Names separated by commas, or `all` [default: those of the CheXpert AUC]
    #[arg(long, value_delimiter = ',')]
    observations: Vec<String>,
    /// auroc, average-precision, brier or calibration-error
    #[arg(long, default_value = "auroc")]
    metric: Metric,
    /// A model worse than the first by less than this is not inferior
    #[arg(long)]
    margin: Option<f64>,
    /// Bootstrap replicates
    #[arg(long, default_value_t = 1000)]
    replicates: usize,
    /// What a replicate draws: image, study or patient; all but images are scored by study
    #[arg(long, default_value = "study")]
    unit: Unit,
    /// Keep the numbers of positives and negatives of this observation in every replicate
    #[arg(long, value_name = "OBSERVATION")]
    stratify: Option<String>,
    /// percentile, basic or bca
    #[arg(long, default_value = "percentile")]
    interval: IntervalMethod,
    /// Share of the replicates inside an interval
    #[arg(long, default_value_t = 0.95)]
    confidence: f64,
    /// Add a permutation test with so many permutations
    #[arg(long, default_value_t = 0)]
    permutations: usize,
    /// How p-values are adjusted for their number: holm or benjamini-hochberg
    #[arg(long, default_value = "holm")]
    adjust: Adjustment,
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print the comparison as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let mut tables = Vec::with_capacity(arguments.models.len());
    for model in &arguments.models {
        let table = arguments.read(model);
        let table = table.with_context(|| format!("cannot compare {}", model.display()))?;
        tables.push((model.display().to_string(), table));
    }
    warn_of_label_problems(&arguments.models, arguments.split);
    let models: Vec<_> = tables
        .iter()
        .map(|(name, table)| (name.as_str(), table))
        .collect();
    let comparison = Comparison::of(&models, &arguments.config())?;
    if arguments.json {
        result_line!("{}", serde_json::to_string_pretty(&comparison)?);
    } else {
        result_line!("{comparison}");
    }
    Ok(())
}

/// Two networks may learn from other targets and be judged on the same: that is allowed, and should be known.
fn warn_of_label_problems(models: &[PathBuf], split: Split) {
    let problems: Vec<_> = models
        .iter()
        .filter_map(|model| Some((model, label_problems(model, split)?)))
        .collect();
    let Some(((first, expected), others)) = problems.split_first() else {
        return;
    };
    for (other, found) in others.iter().filter(|(_, found)| found != expected) {
        eprintln!(
            "warning: {} and {} were trained on different label problems: {} and {}",
            first.display(),
            other.display(),
            json!(expected),
            json!(found)
        );
    }
}

/// The label problems of the runs behind a run's or a table's predictions; `None` where nothing tells them.
fn label_problems(model: &Path, split: Split) -> Option<Vec<Value>> {
    let table = match model.is_dir() {
        true => &RunDirectory::open(model).ok()?.predictions_path(split),
        false => model,
    };
    let sidecar = std::fs::read(table.with_extension("json")).ok()?;
    let sidecar: Value = serde_json::from_slice(&sidecar).ok()?;
    let runs = sidecar["runs"].as_array()?.iter();
    let mut problems = Vec::new();
    for problem in runs.map(|run| run["labels"].clone()) {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    Some(problems)
}

impl Arguments {
    fn read(&self, model: &Path) -> Result<Predictions> {
        let table = if model.is_dir() {
            let file = RunDirectory::open(model)?.predictions_path(self.split);
            let split = self.split;
            Predictions::read_csv(file).with_context(|| {
                format!("it must have been evaluated: chextransfer evaluate --split {split}")
            })?
        } else if let Some(labels) = &self.ground_truth {
            Predictions::read_leaderboard(model, labels)?
        } else {
            Predictions::read_csv(model)?
        };
        match self.unit {
            Unit::Image => Ok(table),
            Unit::Study | Unit::Patient => Ok(table.by_study()?),
        }
    }

    fn config(&self) -> ComparisonConfig {
        let observations = match &self.observations[..] {
            [] => Observation::CHEXPERT_AUC
                .map(|observation| observation.name().to_owned())
                .to_vec(),
            [all] if all == "all" => Vec::new(),
            chosen => chosen.to_vec(),
        };
        ComparisonConfig {
            observations,
            metric: self.metric,
            bootstrap: Bootstrap {
                replicates: self.replicates,
                confidence: self.confidence,
                seed: self.seed,
                unit: self.unit,
                method: self.interval,
                stratify: self.stratify.clone(),
            },
            permutations: self.permutations,
            margin: self.margin,
            adjustment: self.adjust,
        }
    }
}
