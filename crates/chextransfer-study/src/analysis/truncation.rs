//! Networks without their last blocks, against the whole ones.

use chextransfer_metrics::{Mean, NonInferiority, Undefined};
use chextransfer_models::Architecture;
use serde::Serialize;

use super::measure::{Change, Estimate, Verdict};
use super::model::{Cost, SeedRun};

/// A network and its cuts, from one start.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Truncation {
    /// The architecture.
    pub architecture: Architecture,
    /// Whether these runs start from ImageNet's weights.
    pub pretrained: bool,
    /// What the whole network costs.
    pub cost: Cost,
    /// AUC of the whole network.
    pub auc: Option<Estimate>,
    /// Runs of the whole network.
    pub runs: Vec<SeedRun>,
    /// The cuts, from the shallowest.
    pub cuts: Vec<Cut>,
}

/// One cut.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cut {
    /// The network's name.
    pub name: String,
    /// How many blocks are dropped.
    pub minus: usize,
    /// What it costs.
    pub cost: Cost,
    /// How many times fewer parameters than the whole network.
    pub times_smaller: f64,
    /// Its AUC.
    pub auc: Option<Estimate>,
    /// Its AUC minus the whole network's.
    pub change: Option<Change>,
    /// That in percent of the whole network's AUC, as the paper's Table 2 has it.
    pub change_percent: Option<f64>,
    /// Whether the AUC is significantly lower than the whole network's; `None` where that is not known.
    pub drops: Option<bool>,
    /// Whether it is worse by less than the margin, as a test of its own.
    pub non_inferiority: Option<NonInferiority>,
    /// Its runs.
    pub runs: Vec<SeedRun>,
}

impl Cut {
    /// Whether a change is a significant drop.
    pub(super) fn is_drop(change: Option<&Change>) -> Option<bool> {
        let change = change?;
        change.significant()?;
        Some(change.verdict() == Verdict::Lower)
    }
}

impl Truncation {
    /// The deepest cut before the first that drops significantly: the paper's criterion. The absence of a significant drop is
    /// no evidence of there being none; [`Advice`](super::Advice) asks for that.
    pub fn deepest_without_drop(&self) -> Option<&Cut> {
        self.cuts
            .iter()
            .take_while(|cut| cut.drops == Some(false))
            .last()
    }
}

/// The mean over families of how many times smaller the deepest cut without a significant drop is.
pub fn mean_times_smaller(truncations: &[&Truncation]) -> Mean {
    Mean::over(truncations.iter().map(|truncation| {
        let cut = truncation.deepest_without_drop();
        cut.map(|cut| cut.times_smaller)
            .ok_or(Undefined::NothingToAverage)
    }))
}
